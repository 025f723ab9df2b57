//! The rooms keep to what they may know: kube stays in `cluster`, the core does no I/O, data goes one way.

use std::path::Path;

const KUBE: [&str; 2] = ["kube::", "k8s_openapi"];
const INPUT_AND_OUTPUT: [&str; 6] = [
    "std::fs",
    "std::io",
    "std::net",
    "std::process",
    "tokio::",
    "std::env",
];

#[test]
fn only_the_cluster_room_knows_kube() {
    for room in [
        "cli",
        "commands",
        "diagnosis",
        "facts",
        "hpa",
        "load",
        "output",
        "serving",
    ] {
        never_says(room, &KUBE);
    }
}

#[test]
fn the_core_does_no_input_or_output() {
    for room in ["diagnosis", "facts", "hpa", "load"] {
        never_says(room, &INPUT_AND_OUTPUT);
    }
}

#[test]
fn data_goes_one_way() {
    never_says(
        "facts",
        &[
            "crate::hpa",
            "crate::diagnosis",
            "crate::output",
            "crate::cluster",
        ],
    );
    never_says("load", &["crate::output", "crate::cluster", "crate::commands"]);
    never_says("hpa", &["crate::diagnosis", "crate::output", "crate::cluster"]);
    never_says(
        "diagnosis",
        &["crate::output", "crate::cluster", "crate::commands"],
    );
    never_says("output", &["crate::cluster", "crate::commands"]);
    never_says("serving", &["crate::cluster", "crate::commands"]);
    never_says("cluster", &["crate::commands", "crate::diagnosis"]);
}

fn never_says(room: &str, words: &[&str]) {
    check(
        &Path::new(env!("CARGO_MANIFEST_DIR")).join("src").join(room),
        words,
    );
}

fn check(path: &Path, words: &[&str]) {
    if path.is_dir() {
        for entry in std::fs::read_dir(path).expect("the sources are there") {
            check(&entry.expect("a directory entry").path(), words);
        }
        return;
    }
    let text = std::fs::read_to_string(path).expect("sources are text");
    for word in words {
        assert!(!text.contains(word), "{} says {word}", path.display());
    }
}
