//! TFS309 adapter-lacks-metric
//!
//! ## What it detects
//! An adapter serves the API, and has no such metric for these pods, this object or this query: a name with a slip,
//! a rule that is missing in the adapter, a selector that matches none of its series, a source without data, or
//! one whose query gives no number (NaN).
//!
//! ## How it is proved
//! The controller quotes the adapter's refusal or its empty answer, the adapter's discovery does or does not list the
//! name, and the API answers the same question in the same way now: without a value, or with the same failure. Where it answers with a value, the rule is silent.
//! Where nothing matches the metric's `selector`, the API is asked once more without it: series with other labels prove
//! that the selector is at fault, and an empty answer that it is not.
//!
//! ## What it is not
//! No adapter is TFS307; one that does not answer is TFS308. Pods that do not exist have no metrics either: TFS504.
//!
//! ## Fix
//! Use a name that the adapter lists, or teach the adapter the metric. Select the labels that its series have: the patch is
//! given where one series alone differs from the selector by a slip. KEDA lists no names and has no rules: see whether its
//! operator runs, and what the source of the trigger answers it.
//!
//! ## Source
//! `GetRawMetric`, `GetObjectMetric` and `GetExternalMetric` in `metrics/client.go`, Kubernetes v1.37. Some adapters
//! of external metrics list no names (KEDA).

use crate::diagnosis::adapters::{self, FailedMetric};
use crate::diagnosis::case::{innermost, refused};
use crate::diagnosis::phrase::{count, word};
use crate::diagnosis::rule::{Rule, Stage, documentation};
use crate::diagnosis::{Case, Confidence, Finding, keeper, metric_path, missed_series, scaled_object_gone};
use crate::facts::{AdapterApi, Fact, MetricSpec, ObjectReference};
use crate::hpa::message::{ApiFailure, Message, MetricsApi};

pub(in crate::diagnosis) const RULE: Rule = Rule {
    code: "TFS309",
    name: "adapter-lacks-metric",
    stage: Stage::MetricsPipeline,
    source: documentation!("adapter_lacks_metric.rs"),
    explains: &["TFS607"],
    needs: &[],
    check,
};

fn check(case: &Case<'_>) -> Option<Finding> {
    // Without pods there is no metric to ask for; at zero it is the metric that would wake the target.
    let wants_pods = case.scale().is_some_and(|scale| scale.spec_replicas > 0);
    if wants_pods && case.facts.pods.known().is_some_and(Vec::is_empty) {
        return None;
    }
    let metric = adapters::failed_of_adapters(case)
        .into_iter()
        .find(|metric| refused_by_adapter(case, metric) && !adapters::answers_now(case, metric.index))?;
    let api = adapters::served_by(case, metric.spec).known()?;
    let names = api.metrics.known()?;
    if let Message::DescribedKindUnknown(kind) = &metric.message {
        return Some(undescribed(case, &metric, kind));
    }
    let listed = names.iter().any(|name| bare(name) == metric.spec.name);
    let missed = missed_series::of(case, &metric);
    let gone = scaled_object_gone::name(case, &metric);
    let finding = match &missed {
        _ if gone.is_some() => {
            let title = scaled_object_gone::title(&metric, gone.unwrap_or_default());
            RULE.finding(adapters::severity(case), title, scaled_object_gone::cause(case))
        }
        Some(missed) => RULE.finding(adapters::severity(case), missed.title(&metric), missed.cause()),
        None => answered(case, &metric, listed),
    };
    let finding = case.on_hpa(finding);
    let finding = if metric.text.is_empty() || is_old(&metric.message) {
        finding
    } else {
        finding.saw("the controller", words(metric.text), "conditions and events")
    };
    let (finding, seen) = with_answer(case, finding, &metric);
    if let Some(name) = gone {
        return Some(scaled_object_gone::repaired(case, finding, name));
    }
    if let Some(missed) = missed {
        let finding = missed.repaired(
            case,
            missed.proved(finding),
            &metric_path::whole(case, api, metric.spec),
        );
        return Some(adapters::without(case, finding, &metric));
    }
    let finding = with_names(finding, api, names, &metric, seen);
    let finding = with_service(finding, api);
    let finding = with_rename(case, finding, names, &metric);
    let finding = without_selector(case, finding, &metric);
    let finding = if let Some(owner) = keeper::scaled_object(case).filter(|_| fails(&metric.message)) {
        of_keda(case, finding, owner, (api, words(metric.text)))
    } else if adapters::no_number(case, metric.index).is_some() {
        finding
            .fix(
                "see what the adapter answers",
                format!(
                    "kubectl get --raw {}",
                    word(&metric_path::selected(case, api, metric.spec))
                ),
                "reads only",
            )
            .advice(
                "let the query give 0 where there is nothing to divide by",
                "in PromQL: `(a / b) >= 0 or vector(0)`; changes the adapter's rule, not the HPA",
            )
    } else if listed || failure_now(case, &metric).is_some() {
        see_described(case, finding, &metric).fix(
            "see what the adapter answers",
            format!(
                "kubectl get --raw {}",
                word(&metric_path::selected(case, api, metric.spec))
            ),
            "reads only; the adapter's own log says why",
        )
    } else {
        finding.fix(
            "see what the adapter has",
            format!(
                "kubectl get --raw {}",
                word(&format!("/apis/{}", api.group_version))
            ),
            "reads only; a name that is missing here needs a rule in the adapter's configuration",
        )
    };
    Some(adapters::without(case, finding, &metric))
}

/// KEDA knows every metric that it wrote into the HPA: its operator does not answer, or the source of the trigger refuses it.
fn of_keda(
    case: &Case<'_>,
    finding: Finding,
    owner: &ObjectReference,
    (api, said): (&AdapterApi, &str),
) -> Finding {
    let service = api.registration.known().and_then(|api| api.service.as_ref());
    let namespace = service.map_or("keda", |service| &service.namespace);
    if said.contains("transport: Error while dialing") {
        return finding.fix(
            "see whether KEDA's operator runs: its metrics server asks it for every value",
            format!("kubectl get pods -n {}", word(namespace)),
            "reads only; without the operator no ScaledObject of the cluster is looked after",
        );
    }
    finding.fix(
        "see the trigger's address and authentication",
        format!(
            "kubectl describe scaledobject {} -n {}",
            word(&owner.name),
            case.namespace()
        ),
        "reads only; KEDA quotes the source's own answer",
    )
}

/// An adapter has nothing of an object that does not exist.
fn see_described(case: &Case<'_>, finding: Finding, metric: &FailedMetric<'_>) -> Finding {
    let Some(object) = &metric.spec.object else {
        return finding;
    };
    finding.fix(
        format!("see whether {}/{} exists", object.kind, object.name),
        format!(
            "kubectl get {} {} -n {}",
            word(&metric_path::resource(object)),
            word(&object.name),
            case.namespace()
        ),
        "reads only; there is no value of what does not exist",
    )
}

/// Whether the adapter was asked and failed, whatever it has.
fn fails(message: &Message) -> bool {
    matches!(
        message,
        Message::MetricsApiFailed {
            failure: ApiFailure::ServerError
                | ApiFailure::TimedOut
                | ApiFailure::TooManyRequests
                | ApiFailure::Unavailable
                | ApiFailure::Transport
                | ApiFailure::Other(_),
            ..
        }
    )
}

/// What the adapter made of the request.
fn answered(case: &Case<'_>, metric: &FailedMetric<'_>, listed: bool) -> Finding {
    let group = adapters::group_of(adapters::api_of(&metric.spec.type_));
    let what = format!("{}{}", adapters::label(metric.spec), place(metric.spec));
    let severity = adapters::severity(case);
    if let Some(value) = adapters::no_number(case, metric.index) {
        return RULE.finding(
            severity,
            format!("The adapter of {group} answers `{value}` for {what}, which is no number"),
            "the controller refuses the whole answer; a query that divides by zero gives NaN or Inf",
        );
    }
    match &metric.message {
        Message::MetricsApiFailed {
            failure: ApiFailure::BadAnswer,
            ..
        } => RULE.finding(
            severity,
            format!("The adapter of {group} gives no single value of {what}"),
            "the controller asks for exactly one, and refuses any other answer",
        ),
        message if fails(message) && keeper::scaled_object(case).is_some() => RULE.finding(
            severity,
            format!("KEDA cannot read {}", adapters::label(metric.spec)),
            "KEDA's adapter is reached, and its operator, or the source of the trigger, does not give it the value",
        ),
        message if fails(message) => RULE.finding(
            severity,
            format!("The adapter of {group} fails when it is asked for {what}"),
            "it is reached, and what stands behind it does not give it the value",
        ),
        _ if listed => RULE.finding(
            severity,
            format!("The adapter of {group} has no value of {what}"),
            "it knows the metric, and has no series for what the HPA asks",
        ),
        _ => RULE.finding(
            severity,
            format!("The adapter of {group} has no {what}"),
            "the API answers, and not with a value of this metric",
        ),
    }
}

/// What the adapter itself said, without the controller's words around it.
fn words(text: &str) -> &str {
    let said = text
        .rsplit_once("metrics API: ")
        .map_or_else(|| innermost(text), |(_, words)| words);
    // KEDA's adapter asks its operator by gRPC, whose errors nest.
    said.rsplit_once("desc = ")
        .map_or(said, |(_, words)| words.trim_matches('"'))
}

/// Kinds that are often described, and the apiVersion that serves them.
const DESCRIBED: &[(&str, &str)] = &[
    ("Service", "v1"),
    ("Pod", "v1"),
    ("Namespace", "v1"),
    ("Node", "v1"),
    ("Ingress", "networking.k8s.io/v1"),
    ("Deployment", "apps/v1"),
    ("StatefulSet", "apps/v1"),
];

/// The kind of the described object is not served where the metric says.
fn undescribed(case: &Case<'_>, metric: &FailedMetric<'_>, kind: &str) -> Finding {
    let (name, group) = kind.split_once('.').unwrap_or((kind, ""));
    let place = if group.is_empty() {
        "in the core group".to_owned()
    } else {
        format!("in group {group}")
    };
    let finding = RULE.finding(
        adapters::severity(case),
        format!(
            "{} describes a {name} {place}, which the cluster does not serve",
            adapters::label(metric.spec)
        ),
        "the kind and apiVersion of describedObject must be those of an object that exists",
    );
    let finding = case
        .on_hpa(finding)
        .saw("the controller", words(metric.text), "conditions and events");
    let kinds: Vec<&str> = DESCRIBED.iter().map(|(kind, _)| *kind).collect();
    let meant = adapters::nearest(name, &kinds);
    let meant = meant.and_then(|meant| DESCRIBED.iter().find(|(kind, _)| *kind == meant));
    let finding = match (meant, &metric.spec.object) {
        (Some((kind, version)), Some(object)) => {
            let patch = format!(
                r#"[{{"op":"replace","path":"/spec/metrics/{}/object/describedObject","value":{{"apiVersion":"{version}","kind":"{kind}","name":"{}"}}}}]"#,
                metric.index, object.name
            );
            finding.fix(
                format!("describe a {kind} of {version}"),
                case.patch_hpa_json(&patch),
                "changes the HPA alone",
            )
        }
        _ => finding.fix("see which kinds there are", "kubectl api-resources", "reads only"),
    };
    adapters::without(case, finding, metric)
}

/// A selector that matches no series can be left out.
fn without_selector(case: &Case<'_>, finding: Finding, metric: &FailedMetric<'_>) -> Finding {
    let empty = matches!(metric.message, Message::NoMetricsReturned(_));
    let kept = case.facts.hpa.keeper.is_some();
    if !empty
        || kept
        || missed_series::is_empty_too(case, metric.index)
        || metric.spec.selector.as_deref().is_none_or(str::is_empty)
    {
        return finding;
    }
    let field = metric.spec.type_.to_lowercase();
    let patch = format!(
        r#"[{{"op":"remove","path":"/spec/metrics/{}/{field}/metric/selector"}}]"#,
        metric.index
    );
    finding.fix(
        "read it without the selector, which matches no series",
        case.patch_hpa_json(&patch),
        "changes the HPA alone; the value is then that of all its series",
    )
}

/// Whether the text is of the time before the adapter: it answers now.
fn is_old(message: &Message) -> bool {
    matches!(
        message,
        Message::MetricsApiFailed {
            failure: ApiFailure::NotServed,
            ..
        }
    )
}

/// Whether the adapter was reached and had nothing to say. Unavailable, it was not: unless it answers discovery, and
/// this one question fails now as it did.
fn refused_by_adapter(case: &Case<'_>, metric: &FailedMetric<'_>) -> bool {
    match &metric.message {
        Message::NoMetricsReturned(MetricsApi::Custom | MetricsApi::External)
        | Message::DescribedKindUnknown(_) => true,
        Message::MetricsApiFailed {
            failure: ApiFailure::Unavailable,
            ..
        } => failure_now(case, metric).is_some(),
        Message::MetricsApiFailed { failure, .. } => {
            !matches!(failure, ApiFailure::Forbidden | ApiFailure::Unauthorized)
        }
        _ => false,
    }
}

/// How the API fails when it is asked for the metric now.
fn failure_now<'a>(case: &Case<'a>, metric: &FailedMetric<'_>) -> Option<&'a str> {
    let reason = refused(case.facts.metric_value(metric.index)?)?;
    let (_, status) = reason.why.rsplit_once("(HTTP ")?;
    status.starts_with('5').then_some(reason.why.as_str())
}

fn place(spec: &MetricSpec) -> String {
    let object = spec.object.as_ref().map_or_else(String::new, |object| {
        format!(" on {}/{}", object.kind, object.name)
    });
    match spec.selector.as_deref().filter(|selector| !selector.is_empty()) {
        Some(selector) => format!("{object} with {selector}"),
        None => object,
    }
}

/// What the API says to the same question now, and whether that is a proof.
fn with_answer(case: &Case<'_>, finding: Finding, metric: &FailedMetric<'_>) -> (Finding, bool) {
    let answer = match case.facts.metric_value(metric.index) {
        Some(Fact::Known(samples)) if samples.is_empty() => "an empty list",
        Some(Fact::Absent) => "not found",
        Some(Fact::Known(_)) if adapters::no_number(case, metric.index).is_some() => {
            adapters::no_number(case, metric.index).unwrap_or_default()
        }
        _ => match failure_now(case, metric) {
            Some(why) => why,
            None => return (finding, false),
        },
    };
    let what = format!("{} now", adapters::label(metric.spec));
    let finding = finding.saw(what, answer, "the metric's own API");
    if missed_series::is_empty_too(case, metric.index) {
        let finding = finding.saw("without the selector", "nothing either", "the metric's own API");
        return (finding, true);
    }
    (finding, true)
}

fn with_names(
    finding: Finding,
    api: &AdapterApi,
    names: &[String],
    metric: &FailedMetric<'_>,
    seen: bool,
) -> Finding {
    let spec = metric.spec;
    let listed = names.iter().any(|name| bare(name) == spec.name);
    let value = match (listed, names.len()) {
        (true, _) => format!("lists {}", spec.name),
        (false, 0) => "lists no metric at all".to_owned(),
        (false, number) => format!("lists {}, and not {}", count(number, "metric"), spec.name),
    };
    let finding = finding.saw(
        format!("discovery of {}", api.group_version),
        value,
        format!("GET /apis/{}", api.group_version),
    );
    // An adapter of external metrics need not list what it has.
    let says_so = matches!(
        metric.message,
        Message::MetricsApiFailed {
            failure: ApiFailure::MetricUnknown,
            ..
        }
    );
    if !listed && !says_so && !fails(&metric.message) && !seen && api.group_version.starts_with("external.") {
        finding.at_most(Confidence::Likely)
    } else {
        finding
    }
}

/// Who serves the group: of two adapters that want it, only one can.
fn with_service(finding: Finding, api: &AdapterApi) -> Finding {
    let service = api.registration.known().and_then(|api| api.service.as_ref());
    match (service, api.registration.known()) {
        (Some(service), Some(registered)) => finding.saw(
            format!("APIService {}", registered.name),
            format!("served by Service {}/{}", service.namespace, service.name),
            "spec.service",
        ),
        _ => finding,
    }
}

fn with_rename(case: &Case<'_>, finding: Finding, names: &[String], metric: &FailedMetric<'_>) -> Finding {
    let known: Vec<&str> = names.iter().map(|name| bare(name)).collect();
    if known.contains(&metric.spec.name.as_str()) {
        return finding;
    }
    let Some(meant) = adapters::nearest(&metric.spec.name, &known) else {
        return finding;
    };
    let field = metric.spec.type_.to_lowercase();
    let patch = format!(
        r#"[{{"op":"replace","path":"/spec/metrics/{}/{field}/metric/name","value":"{meant}"}}]"#,
        metric.index
    );
    finding.fix(
        format!("read {meant}, which the adapter has"),
        case.patch_hpa_json(&patch),
        "changes the HPA alone",
    )
}

/// `pods/http_requests` without the resource that it describes.
fn bare(name: &str) -> &str {
    name.rsplit_once('/').map_or(name, |(_, metric)| metric)
}
