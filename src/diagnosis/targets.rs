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
