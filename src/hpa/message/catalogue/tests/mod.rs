//! Every entry of the table, rendered as each release writes it, is read back.

#![expect(clippy::panic, reason = "a test that cannot go on says why and stops")]

mod errors;
mod render;
mod rows;
mod whole;

use std::collections::BTreeSet;

use super::{Kind, NEWEST, OLDEST, entries};

#[test]
fn no_text_is_listed_twice_for_one_release() {
    for minor in OLDEST..=NEWEST {
        let mut seen = BTreeSet::new();
        for entry in entries().filter(|entry| entry.releases.contains(minor)) {
            let key = format!("{:?} {}", entry.kind, entry.template);
            assert!(seen.insert(key.clone()), "1.{minor}: {key}");
        }
    }
}

#[test]
fn every_entry_says_what_it_means_and_where_it_is_written() {
    for entry in entries() {
        assert!(!entry.meaning.is_empty(), "{}", entry.template);
        assert!(!entry.meaning.ends_with('.'), "{}", entry.meaning);
        let controllers = ["horizontal.go: ", "replica_calculator.go: ", "metrics/"];
        assert_eq!(
            controllers.iter().any(|file| entry.source.starts_with(file)),
            entry.kind.is_the_controllers(),
            "{}",
            entry.source
        );
    }
}

/// 14 reasons of events and 4 types of conditions with 24 pairs in 1.37; without `AmbiguousSelector` and
/// `ScaledToZero` in 1.23.
#[test]
fn the_numbers_are_those_of_the_sources() {
    let count = |minor: u32| {
        let mut events = BTreeSet::new();
        let mut pairs = BTreeSet::new();
        for entry in entries().filter(|entry| entry.releases.contains(minor)) {
            match entry.kind {
                Kind::Event { reason, .. } => {
                    events.insert(reason);
                }
                Kind::Condition { type_, reason, .. } => {
                    pairs.insert((type_, reason));
                }
                _ => {}
            }
        }
        (events.len(), pairs.len())
    };
    assert_eq!(count(23), (13, 21));
    assert_eq!(count(26), (14, 22));
    assert_eq!(count(37), (14, 24));
}

#[test]
fn releases_are_said_in_words() {
    let texts: Vec<String> = [
        super::ALL,
        super::since(26),
        super::until(25),
        super::Releases { first: 26, last: 36 },
        super::since(37),
    ]
    .iter()
    .map(ToString::to_string)
    .collect();
    assert_eq!(
        texts,
        [
            "all",
            "from 1.26 on",
            "up to 1.25",
            "1.26 to 1.36",
            "from 1.37 on"
        ]
    );
}
