//! The rules, one test each. Those of krew are read from `internal/index/validation/validate.go` and
//! `cmd/validate-krew-manifest/main.go` of krew 0.5; those of its index from the reviewers' answers.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::release::{PLATFORMS, Release, TAG, archive_name, project, sha256};

/// What krew runs on.
const SUPPORTED: [(&str, &str); 11] = [
    ("windows", "386"),
    ("windows", "amd64"),
    ("windows", "arm64"),
    ("linux", "386"),
    ("linux", "amd64"),
    ("linux", "arm"),
    ("linux", "arm64"),
    ("linux", "ppc64le"),
    ("darwin", "386"),
    ("darwin", "amd64"),
    ("darwin", "arm64"),
];

fn spec() -> Value {
    Release::complete().manifest()["spec"].clone()
}

fn platforms(spec: &Value) -> &[Value] {
    spec["platforms"].as_array().unwrap()
}

fn text<'a>(value: &'a Value, field: &str) -> &'a str {
    value[field]
        .as_str()
        .unwrap_or_else(|| panic!("no {field} in {value}"))
}

/// The system and architecture that a platform's selector asks for.
fn selected(platform: &Value) -> (String, String) {
    let labels = &platform["selector"]["matchLabels"];
    (text(labels, "os").to_owned(), text(labels, "arch").to_owned())
}

#[test]
fn the_version_of_the_format_is_krews() {
    let manifest = Release::complete().manifest();
    assert_eq!(
        manifest["apiVersion"],
        "krew.googlecontainertools.github.com/v1alpha2"
    );
    assert_eq!(manifest["kind"], "Plugin");
}

#[test]
fn the_name_is_that_of_the_file() {
    let manifest = Release::complete().manifest();
    assert_eq!(manifest["metadata"]["name"], "tfserve");
    assert!(project().join("plugin-manifest/tfserve.yaml").is_file());
}

#[test]
fn the_name_is_safe_on_every_system_and_has_no_dash() {
    let manifest = Release::complete().manifest();
    let name = text(&manifest["metadata"], "name");
    // krew allows dashes; kubectl then wants underscores from the user.
    assert!(
        name.chars()
            .all(|letter| letter.is_ascii_lowercase() || letter.is_ascii_digit()),
        "{name}"
    );
    assert!(
        !["con", "prn", "aux", "nul"].contains(&name) && !name.starts_with("com") && !name.starts_with("lpt")
    );
}

#[test]
fn the_version_is_semantic_with_a_v() {
    let spec = spec();
    let version = text(&spec, "version");
    assert_eq!(version, TAG);
    let numbers: Vec<&str> = version.strip_prefix('v').unwrap().split('.').collect();
    assert_eq!(numbers.len(), 3, "{version}");
    assert!(
        numbers.iter().all(|number| number.parse::<u32>().is_ok()),
        "{version}"
    );
}

#[test]
fn the_short_description_is_one_line_of_at_most_50_characters() {
    let spec = spec();
    let short = text(&spec, "shortDescription");
    assert!(!short.is_empty() && !short.contains(['\n', '\r']), "{short}");
    assert!(short.chars().count() <= 50, "{short}");
    assert!(!short.ends_with('.'), "{short}");
    for redundant in ["kubectl", "plugin", "Kubernetes"] {
        assert!(!short.contains(redundant), "{short}");
    }
}

#[test]
fn the_description_is_wrapped_and_shows_no_usage() {
    let spec = spec();
    let description = text(&spec, "description");
    assert!(
        description.lines().all(|line| line.chars().count() <= 80),
        "{description}"
    );
    assert!(!description.contains("kubectl tfserve "), "{description}");
}

#[test]
fn the_homepage_is_the_repository() {
    assert_eq!(spec()["homepage"], "https://github.com/example/kubectl-tfserve");
}

#[test]
fn every_platform_of_the_release_is_there() {
    let spec = spec();
    let found: BTreeSet<String> = platforms(&spec)
        .iter()
        .map(|platform| {
            let (system, architecture) = selected(platform);
            format!("{system}_{architecture}")
        })
        .collect();
    assert_eq!(found, PLATFORMS.iter().map(ToString::to_string).collect());
}

#[test]
fn every_selector_names_a_supported_system_and_nothing_else() {
    for platform in platforms(&spec()) {
        assert_eq!(platform["selector"].as_object().unwrap().len(), 1, "{platform}");
        assert_eq!(
            platform["selector"]["matchLabels"].as_object().unwrap().len(),
            2,
            "{platform}"
        );
        let (system, architecture) = selected(platform);
        assert!(
            SUPPORTED.contains(&(system.as_str(), architecture.as_str())),
            "{platform}"
        );
    }
}

#[test]
fn no_two_platforms_select_the_same_machine() {
    let spec = spec();
    let selected: BTreeSet<_> = platforms(&spec).iter().map(selected).collect();
    assert_eq!(selected.len(), platforms(&spec).len());
}

#[test]
fn every_uri_is_a_file_of_the_release_in_a_form_that_krew_unpacks() {
    for platform in platforms(&spec()) {
        let (system, architecture) = selected(platform);
        let name = archive_name(&format!("{system}_{architecture}"));
        assert_eq!(
            text(platform, "uri"),
            format!("https://github.com/example/kubectl-tfserve/releases/download/{TAG}/{name}")
        );
    }
}

#[test]
fn every_checksum_is_the_archives_in_small_letters() {
    let release = Release::complete();
    let manifest = release.manifest();
    for platform in platforms(&manifest["spec"]) {
        let sum = text(platform, "sha256");
        assert_eq!(sum.len(), 64, "{sum}");
        assert!(
            sum.chars().all(|digit| matches!(digit, '0'..='9' | 'a'..='f')),
            "{sum}"
        );
        let (_, name) = text(platform, "uri").rsplit_once('/').unwrap();
        assert_eq!(sum, sha256(&release.path().join(name)));
    }
}

#[test]
fn every_binary_is_named() {
    for platform in platforms(&spec()) {
        let expected = if selected(platform).0 == "windows" {
            "kubectl-tfserve.exe"
        } else {
            "kubectl-tfserve"
        };
        assert_eq!(text(platform, "bin"), expected);
    }
}

#[test]
fn no_file_list_leaves_the_licence_out() {
    for platform in platforms(&spec()) {
        assert!(platform.get("files").is_none(), "{platform}");
    }
}

#[test]
fn a_platform_without_an_archive_is_left_out_and_said_to_be() {
    let release = Release::complete();
    std::fs::remove_file(release.path().join(archive_name("darwin_arm64"))).unwrap();
    let said = release.run(&["manifest"]);
    assert_eq!(
        said.trim(),
        format!("left out of the manifest: no {}", archive_name("darwin_arm64"))
    );
    assert_eq!(platforms(&release.manifest()["spec"]).len(), 4);
}

#[test]
fn the_bots_template_needs_nothing_else_than_tag_and_repository() {
    let template = std::fs::read_to_string(project().join("plugin-manifest/tfserve.yaml")).unwrap();
    let filled: String = template
        .replace("@REPOSITORY@", "")
        .replace("{{ .TagName }}", "")
        .lines()
        .filter(|line| !line.trim_start().starts_with("{{addURIAndSha \"") && !line.starts_with('#'))
        .collect();
    assert!(!filled.contains(['{', '}', '@']), "{filled}");
    // The bot indents the checksum by four spaces: the call stands where they fit.
    for line in template.lines().filter(|line| line.contains("addURIAndSha")) {
        assert!(
            line.starts_with("    {{addURIAndSha \"https://") && line.ends_with("\" .TagName }}"),
            "{line}"
        );
    }
}
