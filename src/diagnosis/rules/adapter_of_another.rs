//! TFS311 adapter-of-another
//!
//! ## What it detects
//! KEDA wrote the HPA, and the API of external metrics is registered for another adapter: KEDA's metrics are asked of
//! somebody who does not know them.
//!
//! ## How it is proved
//! The HPA's controller is a `ScaledObject`, its metric has no value, the API answers and does not list KEDA's metrics,
//! and its `APIService` names a Service that is not KEDA's.
//!
//! ## What it is not
//! An API that does not answer is TFS308. A `ScaledObject` whose triggers fail is TFS704.
//!
//! ## Fix
//! Only one adapter can serve a group. Let KEDA have external.metrics.k8s.io, and let the other one serve
//! custom.metrics.k8s.io; its metrics can be triggers of KEDA too.
//!
//! ## Source
//! kube-aggregator: one `APIService` a group and version. KEDA, v2: `keda-operator-metrics-apiserver` serves
//! v1beta1.external.metrics.k8s.io and lists `externalmetrics`.

use crate::diagnosis::phrase::word;
use crate::diagnosis::rule::{Need, Rule, Stage, documentation};
use crate::diagnosis::{Case, Confidence, Finding, adapters, keeper};
use crate::hpa::message::MetricsApi;

pub(in crate::diagnosis) const RULE: Rule = Rule {
    code: "TFS311",
    name: "adapter-of-another",
    stage: Stage::MetricsPipeline,
    source: documentation!("adapter_of_another.rs"),
    explains: &["TFS309", "TFS607", "TFS704"],
    needs: &[Need::ExternalMetrics],
    check,
};

/// The Service of KEDA's own manifests and chart.
const SERVICE: &str = "keda-operator-metrics-apiserver";
/// What KEDA's adapter lists instead of its metrics.
const LISTED: &str = "externalmetrics";

fn check(case: &Case<'_>) -> Option<Finding> {
    let owner = keeper::scaled_object(case)?;
    let metric = adapters::failed(case)
        .into_iter()
        .find(|metric| adapters::api_of(&metric.spec.type_) == MetricsApi::External)?;
    let api = case.cluster.external_metrics_api.known()?;
    let registered = api.registration.known()?;
    let service = registered.service.as_ref()?;
    let names = api.metrics.known()?;
    let known = |name: &String| name == LISTED || *name == metric.spec.name;
    if service.name.contains("keda") || names.iter().any(known) {
        return None;
    }
    let finding = RULE
        .finding(
            adapters::severity(case),
            format!(
                "external.metrics.k8s.io is served by {}/{}, which is not KEDA's, so KEDA's metrics have no value",
                service.namespace, service.name
            ),
            "two adapters want the same group, and only one can be registered for it",
        )
        .object("APIService", "", &registered.name)
        .shared(&registered.name);
    let finding = case
        .on_hpa(finding)
        .saw(
            format!("APIService {}", registered.name),
            format!("served by Service {}/{}", service.namespace, service.name),
            "spec.service",
        )
        .saw(
            format!("HPA {}", case.facts.hpa.name),
            format!("written by KEDA from {}", keeper::label(owner)),
            "metadata.ownerReferences",
        )
        .saw(
            format!("discovery of {}", api.group_version),
            format!("lists neither {} nor {LISTED}", metric.spec.name),
            format!("GET /apis/{}", api.group_version),
        );
    // KEDA may have been installed under another name in its own namespace.
    let finding = if service.namespace.contains("keda") {
        finding.at_most(Confidence::Likely)
    } else {
        finding
    };
    let patch = format!(r#"{{"spec":{{"service":{{"name":"{SERVICE}","namespace":"keda"}}}}}}"#);
    Some(
        finding
            .fix(
                "give the group to KEDA, if that is its Service and namespace",
                format!(
                    "kubectl patch apiservice {} --type=merge -p {}",
                    word(&registered.name),
                    word(&patch)
                ),
                format!(
                    "KEDA's rotation of certificates sets its caBundle; HPAs that read metrics of {}/{} lose them",
                    service.namespace, service.name
                ),
            )
            .advice(
                "or turn the external metrics of the other adapter off where it is installed",
                "its next upgrade would take the group again; KEDA's chart registers it anew",
            ),
    )
}
