//! The tables, in `kubectl top`'s manner.

use std::fmt::Write;

use comfy_table::{CellAlignment, ContentArrangement, Table, presets};

use super::report::{PodUsage, Report, TargetUsage};
use crate::output::escape;

/// One heading and one table a target.
pub(super) fn render(report: &Report) -> String {
    report.items.iter().map(target).collect::<Vec<_>>().join("\n")
}

fn target(usage: &TargetUsage) -> String {
    let mut text = heading(usage);
    text.push('\n');
    if let (Some(verdict), Some(summary)) = (usage.verdict, &usage.summary) {
        let verdict = format!("{verdict:?}").to_lowercase();
        let _ = writeln!(text, "  {verdict}: {}", escape::line(summary));
    }
    for note in &usage.notes {
        let _ = writeln!(text, "  {}", escape::line(note));
    }
    if usage.pods.is_empty() {
        text.push_str("  no pods to show\n");
    } else {
        text.push_str(&table(&usage.pods));
        text.push('\n');
    }
    text
}

/// `ns/name  Deployment/x  cpu 426%/60%  1 → 4 replicas (1..4)`
pub(super) fn heading(usage: &TargetUsage) -> String {
    let name = usage.hpa.as_ref().unwrap_or(&usage.target.name);
    let mut parts = vec![
        format!("{}/{name}", usage.namespace),
        format!("{}/{}", usage.target.kind, usage.target.name),
    ];
    parts.extend(usage.metrics.iter().cloned());
    parts.push(replicas(usage));
    if usage.hpa.is_none() {
        parts.push("no HPA".to_owned());
    }
    escape::line(&parts.join("  ")).into_owned()
}

pub(super) fn replicas(usage: &TargetUsage) -> String {
    let current = usage
        .current_replicas
        .map_or_else(|| "?".to_owned(), |replicas| replicas.to_string());
    let change = match usage
        .desired_replicas
        .filter(|desired| Some(*desired) != usage.current_replicas)
    {
        Some(desired) => format!("{current} → {desired}"),
        None => current,
    };
    let unit = if change == "1" { "replica" } else { "replicas" };
    match (usage.min_replicas, usage.max_replicas) {
        (Some(min), Some(max)) => format!("{change} {unit} ({min}..{max})"),
        _ => format!("{change} {unit}"),
    }
}

/// The column RESOURCE is left out where all rows show the same one: it heads the usage then.
fn table(pods: &[PodUsage]) -> String {
    let one_resource = pods
        .windows(2)
        .all(|pair| resource(&pair[0]) == resource(&pair[1]));
    let usage = match pods.first() {
        Some(pod) if one_resource => resource(pod).to_uppercase(),
        _ => "USAGE".to_owned(),
    };
    let mut header = vec!["POD".to_owned()];
    if !one_resource {
        header.push("RESOURCE".to_owned());
    }
    let first_number = header.len();
    header.push(usage);
    header.extend(["REQUEST", "REQUEST%", "TARGET%", "COUNTED"].map(str::to_owned));
    let numbers = first_number..header.len() - 1;

    let mut table = Table::new();
    table
        .load_style(presets::NOTHING)
        .set_content_arrangement(ContentArrangement::Disabled)
        .set_header(header.iter().map(|cell| escape::line(cell)));
    for pod in pods {
        let mut row = vec![pod.name.clone()];
        if !one_resource {
            row.push(resource(pod));
        }
        row.extend([
            pod.usage.clone().unwrap_or_else(unknown),
            pod.request.clone().unwrap_or_else(|| "none".to_owned()),
            pod.percent_of_request.map_or_else(unknown, percent),
            pod.percent_of_target.map_or_else(unknown, percent),
            counted(pod),
        ]);
        table.add_row(row.iter().map(|cell| escape::line(cell)));
    }
    for (index, column) in table.column_iter_mut().enumerate() {
        column.set_padding((if index == 0 { 2 } else { 0 }, 2));
        if numbers.contains(&index) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    table.trim_fmt()
}

/// `cpu`, or `cpu (container)`.
pub(super) fn resource(pod: &PodUsage) -> String {
    match &pod.container {
        Some(container) => format!("{} ({container})", pod.resource),
        None => pod.resource.clone(),
    }
}

/// `yes`, or how the HPA treats the pod and why.
pub(super) fn counted(pod: &PodUsage) -> String {
    match pod.counted {
        None => unknown(),
        Some("counted") => "yes".to_owned(),
        Some(how) if pod.why.is_empty() => how.to_owned(),
        Some(how) => format!("{how}: {}", pod.why),
    }
}

fn unknown() -> String {
    "-".to_owned()
}

fn percent(value: i64) -> String {
    format!("{value}%")
}

#[cfg(test)]
#[expect(clippy::expect_used, reason = "a test may end with a panic")]
mod tests {
    use super::super::report::Report;
    use super::render;
    use crate::facts::Facts;

    const BAD: &str = "\u{1b}]0;title\u{7}\u{9b}2J\u{202e}\r\n\u{85}\u{2028}";

    /// An HPA and a pod whose every name is hostile.
    fn facts() -> Facts {
        let usage = serde_json::json!({format!("cpu{BAD}"): format!("100m{BAD}")});
        let value = serde_json::json!({
            "apiVersion": "tfserve.dev/v1", "kind": "HpaFacts", "observedAt": "2026-01-02T03:04:05Z",
            "cluster": {"version": {"known": format!("v1.37.2{BAD}")}},
            "hpas": [{
                "hpa": {
                    "namespace": format!("shop{BAD}"), "name": format!("web{BAD}"), "maxReplicas": 3,
                    "target": {"apiVersion": "apps/v1", "kind": format!("Deployment{BAD}"), "name": format!("web{BAD}")},
                    "metrics": [
                        {"type": "Resource", "name": format!("cpu{BAD}"), "target": {"averageValue": format!("1{BAD}")}},
                        {"type": "ContainerResource", "name": "cpu", "container": format!("app{BAD}"), "target": {"averageUtilization": 60}},
                    ],
                },
                "scale": {"known": {"specReplicas": 1, "statusReplicas": 1, "selector": format!("app=web{BAD}")}},
                "pods": {"known": [{
                    "name": format!("web-1{BAD}"), "namespace": "shop", "phase": format!("Running{BAD}"),
                    "containers": [{"name": format!("app{BAD}"), "resources": {"requests": usage}}],
                }]},
                "podMetrics": {"known": [{
                    "name": format!("web-1{BAD}"), "timestamp": "2026-01-02T03:04:00Z", "windowMillis": 15000,
                    "containers": [{"name": format!("app{BAD}"), "usage": usage}],
                }]},
            }],
        });
        serde_json::from_value(value).expect("facts")
    }

    #[test]
    fn names_from_the_cluster_cannot_move_the_cursor() {
        let text = render(&Report::of_hpas(&facts()));
        assert!(
            text.contains("web-1\\u{1b}]0;title\\u{7}\\u{9b}2J\\u{202e}\\r\\n"),
            "{text}"
        );
        let raw = |it: char| it != '\n' && (it.is_control() || (!it.is_ascii() && BAD.contains(it)));
        assert_eq!(text.find(raw), None, "{text:?}");
        let lines: Vec<&str> = text.lines().collect();
        assert!(lines.len() <= 8, "a line break came through: {lines:#?}");
    }
}
