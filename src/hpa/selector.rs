//! The serialized form of a label selector, such as `app=web,tier in (a,b),!canary`. The grammar is that of
//! `labels.Parse` in `k8s.io/apimachinery`; this is the only place that judges it.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

/// What one label must be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Requirement {
    /// The label.
    pub key: String,
    /// How it is compared.
    pub operator: Operator,
    /// With what: one value, several for `In` and `NotIn`, none for the others.
    pub values: Vec<String>,
}

impl Requirement {
    /// Whether labels are as it wants them.
    pub fn is_met_by(&self, labels: &BTreeMap<String, String>) -> bool {
        let value = labels.get(&self.key);
        let wanted = |value: &String| self.values.contains(value);
        let number = |text: &String| text.parse::<i64>().ok();
        let bound = self.values.first().and_then(number);
        match self.operator {
            Operator::Equals | Operator::In => value.is_some_and(wanted),
            Operator::NotEquals | Operator::NotIn => !value.is_some_and(wanted),
            Operator::Exists => value.is_some(),
            Operator::DoesNotExist => value.is_none(),
            Operator::GreaterThan => value.and_then(number) > bound && bound.is_some(),
            Operator::LessThan => value.and_then(number).is_some_and(|value| Some(value) < bound),
        }
    }
}

/// How a label is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operator {
    /// `a=b` and `a==b`.
    Equals,
    /// `a!=b`; a label that is missing differs.
    NotEquals,
    /// `a in (b,c)`.
    In,
    /// `a notin (b,c)`; a label that is missing is not in it.
    NotIn,
    /// `a`.
    Exists,
    /// `!a`.
    DoesNotExist,
    /// `a>1`.
    GreaterThan,
    /// `a<1`.
    LessThan,
}

/// Whether a text is a selector that selects something; the empty one selects everything, and no scale may have it.
pub fn is_selector(text: &str) -> bool {
    parse(text).is_some()
}

/// Reads a selector; none where a text is empty or not in the serialized form.
pub fn parse(text: &str) -> Option<Vec<Requirement>> {
    requirements(text).into_iter().map(requirement).collect()
}

/// The `LabelSelector` of requirements, as an object's spec has it; none where an operator is not one of its own.
pub fn label_selector(requirements: &[Requirement]) -> Option<Value> {
    let mut labels = Map::new();
    let mut expressions: Vec<Value> = Vec::new();
    for requirement in requirements {
        let Requirement {
            key,
            operator,
            values,
        } = requirement;
        let operator = match operator {
            Operator::Equals if !labels.contains_key(key) => {
                labels.insert(key.clone(), Value::from(values.first()?.as_str()));
                continue;
            }
            Operator::Equals | Operator::In => "In",
            Operator::NotEquals | Operator::NotIn => "NotIn",
            Operator::Exists => "Exists",
            Operator::DoesNotExist => "DoesNotExist",
            Operator::GreaterThan | Operator::LessThan => return None,
        };
        let mut expression = json!({"key": key, "operator": operator});
        if !values.is_empty() {
            expression["values"] = json!(values);
        }
        expressions.push(expression);
    }
    let mut selector = Map::new();
    if !labels.is_empty() {
        selector.insert("matchLabels".to_owned(), Value::Object(labels));
    }
    if !expressions.is_empty() {
        selector.insert("matchExpressions".to_owned(), Value::Array(expressions));
    }
    Some(Value::Object(selector))
}

/// The commas outside of parentheses part the requirements.
fn requirements(text: &str) -> Vec<&str> {
    let mut depth = 0_i32;
    let parts = text.split(|character: char| {
        depth += i32::from(character == '(') - i32::from(character == ')');
        character == ',' && depth == 0
    });
    parts.map(str::trim).collect()
}

fn requirement(text: &str) -> Option<Requirement> {
    if let Some(key) = text.strip_prefix('!') {
        return of(key, Operator::DoesNotExist, Vec::new());
    }
    if let Some((left, values)) = text.split_once('(') {
        let values = values.strip_suffix(')')?.split(',');
        let values: Option<Vec<String>> = values.map(value).collect();
        let (key, operator) = left.trim().split_once(char::is_whitespace)?;
        return match operator.trim() {
            "in" => of(key, Operator::In, values?),
            "notin" => of(key, Operator::NotIn, values?),
            _ => None,
        };
    }
    for (sign, operator) in [
        ("!=", Operator::NotEquals),
        ("==", Operator::Equals),
        ("=", Operator::Equals),
        (">", Operator::GreaterThan),
        ("<", Operator::LessThan),
    ] {
        if let Some((key, right)) = text.split_once(sign) {
            return of(key, operator, vec![value(right)?]);
        }
    }
    of(text, Operator::Exists, Vec::new())
}

fn of(key: &str, operator: Operator, values: Vec<String>) -> Option<Requirement> {
    let key = key.trim();
    let plain = |character: char| character.is_ascii_alphanumeric() || "-_./".contains(character);
    (!key.is_empty() && key.chars().all(plain)).then(|| Requirement {
        key: key.to_owned(),
        operator,
        values,
    })
}

/// A value may be empty.
fn value(text: &str) -> Option<String> {
    let text = text.trim();
    let plain = |character: char| character.is_ascii_alphanumeric() || "-_.".contains(character);
    text.chars().all(plain).then(|| text.to_owned())
}

/// The selector that a text in another form means: the JSON of a `LabelSelector` or of a map of labels, or one
/// `key: value` a line.
pub fn serialized(text: &str) -> Option<String> {
    let pairs = match serde_json::from_str::<Value>(text) {
        Ok(value) => of_json(&value)?,
        Err(_) => of_lines(text)?,
    };
    let labels: Vec<String> = pairs
        .into_iter()
        .map(|(key, value)| format!("{key}={value}"))
        .collect();
    let selector = labels.join(",");
    is_selector(&selector).then_some(selector)
}

fn of_json(value: &Value) -> Option<Vec<(String, String)>> {
    let value = value.pointer("/matchLabels").unwrap_or(value);
    let labels = value.as_object()?.iter();
    labels
        .map(|(key, value)| Some((key.clone(), value.as_str()?.to_owned())))
        .collect()
}

fn of_lines(text: &str) -> Option<Vec<(String, String)>> {
    let lines = text.lines().filter(|line| !line.trim().is_empty());
    lines
        .map(|line| {
            let (key, value) = line.split_once(':')?;
            let value = value.trim().trim_matches(['"', '\'']);
            Some((key.trim().to_owned(), value.to_owned()))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::{is_selector, serialized};

    #[test]
    fn what_a_selector_is_made_of() {
        for text in ["app=web", "a!=b,c in (d, e),!f", "x.io/y=z", "a=", "a>1,b<2"] {
            assert!(is_selector(text), "{text}");
        }
        for text in [
            "",
            " ",
            "{\"matchLabels\":{}}",
            "app: web",
            "a b",
            "a in x",
            "a in (b",
            "a within (b)",
            "a=b=c",
            "a=(b)",
        ] {
            assert!(!is_selector(text), "{text}");
        }
    }

    #[test]
    fn other_forms_are_understood() {
        let serialized = |text: &str| serialized(text).unwrap_or_default();
        assert_eq!(
            serialized(r#"{"matchLabels":{"app":"web","tier":"b"}}"#),
            "app=web,tier=b"
        );
        assert_eq!(serialized(r#"{"app":"web"}"#), "app=web");
        assert_eq!(serialized("app: web\ntier: \"b\"\n"), "app=web,tier=b");
        assert_eq!(serialized(r#"{"matchExpressions":[{"key":"a"}]}"#), "");
        assert_eq!(serialized("web"), "");
    }
}
