//! docs/messages.md is written from the table. `UPDATE_DOCS=1 cargo test --test drift` writes it anew.

use std::fmt::Write as _;
use std::path::Path;

use kubectl_tfserve::hpa::message::catalogue::{Entry, Kind, NEWEST, OLDEST, entries};

#[test]
fn the_documentation_is_up_to_date() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/messages.md");
    let wanted = page();
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(&file, &wanted).expect("the page can be written");
    }
    let found = std::fs::read_to_string(&file).unwrap_or_default();
    assert_eq!(
        found, wanted,
        "docs/messages.md is stale: run the test with UPDATE_DOCS=1"
    );
}

fn page() -> String {
    let mut text = format!(
        "# What the HPA controller says\n\nEvery event, condition and error of the HorizontalPodAutoscaler controller of Kubernetes 1.{OLDEST} to \
         1.{NEWEST}, as it is spelled in its sources (`pkg/controller/podautoscaler`), and what it means. `explain-hpa` reads all of \
         them; a text that is not here is shown as it is and called unknown.\n\nThis page is generated from \
         `src/hpa/message/catalogue`; `cargo test --test drift` compares that with the sources of the pinned \
         releases, and `DRIFT_RELEASES=v1.23.0,v1.23.17` with any others: both were done for the first and a late patch of each minor \
         version.\n\nUp to 1.28 a \
         condition was its own format string: `%3D` reads `%!D(MISSING)` there. The newest of ten or more similar events \
         begins with `(combined from similar events): `.\n"
    );
    section(
        &mut text,
        "Conditions",
        "| type | status | reason | text | releases | meaning |\n|---|---|---|---|---|---|\n",
        |entry| match entry.kind {
            Kind::Condition {
                type_,
                status,
                reason,
            } => Some(format!("{type_} | {status} | {reason}")),
            _ => None,
        },
    );
    section(
        &mut text,
        "Events",
        "`%v` is the text of an error alone.\n\n| type | reason | text | releases | meaning |\n|---|---|---|---|---|\n",
        |entry| match entry.kind {
            Kind::Event { reason, type_ } => Some(format!("{type_} | {reason}")),
            _ => None,
        },
    );
    for (title, kind) in [
        ("Errors of the controller", Kind::Error),
        ("What stands before them", Kind::Wrapper),
        ("Errors that it passes on", Kind::Foreign),
        ("Pieces of texts", Kind::Phrase),
        ("Only in the log of kube-controller-manager", Kind::Log),
    ] {
        section(
            &mut text,
            title,
            "| written by | text | releases | meaning |\n|---|---|---|---|\n",
            |entry| (entry.kind == kind).then(|| entry.source.to_owned()),
        );
    }
    text
}

/// A table of the entries of a kind; `first` are the columns before the text.
fn section(text: &mut String, title: &str, head: &str, first: impl Fn(&Entry) -> Option<String>) {
    let _ = write!(text, "\n## {title}\n\n{head}");
    for entry in entries() {
        if let Some(first) = first(entry) {
            let template = entry.template.replace('|', "\\|");
            let _ = writeln!(
                text,
                "| {first} | `{template}` | {} | {} |",
                entry.releases, entry.meaning
            );
        }
    }
}
