//! The workflows that build a release: what they may do, and whose code they run.

use std::path::PathBuf;

use serde_json::Value;

use crate::release::project;

fn workflows() -> Vec<(PathBuf, String)> {
    let directory = project().join(".github/workflows");
    let files: Vec<_> = std::fs::read_dir(directory)
        .unwrap()
        .map(|entry| {
            let path = entry.unwrap().path();
            let text = std::fs::read_to_string(&path).unwrap();
            (path, text)
        })
        .collect();
    assert!(files.len() >= 3, "{files:?}");
    files
}

#[test]
fn every_action_is_pinned_by_its_commit() {
    for (path, text) in workflows() {
        let used = text
            .lines()
            .filter_map(|line| line.split_once("uses: "))
            .map(|(_, used)| used);
        for used in used.filter(|used| !used.starts_with("./")) {
            let (_, version) = used.split_once('@').unwrap();
            let (commit, tag) = version
                .split_once(" # v")
                .unwrap_or_else(|| panic!("{path:?}: {used}"));
            assert!(
                commit.len() == 40 && commit.chars().all(|digit| digit.is_ascii_hexdigit()),
                "{path:?}: {used}"
            );
            assert!(
                tag.starts_with(|digit: char| digit.is_ascii_digit()),
                "{path:?}: {used}"
            );
        }
    }
}

#[test]
fn a_workflow_reads_and_only_the_publishing_job_writes() {
    for (path, text) in workflows() {
        let workflow: Value = serde_saphyr::from_str(&text).unwrap();
        assert_eq!(
            workflow["permissions"],
            serde_json::json!({"contents": "read"}),
            "{path:?}"
        );
        let jobs = workflow["jobs"].as_object().unwrap();
        for (name, job) in jobs.iter().filter(|(_, job)| job.get("permissions").is_some()) {
            assert_eq!(name, "publish", "{path:?}: {job}");
        }
    }
}

#[test]
fn the_workflows_run_the_steps_of_the_script() {
    let text: String = workflows().into_iter().map(|(_, text)| text).collect();
    for step in ["build", "archive", "manifest", "sbom"] {
        assert!(
            text.contains(&format!("plugin-manifest/release {step}")),
            "{step}"
        );
    }
    assert!(text.contains("run: .ci/run"));
}
