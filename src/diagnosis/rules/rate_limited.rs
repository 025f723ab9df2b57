//! TFS606 rate-limited
//!
//! ## What it detects
//! The HPA moves more slowly than the metrics want, because of a policy of `spec.behavior` or of the built-in rate
//! (twice the replicas, at least 4, in one sync); or not at all, because `selectPolicy` is `Disabled`, or because the
//! policies are percentages and there are 0 replicas: a percentage of nothing is nothing.
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

use crate::diagnosis::phrase::{count, seconds_since, span};
use crate::diagnosis::rule::{Need, Rule, Stage, documentation};
use crate::diagnosis::{Case, Finding, Severity, Verdict};
use crate::facts::{ScalingPolicy, ScalingPolicyType, ScalingRules, SelectPolicy};
use crate::hpa::replicas::{Limit, Recommendation};

pub(in crate::diagnosis) const RULE: Rule = Rule {
    code: "TFS606",
    name: "rate-limited",
    stage: Stage::Arithmetic,
    source: documentation!("rate_limited.rs"),
    explains: &[],
    needs: &[Need::PodMetrics],
    check,
};

/// A wait that is worth a patch.
const LONG_SECONDS: i64 = 60;

fn check(case: &Case<'_>) -> Option<Finding> {
    let recommendation = case.recommendation?;
    let wanted = recommendation.metrics_want?;
    let up = wanted > recommendation.current_replicas;
    let (direction, field) = if up {
        ("up", "scaleUp")
    } else {
        ("down", "scaleDown")
    };
    let rules = case.scaling_rules(up);
    let usage = case
        .current_of_target()
        .map_or_else(String::new, |current| format!("{current}: "));
    let disabled = rules.is_some_and(|rules| rules.select_policy == Some(SelectPolicy::Disabled));
    match recommendation.limited_by? {
        Limit::ScaleUpPolicy if stays_at_zero(recommendation, rules) => {
            Some(percent_of_nothing(case, wanted, rules, &usage))
        }
        Limit::Disabled => Some(switched_off(
            case,
            recommendation,
            wanted,
            direction,
            field,
            &usage,
        )),
        Limit::Stabilization if disabled => Some(switched_off(
            case,
            recommendation,
            wanted,
            direction,
            field,
            &usage,
        )),
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

/// Too few replicas hurt; too many are what somebody chose who switched scaling down off.
fn switched_off(
    case: &Case<'_>,
    recommendation: &Recommendation,
    wanted: i32,
    direction: &str,
    field: &str,
    usage: &str,
) -> Finding {
    let severity = if wanted > recommendation.current_replicas {
        Severity::Warning
    } else {
        Severity::Info
    };
    let replicas = count(usize::try_from(wanted).unwrap_or(0), "replica");
    case.on_hpa(RULE.finding(
        severity,
        format!("{usage}the metrics want {replicas}, but scaling {direction} is disabled"),
        format!("`behavior.{field}.selectPolicy` is Disabled"),
    ))
    .verdict(Verdict::Limited)
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
    )
}

/// Whether the policies allow nothing, now and later: a percentage of no replicas is none.
fn stays_at_zero(recommendation: &Recommendation, rules: Option<&ScalingRules>) -> bool {
    let stays = recommendation.current_replicas == 0 && recommendation.desired_replicas == Some(0);
    let percent = |policy: &ScalingPolicy| policy.type_ == ScalingPolicyType::Percent;
    stays
        && rules.is_some_and(|rules| match rules.select_policy {
            Some(SelectPolicy::Min) => rules.policies.iter().any(percent),
            _ => rules.policies.iter().all(percent) && !rules.policies.is_empty(),
        })
}

fn percent_of_nothing(case: &Case<'_>, wanted: i32, rules: Option<&ScalingRules>, usage: &str) -> Finding {
    let replicas = count(usize::try_from(wanted).unwrap_or(0), "replica");
    let finding = case
        .on_hpa(RULE.finding(
            Severity::Error,
            format!("{usage}the metrics want {replicas}, and the policies never allow the first one"),
            "a percentage of 0 replicas is 0, so the HPA cannot leave zero",
        ))
        .saw(
            "behavior.scaleUp.policies",
            rules.map_or_else(|| "none".to_owned(), policies),
            "spec.behavior",
        );
    let kept = rules
        .map_or(&[][..], |rules| &rules.policies)
        .iter()
        .map(|policy| {
            let type_ = match policy.type_ {
                ScalingPolicyType::Pods => "Pods",
                ScalingPolicyType::Percent => "Percent",
            };
            (type_, policy.value, policy.period_seconds)
        });
    let policies: Vec<String> = kept
        .chain([("Pods", wanted.max(1), 15)])
        .map(|(type_, value, period)| {
            format!(r#"{{"type":"{type_}","value":{value},"periodSeconds":{period}}}"#)
        })
        .collect();
    finding.fix(
        "allow a number of pods as well",
        case.patch_hpa(&format!(
            r#"{{"behavior":{{"scaleUp":{{"selectPolicy":"Max","policies":[{}]}}}}}}"#,
            policies.join(",")
        )),
        "changes the HPA alone",
    )
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
    let left = period_left(case, recommendation, rules);
    let goal = count(usize::try_from(wanted).unwrap_or(0), "replica");
    let title = match left {
        Some(left) => format!(
            "{usage}on the way to {goal}, stays at {} until the period of the policy ends, at most {} left",
            recommendation.current_replicas,
            span(left)
        ),
        None => format!("{usage}on the way to {goal}, {next} at the next step"),
    };
    let finding = case
        .on_hpa(RULE.finding(
            Severity::Info,
            title,
            format!("a policy limits how fast the HPA scales {direction}"),
        ))
        .verdict(Verdict::Waiting);
    match rules.filter(|rules| !rules.policies.is_empty()) {
        Some(rules) => {
            let finding = finding.saw(
                format!("behavior.{field}.policies"),
                policies(rules),
                "spec.behavior",
            );
            if left.is_none_or(|left| left < LONG_SECONDS) {
                return finding;
            }
            finding.fix(
                format!("scale {direction} at the default rate"),
                case.patch_hpa(&format!(r#"{{"behavior":{{"{field}":{{"policies":null}}}}}}"#)),
                "changes the HPA alone: takes its policies out",
            )
        }
        None => finding.estimates(
            format!("rate of scaling {direction}"),
            "twice the replicas, at least 4, in one sync",
            "built into the controller",
        ),
    }
}

/// The seconds until the last rescale is forgotten, where the last sync found the budget of the period used up.
fn period_left(
    case: &Case<'_>,
    recommendation: &Recommendation,
    rules: Option<&ScalingRules>,
) -> Option<i64> {
    let hpa = &case.facts.hpa;
    let said = case.said.current("ScalingLimited")?;
    let used_up = matches!(said.condition.reason.as_str(), "ScaleUpLimit" | "ScaleDownLimit")
        && hpa.desired_replicas == recommendation.current_replicas;
    let period = rules?.policies.iter().map(|policy| policy.period_seconds).max()?;
    let left = i64::from(period) - seconds_since(hpa.last_scale_time?, case.now);
    (used_up && left > 0).then_some(left)
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
