//! TFS604 stabilization-window
//!
//! ## What it detects
//! The metrics want fewer (or more) replicas, and the HPA waits: it takes the highest recommendation of the last
//! five minutes before it scales down, so that a short pause costs nothing.
//!
//! ## How it is proved
//! The controller says that recent recommendations hold the replicas, or the arithmetic wants fewer than there
//! are while the window of the last change still runs.
//!
//! ## What it is not
//! A problem. A restart of the controller also freezes scaling down for one window.
//!
//! ## Fix
//! Wait, or shorten `behavior.scaleDown.stabilizationWindowSeconds`.
//!
//! ## Source
//! `stabilizeRecommendation` and `stabilizeRecommendationWithBehaviors` in `horizontal.go`, Kubernetes v1.37;
//! `--horizontal-pod-autoscaler-downscale-stabilization`, default 5 min.

use crate::diagnosis::phrase::{count, span};
use crate::diagnosis::rule::{Need, Rule, Stage, documentation};
use crate::diagnosis::{Case, Finding, Severity, Verdict};
use crate::facts::SelectPolicy;
use crate::hpa::replicas::{Limit, Stabilization};

pub(in crate::diagnosis) const RULE: Rule = Rule {
    code: "TFS604",
    name: "stabilization-window",
    stage: Stage::Arithmetic,
    source: documentation!("stabilization_window.rs"),
    explains: &[],
    needs: &[Need::PodMetrics],
    check,
};

/// A window that still keeps the replicas from flapping; a shorter one is not worth a patch.
const SHORT_WINDOW_SECONDS: i64 = 60;

fn check(case: &Case<'_>) -> Option<Finding> {
    let recommendation = case
        .recommendation
        .filter(|it| it.limited_by == Some(Limit::Stabilization))?;
    let current = recommendation.current_replicas;
    let wanted = recommendation.metrics_want?;
    let goal = wanted.clamp(
        case.facts.hpa.effective_min_replicas(),
        case.facts.hpa.max_replicas,
    );
    // What a limit keeps after the window too is the limit's: TFS601, TFS602.
    if goal == current {
        return None;
    }
    let down = wanted < current;
    // What the window lets go, `selectPolicy: Disabled` keeps: TFS606.
    if case
        .scaling_rules(!down)
        .is_some_and(|rules| rules.select_policy == Some(SelectPolicy::Disabled))
    {
        return None;
    }
    let window = recommendation.stabilization.as_ref();
    let left = window.and_then(|window| left(case, window));
    let direction = if down { "down" } else { "up" };
    let when = left.as_ref().map_or_else(String::new, |left| format!(", {left}"));
    let usage = case
        .current_of_target()
        .map_or_else(String::new, |current| format!("{current}: "));
    let replicas = count(usize::try_from(current).unwrap_or(0), "replica");
    let mut finding = case
        .on_hpa(RULE.finding(
            Severity::Info,
            format!(
                "{usage}scales {direction} from {replicas} to {goal} when the stabilization window ends{when}"
            ),
            "the HPA applies the strongest recommendation of the window, not the newest",
        ))
        .verdict(Verdict::Waiting);
    if let Some(symptom) = case
        .said
        .current("AbleToScale")
        .filter(|it| it.condition.reason.ends_with("Stabilized"))
    {
        finding = finding.saw(
            "condition AbleToScale",
            &symptom.condition.reason,
            "status.conditions",
        );
    }
    if let Some(window) = window {
        let length = span(window.window_seconds);
        finding = if window.assumed_default {
            finding.estimates(
                "window",
                format!("{length} (the default)"),
                "kube-controller-manager flag",
            )
        } else {
            finding.saw("window", length, "spec.behavior")
        };
    }
    let field = if down { "scaleDown" } else { "scaleUp" };
    if window.is_none_or(|window| window.window_seconds <= SHORT_WINDOW_SECONDS) {
        return Some(finding);
    }
    Some(finding.fix(
        "shorten the window, if waiting costs more than flapping",
        case.patch_hpa(&format!(
            r#"{{"behavior":{{"{field}":{{"stabilizationWindowSeconds":{SHORT_WINDOW_SECONDS}}}}}}}"#
        )),
        "changes the HPA alone",
    ))
}

/// How long it still takes: the window's end is known only as far as the status tells when it began.
fn left(case: &Case<'_>, window: &Stabilization) -> Option<String> {
    let seconds = |time: chrono::DateTime<chrono::Utc>| (time - case.now).num_seconds().max(0);
    let earliest = window.not_before.map(seconds).filter(|seconds| *seconds > 0);
    let latest = window.not_after.map(seconds);
    match (earliest, latest) {
        (Some(earliest), Some(latest)) if earliest < latest => Some(format!(
            "between {} and {} from now",
            span(earliest),
            span(latest)
        )),
        (_, Some(latest)) => Some(format!("at most {} left", span(latest))),
        (Some(earliest), None) => Some(format!("at least {} left", span(earliest))),
        (None, None) => None,
    }
}
