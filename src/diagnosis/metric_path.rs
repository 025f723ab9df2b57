//! What the controller asks an adapter for a metric, as a path of `kubectl get --raw`.

use super::Case;
use crate::facts::{AdapterApi, MetricSpec, ObjectReference};

/// The path that the controller asks for the metric.
pub(super) fn whole(case: &Case<'_>, api: &AdapterApi, spec: &MetricSpec) -> String {
    let start = format!(
        "/apis/{}/namespaces/{}",
        api.group_version, case.facts.hpa.namespace
    );
    match (&spec.object, spec.type_.as_str()) {
        (Some(object), _) => format!("{start}/{}/{}/{}", resource(object), object.name, spec.name),
        (None, "Pods") => format!("{start}/pods/*/{}", spec.name),
        (None, _) => format!("{start}/{}", spec.name),
    }
}

/// The same with the metric's own selector.
pub(super) fn selected(case: &Case<'_>, api: &AdapterApi, spec: &MetricSpec) -> String {
    let path = whole(case, api, spec);
    let key = match spec.type_.as_str() {
        "External" => "labelSelector",
        _ => "metricLabelSelector",
    };
    match spec.selector.as_deref().filter(|selector| !selector.is_empty()) {
        Some(selector) => format!("{path}?{key}={}", encoded(selector)),
        None => path,
    }
}

/// A selector as a value of a query.
pub(super) fn encoded(selector: &str) -> String {
    form_urlencoded::byte_serialize(selector.as_bytes()).collect()
}

/// `ingresses.networking.k8s.io`: the resource of a kind, as the API's own guess has it (`UnsafeGuessKindToResource`,
/// `k8s.io/apimachinery/pkg/api/meta`, v1.37).
pub(super) fn resource(object: &ObjectReference) -> String {
    let singular = object.kind.to_lowercase();
    let plural = match singular.strip_suffix('y') {
        Some(stem) => format!("{stem}ies"),
        None if singular.ends_with('s') => format!("{singular}es"),
        None => format!("{singular}s"),
    };
    match object.api_version.split_once('/') {
        Some((group, _)) => format!("{plural}.{group}"),
        None => plural,
    }
}
