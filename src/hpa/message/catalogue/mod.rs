//! Everything that the HPA controller of Kubernetes v1.23 to v1.37 can say, as one table.
//!
//! Decoding is tested from it: every entry has a test that renders it as each release does and reads it back.
//! `tests/drift` compares it with the controller's own sources: a text that a new release brings fails there.
//! `docs/messages.md` is written from it.
//!
//! A template is spelled as in Go, with its verbs; `%v`, `%w` and `%s` are all the same hole.

mod conditions;
mod errors;
mod events;
mod libraries;
mod phrases;
#[cfg(test)]
mod tests;

use std::fmt::{self, Display, Formatter};

/// The first release whose texts are known here, as a minor version of 1.
pub const OLDEST: u32 = 23;
/// The last one.
pub const NEWEST: u32 = 37;

/// One text of the controller, or of a library whose errors it passes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Entry {
    /// What it is, and where it is read.
    pub kind: Kind,
    /// The text, with Go's verbs in the place of its arguments.
    pub template: &'static str,
    /// Which releases write it.
    pub releases: Releases,
    /// The file and the function that write it.
    pub source: &'static str,
    /// What it tells.
    pub meaning: &'static str,
}

/// What a text is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// An event of the HPA.
    Event {
        /// `reason`.
        reason: &'static str,
        /// `type`: `Normal` or `Warning`.
        type_: &'static str,
    },
    /// A condition of the HPA's status.
    Condition {
        /// `type`.
        type_: &'static str,
        /// `status`.
        status: &'static str,
        /// `reason`.
        reason: &'static str,
    },
    /// Words that the controller puts before another error.
    Wrapper,
    /// An error of the controller.
    Error,
    /// An error of a library of Kubernetes, or of an API server, that the controller passes on.
    Foreign,
    /// A piece of an event or a condition: the name of a metric, the reason of a rescale.
    Phrase,
    /// Only in the log of kube-controller-manager.
    Log,
}

impl Kind {
    /// Whether the text stands in `pkg/controller/podautoscaler` itself.
    pub fn is_the_controllers(self) -> bool {
        self != Self::Foreign
    }
}

/// The releases, as minor versions of 1, that write a text. Both ends belong to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Releases {
    first: u32,
    last: u32,
}

impl Releases {
    /// Whether a release writes the text.
    pub fn contains(self, minor: u32) -> bool {
        (self.first..=self.last).contains(&minor)
    }
}

impl Display for Releases {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        match (self.first, self.last) {
            (OLDEST, NEWEST) => formatter.write_str("all"),
            (first, NEWEST) => write!(formatter, "from 1.{first} on"),
            (OLDEST, last) => write!(formatter, "up to 1.{last}"),
            (first, last) if first == last => write!(formatter, "1.{first}"),
            (first, last) => write!(formatter, "1.{first} to 1.{last}"),
        }
    }
}

const ALL: Releases = Releases {
    first: OLDEST,
    last: NEWEST,
};

const fn since(first: u32) -> Releases {
    Releases { first, last: NEWEST }
}

const fn until(last: u32) -> Releases {
    Releases { first: OLDEST, last }
}

/// The whole table: conditions, events, the controller's errors, those of libraries, and pieces of texts.
pub fn entries() -> impl Iterator<Item = &'static Entry> {
    conditions::ENTRIES
        .iter()
        .chain(events::ENTRIES)
        .chain(errors::ENTRIES)
        .chain(libraries::ENTRIES)
        .chain(phrases::ENTRIES)
}

/// Whether a text is that of a condition that reports no error: its reason says everything.
pub(super) fn is_informative(text: &str) -> bool {
    conditions::ENTRIES
        .iter()
        .filter(|entry| !matches!(entry.kind, Kind::Condition { reason, .. } if tells_an_error(reason)))
        .any(|entry| match entry.template.split_once('%') {
            Some((start, _)) => text.starts_with(start),
            None => text == entry.template,
        })
}

fn tells_an_error(reason: &str) -> bool {
    reason.starts_with("Failed") || reason.starts_with("Invalid") || reason == "AmbiguousSelector"
}
