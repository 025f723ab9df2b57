//! How much is missing on the nodes for a pod that fits on none.

use std::collections::BTreeMap;

use crate::diagnosis::Finding;
use crate::diagnosis::phrase::{amount, list};
use crate::diagnosis::scheduling::{Obstacle, obstacle};
use crate::facts::{Fact, NodeRoom, Nodes, Pod, Quantity, Rollout, pod_requests};

/// Adds what the pod asks for, what is free, and what is missing.
pub(super) fn shown(rollout: &Rollout, finding: Finding, pod: &Pod) -> Finding {
    let Some(Obstacle::Insufficient(short)) = pod.condition("PodScheduled").map(obstacle) else {
        return finding;
    };
    let nodes = match &rollout.nodes {
        Fact::Known(nodes) => nodes,
        Fact::NotReadable(reason) if reason.needs.is_some() => return finding.could_not_read(reason),
        _ => return finding,
    };
    let requests = pod_requests(&pod.containers, pod.resources.as_ref());
    let mut finding = finding;
    for resource in &short {
        finding = match missing(nodes, &requests, resource) {
            Some(text) => finding.saw(format!("missing {resource}"), text, "LIST nodes and pods"),
            None => finding,
        };
    }
    let Some((name, why)) = nodes.unfit.iter().next() else {
        return finding;
    };
    let names: Vec<&String> = nodes.unfit.keys().collect();
    let (what, value) = if names.len() == 1 {
        (format!("node {name}"), why.clone())
    } else {
        (
            format!("nodes {}", list(&names)),
            format!("take no such pod: {name} {why}"),
        )
    };
    finding.saw(what, value, "LIST nodes")
}

/// `36100m: it asks for 40, and the most that is free is 3900m of 4, on node a`.
fn missing(nodes: &Nodes, requests: &BTreeMap<String, i64>, resource: &str) -> Option<String> {
    let asked = *requests.get(resource)?;
    let has = |node: &NodeRoom| milli(&node.allocatable, resource);
    let free = |node: &NodeRoom| has(node).saturating_sub(milli(&node.requested, resource)).max(0);
    let shown = |milli: i64| quantity(resource, milli);
    let Some(best) = nodes.counted.iter().max_by_key(|node| free(node)) else {
        return Some(format!(
            "it asks for {}, and no node takes such a pod",
            shown(asked)
        ));
    };
    if nodes.counted.iter().all(|node| has(node) == 0) {
        return Some(format!("it asks for {}, and no node has any", shown(asked)));
    }
    // The scheduler counted at another moment, or a node lacks several resources at once.
    let lacks = asked.saturating_sub(free(best));
    let most = format!(
        "the most that is free on one node is {} of {}, on {}",
        shown(free(best)),
        shown(has(best)),
        best.name
    );
    let asks = format!("it asks for {}", shown(asked));
    Some(if lacks > 0 {
        format!("{}: {asks}, and {most}", shown(lacks))
    } else {
        format!("{asks}; {most}, which lacks something else")
    })
}

fn milli(all: &BTreeMap<String, Quantity>, name: &str) -> i64 {
    let found = all.get(name).and_then(|quantity| quantity.milli_value().ok());
    found.unwrap_or(0)
}

fn quantity(resource: &str, milli: i64) -> String {
    match resource {
        "cpu" if milli % 1000 == 0 => (milli / 1000).to_string(),
        "cpu" | "memory" => amount(resource, milli),
        _ => (milli / 1000).to_string(),
    }
}
