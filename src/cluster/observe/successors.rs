//! What works in place of a scale target that Flagger or Argo Rollouts has scaled to zero: one request for each.

use kube::Api;
use kube::api::{ApiResource, ListParams};
use kube::core::DynamicObject;

use super::budget::Budget;
use super::{fact, target};
use crate::cluster::{Ask, Cluster};
use crate::facts::{ARGO_ROLLOUTS, FLAGGER, Fact, Hpa, HpaFacts, ObjectReference, ScaleTarget, Successor};

/// What Flagger adds to the name of its target for the workload that serves (`pkg/canary`, v1).
const PRIMARY: &str = "-primary";

const ROLLOUTS: &str = "rollouts.argoproj.io";

/// Adds it to the facts of a namespace's HPAs.
pub(super) async fn read(
    cluster: &Cluster,
    namespace: &str,
    all: &[Hpa],
    facts: &mut [HpaFacts],
    budget: &Budget,
) {
    for facts in facts {
        let at_zero = facts.scale.known().is_some_and(|scale| scale.spec_replicas == 0);
        let writer = facts.target.known().and_then(ScaleTarget::last_replicas_writer);
        let manager = writer.map(|writer| writer.manager.as_str()).filter(|_| at_zero);
        let found = match manager {
            Some(FLAGGER) => match of_its_hpa(all, &facts.hpa) {
                Some(known) => Fact::Known(known),
                None => primary(cluster, namespace, &facts.hpa.target, budget).await,
            },
            Some(ARGO_ROLLOUTS) => rollout(cluster, namespace, &facts.hpa.target, budget).await,
            _ => continue,
        };
        facts.successor = found;
    }
}

/// Flagger copies an HPA that its `Canary` names, so that the primary has one of its own.
fn of_its_hpa(all: &[Hpa], hpa: &Hpa) -> Option<Successor> {
    let name = format!("{}{PRIMARY}", hpa.target.name);
    let of_primary = |other: &&Hpa| other.target.kind == hpa.target.kind && other.target.name == name;
    let other = all.iter().find(of_primary)?;
    Some(Successor {
        workload: other.target.clone(),
        owner: Some(other.keeper.clone()?),
        replicas: Some(other.current_replicas?),
    })
}

async fn primary(
    cluster: &Cluster,
    namespace: &str,
    reference: &ObjectReference,
    budget: &Budget,
) -> Fact<Successor> {
    let Some(resource) = target::built_in(reference) else {
        return Fact::default();
    };
    let name = format!("{}{PRIMARY}", reference.name);
    if budget.left(cluster) == 0 {
        let resource = target::full_name(&resource);
        let ask = Ask::object("get", &resource, namespace, &name);
        return Fact::NotReadable(budget.left_out(ask.subject()));
    }
    match target::read_built_in(cluster, namespace, &resource, &name)
        .await
        .target
    {
        Fact::Known(found) => Fact::Known(Successor {
            workload: ObjectReference {
                api_version: found.api_version,
                kind: found.kind,
                name: found.name,
            },
            owner: found.controller,
            replicas: found.replicas,
        }),
        Fact::Absent => Fact::Absent,
        Fact::NotReadable(reason) => Fact::NotReadable(reason),
    }
}

/// The `Rollout` whose `spec.workloadRef` names the target.
async fn rollout(
    cluster: &Cluster,
    namespace: &str,
    reference: &ObjectReference,
    budget: &Budget,
) -> Fact<Successor> {
    let ask = Ask::list(ROLLOUTS, Some(namespace));
    if budget.left(cluster) == 0 {
        return Fact::NotReadable(budget.left_out(ask.subject()));
    }
    let resource = ApiResource {
        group: "argoproj.io".to_owned(),
        version: "v1alpha1".to_owned(),
        api_version: "argoproj.io/v1alpha1".to_owned(),
        kind: "Rollout".to_owned(),
        plural: "rollouts".to_owned(),
    };
    let api: Api<DynamicObject> = Api::namespaced_with(cluster.client.clone(), namespace, &resource);
    let list = cluster.ask(ask, api.list(&ListParams::default())).await;
    let found = fact(
        &ask,
        list.map(|list| list.items.iter().find(|it| refers_to(it, reference)).cloned()),
    );
    match found {
        Fact::Known(Some(rollout)) => Fact::Known(Successor {
            workload: ObjectReference {
                api_version: resource.api_version,
                kind: resource.kind,
                name: rollout.metadata.name.unwrap_or_default(),
            },
            owner: None,
            replicas: rollout
                .data
                .pointer("/spec/replicas")
                .and_then(serde_json::Value::as_i64)
                .and_then(|replicas| i32::try_from(replicas).ok()),
        }),
        Fact::Known(None) | Fact::Absent => Fact::Absent,
        Fact::NotReadable(reason) => Fact::NotReadable(reason),
    }
}

fn refers_to(rollout: &DynamicObject, reference: &ObjectReference) -> bool {
    let text = |pointer: &str| rollout.data.pointer(pointer).and_then(serde_json::Value::as_str);
    text("/spec/workloadRef/kind") == Some(&reference.kind)
        && text("/spec/workloadRef/name") == Some(&reference.name)
}
