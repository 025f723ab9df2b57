//! One finding, from its title to its repair.

use chrono::{DateTime, Utc};
use owo_colors::OwoColorize;

use super::arithmetic;
use super::layout::Page;
use crate::diagnosis::case::innermost;
use crate::diagnosis::phrase::ago;
use crate::diagnosis::{
    Confidence, Evidence, EvidenceStatus, Explanation, Finding, Fix, HistoryEntry, Severity,
};

/// The columns of a mark and a code: `✗ TFS301  `.
const MARK: usize = 10;

/// A finding with everything that supports it.
pub(super) fn full(page: &mut Page, finding: &Finding, item: &Explanation, now: DateTime<Utc>) {
    title(page, finding);
    page.row("why", &finding.cause);
    proof(page, &finding.evidence);
    arithmetic::rows(page, finding, item);
    history(page, item, now);
    for consequence in &finding.consequences {
        page.row("hence", &format!("{} {}", consequence.code, consequence.title));
    }
    fixes(page, &finding.fix);
    more(page, finding);
}

/// A finding with everything that supports it, of something that no HPA scales.
pub(super) fn alone(page: &mut Page, finding: &Finding) {
    title(page, finding);
    page.row("why", &finding.cause);
    proof(page, &finding.evidence);
    for consequence in &finding.consequences {
        page.row("hence", &format!("{} {}", consequence.code, consequence.title));
    }
    fixes(page, &finding.fix);
    more(page, finding);
}

/// A finding that stands behind another one.
pub(super) fn short(page: &mut Page, finding: &Finding) {
    page.gap();
    title(page, finding);
    proof(page, &finding.evidence);
    fixes(page, finding.fix.get(..1).unwrap_or_default());
    more(page, finding);
}

/// A line that says that all is well.
pub(super) fn good(page: &mut Page, text: &str) {
    page.marked(&format!("{} ", "✓".green()), 2, text);
}

/// A line that says that something is missing.
pub(super) fn caution(page: &mut Page, text: &str) {
    page.marked(&format!("{} ", "!".yellow()), 2, text);
}

/// The title behind its mark and its code.
pub(super) fn title(page: &mut Page, finding: &Finding) {
    let (symbol, code) = (symbol(finding.severity), finding.code.bold().to_string());
    page.marked(&format!("{symbol} {code}  "), MARK, &worded(finding));
}

/// The title; what is not proven says so.
pub(super) fn worded(finding: &Finding) -> String {
    match finding.confidence {
        Confidence::Proven => finding.title.clone(),
        Confidence::Likely => format!("likely: {}", finding.title),
        Confidence::Possible => format!("possibly: {}", finding.title),
    }
}

fn symbol(severity: Severity) -> String {
    match severity {
        Severity::Error => "✗".red().to_string(),
        Severity::Warning => "!".yellow().to_string(),
        Severity::Info => "i".blue().to_string(),
    }
}

/// The steps of the proof, aligned.
pub(super) fn proof(page: &mut Page, evidence: &[Evidence]) {
    let rows: Vec<Vec<String>> = evidence
        .iter()
        .map(|step| vec![step.what.clone(), seen(step)])
        .collect();
    page.table("proof", &rows);
}

/// What was seen; the API server's whole sentence about a missing right is in the JSON.
fn seen(step: &Evidence) -> String {
    if step.status == EvidenceStatus::NotReadable && !step.source.is_empty() {
        return format!("not readable: needs {}", step.source);
    }
    step.value.clone()
}

/// Commands first, each under a label of its own: the best one, then the others.
pub(super) fn fixes(page: &mut Page, fixes: &[Fix]) {
    for (index, fix) in fixes.iter().enumerate() {
        let label = if index == 0 { "fix" } else { "or" };
        let separator = if fix.changes.is_empty() { "" } else { ": " };
        let note = format!("{}{separator}{}", fix.title, fix.changes);
        match &fix.command {
            Some(command) => page.command(label, command, &note),
            None => page.row(label, note.trim_start_matches("or ")),
        }
    }
}

/// Where to read on.
pub(super) fn more(page: &mut Page, finding: &Finding) {
    page.command(
        "more",
        &format!("kubectl tfserve explain-hpa --code {}", finding.code),
        "",
    );
}

/// Events of the past, each text once.
pub(super) fn history(page: &mut Page, item: &Explanation, now: DateTime<Utc>) {
    let mut told: Vec<&str> = Vec::new();
    for entry in &item.history {
        let text = innermost(&entry.message);
        if !told.contains(&text) {
            page.row(
                if told.is_empty() { "history" } else { "" },
                &past(entry, text, now),
            );
            told.push(text);
        }
    }
}

fn past(entry: &HistoryEntry, text: &str, now: DateTime<Utc>) -> String {
    let often = match entry.count {
        ..=1 => String::new(),
        2 => ", twice".to_owned(),
        count => format!(", {count} times"),
    };
    let when = entry
        .last_seen
        .map_or_else(String::new, |time| format!(", last {}", ago(time, now)));
    format!("\"{text}\"{often}{when}: {}", entry.note)
}
