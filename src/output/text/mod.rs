//! The answer for people: the cause first, then its proof, the arithmetic and the repair.

mod arithmetic;
mod changes;
mod finding;
mod layout;
mod shared;
mod what_if;

use layout::Page;
pub(crate) use layout::wrap;

pub use changes::changes;
pub use what_if::what_if;

use crate::diagnosis::phrase::count;
use crate::diagnosis::{Confidence, EvidenceStatus, Explanation, Explanations, Finding, Severity, Verdict};
use crate::facts::NotReadable;

/// Renders all answers for a terminal of so many columns. Colours are ANSI sequences: print the text
/// through `anstream`.
pub fn explanations(all: &Explanations, width: usize) -> String {
    let mut page = Page::new(width);
    let told = shared::causes(&mut page, all);
    for verdict in [
        Verdict::Broken,
        Verdict::Unknown,
        Verdict::Limited,
        Verdict::Waiting,
    ] {
        for item in all.items.iter().filter(|item| item.verdict == verdict) {
            one(&mut page, all, item, &told);
        }
    }
    healthy(&mut page, all);
    unreadable(&mut page, all);
    page.finish()
}

/// A sentence, broken between words; what follows the first line is set back.
pub fn sentence(text: &str, width: usize) -> String {
    const BACK: usize = 2;
    wrap(text, width.max(40) - BACK).join(&format!("\n{:BACK$}", ""))
}

/// Renders why a roll-out does not come up: the first finding whole, the others in short.
pub fn obstacles(findings: &[Finding], width: usize) -> String {
    let mut page = Page::new(width);
    for (index, finding) in findings.iter().enumerate() {
        if index == 0 {
            finding::alone(&mut page, finding);
        } else {
            finding::short(&mut page, finding);
        }
    }
    page.finish()
}

fn one(page: &mut Page, all: &Explanations, item: &Explanation, told: &[shared::Cause<'_>]) {
    let left: Vec<&Finding> = shown(item)
        .into_iter()
        .filter(|it| shared::cause(it).is_none_or(|cause| !told.contains(&cause)))
        .collect();
    let Some((first, rest)) = left.split_first() else {
        return;
    };
    page.gap();
    heading(page, item);
    finding::full(page, first, item, all.observed_at);
    for finding in rest {
        finding::short(page, finding);
    }
}

/// What is worth a person's time: errors and warnings, and the info that decides the verdict.
fn shown(item: &Explanation) -> Vec<&Finding> {
    let decides = |finding: &&Finding| finding.severity > Severity::Info || finding.verdict == item.verdict;
    item.findings.iter().filter(decides).collect()
}

/// The HPA in one line, or in two; the cause stands in the third line of the page.
fn heading(page: &mut Page, item: &Explanation) {
    let replicas = item.replicas.and_then(|number| usize::try_from(number).ok());
    let mut pieces = vec![
        format!("{}/{}", item.namespace, item.name),
        format!("{}/{}", item.target.kind, item.target.name),
        item.targets.clone(),
        format!("{}..{}", item.min_replicas, item.max_replicas),
    ];
    pieces.extend(replicas.map(|number| count(number, "replica")));
    if page.heading(&pieces) == 1 {
        page.gap();
    }
}

fn healthy(page: &mut Page, all: &Explanations) {
    let healthy: Vec<&Explanation> = all
        .items
        .iter()
        .filter(|item| item.verdict == Verdict::Healthy)
        .collect();
    match (healthy.as_slice(), all.items.len()) {
        ([], _) => {}
        ([item], 1) => {
            heading(page, item);
            finding::good(page, &item.summary);
            for hint in item.findings.iter().filter(|finding| finding.hint) {
                finding::title(page, hint);
            }
            finding::history(page, item, all.observed_at);
        }
        (some, total) => {
            page.gap();
            let which = if some.len() == total { "all " } else { "" };
            let verb = if some.len() == 1 { "is" } else { "are" };
            finding::good(
                page,
                &format!("{which}{} {verb} healthy", count(some.len(), "HPA")),
            );
        }
    }
}

/// What could not be read, once: not what a finding's proof has shown, and not what merely failed for a
/// cause that was proven.
fn unreadable(page: &mut Page, all: &Explanations) {
    let findings = || all.items.iter().flat_map(|item| &item.findings);
    let proven = findings().any(|it| it.severity == Severity::Error && it.confidence == Confidence::Proven);
    let told = |fact: &&NotReadable| {
        findings()
            .flat_map(|finding| &finding.evidence)
            .any(|step| step.status == EvidenceStatus::NotReadable && step.what == fact.what)
    };
    let open: Vec<&NotReadable> = all
        .not_readable
        .iter()
        .filter(|fact| !told(fact) && (fact.needs.is_some() || !proven))
        .collect();
    if !open.is_empty() {
        page.gap();
    }
    for fact in open {
        let needs = fact
            .needs
            .as_ref()
            .map_or_else(String::new, |needs| format!(" (needs {needs})"));
        finding::caution(page, &format!("not read: {}: {}{needs}", fact.what, fact.why));
    }
}
