//! What the help says is true: every example is a command line that the binary takes.

use std::process::Command;

use clap::{CommandFactory, Parser};
use kubectl_tfserve::cli::{Cli, TOPICS};

use crate::run::offline;

/// The words behind each `kubectl tfserve` of a text, as a shell splits them.
fn command_lines(text: &str) -> Vec<Vec<String>> {
    let text = text.replace("\\\n", " ");
    let lines: Vec<&str> = text
        .lines()
        .filter(|line| line.starts_with("  ") && line.contains("kubectl tfserve "))
        .collect();
    let script = lines.join("\n");
    let directory = tempfile::tempdir().unwrap();
    // Every word ends with a NUL, every command line with two; where the example redirects does not matter.
    let shell = "kubectl() { printf '%s\\0' \"$@\" '' >>words; }\n";
    let status = Command::new("bash")
        .args(["-c", &format!("HOME=.; mkdir bin; {shell}{script}")])
        .current_dir(directory.path())
        .stderr(std::process::Stdio::null())
        .status();
    assert!(status.is_ok(), "{script}");
    let words = std::fs::read_to_string(directory.path().join("words")).unwrap_or_default();
    words
        .split_terminator("\0\0")
        .map(|line| line.split('\0').map(str::to_owned).collect())
        .collect()
}

#[track_caller]
fn examples_are_taken(name: &str, text: &str) {
    // clap would break a longer line where a paste takes it for two.
    for line in text.lines().filter(|line| line.starts_with("  ")) {
        assert!(
            line.chars().count() <= 80 || line.starts_with("  # "),
            "{name}: {line}"
        );
    }
    let lines = command_lines(text);
    assert!(lines.len() >= 2, "{name} has {} examples:\n{text}", lines.len());
    for line in lines {
        assert_eq!(line[0], "tfserve", "{line:?}");
        if let Err(error) = Cli::try_parse_from(&line) {
            panic!("{name}: {line:?}: {error}");
        }
    }
}

#[test]
fn every_command_has_two_examples_that_it_takes() {
    fn visit(command: &clap::Command, words: &[&str]) {
        let help = offline(&[words, &["--help"]].concat());
        assert_eq!(help.code, 0, "{words:?}");
        let usage = format!("Usage: {}", [&["kubectl", "tfserve"], words].concat().join(" "));
        assert!(help.stdout.contains(&usage), "{}", help.stdout);
        let examples = command
            .get_after_help()
            .map(ToString::to_string)
            .unwrap_or_default();
        examples_are_taken(&words.join(" "), &examples);
        for line in examples.lines().filter(|line| line.starts_with("  kubectl")) {
            assert!(
                help.stdout.contains(line),
                "{line} is not whole in\n{}",
                help.stdout
            );
        }
        for subcommand in command.get_subcommands().filter(|command| !command.is_hide_set()) {
            visit(subcommand, &[words, &[subcommand.get_name()]].concat());
        }
    }
    visit(&Cli::command(), &[]);
}

#[test]
fn every_topic_is_listed_fits_a_terminal_and_has_two_examples() {
    let list = offline(&["help", "topics"]);
    assert_eq!(list.code, 0);
    for topic in TOPICS {
        assert!(
            list.stdout.contains(&format!("\n  {} ", topic.name)),
            "{}",
            list.stdout
        );
        assert!(list.stdout.contains(topic.title()), "{}", list.stdout);
        assert_eq!(offline(&["help", topic.name]).stdout, topic.text);
        examples_are_taken(topic.name, topic.text);
        for line in topic.text.lines() {
            assert!(line.chars().count() <= 80, "{line}");
        }
    }
}

#[test]
fn help_of_a_command_is_what_the_command_says_itself() {
    let direct = offline(&["explain-hpa", "--help"]).stdout;
    assert_eq!(
        offline(&["help", "explain-hpa"]).stdout.trim_end(),
        direct.trim_end()
    );
    let unknown = offline(&["help", "nothing"]);
    assert!(
        unknown
            .error()
            .starts_with("`nothing` is neither a command nor a topic"),
        "{}",
        unknown.stderr
    );
}

#[test]
fn the_version_is_there_for_people_and_for_programs() {
    let text = offline(&["--version"]).stdout;
    let start = format!("kubectl-tfserve {} (commit ", env!("CARGO_PKG_VERSION"));
    assert!(text.starts_with(&start), "{text}");
    let version = offline(&["--version", "-o", "json"]).json();
    assert_eq!(version["kind"], "Version");
    assert_eq!(version["version"], env!("CARGO_PKG_VERSION"));
    assert!(text.contains(version["commit"].as_str().unwrap()), "{text}");
    assert!(text.contains(version["target"].as_str().unwrap()), "{text}");
}
