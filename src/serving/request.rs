//! A request's body: JSON as TensorFlow Serving reads it, `NaN` and `Infinity` among its numbers
//! (`util/json_tensor.cc`, `kParseNanAndInfFlag` of `RapidJSON`, 2.16 to 2.20).

use std::borrow::Cow;

use serde_json::Value;

/// How many parts of a request are told.
const PARTS: usize = 8;

/// Words that stand for numbers, and numbers of the same length.
const WORDS: [(&[u8], &[u8]); 3] = [(b"NaN", b"0.0"), (b"Infinity", b"0.000000"), (b"Inf", b"0.0")];

/// Reads JSON with bare `NaN`, `Inf` and `Infinity`; they become 0.
///
/// # Errors
/// The text is no JSON; line and column are those of the text.
pub fn parse(text: &[u8]) -> Result<Value, serde_json::Error> {
    serde_json::from_slice(&with_numbers(text))
}

/// The body as it is sent: the signature is written into it, and nothing else of it changes.
///
/// # Errors
/// It is no JSON object, or it names a signature too.
pub fn prepare(text: &[u8], signature: Option<&str>) -> Result<Vec<u8>, String> {
    let value = parse(text).map_err(|error| format!("it is no JSON: {error}"))?;
    let Value::Object(fields) = &value else {
        return Err(
            "it is no JSON object; a request is {\"instances\": [...]} or {\"inputs\": ...}".to_owned(),
        );
    };
    let Some(signature) = signature else {
        return Ok(text.to_vec());
    };
    if let Some(own) = fields.get("signature_name") {
        return Err(format!(
            "it names a signature itself ({own}); leave `--signature` out"
        ));
    }
    let brace = text.iter().position(|byte| *byte == b'{').unwrap_or(0) + 1;
    let separator = if fields.is_empty() { "" } else { ", " };
    let field = format!("\"signature_name\": {}{separator}", Value::from(signature));
    Ok([&text[..brace], field.as_bytes(), &text[brace..]].concat())
}

/// What a body holds, a line for each input: `instances: 2 rows of [3] numbers`.
pub fn describe(body: &[u8]) -> Vec<String> {
    let Ok(Value::Object(fields)) = parse(body) else {
        return vec!["no JSON object".to_owned()];
    };
    let mut lines = Vec::new();
    for format in ["instances", "inputs"] {
        match (format, fields.get(format)) {
            (_, None) => {}
            ("instances", Some(Value::Array(rows))) => lines.push(format!(
                "instances: {} {} of {}",
                rows.len(),
                if rows.len() == 1 { "row" } else { "rows" },
                rows.first().map_or_else(|| "nothing".to_owned(), shape)
            )),
            (_, Some(value)) => lines.push(format!("{format}: {}", shape(value))),
        }
    }
    if lines.is_empty() {
        let names: Vec<&str> = fields.keys().map(String::as_str).take(PARTS).collect();
        lines.push(format!(
            "neither `instances` nor `inputs`, but {}",
            if names.is_empty() {
                "nothing".to_owned()
            } else {
                names.join(", ")
            }
        ));
    }
    lines
}

/// `[2, 3] numbers`, `{a: number, b: string}`.
fn shape(value: &Value) -> String {
    if let Value::Object(fields) = value
        && !fields.contains_key("b64")
    {
        let parts: Vec<String> = fields
            .iter()
            .take(PARTS)
            .map(|(name, value)| format!("{name}: {}", shape(value)))
            .collect();
        return format!("{{{}}}", parts.join(", "));
    }
    let mut sizes = Vec::new();
    let mut at = value;
    while let Value::Array(items) = at {
        sizes.push(items.len().to_string());
        match items.first() {
            Some(first) => at = first,
            None => break,
        }
    }
    let kind = match at {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Object(fields) if fields.contains_key("b64") => "b64 string",
        Value::Object(_) => "object",
        Value::Array(_) => "value",
    };
    if sizes.is_empty() {
        kind.to_owned()
    } else {
        format!("[{}] {kind}s", sizes.join(", "))
    }
}

fn with_numbers(text: &[u8]) -> Cow<'_, [u8]> {
    let mut text = Cow::Borrowed(text);
    let mut index = 0;
    let mut in_string = false;
    while index < text.len() {
        match text[index] {
            b'\\' if in_string => index += 1,
            b'"' => in_string = !in_string,
            b'N' | b'I' if !in_string => {
                let rest = &text[index..];
                if let Some((word, number)) = WORDS.iter().find(|(word, _)| rest.starts_with(word)) {
                    text.to_mut()[index..index + word.len()].copy_from_slice(number);
                    index += word.len() - 1;
                }
            }
            _ => {}
        }
        index += 1;
    }
    text
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn numbers_that_json_does_not_know_are_read() {
        let read = parse(br#"{"a": [NaN, -Infinity, Inf, 1], "NaN": "Infinity \" NaN"}"#).unwrap();
        assert_eq!(
            read.to_string(),
            r#"{"NaN":"Infinity \" NaN","a":[0.0,-0.0,0.0,1]}"#
        );
        assert!(parse(b"[Na]").is_err());
    }

    #[test]
    fn what_is_sent_is_what_was_given() {
        let body = b" { \"instances\": [NaN,\t1] }\n";
        assert_eq!(prepare(body, None).unwrap(), body);
        let named = prepare(body, Some("a\"b")).unwrap();
        assert_eq!(
            String::from_utf8(named).unwrap(),
            " {\"signature_name\": \"a\\\"b\",  \"instances\": [NaN,\t1] }\n"
        );
        assert_eq!(prepare(b"{}", Some("s")).unwrap(), b"{\"signature_name\": \"s\"}");
    }

    #[test]
    fn a_wrong_body_is_refused_with_its_place() {
        let said = |body: &str, signature| prepare(body.as_bytes(), signature).unwrap_err();
        insta::assert_snapshot!(said("{\"instances\": [NaN, 1,]}", None), @"it is no JSON: trailing comma at line 1 column 23");
        insta::assert_snapshot!(said("", None), @"it is no JSON: EOF while parsing a value at line 1 column 0");
        insta::assert_snapshot!(said("[1, 2]", None), @r#"it is no JSON object; a request is {"instances": [...]} or {"inputs": ...}"#);
        insta::assert_snapshot!(said(r#"{"signature_name": "a", "instances": []}"#, Some("b")), @r#"it names a signature itself ("a"); leave `--signature` out"#);
    }

    #[test]
    fn a_body_is_described() {
        let said = |body: &str| describe(body.as_bytes()).join(" | ");
        insta::assert_snapshot!(said(r#"{"instances": [[1, NaN, 3], [1, 2, 3]]}"#), @"instances: 2 rows of [3] numbers");
        insta::assert_snapshot!(said(r#"{"instances": [{"a": 1, "b": [{"b64": "AA=="}]}]}"#), @"instances: 1 row of {a: number, b: [1] b64 strings}");
        insta::assert_snapshot!(said(r#"{"inputs": {"x": [["a"]]}}"#), @"inputs: {x: [1, 1] strings}");
        insta::assert_snapshot!(said(r#"{"instances": []}"#), @"instances: 0 rows of nothing");
        insta::assert_snapshot!(said(r#"{"data": 1}"#), @"neither `instances` nor `inputs`, but data");
    }
}
