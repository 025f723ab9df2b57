//! TFS606 rate-limited
//!
//! ## What it detects
//! The HPA moves more slowly than the metrics want, because of a policy of `spec.behavior` or of the built-in rate
//! (twice the replicas, at least 4, in one sync); or not at all, because `selectPolicy` is `Disabled`.
//!
//! ## How it is proved
//! The controller's arithmetic on the live state is held back by a rate, and `spec.behavior` names it. The
//! controller's own text is the same for a rate and for `Disabled`.
//!
//! ## What it is not
//! A limit of the number of replicas is TFS601 or TFS602; a window is TFS604.
//!
//! ## Fix
//! Wait for the next period, or change the policy.
//!
//! ## Source
//! `calculateScaleUpLimitWithScalingRules` and its relatives in `horizontal.go`, Kubernetes v1.37:
//! `ScaleUpLimit`, `ScaleDownLimit`.

use crate::diagnosis::phrase::count;
use crate::diagnosis::registry::{Need, Rule, Stage};
use crate::diagnosis::{Case, Finding, Severity, Verdict};
use crate::facts::{ScalingPolicyType, ScalingRules, SelectPolicy};
use crate::hpa::replicas::{Limit, Recommendation};

pub(in crate::diagnosis) const RULE: Rule = Rule {
    code: "TFS606",
    name: "rate-limited",
    stage: Stage::Arithmetic,
    source: include_str!("rate_limited.rs"),
    explains: &[],
    needs: &[Need::PodMetrics],
    check,
};

fn check(case: &Case<'_>) -> Option<Finding> {
    let recommendation = case.recommendation?;
    let wanted = recommendation.metrics_want?;
    let up = wanted > recommendation.current_replicas;
    let (direction, field) = if up {
        ("up", "scaleUp")
    } else {
        ("down", "scaleDown")
    };
    let behavior = case.facts.hpa.behavior.as_ref();
    let rules = behavior.and_then(|it| {
        if up {
            it.scale_up.as_ref()
        } else {
            it.scale_down.as_ref()
        }
    });
    let usage = case
        .current_of_target()
        .map_or_else(String::new, |current| format!("{current}: "));
    match recommendation.limited_by? {
        Limit::Disabled => Some(
            case.on_hpa(RULE.finding(
                Severity::Warning,
                format!("{usage}the metrics want {wanted} replicas, but scaling {direction} is disabled"),
                format!("`behavior.{field}.selectPolicy` is Disabled"),
            ))
            .saw(
                format!("behavior.{field}.selectPolicy"),
                "Disabled",
                "spec.behavior",
            )
            .fix(
                format!("allow scaling {direction} again"),
                case.patch_hpa(&format!(
                    r#"{{"behavior":{{"{field}":{{"selectPolicy":"Max"}}}}}}"#
                )),
                "changes the HPA alone",
            ),
        ),
        Limit::ScaleUpPolicy | Limit::ScaleDownPolicy => Some(slowed(
            case,
            recommendation,
            wanted,
            direction,
            field,
            rules,
            &usage,
        )),
        _ => None,
    }
}

fn slowed(
    case: &Case<'_>,
    recommendation: &Recommendation,
    wanted: i32,
    direction: &str,
    field: &str,
    rules: Option<&ScalingRules>,
    usage: &str,
) -> Finding {
    let next = recommendation
        .desired_replicas
        .unwrap_or(recommendation.current_replicas);
    let finding = case
        .on_hpa(RULE.finding(
            Severity::Info,
            format!("{usage}on the way to {wanted} replicas, {next} at the next step"),
            format!("a policy limits how fast the HPA scales {direction}"),
        ))
        .verdict(Verdict::Waiting);
    match rules.filter(|rules| !rules.policies.is_empty()) {
        Some(rules) => finding.saw(
            format!("behavior.{field}.policies"),
            policies(rules),
            "spec.behavior",
        ),
        None => finding.estimates(
            format!("rate of scaling {direction}"),
            "twice the replicas, at least 4, in one sync",
            "built into the controller",
        ),
    }
}

fn policies(rules: &ScalingRules) -> String {
    let texts: Vec<String> = rules
        .policies
        .iter()
        .map(|policy| {
            let change = match policy.type_ {
                ScalingPolicyType::Pods => count(usize::try_from(policy.value).unwrap_or(0), "pod"),
                ScalingPolicyType::Percent => format!("{}%", policy.value),
            };
            format!("{change} in {} s", policy.period_seconds)
        })
        .collect();
    let select = match rules.select_policy {
        Some(SelectPolicy::Min) => "the smallest of ",
        _ if texts.len() > 1 => "the greatest of ",
        _ => "",
    };
    format!("{select}{}", texts.join(", "))
}
