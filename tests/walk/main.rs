//! A random walk: whatever a cluster, an adapter or a file says, nothing panics and nothing reaches the terminal raw.
//!
//! The fixtures of `tests/rules` are taken apart and put together wrongly: values are swapped for extreme numbers,
//! times, quantities and texts, for values of other fixtures, or left out. Overflow is a panic here, because tests
//! are built with its checks. `WALK_SECONDS` says how long (3), `WALK_SEED` where it starts.
#![expect(
    clippy::expect_used,
    clippy::panic,
    reason = "a test that cannot go on says why and stops"
)]

mod corpus;
mod dice;
mod terminal;
mod texts;
mod values;

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use kubectl_tfserve::diagnosis::diagnose;
use kubectl_tfserve::facts::{Facts, Quantity, QuantityFormat};
use kubectl_tfserve::hpa::message;
use kubectl_tfserve::output;
use serde::Deserialize;

use corpus::Corpus;
use dice::Dice;

fn from_environment(name: &str, default: u64) -> u64 {
    std::env::var(name).map_or(default, |text| {
        text.parse()
            .unwrap_or_else(|_| panic!("{name} is no number: {text}"))
    })
}

/// How many cases of each sort were walked.
#[derive(Debug, Default)]
struct Walked {
    facts: u64,
    refused: u64,
    findings: u64,
    texts: u64,
    decoded: u64,
    quantities: u64,
    numbers: u64,
}

#[test]
fn nothing_panics() {
    let seconds = from_environment("WALK_SECONDS", 3);
    let first = from_environment("WALK_SEED", 1);
    let corpus = Corpus::shared();
    let end = Instant::now() + Duration::from_secs(seconds);
    let mut walked = Walked::default();
    let mut seed = first;
    while Instant::now() < end {
        step(corpus, seed, &mut walked);
        seed = seed.wrapping_add(1);
    }
    eprintln!(
        "{walked:?} in {seconds} s, seeds {first} to {}",
        seed.wrapping_sub(1)
    );
    // The walk is worth nothing where all that it makes is refused, or nothing is found in it.
    assert!(walked.facts > walked.refused, "{walked:?}");
    assert!(
        walked.findings > 0 && walked.decoded > 0 && walked.numbers > 0,
        "{walked:?}"
    );
}

/// One seed: facts, then some messages and quantities.
fn step(corpus: &Corpus, seed: u64, walked: &mut Walked) {
    let mut dice = Dice::new(seed);
    let value = corpus.mutant(&mut dice);
    let width = dice.of(&[0, 1, 40, 79, 80, 200, 100_000]);
    guarded(seed, &value, || match Facts::deserialize(&value) {
        Ok(facts) => {
            walked.facts += 1;
            walked.findings += explain(&facts, width);
        }
        Err(_) => walked.refused += 1,
    });
    if dice.chance(10) {
        let file = corpus.broken_file(&mut dice);
        guarded(seed, &file, || {
            if let Ok(facts) = serde_saphyr::from_str::<Facts>(&file) {
                walked.findings += explain(&facts, width);
            }
        });
    }
    for _ in 0..20 {
        let reason = texts::reason(&mut dice);
        let text = texts::message(&mut dice);
        guarded(seed, &(&reason, &text), || {
            walked.texts += 1;
            walked.decoded += decode(&reason, &text);
        });
        let quantity = values::quantity(&mut dice);
        let number = values::number(&mut dice);
        guarded(seed, &(&quantity, number), || {
            walked.quantities += 1;
            walked.numbers += arithmetic(&quantity, number);
        });
    }
}

/// Everything from facts to what is printed. The value is the number of findings.
fn explain(facts: &Facts, width: usize) -> u64 {
    let all = diagnose(facts);
    let text = output::text::explanations(&all, width);
    terminal::assert_harmless(&text);
    let json = output::structured::json(&all).expect("every answer has a form in JSON");
    terminal::assert_harmless(&json);
    let yaml = output::structured::yaml(&all).expect("every answer has a form in YAML");
    terminal::assert_harmless(&yaml.replace('\t', " "));
    serde_json::from_str::<serde_json::Value>(&json).expect("the JSON can be read");
    let saved = output::structured::json(facts).expect("facts have a form in JSON");
    let read: Facts = serde_json::from_str(&saved).expect("saved facts can be read");
    assert_eq!(&read, facts, "saved facts are what was read");
    let findings = all.items.iter().map(|item| item.findings.len()).sum::<usize>();
    u64::try_from(findings).unwrap_or(u64::MAX)
}

/// The value is 1 where the text is known.
fn decode(reason: &str, text: &str) -> u64 {
    let _ = message::invalid_metrics(text);
    let _ = message::normalize(text);
    match message::decode(reason, text) {
        message::Message::Unknown(kept) => {
            assert_eq!(kept, text, "an unknown text is kept as it is");
            0
        }
        _ => 1,
    }
}

/// The value is 1 where the text is a quantity.
fn arithmetic(quantity: &str, number: i64) -> u64 {
    let parsed = Quantity::from(quantity);
    let (milli, value, ratio) = (parsed.milli_value(), parsed.value(), parsed.approximate_f64());
    assert_eq!(milli.is_ok(), value.is_ok());
    assert_eq!(milli.is_ok(), ratio.is_ok());
    // Kubernetes has no quantity below -(2^63 - 1).
    let number = number.max(-i64::MAX);
    for format in [QuantityFormat::DecimalSi, QuantityFormat::BinarySi] {
        let printed = Quantity::from_milli(number, format);
        assert_eq!(printed.milli_value(), Ok(number), "{printed}");
    }
    u64::from(milli.is_ok())
}

/// Runs something; where it panics, the case is saved and its seed told.
fn guarded<T: serde::Serialize>(seed: u64, case: &T, run: impl FnOnce()) {
    if let Err(panic) = catch_unwind(AssertUnwindSafe(run)) {
        let file = save(seed, case);
        panic!(
            "seed {seed}, saved as {}: {}",
            file.display(),
            words(panic.as_ref())
        );
    }
}

fn save<T: serde::Serialize>(seed: u64, case: &T) -> PathBuf {
    let file = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("walk-{seed}.json"));
    let text = serde_json::to_string_pretty(case).expect("a case has a form in JSON");
    std::fs::write(&file, text).expect("the case can be saved");
    file
}

fn words(panic: &(dyn Any + Send)) -> &str {
    panic
        .downcast_ref::<String>()
        .map(String::as_str)
        .or_else(|| panic.downcast_ref::<&str>().copied())
        .unwrap_or("a panic without words")
}
