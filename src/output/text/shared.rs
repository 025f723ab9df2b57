//! A cause that many HPAs share is told once.

use super::finding;
use super::layout::Page;
use crate::diagnosis::phrase::count;
use crate::diagnosis::{Evidence, Explanation, Explanations, Finding};

/// How many HPAs are named.
const NAMED: usize = 12;

/// Tells every cause that stops two HPAs or more, and returns the codes that were told.
pub(super) fn causes(page: &mut Page, all: &Explanations) -> Vec<&'static str> {
    let mut told = Vec::new();
    for item in &all.items {
        let Some(root) = item.findings.first().filter(|finding| finding.shared) else {
            continue;
        };
        let stopped: Vec<&Explanation> = all
            .items
            .iter()
            .filter(|other| has_root(other, root.code))
            .collect();
        if stopped.len() < 2 || told.contains(&root.code) {
            continue;
        }
        told.push(root.code);
        tell(page, root, &stopped);
    }
    told
}

fn has_root(item: &Explanation, code: &str) -> bool {
    item.findings.first().is_some_and(|finding| finding.code == code)
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
