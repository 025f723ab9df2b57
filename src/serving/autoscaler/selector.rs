//! A label selector as `kubectl -l` takes it, as the `LabelSelector` that the API has.

use serde_json::{Map, Value, json};

/// The `LabelSelector`; none where the text is no selector.
pub(super) fn parse(text: &str) -> Option<Value> {
    let mut labels = Map::new();
    let mut expressions = Vec::new();
    for part in parts(text) {
        match requirement(part)? {
            Requirement::Label(key, value) => {
                labels.insert(key, json!(value));
            }
            Requirement::Expression(expression) => expressions.push(expression),
        }
    }
    let mut selector = json!({});
    if !labels.is_empty() {
        selector["matchLabels"] = Value::Object(labels);
    }
    if !expressions.is_empty() {
        selector["matchExpressions"] = Value::Array(expressions);
    }
    Some(selector)
}

enum Requirement {
    Label(String, String),
    Expression(Value),
}

/// The commas outside of parentheses part the requirements.
fn parts(text: &str) -> impl Iterator<Item = &str> {
    let mut depth = 0_i32;
    let outside = move |character: char| {
        depth += i32::from(character == '(') - i32::from(character == ')');
        character == ',' && depth == 0
    };
    text.split(outside).map(str::trim)
}

fn requirement(text: &str) -> Option<Requirement> {
    let expression = |key: &str, operator: &str, values: &[&str]| {
        let mut expression = json!({"key": label(key.trim())?, "operator": operator});
        if !values.is_empty() {
            expression["values"] = json!(values);
        }
        Some(Requirement::Expression(expression))
    };
    if let Some(key) = text.strip_prefix('!') {
        return expression(key, "DoesNotExist", &[]);
    }
    if let Some((left, values)) = text.split_once('(') {
        let values: Option<Vec<&str>> = values.strip_suffix(')')?.split(',').map(value).collect();
        let (key, operator) = left.trim().split_once(char::is_whitespace)?;
        let operator = match operator.trim() {
            "in" => "In",
            "notin" => "NotIn",
            _ => return None,
        };
        return expression(key, operator, &values?);
    }
    if let Some((key, text)) = text.split_once("!=") {
        return expression(key, "NotIn", &[value(text)?]);
    }
    match text.split_once('=') {
        Some((key, text)) => Some(Requirement::Label(
            label(key.trim())?.to_owned(),
            value(text.strip_prefix('=').unwrap_or(text))?.to_owned(),
        )),
        None => expression(text, "Exists", &[]),
    }
}

fn label(key: &str) -> Option<&str> {
    let plain = |character: char| character.is_ascii_alphanumeric() || "-_./".contains(character);
    (!key.is_empty() && key.chars().all(plain)).then_some(key)
}

fn value(text: &str) -> Option<&str> {
    let plain = |character: char| character.is_ascii_alphanumeric() || "-_.".contains(character);
    let text = text.trim();
    text.chars().all(plain).then_some(text)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::parse;

    #[test]
    fn every_operator() {
        assert_eq!(
            parse("topic=orders,env in (a, b),tier notin (c),zone!=d,e,!f"),
            Some(json!({
                "matchLabels": {"topic": "orders"},
                "matchExpressions": [
                    {"key": "env", "operator": "In", "values": ["a", "b"]},
                    {"key": "tier", "operator": "NotIn", "values": ["c"]},
                    {"key": "zone", "operator": "NotIn", "values": ["d"]},
                    {"key": "e", "operator": "Exists"},
                    {"key": "f", "operator": "DoesNotExist"},
                ],
            }))
        );
    }

    #[test]
    fn what_is_no_selector() {
        for wrong in [
            "",
            "a=b,",
            "a b",
            "a in b",
            "a in (b",
            "a near (b)",
            "a=b c",
            "=b",
            "a:b",
        ] {
            assert_eq!(parse(wrong), None::<Value>, "{wrong}");
        }
    }
}
