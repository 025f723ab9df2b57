//! TFS808 model-on-one-node
//!
//! ## What it detects
//! The model lies in a directory of a node (`hostPath`). Pods on that node serve it; the replicas that the HPA adds on
//! other nodes do not find it and never become ready.
//!
//! ## How it is proved
//! The server of a pod that has never been ready says in its log that it finds no model below the mount of a `hostPath`
//! volume, while a pod is ready on another node and none is on this one. Where that log could not be read, or the pod
//! waits for its containers for ten minutes, the finding is likely.
//!
//! ## What it is not
//! A model that no pod finds is TFS805. A `hostPath` whose directory every node has is fine.
//!
//! ## Fix
//! Put the model where every node reads it: gs://, a volume that many nodes may mount, or the image. Until then, keep
//! the pods on the node that has it.
//!
//! ## Source
//! `hostPath` volumes, Kubernetes v1.37; `file_system_storage_path_source.cc` of TensorFlow Serving, 2.16 to 2.20.

use serde_json::json;

use super::model_not_found;
use crate::diagnosis::case::{is_ready, is_running, refused};
use crate::diagnosis::phrase::{count, list, seconds_since, word};
use crate::diagnosis::rule::{Need, Rule, Stage, documentation};
use crate::diagnosis::serving::{self, Server};
use crate::diagnosis::{Case, Confidence, Finding};
use crate::facts::{HostPath, Pod};

pub(in crate::diagnosis) const RULE: Rule = Rule {
    code: "TFS808",
    name: "model-on-one-node",
    stage: Stage::Serving,
    source: documentation!("model_on_one_node.rs"),
    explains: &[
        "TFS304", "TFS501", "TFS502", "TFS503", "TFS505", "TFS607", "TFS805", "TFS811",
    ],
    needs: &[Need::Pods],
    check,
};

/// How long a pod may take to start and to load its model: images and models are large.
const START_SECONDS: i64 = 600;
/// How many pods are proved one by one.
const PROVED: usize = 2;

fn check(case: &Case<'_>) -> Option<Finding> {
    let all = serving::pods(case);
    let (_, server) = all.first()?;
    let host = server.told.host_paths.first()?;
    let ready = |pod: &Pod| is_running(pod) && is_ready(pod);
    let with: Vec<&str> = nodes(all.iter().filter(|(pod, _)| ready(pod)));
    let without = |pod: &Pod| {
        let node = pod.node.as_deref();
        pod.deleted_at.is_none() && node.is_some_and(|node| !with.contains(&node))
    };
    let said = model_not_found::proof(case).filter(|proof| proof.on_node().is_some() && without(proof.pod));
    let blind = refused(&case.facts.serving_log).is_some();
    let stuck: Vec<&(&Pod, Server<'_>)> = all
        .iter()
        .filter(|(pod, _)| without(pod) && pod.has_never_been_ready())
        .filter(|(pod, _)| match pod.phase.as_str() {
            "Running" => said.is_some() || blind && is_old(case, pod),
            "Pending" => waits_for_volume(pod) && (said.is_some() || is_old(case, pod)),
            _ => false,
        })
        .collect();
    if with.is_empty() || stuck.is_empty() {
        return None;
    }
    let proven = said.is_some();
    let elsewhere = nodes(stuck.iter().copied());
    let finding = RULE
        .finding(
            serving::severity(case),
            format!(
                "{} of {} on {} not ready: the model is a directory of {}",
                stuck.len(),
                count(all.len(), "pod"),
                list(&elsewhere),
                list(&with)
            ),
            "a hostPath volume is the node's own directory, so the replicas that the HPA adds on other nodes have no model",
        )
        .at_most(if proven { Confidence::Proven } else { Confidence::Likely });
    let mut finding = case.on_target(finding).saw(
        format!("volume at {}", host.mount),
        format!("hostPath {}", host.path),
        "LIST pods",
    );
    for (pod, _) in stuck.iter().take(PROVED) {
        let node = pod.node.as_deref().unwrap_or_default();
        finding = finding.object("Pod", &pod.namespace, &pod.name).saw(
            format!("Pod {}", pod.name),
            format!("{} on {node}, never ready", pod.phase),
            "LIST pods",
        );
    }
    if let Some(proof) = said {
        finding = finding.saw(format!("log of {}", proof.pod.name), proof.line, "pods/log");
    }
    Some(repaired(case, finding, &with, host))
}

fn nodes<'a>(pods: impl Iterator<Item = &'a (&'a Pod, Server<'a>)>) -> Vec<&'a str> {
    let mut nodes: Vec<&str> = pods.filter_map(|(pod, _)| pod.node.as_deref()).collect();
    nodes.sort_unstable();
    nodes.dedup();
    nodes
}

fn is_old(case: &Case<'_>, pod: &Pod) -> bool {
    let since = pod.start_time.or(pod.created_at);
    since.is_some_and(|since| seconds_since(since, case.now) >= START_SECONDS)
}

/// A container that waits for its image or its configuration waits for something else.
fn waits_for_volume(pod: &Pod) -> bool {
    pod.containers.iter().all(|container| {
        matches!(
            container.state_reason.as_deref(),
            None | Some("ContainerCreating")
        )
    })
}

fn repaired(case: &Case<'_>, finding: Finding, with: &[&str], host: &HostPath) -> Finding {
    let label = case.target_label();
    let finding = finding.advice(
        "serve the model from where every node reads it: gs://, a ReadOnlyMany volume, or the image",
        format!("or copy {} to every node", host.path),
    );
    let [node] = with else {
        return finding;
    };
    let patch = json!({"spec": {"template": {"spec": {"nodeSelector": {"kubernetes.io/hostname": node}}}}});
    finding.fix(
        "until then, keep the pods where the model is",
        format!(
            "kubectl patch {} --type=merge -p {}",
            case.target_arguments(),
            word(&patch.to_string())
        ),
        format!("rolls the pods of {label}; the HPA then scales within {node}"),
    )
}
