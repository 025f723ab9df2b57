//! TFS710 nodes-below-maximum
//!
//! ## What it detects
//! The nodes have no room for the pods of maxReplicas: the HPA will ask for pods that stay Pending.
//!
//! ## How it is proved
//! For every node that takes the target's pods, what it can allocate less what its pods request, divided by what one pod of
//! the template requests. A cluster autoscaler may add nodes, so the finding is likely. The nodes are read only before an
//! HPA is written.
//!
//! ## What it is not
//! Pods that are Pending already are TFS503. Affinity, topology spread and volumes are not looked at: there may be less
//! room, never more.
//!
//! ## Fix
//! Add nodes, lower the requests, or lower maxReplicas.
//!
//! ## Source
//! `pkg/scheduler/framework/plugins/noderesources/fit.go`, Kubernetes v1.37.

use std::collections::BTreeMap;

use crate::diagnosis::phrase::{amount, count, list};
use crate::diagnosis::rule::{Need, Rule, Stage, documentation};
use crate::diagnosis::{Case, Confidence, Finding, Severity};
use crate::facts::{NodeRoom, Nodes};

pub(in crate::diagnosis) const RULE: Rule = Rule {
    code: "TFS710",
    name: "nodes-below-maximum",
    stage: Stage::Others,
    source: documentation!("nodes_below_maximum.rs"),
    explains: &[],
    needs: &[Need::Target, Need::Pods],
    check,
};

fn check(case: &Case<'_>) -> Option<Finding> {
    let nodes = case.facts.nodes.known().filter(|nodes| nodes.uncounted == 0)?;
    let requests = case.target()?.template.as_ref()?.requests();
    let placed = case
        .own_pods()
        .filter(|pod| pod.takes_room() && pod.node.is_some())
        .count();
    let placed = i64::try_from(placed).unwrap_or(i64::MAX);
    let room = placed.saturating_add(nodes.hold(&requests));
    let maximum = i64::from(case.facts.hpa.max_replicas);
    if room >= maximum {
        return None;
    }
    let label = case.target_label();
    let pods = count(usize::try_from(room).unwrap_or(0), "pod");
    let mut finding = RULE
        .finding(
            Severity::Warning,
            format!("The nodes have room for {pods} of {label}, and maxReplicas is {maximum}"),
            "the HPA does not ask where its pods can run: what has no room stays Pending, unless a cluster autoscaler adds nodes",
        )
        .at_most(Confidence::Likely)
        .saw(format!("one pod of {label}"), requested(&requests), "spec.template")
        .saw("its pods now", placed.to_string(), "LIST pods");
    if let Some(node) = nodes.counted.iter().max_by_key(|node| node.holds(&requests)) {
        finding = finding.saw(
            format!("node {}, the roomiest of {}", node.name, nodes.counted.len()),
            format!("{} free", free(node, &requests)),
            "LIST nodes and pods",
        );
    }
    Some(
        case.on_target(with_unfit(finding, nodes))
            .advice(
                format!("add nodes, or lower the requests of {label}"),
                "there is then room for more pods",
            )
            .advice(
                format!("lower maxReplicas to {}", room.max(1)),
                "changes the HPA alone",
            ),
    )
}

fn with_unfit(finding: Finding, nodes: &Nodes) -> Finding {
    let Some((name, why)) = nodes.unfit.iter().next() else {
        return finding;
    };
    let names: Vec<&String> = nodes.unfit.keys().collect();
    let value = if names.len() == 1 {
        why.clone()
    } else {
        format!("take no such pod: {name} {why}")
    };
    let what = if names.len() == 1 { "node" } else { "nodes" };
    finding.saw(format!("{what} {}", list(&names)), value, "LIST nodes")
}

/// `cpu 500m, memory 1024Mi`.
fn requested(requests: &BTreeMap<String, i64>) -> String {
    let named: Vec<String> = requests
        .iter()
        .filter(|(name, _)| *name != "pods")
        .map(|(name, milli)| format!("{name} {}", shown(name, *milli)))
        .collect();
    if named.is_empty() {
        "requests nothing".to_owned()
    } else {
        format!("requests {}", named.join(", "))
    }
}

fn free(node: &NodeRoom, requests: &BTreeMap<String, i64>) -> String {
    let milli = |all: &BTreeMap<String, _>, name: &str| {
        all.get(name)
            .and_then(|quantity: &crate::facts::Quantity| quantity.milli_value().ok())
            .unwrap_or(0)
    };
    let named: Vec<String> = requests
        .keys()
        .map(|name| {
            let left = milli(&node.allocatable, name).saturating_sub(milli(&node.requested, name));
            format!("{name} {}", shown(name, left.max(0)))
        })
        .collect();
    named.join(", ")
}

fn shown(name: &str, milli: i64) -> String {
    match name {
        "cpu" | "memory" => amount(name, milli),
        _ => (milli / 1000).to_string(),
    }
}
