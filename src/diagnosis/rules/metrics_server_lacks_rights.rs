//! TFS310 metrics-server-lacks-rights
//!
//! ## What it detects
//! metrics-server runs, and is not allowed to do its work: it may not list nodes and pods, may not read the kubelets'
//! metrics, or may not read how the API server authenticates. Its `ClusterRole` or a binding is gone.
//!
//! ## How it is proved
//! Its log quotes the refusal with its own user name, or the 403 of a kubelet, while no usage arrives. Without the right to
//! ask who asks it, it tells the controller so, and answers administrators all the same.
//!
//! ## What it is not
//! Certificates that it refuses are TFS303. The HPA controller's own rights are TFS306.
//!
//! ## Fix
//! Give its service account the rights of the release's manifest: `get`, `list` and `watch` of nodes and pods, `get`
//! of nodes/metrics.
//!
//! ## Source
//! `manifests/base/rbac.yaml` of metrics-server, v0.9.

use crate::diagnosis::case::{is_available, is_ready};
use crate::diagnosis::phrase::{self, word};
use crate::diagnosis::rule::{Need, Rule, Stage, documentation};
use crate::diagnosis::{Case, Finding, Severity};
use crate::facts::LogLine;
use crate::hpa::message::{ApiFailure, Message, MetricsApi};

pub(in crate::diagnosis) const RULE: Rule = Rule {
    code: "TFS310",
    name: "metrics-server-lacks-rights",
    stage: Stage::MetricsPipeline,
    source: documentation!("metrics_server_lacks_rights.rs"),
    explains: &["TFS302", "TFS304", "TFS607"],
    needs: &[Need::MetricsServer, Need::MetricsServerLog],
    check,
};

/// Longer ago, a refusal need not be the present.
const RECENT_SECONDS: i64 = 120;

fn check(case: &Case<'_>) -> Option<Finding> {
    case.resource_metrics().next()?;
    if let Some(finding) = told_to_the_controller(case) {
        return Some(finding);
    }
    let server = case.cluster.metrics_server.known()?;
    let samples = case
        .facts
        .pod_metrics
        .known()
        .is_some_and(|samples| !samples.is_empty());
    let answers = case
        .cluster
        .resource_metrics_api
        .known()
        .is_some_and(is_available);
    if samples && answers {
        return None;
    }
    // A pod that is ready has its lists; only a kubelet's refusal is then left.
    let ready = server.pods.iter().any(is_ready);
    let log = server.log.known()?;
    let recent = |line: &&LogLine| {
        let age = line.time.map(|time| phrase::seconds_since(time, case.now));
        age.is_none_or(|age| age < RECENT_SECONDS)
    };
    let (line, refusal) = log
        .iter()
        .rev()
        .filter(recent)
        .find_map(|line| Some((line, refusal(&line.text)?)))
        .filter(|(_, refusal)| !ready || refusal.resource == "nodes/metrics")?;
    let name = server.service_account.as_deref().unwrap_or(&server.name);
    let account = refusal
        .account
        .map_or_else(|| format!("{}:{name}", server.namespace), str::to_owned);
    let finding = begin(&refusal)
        .object("Deployment", &server.namespace, &server.name)
        .saw(
            "log of metrics-server",
            refusal.text.clone(),
            format!("pods/log of {}", line.pod),
        );
    Some(with_grant(finding, &account, &refusal))
}

/// Without the right to ask who asks it, metrics-server answers everybody but administrators with that refusal.
fn told_to_the_controller(case: &Case<'_>) -> Option<Finding> {
    let symptom = case.said.blocking()?;
    let failed = symptom.message
        == Message::MetricsApiFailed {
            api: MetricsApi::Resource,
            failure: ApiFailure::ServerError,
        };
    let refusal = refusal(&symptom.condition.message).filter(|_| failed)?;
    let account = refusal.account?.to_owned();
    let finding = begin(&refusal).saw("the controller", refusal.text.clone(), "status.conditions");
    let samples = case.facts.pod_metrics.known();
    let finding = match samples {
        Some(samples) => finding.saw(
            "the same list, asked by you",
            phrase::count(samples.len(), "sample"),
            "LIST pods.metrics.k8s.io",
        ),
        None => finding,
    };
    Some(with_grant(finding, &account, &refusal))
}

fn begin(refusal: &Refusal<'_>) -> Finding {
    let finding = RULE
        .finding(
            Severity::Error,
            format!(
                "metrics-server may not {}, so no usage reaches the HPA",
                refusal.right()
            ),
            "its service account lacks a right that its manifest gives it",
        )
        .shared(&refusal.right());
    match refusal.resource {
        "nodes" | "pods" | "nodes/metrics" => {
            finding.object("ClusterRoleBinding", "", "system:metrics-server")
        }
        "configmaps" => finding.object("RoleBinding", "kube-system", "metrics-server-auth-reader"),
        _ => finding.object("ClusterRoleBinding", "", "metrics-server:system:auth-delegator"),
    }
}

/// A right that was refused.
struct Refusal<'a> {
    verb: &'a str,
    resource: &'a str,
    text: String,
    account: Option<&'a str>,
}

impl Refusal<'_> {
    fn right(&self) -> String {
        format!("{} {}", self.verb, self.resource)
    }
}

fn refusal(text: &str) -> Option<Refusal<'_>> {
    if text.contains("403 Forbidden") && text.contains("crape") {
        return Some(Refusal {
            verb: "get",
            resource: "nodes/metrics",
            text: unescaped(text.split_once("err=\"").map_or(text, |(_, error)| error)),
            account: None,
        });
    }
    let (_, rest) = text.split_once("system:serviceaccount:")?;
    let (account, rest) = rest.split_once(['"', '\\'])?;
    let (_, rest) = rest.split_once("cannot ")?;
    let (verb, rest) = rest.split_once(" resource ")?;
    let resource = rest.trim_start_matches(['"', '\\']).split(['"', '\\']).next()?;
    let start = text
        .find(" is forbidden: ")
        .map_or(0, |at| at + " is forbidden: ".len());
    Some(Refusal {
        verb,
        resource,
        text: unescaped(text.get(start..).unwrap_or(text)),
        account: Some(account),
    })
}

/// A quoted value of a klog line, up to its closing quote; a text that is not quoted, as it is.
fn unescaped(quoted: &str) -> String {
    if !quoted.contains('\\') && quoted.contains(" \"") {
        return quoted.to_owned();
    }
    let mut text = String::new();
    let mut characters = quoted.chars();
    while let Some(character) = characters.next() {
        match character {
            '"' => break,
            '\\' => text.extend(characters.next()),
            other => text.push(other),
        }
    }
    text
}

fn with_grant(finding: Finding, account: &str, refusal: &Refusal<'_>) -> Finding {
    let account = word(account);
    let finding = match refusal.resource {
        "nodes" | "pods" | "nodes/metrics" => finding.fix(
            "give it the rights of its manifest",
            format!(
                "kubectl create clusterrole metrics-server-reader --verb=get,list,watch --resource=nodes,pods,nodes/metrics && kubectl create clusterrolebinding metrics-server-reader --clusterrole=metrics-server-reader --serviceaccount={account}"
            ),
            "metrics-server recovers by itself, within a minute",
        ),
        "configmaps" => finding.fix(
            "let it read how the API server authenticates",
            format!(
                "kubectl create rolebinding metrics-server-auth-reader -n kube-system --role=extension-apiserver-authentication-reader --serviceaccount={account}"
            ),
            "metrics-server starts again by itself",
        ),
        _ => finding.fix(
            "let it ask who asks it",
            format!(
                "kubectl create clusterrolebinding metrics-server:system:auth-delegator --clusterrole=system:auth-delegator --serviceaccount={account}"
            ),
            "metrics-server recovers by itself",
        ),
    };
    finding.fix(
        "see what it has",
        format!("kubectl auth can-i --list --as=system:serviceaccount:{account}"),
        "reads only",
    )
}
