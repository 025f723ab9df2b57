//! TFS311 adapter-of-another
//!
//! ## What it detects
//! KEDA wrote the HPA, and the API of external metrics is registered for another adapter: KEDA's metrics are asked of
//! somebody who does not know them.
//!
//! Or KEDA has that API, and the HPA reads a metric of the adapter that had it before: KEDA knows the metrics of its
//! `ScaledObject`s alone, and says so.
//!
//! Or two adapters serve two versions of custom.metrics.k8s.io: the controller asks the one that the group prefers, and the
//! other one has the metric.
//!
//! ## How it is proved
//! The HPA's controller is a `ScaledObject`, its metric has no value, the API answers and does not list KEDA's metrics,
//! and its `APIService` names a Service that is not KEDA's. Of two versions: the preferred one answers and does not list the
//! metric, and the other one lists it.
//!
//! ## What it is not
//! An API that does not answer is TFS308. A `ScaledObject` whose triggers fail is TFS704.
//!
//! ## Fix
//! Only one adapter can serve a group. Let KEDA have external.metrics.k8s.io, and let the other one serve
//! custom.metrics.k8s.io; its metrics can be triggers of KEDA too. Of two versions, take away the registration of the one
//! that lacks the metric: the controller then asks the other one.
//!
//! ## Source
//! kube-aggregator: one `APIService` a group and version. `apiVersionsFromDiscovery` in `k8s.io/metrics`, v1.37: the
//! preferred version is asked. KEDA, v2: `keda-operator-metrics-apiserver` serves
//! v1beta1.external.metrics.k8s.io and lists `externalmetrics`.

use crate::diagnosis::case::refused;
use crate::diagnosis::phrase::word;
use crate::diagnosis::rule::{Need, Rule, Stage, documentation};
use crate::diagnosis::{Case, Confidence, Finding, adapters, keeper};
use crate::facts::{ApiService, ServiceReference};
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
    of_kedas(case)
        .or_else(|| taken_by_keda(case))
        .or_else(|| of_the_other_version(case))
}

/// What KEDA's adapter says to whoever asks for a metric of no `ScaledObject` (`pkg/provider`, v2).
const NOT_KEDAS: &str = "scaledObject name is not specified";

/// The `APIService` that KEDA registers itself for.
const EXTERNAL: &str = "v1beta1.external.metrics.k8s.io";

/// KEDA has the group now, and the HPA reads a metric of the adapter that had it before.
fn taken_by_keda(case: &Case<'_>) -> Option<Finding> {
    if keeper::scaled_object(case).is_some() {
        return None;
    }
    let metric = adapters::failed(case)
        .into_iter()
        .find(|metric| adapters::api_of(&metric.spec.type_) == MetricsApi::External)?;
    let answer = case.facts.metric_value(metric.index).and_then(refused);
    let answer = answer.map(|reason| reason.why.as_str());
    let said = [Some(metric.text), answer].into_iter().flatten();
    said.into_iter().find(|words| words.contains(NOT_KEDAS))?;
    let label = adapters::label(metric.spec);
    let finding = RULE
        .finding(
            adapters::severity(case),
            format!("external.metrics.k8s.io belongs to KEDA, which has only metrics of its ScaledObjects, and not {label}"),
            "two adapters want the same group, and only one can be registered for it",
        )
        .object("APIService", "", EXTERNAL)
        .shared(EXTERNAL)
        .saw("the adapter", NOT_KEDAS, "conditions and events");
    let registered = case.cluster.external_metrics_api.known();
    let service = registered
        .and_then(|api| api.registration.known())
        .and_then(|api| api.service.as_ref());
    let finding = match service {
        Some(service) => finding.saw(
            format!("APIService {EXTERNAL}"),
            format!("served by Service {}/{}", service.namespace, service.name),
            "spec.service",
        ),
        None => finding,
    };
    Some(
        case.on_hpa(finding)
            .advice(
                format!(
                    "let KEDA read {}: a ScaledObject with a trigger of its source, in place of this HPA",
                    metric.spec.name
                ),
                "KEDA writes an HPA of its own; this one has to go then",
            )
            .advice(
                "or register the adapter again that had the group, and take KEDA's external metrics away",
                "every ScaledObject that does not scale by cpu or memory needs them",
            ),
    )
}

/// A version that the group prefers, which another adapter serves.
fn of_the_other_version(case: &Case<'_>) -> Option<Finding> {
    let api = case.cluster.custom_metrics_api.known()?;
    let other = api.passed_over.as_ref()?;
    let registered = api.registration.known()?;
    let service = registered.service.as_ref()?;
    let metric = adapters::failed_of_adapters(case)
        .into_iter()
        .find(|metric| adapters::api_of(&metric.spec.type_) == MetricsApi::Custom)?;
    let label = adapters::label(metric.spec);
    let finding = RULE.finding(
        adapters::severity(case),
        format!(
            "{label} is served in {other}, and the HPA asks {}, which another adapter serves",
            version(&api.group_version)
        ),
        "the controller asks the version that the group prefers, and that adapter has no such metric",
    );
    let finding = registered_for(case, finding, registered, service)
        .saw(
            format!("discovery of {}", api.group_version),
            format!("does not list {}", metric.spec.name),
            format!("GET /apis/{}", api.group_version),
        )
        .saw(
            format!("discovery of {other}"),
            format!("lists {}", metric.spec.name),
            format!("GET /apis/{other}"),
        );
    Some(
        case.with_condition(finding)
            .fix(
                format!("let the HPA ask {}", version(other)),
                format!("kubectl delete apiservice {}", word(&registered.name)),
                format!(
                    "deletes the registration alone: metrics of {}/{} in this group are gone",
                    service.namespace, service.name
                ),
            )
            .advice(
                "or turn the custom metrics of that adapter off where it is installed",
                "its next upgrade would register it again",
            ),
    )
}

/// Adds the registration, and the Service that it names.
fn registered_for(
    case: &Case<'_>,
    finding: Finding,
    registered: &ApiService,
    service: &ServiceReference,
) -> Finding {
    let finding = finding
        .object("APIService", "", &registered.name)
        .shared(&registered.name);
    case.on_hpa(finding).saw(
        format!("APIService {}", registered.name),
        format!("served by Service {}/{}", service.namespace, service.name),
        "spec.service",
    )
}

/// `v1beta1`.
fn version(group_version: &str) -> &str {
    group_version
        .rsplit_once('/')
        .map_or(group_version, |(_, version)| version)
}

/// An API of external metrics that KEDA does not serve, under an HPA that KEDA wrote.
fn of_kedas(case: &Case<'_>) -> Option<Finding> {
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
    let finding = RULE.finding(
            adapters::severity(case),
            format!(
                "external.metrics.k8s.io is served by {}/{}, which is not KEDA's, so KEDA's metrics have no value",
                service.namespace, service.name
            ),
            "two adapters want the same group, and only one can be registered for it",
        )
;
    let finding = registered_for(case, finding, registered, service)
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
