//! The answer to kubectl: choices, one a line, with their help behind a tab, and at last what the shell does
//! with them, as a number that cobra's shell scripts know (`ShellCompDirective` in cobra's `completions.go`).

use std::ffi::OsString;

use clap::{CommandFactory, FromArgMatches};
use clap_complete::engine::{CompletionCandidate, complete};

use super::values::Values;
use crate::cli::{Cli, GlobalArgs};
use crate::cluster::ConnectOptions;

/// Files, where there is no choice.
pub(super) const SHELL_FILES: u8 = 0;
/// No space after the choice.
const NO_SPACE: u8 = 2;
/// No files where there is no choice.
pub(super) const NO_FILES: u8 = 4;
/// Directories.
pub(super) const DIRECTORIES: u8 = 16;

/// What can stand where the last word is being typed. Whatever goes wrong, the answer is a shorter one.
pub(in crate::commands) fn answer(words: &[OsString]) -> String {
    let nothing = OsString::new();
    let (typed, before) = words.split_last().unwrap_or((&nothing, &[]));
    let typed = typed.to_string_lossy();
    let values = Values::new(connection(before));
    let mut command = values.attach(Cli::command());
    let line: Vec<OsString> = std::iter::once(OsString::from("kubectl-tfserve"))
        .chain(before.iter().cloned())
        .chain([OsString::from(typed.as_ref())])
        .collect();
    let position = line.len() - 1;
    let found = complete(&mut command, line, position, None).unwrap_or_default();

    // The shells take what stands before the equals sign away before they compare.
    let flag = typed
        .starts_with('-')
        .then(|| typed.split_once('='))
        .flatten()
        .map(|(flag, _)| format!("{flag}="))
        .unwrap_or_default();
    let choices: Vec<(String, String)> = found
        .iter()
        .filter_map(|candidate| choice(candidate, &flag))
        .filter(|(value, _)| !value.starts_with('-') || typed.starts_with('-'))
        .collect();
    let open = choices.iter().any(|(value, _)| value.ends_with([':', '/', '=']));
    let directive = values.directive() | if open { NO_SPACE } else { 0 };
    let lines = choices.into_iter().map(|(value, help)| {
        if help.is_empty() {
            value
        } else {
            format!("{value}\t{help}")
        }
    });
    let lines: Vec<String> = lines.chain([format!(":{directive}")]).collect();
    lines.join("\n")
}

/// The connection that the words before mean; the default one where they are not complete.
fn connection(before: &[OsString]) -> ConnectOptions {
    let line = std::iter::once(OsString::from("kubectl-tfserve")).chain(before.iter().cloned());
    Cli::command()
        .ignore_errors(true)
        .try_get_matches_from(line)
        .ok()
        .and_then(|matches| GlobalArgs::from_arg_matches(&matches).ok())
        .unwrap_or_default()
        .connect_options()
}

/// A choice and its help, each on one line.
fn choice(candidate: &CompletionCandidate, flag: &str) -> Option<(String, String)> {
    let value = candidate.get_value().to_str()?;
    let value = value.strip_prefix(flag).unwrap_or(value);
    let help = candidate.get_help().map(ToString::to_string).unwrap_or_default();
    let help = help
        .lines()
        .next()
        .unwrap_or_default()
        .replace(char::is_control, " ");
    // What a cluster answers is shown by a terminal.
    (!value.is_empty() && !value.contains(char::is_control)).then(|| (value.to_owned(), help))
}
