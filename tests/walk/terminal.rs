//! Text from the cluster never moves the cursor, changes colours, hides text or reverses its direction.

use kubectl_tfserve::diagnosis::diagnose;
use kubectl_tfserve::facts::Facts;
use kubectl_tfserve::output;
use serde_json::{Map, Value};

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

/// The parent whose members are named by the cluster.
const MAPS: &[&str] = &["labels", "requests", "limits", "usage", "selector"];

/// How a fact is written, whatever it is of.
const FACT: &[&str] = &["known", "absent", "notReadable"];

/// Appends to every text, and to every name that the cluster gives, where the facts still mean the same sort of
/// thing: times and the words of enumerations stay.
fn poison(node: &mut Value, parent: &str, change: &impl Fn(&str, &str) -> String) {
    match node {
        Value::String(text) => {
            let is_time = text.parse::<chrono::DateTime<chrono::Utc>>().is_ok();
            if !is_time
                && !FACT.contains(&text.as_str())
                && !["selectPolicy", "apiVersion", "policies"].contains(&parent)
            {
                *text = change(parent, text);
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| poison(item, parent, change)),
        Value::Object(members) => {
            let named = MAPS.contains(&parent) && !members.keys().any(|name| FACT.contains(&name.as_str()));
            let old = std::mem::take(members);
            *members = old
                .into_iter()
                .map(|(name, mut member)| {
                    let policy = parent == "policies" && name == "type";
                    poison(&mut member, if policy { "policies" } else { &name }, change);
                    (if named { change("name", &name) } else { name }, member)
                })
                .collect::<Map<_, _>>();
        }
        _ => {}
    }
}

/// How many findings there are in all fixtures, with their texts changed.
fn findings(change: &impl Fn(&str, &str) -> String) -> usize {
    let mut findings = 0;
    for fixture in &Corpus::shared().facts {
        let mut value = fixture.clone();
        if let Some(hpas) = value.get_mut("hpas") {
            poison(hpas, "", change);
        }
        if let Some(cluster) = value.get_mut("cluster") {
            poison(cluster, "", change);
        }
        let facts: Facts = serde_json::from_value(value).expect("poisoned facts are facts");
        let all = diagnose(&facts);
        findings += all.items.iter().map(|item| item.findings.len()).sum::<usize>();
        for width in [0, 80, 100_000] {
            assert_harmless(&output::text::explanations(&all, width));
        }
        assert_harmless(&output::structured::json(&all).expect("a form in JSON"));
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

/// Words by which the rules know a case stay as they are, so that the rules fire; names and everything else are
/// hostile, in messages, too.
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
