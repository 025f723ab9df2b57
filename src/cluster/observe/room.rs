//! What the namespace's quotas and the nodes still have room for, before an HPA is written.
//!
//! One LIST of quotas and one of nodes; then the pods of one node after the other, the greatest nodes first, until the
//! pods of `maxReplicas` have room. So a cluster with room costs a few requests, whatever its size.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1;
use kube::Api;
use kube::api::ListParams;

use super::fact;
use crate::cluster::{Ask, Cluster, Error, convert};
use crate::facts::{
    Fact, HpaFacts, NodeRoom, Nodes, NotReadable, PodTemplate, Quantity, QuantityFormat, pod_requests,
};

/// How many nodes are asked for their pods.
const NODES: usize = 20;
/// How many at a time.
const AT_A_TIME: usize = 4;
/// How many nodes one LIST may return.
const PAGE: u32 = 500;

/// Adds what there is room for to the facts of an HPA that is not written yet and may need more pods than there are.
pub(super) async fn read(cluster: &Cluster, hpas: &mut [HpaFacts]) {
    let [facts] = hpas else { return };
    if !facts.hpa.is_planned() {
        return;
    }
    let placed = placed(facts);
    let template = facts.target.known().and_then(|target| target.template.clone());
    let missing = i64::from(facts.hpa.max_replicas) - placed;
    let Some(template) = template.filter(|_| missing > 0) else {
        return;
    };
    let (quotas, nodes) = tokio::join!(
        quotas(cluster, &facts.hpa.namespace),
        nodes(cluster, &template, missing)
    );
    facts.quotas = quotas;
    facts.nodes = nodes;
}

/// The pods of the target that have a node and stay.
fn placed(facts: &HpaFacts) -> i64 {
    let pods = facts.pods.known().into_iter().flatten();
    let placed = pods
        .filter(|pod| pod.owner.as_ref().is_some_and(|owner| owner.is_scale_target))
        .filter(|pod| pod.takes_room() && pod.node.is_some());
    i64::try_from(placed.count()).unwrap_or(i64::MAX)
}

pub(super) async fn quotas(cluster: &Cluster, namespace: &str) -> Fact<Vec<crate::facts::Quota>> {
    let api: Api<v1::ResourceQuota> = Api::namespaced(cluster.client.clone(), namespace);
    let ask = Ask::list("resourcequotas", Some(namespace));
    let list = cluster.ask(ask, api.list(&ListParams::default())).await;
    fact(
        &ask,
        list.map(|list| list.items.iter().map(convert::quota).collect()),
    )
}

/// The nodes that take pods of a template, the roomiest first, until there is room for so many more.
pub(in crate::cluster) async fn nodes(
    cluster: &Cluster,
    template: &PodTemplate,
    missing: i64,
) -> Fact<Nodes> {
    let api: Api<v1::Node> = Api::all(cluster.client.clone());
    let ask = Ask::list("nodes", None);
    let list = match cluster
        .ask(ask, api.list(&ListParams::default().limit(PAGE)))
        .await
    {
        Ok(list) => list,
        // Nodes are of no namespace.
        Err(error) => {
            return Fact::NotReadable(NotReadable {
                what: "nodes".to_owned(),
                why: error.why().to_owned(),
                needs: (error.status() == Some(403)).then(|| "list nodes".to_owned()),
            });
        }
    };
    if list.metadata.continue_.is_some_and(|more| !more.is_empty()) {
        return Fact::NotReadable(NotReadable {
            what: "nodes".to_owned(),
            why: format!("there are more than {PAGE}, and no more are looked at"),
            needs: None,
        });
    }
    let requests = template.requests();
    let mut nodes = Nodes::default();
    let mut fit: Vec<NodeRoom> = Vec::new();
    for node in &list.items {
        let name = node.metadata.name.clone().unwrap_or_default();
        match convert::unfit(node, template) {
            Some(why) => {
                nodes.unfit.insert(name, why);
            }
            None => fit.push(NodeRoom {
                name,
                allocatable: convert::allocatable(node, &requests),
                requested: BTreeMap::new(),
            }),
        }
    }
    fit.sort_by_key(|node| std::cmp::Reverse(node.holds(&requests)));
    match count(cluster, fit, &requests, missing, &mut nodes).await {
        Ok(()) => Fact::Known(nodes),
        Err(error) => fact(&Ask::list("pods", None), Err(error)),
    }
}

/// Counts the pods of the nodes until there is room enough.
async fn count(
    cluster: &Cluster,
    fit: Vec<NodeRoom>,
    requests: &BTreeMap<String, i64>,
    missing: i64,
    nodes: &mut Nodes,
) -> Result<(), Error> {
    let all = fit.len();
    let mut rest = fit.into_iter().take(NODES).peekable();
    while rest.peek().is_some() && nodes.hold(requests) < missing {
        let some: Vec<NodeRoom> = rest.by_ref().take(AT_A_TIME).collect();
        let counted = some.into_iter().map(|node| with_pods(cluster, node, requests));
        nodes
            .counted
            .extend(futures::future::try_join_all(counted).await?);
    }
    nodes.uncounted = all.saturating_sub(nodes.counted.len());
    Ok(())
}

async fn with_pods(
    cluster: &Cluster,
    mut node: NodeRoom,
    wanted: &BTreeMap<String, i64>,
) -> Result<NodeRoom, Error> {
    let here = ListParams::default().fields(&format!("spec.nodeName={}", node.name));
    let pods = cluster
        .list_pages(Ask::list("pods", None), "/api/v1/pods", &here, |pod: v1::Pod| {
            convert::pod(&pod)
        })
        .await?;
    let mut sums: BTreeMap<String, i64> = BTreeMap::new();
    for pod in pods.iter().filter(|pod| pod.takes_room()) {
        for (name, request) in pod_requests(&pod.containers, pod.resources.as_ref()) {
            let sum = sums.entry(name).or_default();
            *sum = sum.saturating_add(request);
        }
    }
    let quantity = |name: &str, sum: i64| {
        let format = if name == "memory" {
            QuantityFormat::BinarySi
        } else {
            QuantityFormat::DecimalSi
        };
        Quantity::from_milli(sum, format)
    };
    node.requested = wanted
        .keys()
        .map(|name| (name.clone(), quantity(name, sums.get(name).copied().unwrap_or(0))))
        .collect();
    Ok(node)
}
