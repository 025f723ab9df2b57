//! Our table of the controller's texts against the controller's own sources.
//!
//! `tests/drift/extract`, a Go program that needs only the standard library, reads the sources of the pinned
//! Kubernetes releases out of Go's module cache. What they can say and our table lacks fails here, and so does
//! what our table claims and they do not say. A new release is read by raising the pin in
//! `tests/sandbox/components`.
#![expect(
    clippy::expect_used,
    clippy::panic,
    reason = "a test that cannot go on says why and stops"
)]

mod compare;
mod docs;
mod extract;

use std::collections::BTreeSet;

use kubectl_tfserve::hpa::message::catalogue::{Entry, Kind, entries};

use compare::{absent, unknown};
use extract::{Pin, Said};

const NEWEST: Pin = Pin {
    module: "kubernetes-1.37",
    minor: 37,
};
const OLDEST: Pin = Pin {
    module: "kubernetes-1.34",
    minor: 34,
};

/// The controller itself: its monitor, configuration and metrics client are below.
const CONTROLLER: &str = "pkg/controller/podautoscaler";

fn controller(pin: Pin) -> Vec<Said> {
    let kubernetes = pin
        .directory("k8s.io/kubernetes")
        .unwrap_or_else(|why| panic!("{}: {why}", pin.module));
    extract::told(&kubernetes.join(CONTROLLER))
}

fn table() -> Vec<&'static Entry> {
    entries().collect()
}

fn compare_both_ways(said: &[Said], minor: u32) {
    assert_eq!(
        unknown(said, &table(), minor),
        Vec::<String>::new(),
        "1.{minor} says what src/hpa/message/catalogue does not list"
    );
    let listed: Vec<&Entry> = table()
        .into_iter()
        .filter(|entry| entry.kind.is_the_controllers())
        .collect();
    assert_eq!(
        absent(said, &listed, minor),
        Vec::<String>::new(),
        "src/hpa/message/catalogue claims of 1.{minor} what its sources do not say"
    );
}

#[test]
fn the_newest_release_says_nothing_that_is_not_in_our_table() {
    compare_both_ways(&controller(NEWEST), NEWEST.minor);
}

/// `DRIFT_RELEASES=v1.38.0,v1.29.15` compares other releases, too.
#[test]
fn nor_do_other_releases() {
    let named = std::env::var("DRIFT_RELEASES").unwrap_or_default();
    for version in named.split(',').filter(|version| !version.is_empty()) {
        let kubernetes = extract::release(version).unwrap_or_else(|why| panic!("{version}: {why}"));
        let minor = version.split('.').nth(1).and_then(|minor| minor.parse().ok());
        let minor = minor.unwrap_or_else(|| panic!("{version} is no version"));
        compare_both_ways(&extract::told(&kubernetes.join(CONTROLLER)), minor);
    }
    match OLDEST.directory("k8s.io/kubernetes") {
        Ok(kubernetes) => {
            compare_both_ways(&extract::told(&kubernetes.join(CONTROLLER)), OLDEST.minor);
        }
        Err(why) => eprintln!(
            "not compared: the sources of {} cannot be had: {why}",
            OLDEST.module
        ),
    }
}

/// The comparison itself: whatever is taken out of the table is missed.
#[test]
fn a_text_that_is_taken_out_of_the_table_is_missed() {
    let said = controller(NEWEST);
    let mut taken_out = 0;
    for left_out in table()
        .into_iter()
        .filter(|entry| entry.kind.is_the_controllers() && entry.releases.contains(NEWEST.minor))
    {
        let rest: Vec<&Entry> = entries().filter(|entry| *entry != left_out).collect();
        let missed = unknown(&said, &rest, NEWEST.minor);
        assert!(!missed.is_empty(), "nobody misses {left_out:?}");
        taken_out += 1;
    }
    assert!(taken_out > 90, "{taken_out}");
}

/// And whatever a release stops to say is noticed.
#[test]
fn a_text_that_a_release_lacks_is_noticed() {
    let said = controller(NEWEST);
    let listed: Vec<&Entry> = entries()
        .filter(|entry| entry.kind.is_the_controllers())
        .collect();
    for entry in listed
        .iter()
        .filter(|entry| entry.releases.contains(NEWEST.minor))
    {
        let rest: Vec<Said> = said
            .iter()
            .filter(|said| !compare::is_of(said, entry))
            .cloned()
            .collect();
        let noticed = absent(&rest, &listed, NEWEST.minor);
        assert!(!noticed.is_empty(), "nobody notices that {entry:?} is gone");
    }
}

/// The drift of tomorrow, in the form in which it will come.
#[test]
fn a_new_text_a_new_reason_and_a_new_condition_are_each_told() {
    let new = |use_: &str, type_: &str, reason: &str, text: &str| Said {
        use_: use_.to_owned(),
        type_: type_.to_owned(),
        reason: reason.to_owned(),
        text: text.to_owned(),
        at: "horizontal.go:1".to_owned(),
    };
    for said in [
        new("text", "", "", "the moon is %s"),
        new("event", "Warning", "MoonIsFull", "%v"),
        new("event", "Normal", "FailedGetScale", "%v"),
        new("event", "Warning", "SelectorRequired", "a selector is required"),
        new("condition", "AbleToScale", "TooManyReplicas", ""),
        new("unresolved", "", "", "condition"),
    ] {
        let told = unknown(std::slice::from_ref(&said), &table(), NEWEST.minor);
        assert_eq!(told.len(), 1, "{said:?}");
    }
}

/// What libraries write is compared in one direction: that our words are theirs.
#[test]
fn the_words_of_libraries_are_theirs() {
    let libraries: Vec<&Entry> = entries()
        .filter(|entry| entry.kind == Kind::Foreign && entry.source.starts_with("k8s.io/"))
        .collect();
    let places: BTreeSet<&str> = libraries.iter().map(|entry| compare::place(entry)).collect();
    for place in places {
        let said = NEWEST
            .library(place)
            .unwrap_or_else(|why| panic!("{place}: {why}"));
        let here: Vec<&Entry> = libraries
            .iter()
            .copied()
            .filter(|entry| compare::place(entry) == place)
            .collect();
        assert_eq!(
            absent(&said, &here, NEWEST.minor),
            Vec::<String>::new(),
            "{place}"
        );
    }
}
