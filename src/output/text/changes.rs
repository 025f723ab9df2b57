//! `--watch`: a line for every change, and the whole answer where there is a new cause.

use owo_colors::OwoColorize;

use super::finding;
use crate::diagnosis::phrase::count;
use crate::diagnosis::{Became, Change, Decision, Explanation, Explanations, Verdict};
use crate::output::escape;

/// Renders what has changed; nothing where nothing has.
pub fn changes(changes: &[Change<'_>], all: &Explanations, width: usize) -> String {
    let mut text: String = changes.iter().map(line).collect();
    let items: Vec<Explanation> = changes
        .iter()
        .filter(|change| change.needs_explaining())
        .filter_map(|change| change.explanation.cloned())
        .collect();
    if !items.is_empty() {
        let new = Explanations { items, ..all.clone() };
        text.push('\n');
        text.push_str(&super::explanations(&new, width));
        text.push('\n');
    }
    text
}

/// `08:15:02 UTC  shop/web  broken → healthy: 42% of 60%: 2 replicas, as many as the metrics want`.
fn line(change: &Change<'_>) -> String {
    let name = format!("{}/{}", change.namespace, change.name);
    format!(
        "{}  {}  {}\n",
        change.observed_at.format("%H:%M:%S UTC"),
        escape::line(&name).bold(),
        escape::line(&said(change))
    )
}

fn said(change: &Change<'_>) -> String {
    let (Some(after), Some(item)) = (&change.after, change.explanation) else {
        return "gone".to_owned();
    };
    let mut pieces = Vec::new();
    if change.change == Became::Appeared {
        pieces.push("appeared".to_owned());
    }
    let before = change.before.as_ref();
    pieces.push(match before {
        Some(before) if before.verdict != after.verdict => {
            format!("{} → {}", word(before.verdict), word(after.verdict))
        }
        _ => word(after.verdict).to_owned(),
    });
    if before.is_some_and(|it| it.decision != after.decision) {
        pieces.extend(after.decision.as_ref().map(decision));
    }
    let came = change
        .came()
        .into_iter()
        .map(|it| format!("also {} {}", it.code, it.title));
    let went = change.went().into_iter().map(|it| format!("{} is gone", it.code));
    let mut text = format!("{}: {}", pieces.join(", "), why(item));
    for news in came.chain(went) {
        text.push_str("; ");
        text.push_str(&news);
    }
    text
}

/// The code stands before the summary where the first finding is what the summary says.
fn why(item: &Explanation) -> String {
    match item.findings.first() {
        Some(first) if first.title == item.summary => format!("{} {}", first.code, finding::worded(first)),
        _ => item.summary.clone(),
    }
}

fn decision(decision: &Decision) -> String {
    let Some(desired) = decision.desired_replicas else {
        return "no decision".to_owned();
    };
    let replicas = count(usize::try_from(desired).unwrap_or(0), "replica");
    let limit = decision
        .limited_by
        .map_or_else(String::new, |it| format!(" by {it}"));
    if desired == decision.current_replicas {
        format!("{replicas}{limit}")
    } else {
        format!("{} → {replicas}{limit}", decision.current_replicas)
    }
}

fn word(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Healthy => "healthy",
        Verdict::Waiting => "waiting",
        Verdict::Limited => "limited",
        Verdict::Unknown => "unknown",
        Verdict::Broken => "broken",
    }
}
