//! TFS306 controller-may-not-read-metrics
//!
//! ## What it detects
//! The HPA controller itself is not allowed to read a metrics API: its `ClusterRole` or its binding was changed, or an
//! adapter's group is not in it. The same request works for whoever looks, so nothing seems wrong.
//!
//! ## How it is proved
//! The controller quotes the API server's 403 with its own user name and the right that is missing.
//!
//! ## What it is not
//! Metrics that nobody can read are TFS301, TFS302, TFS307 and TFS308. What *we* may not read is TFS901.
//!
//! ## Fix
//! Give the controller's user the right. A restart of the API server restores the default role and binding
//! `system:controller:horizontal-pod-autoscaler`, unless `rbac.authorization.kubernetes.io/autoupdate` is `false`.
//!
//! ## Source
//! `controller_policy.go` in `plugin/pkg/auth/authorizer/rbac/bootstrappolicy`, Kubernetes v1.37.

use crate::diagnosis::adapters;
use crate::diagnosis::phrase::{count, word};
use crate::diagnosis::rule::{Rule, Stage, documentation};
use crate::diagnosis::{Case, Finding};
use crate::hpa::message::{ApiFailure, Message, MetricsApi};

pub(in crate::diagnosis) const RULE: Rule = Rule {
    code: "TFS306",
    name: "controller-may-not-read-metrics",
    stage: Stage::MetricsPipeline,
    source: documentation!("controller_may_not_read_metrics.rs"),
    explains: &["TFS304", "TFS607"],
    needs: &[],
    check,
};

/// The default role of the controller, and its binding.
const ROLE: &str = "system:controller:horizontal-pod-autoscaler";

fn check(case: &Case<'_>) -> Option<Finding> {
    let (metric, api, failure) =
        adapters::failed(case)
            .into_iter()
            .find_map(|metric| match metric.message {
                Message::MetricsApiFailed {
                    api,
                    failure: ref failure @ (ApiFailure::Forbidden | ApiFailure::Unauthorized),
                } => Some((metric.clone(), api, failure.clone())),
                _ => None,
            })?;
    let group = adapters::group_of(api);
    let user = between(metric.text, "User \"", "\"");
    let who = user.unwrap_or("its user");
    let refusal = metric
        .text
        .rsplit_once("metrics API: ")
        .map_or(metric.text, |(_, refusal)| refusal);
    let title = if failure == ApiFailure::Forbidden {
        format!("The HPA controller may not read {group}: {who} lacks the right")
    } else {
        format!("{group} does not accept the HPA controller's credentials")
    };
    let mut finding = RULE
        .finding(
            adapters::severity(case),
            title,
            "the controller asks with a user of its own; what others may read does not help it",
        )
        .shared(group)
        .object("ClusterRole", "", ROLE)
        .object("ClusterRoleBinding", "", ROLE)
        .saw("the controller", refusal, "conditions and events");
    let samples = case.facts.pod_metrics.known();
    if let Some(samples) = samples.filter(|_| api == MetricsApi::Resource) {
        finding = finding.saw(
            "the same list, asked by you",
            count(samples.len(), "sample"),
            "LIST pods.metrics.k8s.io",
        );
    }
    if adapters::answers_now(case, metric.index) {
        finding = finding.saw(
            format!("{}, asked by you", adapters::label(metric.spec)),
            "its API answers",
            "the metric's own API",
        );
    }
    finding = case.on_hpa(finding);
    if failure == ApiFailure::Unauthorized {
        return Some(finding.fix(
            "see what the API server says of the controller",
            "kubectl get pods -n kube-system -l component=kube-controller-manager",
            "reads only; the log of the metrics server or adapter names the credentials that it refuses",
        ));
    }
    Some(with_grant(finding, api, user))
}

fn with_grant(finding: Finding, api: MetricsApi, user: Option<&str>) -> Finding {
    let group = adapters::group_of(api);
    let resource = match api {
        MetricsApi::Resource => "pods.metrics.k8s.io".to_owned(),
        MetricsApi::Custom | MetricsApi::External => format!("*.{group}"),
    };
    let name = format!("hpa-controller-{}", group.replace('.', "-"));
    let subject = user
        .and_then(|user| user.strip_prefix("system:serviceaccount:"))
        .map_or_else(
            || {
                format!(
                    "--user={}",
                    word(user.unwrap_or("system:kube-controller-manager"))
                )
            },
            |account| format!("--serviceaccount={}", word(account)),
        );
    finding
        .fix(
            "give it the right",
            format!(
                "kubectl create clusterrole {name} --verb=get,list --resource={} && kubectl create clusterrolebinding {name} --clusterrole={name} {subject}",
                word(&resource)
            ),
            "lets the controller read, and nothing else",
        )
        .fix(
            "see what its default role lacks",
            format!("kubectl describe clusterrole,clusterrolebinding {ROLE}"),
            "reads only; a restart of kube-apiserver restores both",
        )
}

fn between<'a>(text: &'a str, before: &str, after: &str) -> Option<&'a str> {
    text.split_once(before)?
        .1
        .split_once(after)
        .map(|(found, _)| found)
}
