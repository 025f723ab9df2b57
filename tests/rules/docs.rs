//! docs/rules is written from the heads of the rule files. `UPDATE_DOCS=1 cargo test --test rules` writes it anew.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use kubectl_tfserve::diagnosis::{RULES, Stage};

const HEADINGS: [&str; 5] =
    ["## What it detects", "## How it is proved", "## What it is not", "## Fix", "## Source"];

#[test]
fn every_rule_has_all_headings_with_text_below() {
    for rule in RULES {
        let text = rule.documentation();
        assert!(text.starts_with(&format!("{} {}\n", rule.code, rule.name)), "{text}");
        let found: Vec<&str> = text.lines().filter(|line| line.starts_with("## ")).collect();
        assert_eq!(found, HEADINGS, "{}", rule.code);
        for section in text.split("## ").skip(1) {
            assert!(section.lines().nth(1).is_some_and(|line| !line.is_empty()), "{}: {section}", rule.code);
        }
    }
}

#[test]
fn the_documentation_is_up_to_date() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/rules");
    let wanted = pages(&folder);
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::create_dir_all(&folder).expect("the folder can be made");
        for (file, text) in &wanted {
            std::fs::write(file, text).expect("the page can be written");
        }
    }
    for (file, text) in &wanted {
        let found = std::fs::read_to_string(file).unwrap_or_default();
        assert_eq!(&found, text, "{} is stale: run the test with UPDATE_DOCS=1", file.display());
    }
    for entry in std::fs::read_dir(&folder).expect("the folder is there") {
        let file = entry.expect("a directory entry").path();
        assert!(wanted.contains_key(&file), "{} belongs to no rule", file.display());
    }
}

fn pages(folder: &Path) -> BTreeMap<PathBuf, String> {
    let mut pages: BTreeMap<PathBuf, String> = RULES
        .iter()
        .map(|rule| (folder.join(format!("{}.md", rule.code)), format!("# {}", rule.documentation())))
        .collect();
    pages.insert(folder.join("README.md"), index());
    pages
}

fn index() -> String {
    let mut text = String::from(
        "# Causes\n\nThe codes follow the controller's order of work: the earliest stage that fails is the cause. \
         Codes are never reused.\n\nThese pages are generated from the rule files in `src/diagnosis/rules`; \
         `kubectl tfserve explain-hpa --code CODE` prints them.\n",
    );
    let mut stage = None;
    for rule in RULES {
        if stage != Some(rule.stage) {
            stage = Some(rule.stage);
            let _ = write!(text, "\n## {}\n\n", title(rule.stage));
        }
        let _ = writeln!(text, "- [{}]({}.md) {}", rule.code, rule.code, rule.name);
    }
    text
}

fn title(stage: Stage) -> &'static str {
    match stage {
        Stage::Target => "1xx: the scale target",
        Stage::Selector => "2xx: the selector",
        Stage::MetricsPipeline => "3xx: the metrics API and what is behind it",
        Stage::Requests => "4xx: requests",
        Stage::Pods => "5xx: the pods that count",
        Stage::Arithmetic => "6xx: arithmetic, limits and time",
        Stage::Others => "7xx: somebody else",
        Stage::Serving => "8xx: TensorFlow Serving",
        Stage::Unknown => "9xx: what could not be read, or is not known",
    }
}
