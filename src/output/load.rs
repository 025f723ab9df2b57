//! A load in text: the line while it runs, the table when it is over.

use std::fmt::Write as _;

use comfy_table::{CellAlignment, ContentArrangement, Table, presets};

use super::escape;
use super::text::wrap;
use crate::load::report::{LoadReport, Summary};
use crate::load::{Point, Quantiles, Tally};

/// One line about how it stands.
pub fn live_line(point: &Point, unit: &str, total: &Tally, behind: &str) -> String {
    let unit = if (point.level, unit) == (1, "users") {
        "user"
    } else {
        unit
    };
    let mut line = format!(
        "{} s  {} {unit}  {} req/s  {} failed",
        number(point.second + point.seconds),
        point.level,
        number(point.requests_per_second),
        total.failed_count(),
    );
    if let Some(latency) = point.latency_ms {
        let _ = write!(
            line,
            "  p50 {}  p95 {}  p99 {}",
            milliseconds(latency.p50),
            milliseconds(latency.p95),
            milliseconds(latency.p99)
        );
    }
    if point.warm_up {
        line.push_str("  warm-up");
    }
    if !behind.is_empty() {
        let _ = write!(line, "  {}", escape::line(behind));
    }
    line
}

/// All of it, for people, in so many columns.
pub fn text(report: &LoadReport, width: usize) -> String {
    let mut text = String::new();
    let ended = &report.ended;
    let end = format!("{} after {} s: {}", ended.reason, number(ended.second), ended.why);
    for paragraph in [heading(report), end] {
        row(&mut text, "", &paragraph, width);
    }
    let _ = writeln!(text, "\n{}\n", steps(report));
    for failure in &report.failures {
        let _ = writeln!(text, "{:<12}{}  {}", "failed", failure.count, failure.what);
    }
    for answer in &report.answers {
        row(&mut text, label(answer.question), &answer.answer, width);
    }
    for note in report.scaling.iter().flat_map(|scaling| &scaling.notes) {
        row(&mut text, "not known", note, width);
    }
    row(&mut text, "client", &client(report), width);
    text
}

/// A text behind its label, continued under itself.
fn row(text: &mut String, label: &str, what: &str, width: usize) {
    let indent = if label.is_empty() { 0 } else { 12 };
    let mut label = label;
    for line in wrap(what, width.saturating_sub(indent)) {
        let _ = writeln!(text, "{label:<indent$}{line}");
        label = "";
    }
}

/// What is loaded, and from where.
pub(super) fn heading(report: &LoadReport) -> String {
    let target = &report.target;
    let mut parts = vec![format!("{} {}", target.method, target.url)];
    if target.body_bytes > 0 {
        parts.push(format!("{} bytes each", target.body_bytes));
    }
    parts.push(format!("from {}", target.measured_from));
    if let Some(scaling) = &report.scaling {
        parts.push(format!(
            "HPA {}/{} of {}",
            scaling.namespace, scaling.hpa, scaling.target
        ));
    }
    parts.join(" · ")
}

/// A question in a word or two.
pub(super) fn label(question: &str) -> &str {
    match question {
        "timeToReady" => "ready after",
        "coolDown" => "cool-down",
        other => other,
    }
}

/// What it cost this machine.
pub(super) fn client(report: &LoadReport) -> String {
    let client = &report.client;
    let sent_by = match client.locust_workers {
        Some(workers) => {
            let lost = client.lost_workers.filter(|lost| *lost > 0);
            format!(
                "{workers} Locust {} in the cluster{}",
                plural(workers.into(), "worker"),
                lost.map(|lost| format!(", {lost} of them lost"))
                    .unwrap_or_default()
            )
        }
        None => format!(
            "{} {}, {} {}",
            client.threads,
            plural(client.threads as u64, "thread"),
            client.connections,
            plural(client.connections, "connection")
        ),
    };
    let mut parts = vec![sent_by];
    if let Some(seconds) = client.cpu_seconds {
        parts.push(format!("{seconds:.2} s of CPU"));
    }
    if let Some(busy) = client.busiest_percent {
        parts.push(format!("busiest {busy:.0}% of a core"));
    }
    if client.unfinished > 0 {
        parts.push(format!(
            "{} {} unfinished at the end",
            client.unfinished,
            plural(client.unfinished, "request")
        ));
    }
    if client.never_sent > 0 {
        parts.push(format!(
            "{} {} never sent",
            client.never_sent,
            plural(client.never_sent, "request")
        ));
    }
    parts.join(", ")
}

fn plural(count: u64, word: &str) -> String {
    if count == 1 {
        word.to_owned()
    } else {
        format!("{word}s")
    }
}

fn steps(report: &LoadReport) -> String {
    let mut table = Table::new();
    table
        .load_style(presets::NOTHING)
        .set_content_arrangement(ContentArrangement::Disabled);
    table.set_header(columns(report.unit()));
    for step in &report.steps {
        table.add_row(cells(&step.level.to_string(), &step.summary));
    }
    if report.steps.len() != 1 {
        table.add_row(cells("all", &report.total));
    }
    for column in table.column_iter_mut() {
        column.set_padding((0, 2));
        column.set_cell_alignment(CellAlignment::Right);
    }
    table.trim_fmt()
}

/// The columns of a table of steps.
pub(super) fn columns(unit: &str) -> [String; 9] {
    let level = if unit == "users" { "USERS" } else { "DUE/S" };
    [
        level, "SECONDS", "REQUESTS", "REQ/S", "FAILED", "P50", "P95", "P99", "MAX",
    ]
    .map(str::to_owned)
}

/// One row of it.
pub(super) fn cells(level: &str, summary: &Summary) -> [String; 9] {
    let latency = |value: fn(&Quantiles) -> f64| {
        summary
            .latency_ms
            .as_ref()
            .map_or_else(|| "-".to_owned(), |latency| milliseconds(value(latency)))
    };
    [
        level.to_owned(),
        number(summary.seconds),
        summary.requests.to_string(),
        number(summary.requests_per_second),
        summary.failed.to_string(),
        latency(|it| it.p50),
        latency(|it| it.p95),
        latency(|it| it.p99),
        latency(|it| it.max),
    ]
}

/// A number with as many digits as are worth reading.
pub(super) fn number(value: f64) -> String {
    if value.fract() == 0.0 || value >= 100.0 {
        format!("{value:.0}")
    } else {
        format!("{value:.1}")
    }
}

/// Milliseconds, or seconds where there are many of them.
pub(super) fn milliseconds(value: f64) -> String {
    if value >= 10_000.0 {
        format!("{:.1} s", value / 1000.0)
    } else if value >= 100.0 {
        format!("{value:.0} ms")
    } else if value >= 1.0 {
        format!("{value:.1} ms")
    } else {
        format!("{value:.2} ms")
    }
}
