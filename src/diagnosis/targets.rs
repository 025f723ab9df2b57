//! The TARGETS column of `kubectl get hpa`.
//!
//! Source: `formatHPAMetrics` in `pkg/printers/internalversion/printers.go`, Kubernetes v1.37; servers up to 1.29
//! leave the resource's name out.

use crate::facts::{Hpa, MetricSpec, MetricStatus, MetricTarget};

/// How many metrics the column shows.
const SHOWN: usize = 2;
const UNKNOWN: &str = "<unknown>";

/// The column as a server of Kubernetes 1.`minor` prints it.
pub(super) fn column(hpa: &Hpa, minor: u32) -> String {
    if hpa.metrics.is_empty() {
        return "<none>".to_owned();
    }
    let cells: Vec<String> = hpa
        .metrics
        .iter()
        .enumerate()
        .take(SHOWN)
        .map(|(index, spec)| cell(spec, hpa.current_metrics.get(index), minor))
        .collect();
    let shown = cells.join(", ");
    match hpa.metrics.len().saturating_sub(SHOWN) {
        0 => shown,
        more => format!("{shown} + {more} more..."),
    }
}

fn cell(spec: &MetricSpec, status: Option<&MetricStatus>, minor: u32) -> String {
    let current = status
        .filter(|status| status.type_ == spec.type_)
        .map(|status| &status.current);
    let average = || {
        current
            .and_then(|it| it.average_value.as_ref())
            .map_or(UNKNOWN, |value| value.0.as_str())
    };
    let whole = || {
        current
            .and_then(|it| it.value.as_ref())
            .map_or(UNKNOWN, |value| value.0.as_str())
    };
    match spec.type_.as_str() {
        "Resource" | "ContainerResource" => {
            let prefix = if minor >= 30 {
                format!("{}: ", spec.name)
            } else {
                String::new()
            };
            match &spec.target {
                MetricTarget::AverageValue(target) => format!("{prefix}{}/{target}", average()),
                MetricTarget::AverageUtilization(target) => {
                    let percent = current.and_then(|it| it.average_utilization);
                    let percent = percent.map_or_else(|| UNKNOWN.to_owned(), |percent| format!("{percent}%"));
                    format!("{prefix}{percent}/{target}%")
                }
                MetricTarget::Value(_) | MetricTarget::None => format!("{prefix}{UNKNOWN}/<auto>"),
            }
        }
        "Pods" => match &spec.target {
            MetricTarget::AverageValue(target) => format!("{}/{target}", average()),
            _ => format!("{}/<auto>", average()),
        },
        "Object" | "External" => match &spec.target {
            MetricTarget::AverageValue(target) => format!("{}/{target} (avg)", average()),
            MetricTarget::Value(target) => format!("{}/{target}", whole()),
            _ => format!("{}/<auto>", whole()),
        },
        _ => "<unknown type>".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::column;
    use crate::facts::{Hpa, MetricSpec, MetricStatus, MetricTarget, MetricValue, ObjectReference};

    fn hpa(metrics: Vec<MetricSpec>, current_metrics: Vec<MetricStatus>) -> Hpa {
        Hpa {
            namespace: "shop".to_owned(),
            name: "web".to_owned(),
            uid: String::new(),
            created_at: None,
            generation: None,
            observed_generation: None,
            target: ObjectReference {
                api_version: "apps/v1".to_owned(),
                kind: "Deployment".to_owned(),
                name: "web".to_owned(),
            },
            min_replicas: None,
            max_replicas: 4,
            metrics,
            behavior: None,
            current_replicas: None,
            desired_replicas: 0,
            last_scale_time: None,
            current_metrics,
            conditions: Vec::new(),
            status_changed_at: None,
            metrics_defaulted: false,
            spec_changed_at: None,
            keeper: None,
            limits_writers: Vec::new(),
            last_applied_limits: None,
            delivered_by: None,
        }
    }

    fn metric(type_: &str, name: &str, target: MetricTarget) -> MetricSpec {
        MetricSpec {
            type_: type_.to_owned(),
            name: name.to_owned(),
            container: None,
            object: None,
            selector: None,
            target,
        }
    }

    fn current(type_: &str, current: MetricValue) -> MetricStatus {
        MetricStatus {
            type_: type_.to_owned(),
            name: String::new(),
            current,
        }
    }

    #[test]
    fn two_metrics_are_shown_and_the_rest_is_counted() {
        let cpu = || metric("Resource", "cpu", MetricTarget::AverageUtilization(60));
        let memory = metric("Resource", "memory", MetricTarget::AverageValue("1Gi".into()));
        let value = MetricValue {
            average_utilization: Some(7),
            ..MetricValue::default()
        };
        let hpa = hpa(
            vec![cpu(), memory, cpu(), cpu()],
            vec![current("Resource", value)],
        );
        assert_eq!(column(&hpa, 37), "cpu: 7%/60%, memory: <unknown>/1Gi + 2 more...");
        assert_eq!(column(&hpa, 29), "7%/60%, <unknown>/1Gi + 2 more...");
    }

    #[test]
    fn values_and_averages_of_other_types() {
        let whole = MetricValue {
            value: Some("12".into()),
            ..MetricValue::default()
        };
        let average = MetricValue {
            average_value: Some("1500m".into()),
            ..MetricValue::default()
        };
        let metrics = vec![
            metric("Object", "requests", MetricTarget::Value("10".into())),
            metric("External", "queue", MetricTarget::AverageValue("2".into())),
        ];
        let hpa = hpa(
            metrics,
            vec![current("Object", whole), current("External", average)],
        );
        assert_eq!(column(&hpa, 37), "12/10, 1500m/2 (avg)");
    }

    #[test]
    fn a_failed_or_foreign_entry_is_unknown() {
        let metrics = vec![
            metric("Pods", "rps", MetricTarget::AverageValue("5".into())),
            metric("Resource", "cpu", MetricTarget::None),
        ];
        let hpa = hpa(metrics, vec![current("", MetricValue::default())]);
        assert_eq!(column(&hpa, 37), "<unknown>/5, cpu: <unknown>/<auto>");
        let none = super::tests::hpa(Vec::new(), Vec::new());
        assert_eq!(column(&none, 37), "<none>");
    }
}
