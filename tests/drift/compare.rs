//! What the sources say against what the table lists.

use kubectl_tfserve::hpa::message::catalogue::{Entry, Kind};

use super::extract::Said;

/// What the sources say and the table does not list for this release.
pub(crate) fn unknown(said: &[Said], table: &[&Entry], minor: u32) -> Vec<String> {
    let listed: Vec<&Entry> = table
        .iter()
        .copied()
        .filter(|entry| entry.releases.contains(minor))
        .collect();
    said.iter()
        .filter(|said| !listed.iter().any(|entry| is_of(said, entry)))
        .map(|said| {
            format!(
                "{}: {} {} {} `{}`",
                said.at, said.use_, said.type_, said.reason, said.text
            )
        })
        .collect()
}

/// What the table lists for this release and the sources do not say.
pub(crate) fn absent(said: &[Said], table: &[&Entry], minor: u32) -> Vec<String> {
    table
        .iter()
        .filter(|entry| entry.releases.contains(minor))
        .filter(|entry| !said.iter().any(|said| is_of(said, entry)))
        .map(|entry| format!("{:?} `{}`", entry.kind, entry.template))
        .collect()
}

/// Whether an entry lists what the sources say.
pub(crate) fn is_of(said: &Said, entry: &Entry) -> bool {
    match (said.use_.as_str(), entry.kind) {
        ("event", Kind::Event { reason, type_ }) | ("condition", Kind::Condition { reason, type_, .. }) => {
            reason == said.reason && type_ == said.type_ && says(said, entry)
        }
        ("text", _) => says(said, entry),
        _ => false,
    }
}

/// Of a text that the extractor could not tell, only type and reason are compared.
fn says(said: &Said, entry: &Entry) -> bool {
    said.text.is_empty() || shape(&said.text) == shape(entry.template)
}

/// The file or the directory of an entry's source.
pub(crate) fn place(entry: &Entry) -> &'static str {
    entry.source.split(": ").next().unwrap_or(entry.source)
}

/// A template with every argument as the same hole: releases move between `%v`, `%s` and `%w`. Two holes side
/// by side are one: `%q%w` has an error without text at its end.
fn shape(template: &str) -> String {
    let mut pieces = template.split('%');
    let mut shape = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        let verb = piece.trim_start_matches(|it: char| "+-#. 0123456789".contains(it));
        if !shape.ends_with('\u{0}') {
            shape.push('\u{0}');
        }
        let mut rest = verb.chars();
        rest.next();
        shape.push_str(rest.as_str());
    }
    shape
}
