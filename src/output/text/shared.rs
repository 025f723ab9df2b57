//! A cause that many HPAs share is told once.

use super::finding;
use super::layout::Page;
use crate::diagnosis::phrase::count;
use crate::diagnosis::{Evidence, Explanation, Explanations, Finding};

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
    finding::title(page, root);
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
    page.row(
        "stops",
        &format!("{}: {}{more}", count(stopped.len(), "HPA"), names.join(", ")),
    );
    page.row("why", &root.cause);
    finding::proof(page, &common(root, stopped));
    finding::fixes(page, &root.fix);
    finding::more(page, root);
}

/// The steps of the proof that do not speak of one HPA alone.
fn common(root: &Finding, stopped: &[&Explanation]) -> Vec<Evidence> {
    let everywhere = |step: &&Evidence| {
        stopped.iter().all(|item| {
            item.findings
                .first()
                .is_some_and(|finding| finding.evidence.contains(step))
        })
    };
    root.evidence.iter().filter(everywhere).cloned().collect()
}
