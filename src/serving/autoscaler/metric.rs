//! What an HPA aims at, as it is typed on the command line and as the API has it.

use std::str::FromStr;

use serde_json::{Value, json};

use super::selector;
use crate::facts::{MetricSpec, MetricTarget, Quantity};

/// What a resource metric aims at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// Percent of the request, averaged over the pods: `60%`.
    Utilization(i32),
    /// A value for each pod, averaged: `500m`, `2Gi`.
    AverageValue(Quantity),
}

/// A resource metric of one container: `CONTAINER=60%`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContainerTarget {
    /// The container.
    pub container: String,
    /// What it aims at.
    pub target: Target,
}

/// A metric of an adapter: `NAME=VALUE[,SELECTOR]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NamedTarget {
    /// The metric.
    pub name: String,
    /// The average for each pod.
    pub average: Quantity,
    /// The selector of its series, serialized.
    pub selector: Option<String>,
}

/// A text that is no metric, and why.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct InvalidMetric(String);

impl FromStr for Target {
    type Err = InvalidMetric;

    fn from_str(text: &str) -> Result<Self, InvalidMetric> {
        let invalid = || {
            InvalidMetric(format!(
                "`{text}` is no target: write a percentage of the request such as `60%`, or a quantity a pod such as `500m`"
            ))
        };
        if let Some(percent) = text.strip_suffix('%') {
            return percent
                .parse()
                .ok()
                .filter(|percent| *percent > 0)
                .map(Self::Utilization)
                .ok_or_else(invalid);
        }
        positive(text).map(Self::AverageValue).ok_or_else(invalid)
    }
}

impl FromStr for ContainerTarget {
    type Err = InvalidMetric;

    fn from_str(text: &str) -> Result<Self, InvalidMetric> {
        let (container, target) = text
            .split_once('=')
            .filter(|(container, _)| !container.is_empty())
            .ok_or_else(|| {
                InvalidMetric("write CONTAINER=TARGET, for example `tf-serving=60%`".to_owned())
            })?;
        Ok(Self {
            container: container.to_owned(),
            target: target.parse()?,
        })
    }
}

impl FromStr for NamedTarget {
    type Err = InvalidMetric;

    fn from_str(text: &str) -> Result<Self, InvalidMetric> {
        let (name, rest) = text.split_once('=').ok_or_else(|| {
            InvalidMetric("write NAME=VALUE, for example `requests-per-second=50`".to_owned())
        })?;
        // `IsValidPathSegmentName` in `apimachinery/pkg/api/validation/path`, v1.37.
        if matches!(name, "" | "." | "..") || name.contains(['/', '%']) {
            return Err(InvalidMetric(format!(
                "`{name}` is no name of a metric: it may hold neither `/` nor `%`, and is a part of a path"
            )));
        }
        let (value, selector) = match rest.split_once(',') {
            Some((value, selector)) => (value, Some(selector)),
            None => (rest, None),
        };
        let average = positive(value).ok_or_else(|| {
            InvalidMetric(format!(
                "`{value}` is no value: write a quantity above 0 such as `50` or `500m`"
            ))
        })?;
        if let Some(text) = selector {
            selector::parse(text).ok_or_else(|| {
                InvalidMetric(format!(
                    "`{text}` is no label selector: write it as for `kubectl -l`, for example `topic=orders,env in (a,b)`"
                ))
            })?;
        }
        Ok(Self {
            name: name.to_owned(),
            average,
            selector: selector.map(str::to_owned),
        })
    }
}

fn positive(text: &str) -> Option<Quantity> {
    let quantity = Quantity::from(text);
    quantity
        .milli_value()
        .is_ok_and(|value| value > 0)
        .then_some(quantity)
}

/// A metric of metrics.k8s.io, of the pods or of one container of them.
pub fn of_resource(resource: &str, container: Option<&str>, target: &Target) -> MetricSpec {
    let type_ = if container.is_some() {
        "ContainerResource"
    } else {
        "Resource"
    };
    MetricSpec {
        type_: type_.to_owned(),
        name: resource.to_owned(),
        container: container.map(str::to_owned),
        object: None,
        selector: None,
        target: match target {
            Target::Utilization(percent) => MetricTarget::AverageUtilization(*percent),
            Target::AverageValue(quantity) => MetricTarget::AverageValue(quantity.clone()),
        },
    }
}

/// A metric of an adapter: `Pods` or `External`.
pub fn of_adapter(type_: &str, metric: &NamedTarget) -> MetricSpec {
    MetricSpec {
        type_: type_.to_owned(),
        name: metric.name.clone(),
        container: None,
        object: None,
        selector: metric.selector.clone(),
        target: MetricTarget::AverageValue(metric.average.clone()),
    }
}

/// The entry of `spec.metrics`.
pub(super) fn manifest(spec: &MetricSpec) -> Value {
    let target = target(&spec.target);
    let source = match spec.type_.as_str() {
        "Resource" => json!({"name": spec.name, "target": target}),
        "ContainerResource" => json!({"name": spec.name, "container": spec.container, "target": target}),
        _ => {
            let mut metric = json!({"name": spec.name});
            if let Some(selector) = spec.selector.as_deref().and_then(selector::parse) {
                metric["selector"] = selector;
            }
            json!({"metric": metric, "target": target})
        }
    };
    let mut field: Vec<char> = spec.type_.chars().collect();
    if let Some(first) = field.first_mut() {
        first.make_ascii_lowercase();
    }
    json!({"type": spec.type_, String::from_iter(field): source})
}

fn target(target: &MetricTarget) -> Value {
    match target {
        MetricTarget::AverageUtilization(percent) => {
            json!({"type": "Utilization", "averageUtilization": percent})
        }
        MetricTarget::AverageValue(quantity) => json!({"type": "AverageValue", "averageValue": quantity.0}),
        MetricTarget::Value(quantity) => json!({"type": "Value", "value": quantity.0}),
        MetricTarget::None => json!({}),
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a failed unwrap fails the test")]
mod tests {
    use super::*;

    #[test]
    fn targets() {
        assert_eq!("60%".parse(), Ok(Target::Utilization(60)));
        assert_eq!("500m".parse(), Ok(Target::AverageValue(Quantity::from("500m"))));
        for wrong in ["0%", "-5%", "x%", "%", "", "much", "0"] {
            assert!(wrong.parse::<Target>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_container_has_a_target() {
        let metric: ContainerTarget = "tf-serving=60%".parse().unwrap();
        assert_eq!(metric.container, "tf-serving");
        assert_eq!(metric.target, Target::Utilization(60));
        for wrong in ["60%", "=60%", "tf-serving=", "tf-serving=0%"] {
            assert!(wrong.parse::<ContainerTarget>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_metric_has_a_name_a_value_and_perhaps_a_selector() {
        let metric: NamedTarget = "queue=30,topic=orders,env in (a,b)".parse().unwrap();
        assert_eq!(metric.name, "queue");
        assert_eq!(metric.average, Quantity::from("30"));
        assert_eq!(metric.selector.as_deref(), Some("topic=orders,env in (a,b)"));
        let wrong = |text: &str| text.parse::<NamedTarget>().unwrap_err().to_string();
        insta::assert_snapshot!(wrong("queue"), @"write NAME=VALUE, for example `requests-per-second=50`");
        insta::assert_snapshot!(wrong("a/b=3"), @"`a/b` is no name of a metric: it may hold neither `/` nor `%`, and is a part of a path");
        insta::assert_snapshot!(wrong("queue=many"), @"`many` is no value: write a quantity above 0 such as `50` or `500m`");
        insta::assert_snapshot!(wrong("queue=0"), @"`0` is no value: write a quantity above 0 such as `50` or `500m`");
        insta::assert_snapshot!(wrong("queue=3,a in b"), @"`a in b` is no label selector: write it as for `kubectl -l`, for example `topic=orders,env in (a,b)`");
    }
}
