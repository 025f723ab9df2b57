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

/// `ns/name  Deployment/x  cpu 426%/60%  1 → 4 replicas (1..4)  limited: …`
fn heading(usage: &TargetUsage) -> String {
    let name = usage.hpa.as_ref().unwrap_or(&usage.target.name);
    let mut parts = vec![
        format!("{}/{name}", usage.namespace),
        format!("{}/{}", usage.target.kind, usage.target.name),
    ];
    parts.extend(usage.metrics.iter().cloned());
    parts.push(replicas(usage));
    match (usage.verdict, &usage.summary) {
        (Some(verdict), Some(summary)) => {
            parts.push(format!("{}: {summary}", format!("{verdict:?}").to_lowercase()));
        }
        _ if usage.hpa.is_none() => parts.push("no HPA".to_owned()),
        _ => {}
    }
    escape::line(&parts.join("  ")).into_owned()
}

fn replicas(usage: &TargetUsage) -> String {
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

fn table(pods: &[PodUsage]) -> String {
    let mut table = Table::new();
    table
        .load_style(presets::NOTHING)
        .set_content_arrangement(ContentArrangement::Disabled);
    table.set_header([
        "POD",
        "RESOURCE",
        "USAGE",
        "REQUEST",
        "OF REQUEST",
        "OF TARGET",
        "HPA",
        "WHY",
    ]);
    for pod in pods {
        let resource = match &pod.container {
            Some(container) => format!("{} ({container})", pod.resource),
            None => pod.resource.clone(),
        };
        table.add_row([
            pod.name.clone(),
            resource,
            pod.usage.clone().unwrap_or_else(unknown),
            pod.request.clone().unwrap_or_else(|| "none".to_owned()),
            pod.percent_of_request.map_or_else(unknown, percent),
            pod.percent_of_target.map_or_else(unknown, percent),
            pod.counted.map_or_else(unknown, str::to_owned),
            escape::line(&pod.why).into_owned(),
        ]);
    }
    for (index, column) in table.column_iter_mut().enumerate() {
        column.set_padding((if index == 0 { 2 } else { 0 }, 2));
        if (2..=5).contains(&index) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    table.trim_fmt()
}

fn unknown() -> String {
    "-".to_owned()
}

fn percent(value: i64) -> String {
    format!("{value}%")
}
