//! The serialized form of a label selector, such as `app=web,tier in (a,b)`.

use serde_json::Value;

/// Whether a text can be a selector: not empty, and nothing in it that no selector has.
pub fn is_selector(text: &str) -> bool {
    let allowed = |character: char| character.is_ascii_alphanumeric() || "-_./=!,() ".contains(character);
    !text.trim().is_empty() && text.chars().all(allowed)
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
        for text in ["app=web", "a!=b,c in (d, e),!f", "x.io/y=z"] {
            assert!(is_selector(text), "{text}");
        }
        for text in ["", " ", "{\"matchLabels\":{}}", "app: web"] {
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
