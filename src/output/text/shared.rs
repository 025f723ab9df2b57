//! A cause that many HPAs share is told once.

use super::finding;
use super::layout::Page;
use crate::diagnosis::phrase::count;
use crate::diagnosis::{Explanation, Explanations, Finding, Severity};

/// How many HPAs are named.
const NAMED: usize = 12;

/// Tells every cause that stops two HPAs or more, and returns the causes that were told.
pub(super) fn causes<'a>(page: &mut Page, all: &'a Explanations) -> Vec<Cause<'a>> {
    let mut groups: Vec<(Cause<'a>, Vec<&Explanation>)> = Vec::new();
    for item in &all.items {
        let Some(cause) = item.findings.first().and_then(cause) else {
            continue;
        };
        match groups.iter_mut().find(|(known, _)| *known == cause) {
            Some((_, stopped)) => stopped.push(item),
            None => groups.push((cause, vec![item])),
        }
    }
    groups.retain(|(_, stopped)| stopped.len() > 1);
    // The cause that stops the most comes first.
    groups.sort_by_key(|(_, stopped)| std::cmp::Reverse(stopped.len()));
    for (_, stopped) in &groups {
        if let Some(root) = stopped.first().and_then(|item| item.findings.first()) {
            tell(page, root, stopped);
        }
    }
    groups.into_iter().map(|(cause, _)| cause).collect()
}

/// A cause that HPAs share: the code, and what is at fault.
pub(super) type Cause<'a> = (&'static str, &'a str);

/// The shared cause that a finding tells of.
pub(super) fn cause(finding: &Finding) -> Option<Cause<'_>> {
    Some((finding.code, finding.shared.as_deref()?))
}

fn tell(page: &mut Page, root: &Finding, stopped: &[&Explanation]) {
    page.gap();
    finding::title(page, &of_all(root, stopped));
    let names: Vec<String> = stopped
        .iter()
        .take(NAMED)
        .map(|item| format!("{}/{}", item.namespace, item.name))
        .collect();
    let rest = stopped.len().saturating_sub(NAMED);
    let more = if rest > 0 {
        format!(" and {rest} more")
    } else {
        String::new()
    };
    let stops = firsts(stopped).any(|finding| finding.severity == Severity::Error);
    page.row(
        if stops { "stops" } else { "limits" },
        &format!("{}: {}{more}", count(stopped.len(), "HPA"), names.join(", ")),
    );
    page.row("why", &root.cause);
    finding::proof(page, &common(root, stopped, |finding| &finding.evidence));
    let fixes = common(root, stopped, |finding| &finding.fix);
    if fixes.is_empty() {
        page.row("fix", "each HPA has its own: name one to see it");
    }
    finding::fixes(page, &fixes);
    finding::more(page, root);
}

/// The finding as it is true of all: as bad as the worst, as sure as the least sure, and without the end of the title,
/// which tells what it means for one HPA, where the HPAs differ in that.
fn of_all(root: &Finding, stopped: &[&Explanation]) -> Finding {
    let mut finding = root.clone();
    for other in firsts(stopped) {
        finding.severity = finding.severity.max(other.severity);
        finding.confidence = finding.confidence.min(other.confidence);
        if other.title != root.title {
            before_the_effect(&root.title).clone_into(&mut finding.title);
        }
    }
    finding
}

/// `Nothing serves metrics.k8s.io` of `Nothing serves metrics.k8s.io, so the HPA cannot read cpu usage`.
fn before_the_effect(title: &str) -> &str {
    title.split_once(", so ").map_or(title, |(fault, _)| fault)
}

fn firsts<'a>(stopped: &[&'a Explanation]) -> impl Iterator<Item = &'a Finding> {
    stopped.iter().filter_map(|item| item.findings.first())
}

/// The steps of the proof, or the repairs, that do not speak of one HPA alone.
fn common<T: Clone + PartialEq>(
    root: &Finding,
    stopped: &[&Explanation],
    part: impl Fn(&Finding) -> &Vec<T>,
) -> Vec<T> {
    let everywhere = |one: &&T| firsts(stopped).all(|finding| part(finding).contains(one));
    part(root).iter().filter(everywhere).cloned().collect()
}
