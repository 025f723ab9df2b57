//! Text from the cluster never moves the cursor, changes colours, hides text or reverses its direction.

use std::collections::BTreeSet;

use kubectl_tfserve::diagnosis::diagnose;
use kubectl_tfserve::facts::Facts;
use kubectl_tfserve::output;
use serde::Deserialize;
use serde_json::Value;

use super::corpus::Corpus;

/// Every sequence that the text output writes itself: bold, dim, colours, and back.
const OURS: &[&str] = &[
    "\u{1b}[0m",
    "\u{1b}[1m",
    "\u{1b}[2m",
    "\u{1b}[22m",
    "\u{1b}[31m",
    "\u{1b}[32m",
    "\u{1b}[33m",
    "\u{1b}[34m",
    "\u{1b}[36m",
    "\u{1b}[39m",
];

/// What a hostile name may hold without being two words: a title, a cleared screen, colours, the C1 form of CSI, a
/// bell, a backspace, a reversed direction, an isolate, characters without width.
const WORD: &str =
    "\u{1b}]0;t\u{7}\u{1b}[2J\u{1b}[5;41m\u{9b}31m\u{90}\u{8}\u{7f}\u{202e}\u{2066}\u{200b}\u{200f}\u{feff}";

/// The same with line breaks of all sorts.
const LINES: &str = "\r\n\u{1b}[1A\u{b}\u{c}\u{85}\u{2028}\u{2029}\t\u{0}\u{9b}2K\u{202d}";

/// Panics where a text holds anything that a terminal obeys, other than line breaks and our own colours.
pub(crate) fn assert_harmless(text: &str) {
    if let Some(place) = obeyed(text) {
        panic!("raw: {:?}", place.chars().take(30).collect::<String>());
    }
}

/// The first place that a terminal obeys.
fn obeyed(text: &str) -> Option<&str> {
    let mut rest = text;
    while let Some(character) = rest.chars().next() {
        let ours = (character == '\u{1b}')
            .then(|| OURS.iter().find(|sequence| rest.starts_with(**sequence)))
            .flatten();
        if ours.is_none() && character != '\n' && is_obeyed(character) {
            return Some(rest);
        }
        rest = &rest[ours.map_or(character.len_utf8(), |sequence| sequence.len())..];
    }
    None
}

/// All of Unicode's controls, and its marks of lines, of direction and of no width.
fn is_obeyed(character: char) -> bool {
    character.is_control()
        || matches!(character,
            '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
}

/// The parents whose members are named by the cluster.
const MAPS: &[&str] = &["labels", "requests", "limits", "usage", "selector"];

/// Changes the texts of facts. A place is a text's path without indices: `hpas/hpa/target/name`.
struct Poison<'a> {
    change: &'a dyn Fn(&str, &str) -> String,
    /// The places where only certain words, or times, may stand: they stay as they are.
    kept: BTreeSet<String>,
}

impl Poison<'_> {
    /// Facts with everything changed that can be.
    fn facts(&mut self, fixture: &Value) -> Facts {
        let mut places = BTreeSet::new();
        let poisoned = self.apply(fixture, "", &|place| !self.kept.contains(place), &mut places);
        if let Ok(facts) = Facts::deserialize(&poisoned) {
            return facts;
        }
        for place in places {
            let alone = self.apply(fixture, "", &|other| other == place, &mut BTreeSet::new());
            if Facts::deserialize(&alone).is_err() {
                self.kept.insert(place);
            }
        }
        let poisoned = self.apply(
            fixture,
            "",
            &|place| !self.kept.contains(place),
            &mut BTreeSet::new(),
        );
        Facts::deserialize(&poisoned).expect("poisoned facts are facts")
    }

    fn apply(
        &self,
        node: &Value,
        place: &str,
        chosen: &dyn Fn(&str) -> bool,
        places: &mut BTreeSet<String>,
    ) -> Value {
        let parent = place.rsplit('/').next().unwrap_or_default();
        let mut text = |place: String, parent: &str, text: &str| {
            let changed = if chosen(&place) {
                (self.change)(parent, text)
            } else {
                text.to_owned()
            };
            places.insert(place);
            changed
        };
        match node {
            Value::String(old) => Value::String(text(place.to_owned(), parent, old)),
            Value::Array(items) => items
                .iter()
                .map(|item| self.apply(item, place, chosen, places))
                .collect(),
            Value::Object(members) => {
                let named = MAPS.contains(&parent);
                let members = members.iter().map(|(name, member)| {
                    if named {
                        let new = text(format!("{place}/{{}}"), "name", name);
                        (new, member, format!("{place}/*"))
                    } else {
                        (name.clone(), member, format!("{place}/{name}"))
                    }
                });
                let members: Vec<_> = members.collect();
                let members = members
                    .into_iter()
                    .map(|(name, member, place)| (name, self.apply(member, &place, chosen, places)));
                Value::Object(members.collect())
            }
            other => other.clone(),
        }
    }
}

/// How many findings there are in all fixtures, with their texts changed.
fn findings(change: &dyn Fn(&str, &str) -> String) -> usize {
    let mut findings = 0;
    let mut poison = Poison {
        change,
        kept: BTreeSet::from(["/kind".to_owned()]),
    };
    for fixture in &Corpus::shared().facts {
        let facts = poison.facts(fixture);
        let all = diagnose(&facts);
        findings += all.items.iter().map(|item| item.findings.len()).sum::<usize>();
        for width in [0, 80, 100_000] {
            assert_harmless(&output::text::explanations(&all, width));
        }
        assert_harmless(&output::structured::json(&all).expect("a form in JSON"));
        let yaml = output::structured::yaml(&all).expect("a form in YAML");
        assert_harmless(&yaml.replace('\t', " "));
    }
    // What may hold only certain words is no name and no sentence.
    for place in &poison.kept {
        let free = ["name", "namespace", "message", "reason", "text"];
        assert!(
            !free.contains(&place.rsplit('/').next().unwrap_or_default()),
            "{place} is kept"
        );
    }
    findings
}

#[test]
fn no_text_of_the_facts_reaches_the_terminal_raw() {
    for bad in [WORD, LINES] {
        assert!(findings(&|_, text| format!("{text}{bad}")) > 0);
        assert!(findings(&|_, text| format!("{bad}{text}")) > 0);
    }
}

/// Words by which the rules know a case stay as they are, so that the rules fire; all names are hostile.
#[test]
fn nor_does_a_name_in_a_finding() {
    const KEPT: &[&str] = &[
        "type",
        "status",
        "reason",
        "stateReason",
        "kind",
        "phase",
        "message",
        "text",
        "args",
        "version",
        "manager",
        "operation",
        "subresource",
        "value",
        "averageValue",
        "apiVersion",
    ];
    let clean = findings(&|_, text| text.to_owned());
    let poisoned = findings(&|parent, text| {
        if KEPT.contains(&parent) || text.starts_with(|it: char| it.is_ascii_digit()) {
            text.to_owned()
        } else {
            format!("{text}{WORD}")
        }
    });
    assert!(poisoned * 2 > clean, "{poisoned} of {clean} findings are left");
}

/// The assertion itself.
#[test]
fn what_a_terminal_obeys_is_seen() {
    assert_eq!(obeyed("\u{1b}[1mbold\u{1b}[0m\nplain 名前 größer"), None);
    for bad in WORD.chars().chain(LINES.chars()).filter(|it| is_obeyed(*it)) {
        let text = format!("x{bad}y");
        assert_eq!(obeyed(&text).is_some(), bad != '\n', "{bad:?}");
    }
    assert_eq!(obeyed("a\u{1b}[2J"), Some("\u{1b}[2J"));
}
