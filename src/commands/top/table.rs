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
fn heading(usage: &TargetUsage) -> String {
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
        .set_header(header);
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
        table.add_row(row);
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
fn resource(pod: &PodUsage) -> String {
    match &pod.container {
        Some(container) => format!("{} ({container})", pod.resource),
        None => pod.resource.clone(),
    }
}

/// `yes`, or how the HPA treats the pod and why.
fn counted(pod: &PodUsage) -> String {
    match pod.counted {
        None => unknown(),
        Some("counted") => "yes".to_owned(),
        Some(how) if pod.why.is_empty() => how.to_owned(),
        Some(how) => format!("{how}: {}", escape::line(&pod.why)),
    }
}

fn unknown() -> String {
    "-".to_owned()
}

fn percent(value: i64) -> String {
    format!("{value}%")
}
