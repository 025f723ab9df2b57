//! From `cpu=900m` to an assumption.

use super::{Amount, Assumption, NewTarget, Number};
use crate::facts::Quantity;

/// What is accepted, for help and errors.
pub const ACCEPTED: &str = "cpu=900m, memory=+20%, pods=+2, replicas=4, min=2, max=8, target=50%, target.memory=1Gi, \
request.cpu=500m, request.cpu.CONTAINER=500m, tolerance=5%, window=0s, window.up=60s, METRIC=100";

/// What counts.
const COUNT: &str = "a number such as 8, or a difference such as +2 or -1";

/// Reads one assumption.
///
/// # Errors
/// The key is not known, or the value is none that it takes; the text names what is accepted.
pub fn parse(text: &str) -> Result<Assumption, String> {
    let (key, value) = text
        .split_once('=')
        .map(|(key, value)| (key.trim(), value.trim()))
        .filter(|(key, value)| !key.is_empty() && !value.is_empty())
        .ok_or_else(|| format!("`{text}` is not KEY=VALUE; accepted are {ACCEPTED}"))?;
    let fail = |wanted: &str| format!("`{text}` cannot be assumed: {key} takes {wanted}");
    let mut path = key.splitn(3, '.');
    let (head, second, third) = (path.next().unwrap_or_default(), path.next(), path.next());
    match (head, second, third) {
        ("pods", None, None) => number(value).map(Assumption::Pods).ok_or_else(|| fail(COUNT)),
        ("replicas", None, None) => number(value).map(Assumption::Replicas).ok_or_else(|| fail(COUNT)),
        ("min" | "minReplicas", None, None) => number(value)
            .map(Assumption::MinReplicas)
            .ok_or_else(|| fail(COUNT)),
        ("max" | "maxReplicas", None, None) => number(value)
            .map(Assumption::MaxReplicas)
            .ok_or_else(|| fail(COUNT)),
        ("target", _, _) => target(value)
            .map(|target| Assumption::Target {
                metric: key.strip_prefix("target.").map(str::to_owned),
                target,
            })
            .ok_or_else(|| fail("percent of the request such as 50%, or a quantity such as 200m")),
        ("request", Some(resource @ ("cpu" | "memory")), container) => quantity(value)
            .map(|amount| Assumption::Request {
                resource: resource.to_owned(),
                container: container.map(str::to_owned),
                amount,
            })
            .ok_or_else(|| fail("a quantity such as 500m or 1Gi")),
        ("request", _, _) => Err(format!(
            "`{text}` cannot be assumed: write request.cpu=500m, request.memory=1Gi or request.cpu.CONTAINER=500m"
        )),
        ("tolerance", None, None) => tolerance(value)
            .map(Assumption::Tolerance)
            .ok_or_else(|| fail("a ratio such as 0.05, or percent such as 5%")),
        ("window", None | Some("up" | "down"), None) => seconds(value)
            .map(|seconds| Assumption::Window {
                up: second == Some("up"),
                seconds,
            })
            .ok_or_else(|| fail("0 to 3600 seconds such as 0s or 5m")),
        _ => amount(value)
            .map(|amount| Assumption::Usage {
                name: key.to_owned(),
                amount,
            })
            .ok_or_else(|| fail("a quantity such as 900m, or a change such as +20% or -50%")),
    }
}

fn number(text: &str) -> Option<Number> {
    let number: i32 = text.parse().ok()?;
    Some(if text.starts_with(['+', '-']) {
        Number::More(number)
    } else {
        Number::Exactly(number)
    })
}

fn quantity(text: &str) -> Option<Quantity> {
    let quantity = Quantity::from(text);
    let value = quantity.milli_value().ok()?;
    (value >= 0 && !text.starts_with('+')).then_some(quantity)
}

fn target(text: &str) -> Option<NewTarget> {
    match text.strip_suffix('%') {
        Some(percent) => percent
            .parse()
            .ok()
            .filter(|percent| *percent > 0)
            .map(NewTarget::Utilization),
        None => quantity(text)
            .filter(|quantity| quantity.milli_value().is_ok_and(|milli| milli > 0))
            .map(NewTarget::Amount),
    }
}

/// Percent without a sign would leave open of what it is a share.
fn amount(text: &str) -> Option<Amount> {
    match text.strip_suffix('%') {
        Some(percent) if percent.starts_with(['+', '-']) => percent
            .parse()
            .ok()
            .filter(|percent| *percent >= -100)
            .map(Amount::Percent),
        Some(_) => None,
        None => quantity(text).map(Amount::Exactly),
    }
}

fn tolerance(text: &str) -> Option<f64> {
    let ratio = match text.strip_suffix('%') {
        Some(percent) => percent.parse::<f64>().ok()? / 100.0,
        None => text.parse().ok()?,
    };
    (0.0..1.0).contains(&ratio).then_some(ratio)
}

/// The API's longest window is an hour.
fn seconds(text: &str) -> Option<i32> {
    let duration = crate::duration::parse_duration(text).ok()?;
    i32::try_from(duration.as_secs())
        .ok()
        .filter(|seconds| *seconds <= 3600)
}
