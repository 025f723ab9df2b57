//! Why the HPA controller does not do its work: asked only where an HPA shows that.

use k8s_openapi::api::admissionregistration::v1::{
    MutatingWebhookConfiguration, ServiceReference as WebhookService, ValidatingWebhookConfiguration,
};
use k8s_openapi::api::coordination::v1;
use k8s_openapi::api::rbac::v1::{ClusterRole, ClusterRoleBinding};
use kube::Api;
use kube::api::ListParams;

use super::budget::Budget;
use super::fact;
use crate::cluster::{Ask, Cluster, Error, convert};
use crate::facts::{ClusterFacts, Fact, HpaController, HpaFacts, Lease, ServiceReference, Webhook};
use crate::hpa::overdue::{self, PATIENCE_SECONDS};
use crate::hpa::replicas;

/// The role of the HPA controller, and its binding.
const ROLE: &str = "system:controller:horizontal-pod-autoscaler";
/// The lease of leader election, and its namespace.
const LEASE: (&str, &str) = ("kube-system", "kube-controller-manager");
/// Lease, role and binding.
const CONTROLLER_COST: usize = 3;
/// Both kinds of configurations.
const WEBHOOKS_COST: usize = 2;

/// Adds what is known of the controller and of the webhooks that it meets.
pub(super) async fn read(cluster: &Cluster, hpas: &[HpaFacts], facts: &mut ClusterFacts, budget: &Budget) {
    let version = facts.version.known().map(String::as_str);
    let controls = replicas::Controller::defaults(version);
    let api = &facts.resource_metrics_api;
    let overdue = |it: &HpaFacts| !overdue::signs(it, api, &controls, chrono::Utc::now()).is_empty();
    if hpas.iter().any(|it| is_left_alone(it) || overdue(it)) && budget.left(cluster) >= CONTROLLER_COST {
        facts.hpa_controller = Fact::Known(controller(cluster).await);
    }
    let named = |name: &str| {
        hpas.iter()
            .any(|facts| texts(facts).any(|text| text.contains(name)))
    };
    if named("webhook \"") && budget.left(cluster) >= WEBHOOKS_COST {
        facts.webhooks = webhooks(cluster, named).await;
    }
}

/// Whether no sync has seen the HPA, or its newest spec, for longer than that takes.
fn is_left_alone(facts: &HpaFacts) -> bool {
    let hpa = &facts.hpa;
    let since = if hpa.conditions.is_empty() {
        hpa.created_at
    } else if hpa
        .observed_generation
        .is_some_and(|seen| hpa.generation > Some(seen))
    {
        hpa.spec_changed_at
    } else {
        None
    };
    since.is_some_and(|since| (chrono::Utc::now() - since).num_seconds() >= PATIENCE_SECONDS)
}

/// What the API server said to the controller.
fn texts(facts: &HpaFacts) -> impl Iterator<Item = &str> {
    let conditions = facts.hpa.conditions.iter();
    let events = facts.events.known().into_iter().flatten();
    conditions
        .filter(|condition| condition.status == "False")
        .map(|condition| condition.message.as_str())
        .chain(
            events
                .filter(|event| event.reason == "FailedUpdateStatus")
                .map(|event| event.message.as_str()),
        )
}

async fn controller(cluster: &Cluster) -> HpaController {
    let (lease, role, bound) = tokio::join!(lease(cluster), role(cluster), bound(cluster));
    HpaController { lease, role, bound }
}

async fn lease(cluster: &Cluster) -> Fact<Lease> {
    let (namespace, name) = LEASE;
    let ask = Ask::object("get", "leases.coordination.k8s.io", namespace, name);
    let api: Api<v1::Lease> = Api::namespaced(cluster.client.clone(), namespace);
    let object = cluster.ask(ask, api.get(name)).await;
    fact(
        &ask,
        object.map(|object| {
            let spec = object.spec.unwrap_or_default();
            Lease {
                holder: spec.holder_identity.unwrap_or_default(),
                renewed_at: spec.renew_time.and_then(|time| convert::instant(time.0)),
            }
        }),
    )
}

async fn role(cluster: &Cluster) -> Fact<bool> {
    let ask = Ask::cluster_scoped("clusterroles.rbac.authorization.k8s.io", ROLE);
    let api: Api<ClusterRole> = Api::all(cluster.client.clone());
    let object = cluster.ask(ask, api.get_metadata(ROLE)).await;
    fact(&ask, object.map(|_| true))
}

async fn bound(cluster: &Cluster) -> Fact<Vec<String>> {
    let ask = Ask::cluster_scoped("clusterrolebindings.rbac.authorization.k8s.io", ROLE);
    let api: Api<ClusterRoleBinding> = Api::all(cluster.client.clone());
    let object = cluster.ask(ask, api.get(ROLE)).await;
    fact(
        &ask,
        object.map(|object| {
            let subjects = object.subjects.into_iter().flatten();
            subjects
                .map(|subject| match subject.namespace {
                    Some(namespace) => format!("{} {namespace}/{}", subject.kind, subject.name),
                    None => format!("{} {}", subject.kind, subject.name),
                })
                .collect()
        }),
    )
}

async fn webhooks(cluster: &Cluster, named: impl Fn(&str) -> bool) -> Fact<Vec<Webhook>> {
    let client = &cluster.client;
    let validating: Api<ValidatingWebhookConfiguration> = Api::all(client.clone());
    let mutating: Api<MutatingWebhookConfiguration> = Api::all(client.clone());
    let group = "admissionregistration.k8s.io";
    let (first, second) = (
        format!("validatingwebhookconfigurations.{group}"),
        format!("mutatingwebhookconfigurations.{group}"),
    );
    let (first, second) = (Ask::list(&first, None), Ask::list(&second, None));
    let params = ListParams::default();
    let both = tokio::try_join!(
        cluster.ask(first, validating.list(&params)),
        cluster.ask(second, mutating.list(&params))
    );
    let found: Result<Vec<Webhook>, Error> = both.map(|(validating, mutating)| {
        let validating = validating.items.into_iter().flat_map(|configuration| {
            let name = configuration.metadata.name.unwrap_or_default();
            let webhooks = configuration.webhooks.into_iter().flatten().enumerate();
            webhooks
                .map(|(index, webhook)| Webhook {
                    name: webhook.name,
                    configuration_kind: "ValidatingWebhookConfiguration".to_owned(),
                    configuration: name.clone(),
                    index,
                    service: webhook.client_config.service.map(service),
                    match_conditions: webhook.match_conditions.map_or(0, |it| it.len()),
                })
                .collect::<Vec<_>>()
        });
        let mutating = mutating.items.into_iter().flat_map(|configuration| {
            let name = configuration.metadata.name.unwrap_or_default();
            let webhooks = configuration.webhooks.into_iter().flatten().enumerate();
            webhooks
                .map(|(index, webhook)| Webhook {
                    name: webhook.name,
                    configuration_kind: "MutatingWebhookConfiguration".to_owned(),
                    configuration: name.clone(),
                    index,
                    service: webhook.client_config.service.map(service),
                    match_conditions: webhook.match_conditions.map_or(0, |it| it.len()),
                })
                .collect::<Vec<_>>()
        });
        validating
            .chain(mutating)
            .filter(|webhook| named(&webhook.name))
            .collect()
    });
    fact(&first, found)
}

fn service(reference: WebhookService) -> ServiceReference {
    ServiceReference {
        namespace: reference.namespace,
        name: reference.name,
        port: reference.port.unwrap_or(443),
    }
}
