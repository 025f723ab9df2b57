//! Every rule on facts that make it fire and on facts that must leave it silent; healthy HPAs; several HPAs;
//! the documentation that is generated from the rules.

#![expect(
    clippy::expect_used,
    clippy::panic,
    reason = "a test that cannot go on says why and stops"
)]

mod docs;
mod engine;
mod healthy;
mod purity;
mod quiet;
mod rules;
mod several;

use std::path::{Path, PathBuf};

use kubectl_tfserve::diagnosis::{Explanations, Finding, diagnose};
use kubectl_tfserve::facts::Facts;
use kubectl_tfserve::output;

/// The terminal that one broken HPA has to fit.
const SCREEN: (usize, usize) = (80, 24);

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/rules")
}

fn read(file: &Path) -> Facts {
    let text = std::fs::read_to_string(file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    serde_saphyr::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", file.display()))
}

fn explain(folder: &str, name: &str) -> Explanations {
    diagnose(&read(&root().join(folder).join(format!("{name}.yaml"))))
}

/// The text as a pipe gets it: without colours.
fn text(all: &Explanations) -> String {
    anstream::adapter::strip_str(&output::text::explanations(all, SCREEN.0)).to_string()
}

/// The names of the facts files of a folder.
fn cases(folder: &str) -> Vec<String> {
    let entries = std::fs::read_dir(root().join(folder)).unwrap_or_else(|error| panic!("{folder}: {error}"));
    let mut names: Vec<String> = entries
        .filter_map(|entry| {
            let name = entry.ok()?.file_name().into_string().ok()?;
            name.strip_suffix(".yaml").map(str::to_owned)
        })
        .collect();
    names.sort();
    names
}

/// The codes of all findings, those among the consequences too.
fn codes(all: &Explanations) -> Vec<&'static str> {
    fn collect(findings: &[Finding], found: &mut Vec<&'static str>) {
        for finding in findings {
            found.push(finding.code);
            collect(&finding.consequences, found);
        }
    }
    let mut found = Vec::new();
    for item in &all.items {
        collect(&item.findings, &mut found);
    }
    found
}

/// Compares with the snapshot beside the facts.
fn snapshot(folder: &str, name: &str, value: &str) {
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path(root().join(folder));
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.bind(|| insta::assert_snapshot!(name, value));
}
