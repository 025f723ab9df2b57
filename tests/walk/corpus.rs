//! The fixtures of the rules, taken apart.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::OnceLock;

use kubectl_tfserve::facts::Facts;
use serde::Deserialize;
use serde_json::Value;

use super::dice::Dice;
use super::values;

/// All facts files, and all values that stand under a name anywhere in them.
pub(crate) struct Corpus {
    pub(crate) facts: Vec<Value>,
    files: Vec<String>,
    values: BTreeMap<String, Vec<Value>>,
}

impl Corpus {
    /// Read once.
    pub(crate) fn shared() -> &'static Self {
        static CORPUS: OnceLock<Corpus> = OnceLock::new();
        CORPUS.get_or_init(Self::read)
    }

    fn read() -> Self {
        let mut corpus = Self {
            facts: Vec::new(),
            files: Vec::new(),
            values: BTreeMap::new(),
        };
        corpus.folder(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/rules"));
        assert!(corpus.facts.len() > 100, "{} fixtures", corpus.facts.len());
        for facts in &corpus.facts {
            collect(facts, &mut corpus.values);
        }
        corpus
    }

    fn folder(&mut self, folder: &Path) {
        let mut entries: Vec<_> = std::fs::read_dir(folder)
            .unwrap_or_else(|error| panic!("{}: {error}", folder.display()))
            .map(|entry| entry.expect("a directory entry").path())
            .collect();
        entries.sort();
        for path in entries {
            if path.is_dir() {
                self.folder(&path);
            } else if path.extension().is_some_and(|extension| extension == "yaml") {
                let text = std::fs::read_to_string(&path).expect("a fixture can be read");
                let facts: Value = serde_saphyr::from_str(&text)
                    .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
                if facts.get("kind").is_some_and(|kind| kind == "HpaFacts") {
                    self.facts.push(facts);
                    self.files.push(text);
                }
            }
        }
    }

    /// A fixture with some of its values changed. A change that makes them no facts any more is mostly taken back:
    /// more changes would test nothing but serde.
    pub(crate) fn mutant(&self, dice: &mut Dice) -> Value {
        let mut facts = self.facts[dice.below(self.facts.len())].clone();
        for _ in 0..=dice.below(8) {
            let mut changed = facts.clone();
            let among = if dice.chance(40) {
                is_measured
            } else {
                |_: &Value| true
            };
            let mut left = dice.below(count(&facts, among));
            self.change(&mut changed, "", among, &mut left, dice);
            if dice.chance(2) || Facts::deserialize(&changed).is_ok() {
                facts = changed;
            }
        }
        facts
    }

    /// The text of a fixture with some bytes changed.
    pub(crate) fn broken_file(&self, dice: &mut Dice) -> String {
        let mut text = self.files[dice.below(self.files.len())].clone();
        for _ in 0..=dice.below(5) {
            let place = dice.cut(&text);
            match dice.below(3) {
                0 => text.insert_str(place, &values::text(dice)),
                1 => text.truncate(place),
                _ => {
                    let tail = text.split_off(place);
                    text.push_str(&tail[dice.cut(&tail)..]);
                }
            }
        }
        text
    }

    /// Walks to the node whose turn it is, and changes that.
    fn change(
        &self,
        node: &mut Value,
        name: &str,
        among: fn(&Value) -> bool,
        left: &mut usize,
        dice: &mut Dice,
    ) -> bool {
        if among(node) {
            if *left == 0 {
                self.replace(node, name, dice);
                return true;
            }
            *left -= 1;
        }
        match node {
            Value::Array(items) => items
                .iter_mut()
                .any(|item| self.change(item, name, among, left, dice)),
            Value::Object(members) => members
                .iter_mut()
                .any(|(name, member)| self.change(member, name, among, left, dice)),
            _ => false,
        }
    }

    fn replace(&self, node: &mut Value, name: &str, dice: &mut Dice) {
        if dice.chance(30)
            && let Some(others) = self.values.get(name)
        {
            *node = others[dice.below(others.len())].clone();
            return;
        }
        match node {
            Value::Number(_) => *node = Value::from(values::number(dice)),
            Value::String(text) => *node = Value::String(other_text(text, dice)),
            Value::Array(items) => rearrange(items, dice),
            Value::Object(members) => {
                let names: Vec<String> = members.keys().cloned().collect();
                if let Some(name) = names.get(dice.below(names.len())) {
                    match dice.below(3) {
                        0 => members.insert(values::text(dice), members[name].clone()),
                        1 => members.insert(name.clone(), values::json(dice, 3)),
                        _ => members.remove(name),
                    };
                }
            }
            Value::Bool(value) => *value = !*value,
            Value::Null => *node = values::json(dice, 2),
        }
    }
}

/// A time stays a time and a quantity a quantity, mostly: what is refused tests nothing.
fn other_text(text: &str, dice: &mut Dice) -> String {
    if dice.chance(3) {
        return values::text(dice);
    }
    if text.parse::<chrono::DateTime<chrono::Utc>>().is_ok() {
        return values::time(dice);
    }
    if text.starts_with(|it: char| it.is_ascii_digit()) {
        return values::quantity(dice);
    }
    match dice.below(3) {
        0 => format!("{text}{}", values::text(dice)),
        1 => text[..dice.cut(text)].to_owned(),
        _ => values::text(dice),
    }
}

fn rearrange(items: &mut Vec<Value>, dice: &mut Dice) {
    let count = items.len();
    if count == 0 {
        return;
    }
    let (one, other) = (dice.below(count), dice.below(count));
    match dice.below(4) {
        0 => items.clear(),
        1 => {
            items.remove(one);
        }
        2 => items.swap(one, other),
        _ => {
            let copies = vec![items[one].clone(); dice.of(&[1, 2, 40])];
            items.extend(copies);
        }
    }
}

/// Numbers, quantities and times: what the arithmetic is made of.
fn is_measured(node: &Value) -> bool {
    match node {
        Value::Number(_) => true,
        Value::String(text) => text.starts_with(|it: char| it.is_ascii_digit()),
        _ => false,
    }
}

fn count(node: &Value, among: fn(&Value) -> bool) -> usize {
    usize::from(among(node))
        + match node {
            Value::Array(items) => items.iter().map(|item| count(item, among)).sum(),
            Value::Object(members) => members.values().map(|member| count(member, among)).sum(),
            _ => 0,
        }
}

fn collect(node: &Value, values: &mut BTreeMap<String, Vec<Value>>) {
    match node {
        Value::Array(items) => items.iter().for_each(|item| collect(item, values)),
        Value::Object(members) => {
            for (name, member) in members {
                let known = values.entry(name.clone()).or_default();
                if !known.contains(member) && known.len() < 300 {
                    known.push(member.clone());
                }
                collect(member, values);
            }
        }
        _ => {}
    }
}
