//! What krew, its index and its reviewers ask of a plugin, rule by rule; and krew itself, which installs it.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a failed unwrap fails the test")]

mod archive;
mod install;
mod release;
mod rules;
mod workflows;
