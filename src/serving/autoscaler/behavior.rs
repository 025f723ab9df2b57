//! `spec.behavior`, as it is typed on the command line and as the API has it.
//!
//! The bounds are those of `pkg/apis/autoscaling/validation/validation.go`, v1.37.

use std::str::FromStr;

use serde_json::{Value, json};

use crate::duration::parse_duration;
use crate::facts::{Behavior, Quantity, ScalingPolicy, ScalingPolicyType, ScalingRules, SelectPolicy};

/// `MaxStabilizationWindowSeconds`.
const LONGEST_WINDOW: i32 = 3600;
/// `MaxPeriodSeconds`.
const LONGEST_PERIOD: i32 = 1800;

/// Scaling policies: `4pods/15s|100%/15s`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Policies(pub Vec<ScalingPolicy>);

impl FromStr for Policies {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        text.split(['|', ','])
            .map(policy)
            .collect::<Result<_, _>>()
            .map(Self)
    }
}

fn policy(text: &str) -> Result<ScalingPolicy, String> {
    let text = text.trim();
    let invalid =
        || format!("`{text}` is no policy: write CHANGE/PERIOD, for example `4pods/15s` or `100%/1m`");
    let (change, period) = text.split_once('/').ok_or_else(invalid)?;
    let digits = change
        .find(|character: char| !character.is_ascii_digit())
        .ok_or_else(invalid)?;
    let (number, unit) = change.split_at(digits);
    let type_ = match unit.trim() {
        "%" => ScalingPolicyType::Percent,
        "pod" | "pods" => ScalingPolicyType::Pods,
        _ => return Err(invalid()),
    };
    let value: i32 = number.parse().map_err(|_| invalid())?;
    if value == 0 {
        return Err(format!(
            "`{text}`: a policy changes more than 0; `--scale-up-select disabled` or `--scale-down-select disabled` forbids it"
        ));
    }
    let seconds = whole_seconds(period)?;
    if !(1..=LONGEST_PERIOD).contains(&seconds) {
        return Err(format!(
            "`{text}`: the period is {seconds} s; the API allows 1 s to {LONGEST_PERIOD} s"
        ));
    }
    Ok(ScalingPolicy {
        type_,
        value,
        period_seconds: seconds,
    })
}

/// `stabilizationWindowSeconds`.
///
/// # Errors
/// The text is no duration, or out of the API's bounds.
pub fn window(text: &str) -> Result<i32, String> {
    let seconds = whole_seconds(text)?;
    if seconds > LONGEST_WINDOW {
        return Err(format!("{seconds} s; the API allows at most {LONGEST_WINDOW} s"));
    }
    Ok(seconds)
}

fn whole_seconds(text: &str) -> Result<i32, String> {
    let duration = parse_duration(text)?;
    if duration.subsec_nanos() != 0 {
        return Err(format!("`{text}`: the API counts in whole seconds"));
    }
    Ok(i32::try_from(duration.as_secs()).unwrap_or(i32::MAX))
}

/// `tolerance`: `5%` or `0.05`.
///
/// # Errors
/// The text is no ratio.
pub fn tolerance(text: &str) -> Result<Quantity, String> {
    let invalid = || format!("`{text}` is no tolerance: write `5%` or `0.05`; the API allows 0 and more");
    let quantity = match text.strip_suffix('%') {
        // A percent is ten thousandths.
        Some(percent) => Quantity(format!("{}m", tenfold(percent).ok_or_else(invalid)?)),
        None => Quantity::from(text),
    };
    match quantity.milli_value() {
        Ok(value) if value >= 0 => Ok(quantity),
        _ => Err(invalid()),
    }
}

/// Ten times a number, with one digit behind the point at most.
fn tenfold(number: &str) -> Option<i64> {
    let (whole, tenths) = number.split_once('.').unwrap_or((number, "0"));
    let tenths: i64 = (tenths.len() == 1).then(|| tenths.parse().ok())??;
    whole.parse::<i64>().ok()?.checked_mul(10)?.checked_add(tenths)
}

/// The rules of both directions; none where nothing was asked for: the controller's defaults hold.
pub fn of(scale_up: ScalingRules, scale_down: ScalingRules) -> Option<Behavior> {
    let asked = |rules: ScalingRules| (rules != ScalingRules::default()).then_some(rules);
    let behavior = Behavior {
        scale_up: asked(scale_up),
        scale_down: asked(scale_down),
    };
    (behavior != Behavior::default()).then_some(behavior)
}

/// `spec.behavior`.
pub(super) fn manifest(behavior: &Behavior) -> Value {
    let mut value = json!({});
    for (name, rules) in [
        ("scaleUp", &behavior.scale_up),
        ("scaleDown", &behavior.scale_down),
    ] {
        if let Some(rules) = rules {
            value[name] = of_rules(rules);
        }
    }
    value
}

fn of_rules(rules: &ScalingRules) -> Value {
    let mut value = json!({});
    if let Some(seconds) = rules.stabilization_window_seconds {
        value["stabilizationWindowSeconds"] = json!(seconds);
    }
    if let Some(select) = rules.select_policy {
        value["selectPolicy"] = json!(match select {
            SelectPolicy::Max => "Max",
            SelectPolicy::Min => "Min",
            SelectPolicy::Disabled => "Disabled",
        });
    }
    if !rules.policies.is_empty() {
        value["policies"] = rules.policies.iter().map(of_policy).collect();
    }
    if let Some(tolerance) = &rules.tolerance {
        value["tolerance"] = json!(tolerance.0);
    }
    value
}

fn of_policy(policy: &ScalingPolicy) -> Value {
    let type_ = match policy.type_ {
        ScalingPolicyType::Pods => "Pods",
        ScalingPolicyType::Percent => "Percent",
    };
    json!({"type": type_, "value": policy.value, "periodSeconds": policy.period_seconds})
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a failed unwrap fails the test")]
mod tests {
    use super::*;

    #[test]
    fn policies_say_how_much_in_how_long() {
        let policies: Policies = "4pods/15s|100%/1m".parse().unwrap();
        let pods = ScalingPolicy {
            type_: ScalingPolicyType::Pods,
            value: 4,
            period_seconds: 15,
        };
        let percent = ScalingPolicy {
            type_: ScalingPolicyType::Percent,
            value: 100,
            period_seconds: 60,
        };
        assert_eq!(policies.0, [pods, percent]);
        assert_eq!("1 pod/30m".parse::<Policies>().unwrap().0.len(), 1);
    }

    #[test]
    fn bounds_are_told_before_the_api_server_is_asked() {
        let wrong = |text: &str| text.parse::<Policies>().unwrap_err();
        insta::assert_snapshot!(wrong("4"), @"`4` is no policy: write CHANGE/PERIOD, for example `4pods/15s` or `100%/1m`");
        insta::assert_snapshot!(wrong("4nodes/15s"), @"`4nodes/15s` is no policy: write CHANGE/PERIOD, for example `4pods/15s` or `100%/1m`");
        insta::assert_snapshot!(wrong("0pods/15s"), @"`0pods/15s`: a policy changes more than 0; `--scale-up-select disabled` or `--scale-down-select disabled` forbids it");
        insta::assert_snapshot!(wrong("4pods/45m"), @"`4pods/45m`: the period is 2700 s; the API allows 1 s to 1800 s");
        insta::assert_snapshot!(wrong("4pods/0s"), @"`4pods/0s`: the period is 0 s; the API allows 1 s to 1800 s");
        insta::assert_snapshot!(wrong("4pods/1.5s"), @"`1.5s`: the API counts in whole seconds");
        insta::assert_snapshot!(window("2h").unwrap_err(), @"7200 s; the API allows at most 3600 s");
        assert_eq!((window("0s"), window("1h")), (Ok(0), Ok(3600)));
    }

    #[test]
    fn a_tolerance_is_a_ratio() {
        for (text, quantity) in [
            ("5%", "50m"),
            ("0.5%", "5m"),
            ("0%", "0m"),
            ("0.05", "0.05"),
            ("0", "0"),
        ] {
            assert_eq!(tolerance(text), Ok(Quantity::from(quantity)));
        }
        for wrong in ["-5%", "5.25%", "%", "-0.1", "much", ".5%", "5.%"] {
            assert!(tolerance(wrong).is_err(), "{wrong}");
        }
        insta::assert_snapshot!(tolerance("-1").unwrap_err(), @"`-1` is no tolerance: write `5%` or `0.05`; the API allows 0 and more");
    }
}
