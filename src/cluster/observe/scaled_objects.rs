//! The `ScaledObject`s of KEDA that HPAs are written from.
//!
//! They are asked for where KEDA's own numbers decide (an `External` metric, which its fallback may have made up) and
//! where the HPA does not do its work: one GET for one HPA, one LIST of the namespace for more.

use kube::Api;
use kube::api::{ApiResource, ListParams};
use kube::core::DynamicObject;

use super::budget::Budget;
use super::fact;
use crate::cluster::{Ask, Cluster, convert};
use crate::facts::{Fact, HpaFacts, NotReadable, ScaledObject};

const RESOURCE: &str = "scaledobjects.keda.sh";

/// Adds them to the facts of a namespace's HPAs.
pub(super) async fn read(cluster: &Cluster, namespace: &str, facts: &mut [HpaFacts], budget: &Budget) {
    let mut wanted: Vec<&mut HpaFacts> = facts.iter_mut().filter(|facts| matters(facts)).collect();
    if wanted.is_empty() {
        return;
    }
    if budget.left(cluster) == 0 {
        let what = Ask::list(RESOURCE, Some(namespace)).subject();
        for facts in wanted {
            facts.scaled_object = Fact::NotReadable(budget.left_out(what.clone()));
        }
        return;
    }
    let api: Api<DynamicObject> = Api::namespaced_with(cluster.client.clone(), namespace, &resource());
    if let [one] = wanted.as_mut_slice() {
        let name = name(one);
        let ask = Ask::object("get", RESOURCE, namespace, &name);
        let object = cluster.ask(ask, api.get(&name)).await;
        one.scaled_object = fact(&ask, object.map(|object| convert::scaled_object(&object)));
        return;
    }
    let ask = Ask::list(RESOURCE, Some(namespace));
    let list = cluster.ask(ask, api.list(&ListParams::default())).await;
    let all: Fact<Vec<ScaledObject>> = fact(
        &ask,
        list.map(|list| list.items.iter().map(convert::scaled_object).collect()),
    );
    for facts in wanted {
        let name = name(facts);
        facts.scaled_object = of_list(&all, &name);
    }
}

fn of_list(all: &Fact<Vec<ScaledObject>>, name: &str) -> Fact<ScaledObject> {
    match all {
        Fact::Known(all) => all
            .iter()
            .find(|object| object.name == name)
            .map_or(Fact::Absent, |object| Fact::Known(object.clone())),
        Fact::Absent => Fact::Absent,
        Fact::NotReadable(reason) => Fact::NotReadable(NotReadable { ..reason.clone() }),
    }
}

fn resource() -> ApiResource {
    ApiResource {
        group: "keda.sh".to_owned(),
        version: "v1alpha1".to_owned(),
        api_version: "keda.sh/v1alpha1".to_owned(),
        kind: "ScaledObject".to_owned(),
        plural: "scaledobjects".to_owned(),
    }
}

fn name(facts: &HpaFacts) -> String {
    facts
        .hpa
        .keeper
        .as_ref()
        .map(|keeper| keeper.name.clone())
        .unwrap_or_default()
}

/// Whether the HPA is KEDA's, and its `ScaledObject` can tell why it does what it does.
fn matters(facts: &HpaFacts) -> bool {
    let hpa = &facts.hpa;
    let kept = hpa
        .keeper
        .as_ref()
        .is_some_and(|keeper| keeper.kind == "ScaledObject" && keeper.api_version.starts_with("keda.sh/"));
    let failed = hpa
        .conditions
        .iter()
        .any(|it| it.status == "False" && matches!(it.type_.as_str(), "AbleToScale" | "ScalingActive"));
    let disabled = hpa.behavior.iter().any(|behavior| {
        let rules = [behavior.scale_up.as_ref(), behavior.scale_down.as_ref()];
        rules
            .into_iter()
            .flatten()
            .any(|rules| rules.select_policy == Some(crate::facts::SelectPolicy::Disabled))
    });
    let external = hpa.metrics.iter().any(|metric| metric.type_ == "External");
    kept && (failed || disabled || external)
}
