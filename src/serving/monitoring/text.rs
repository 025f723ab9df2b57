//! One line of Prometheus' text format, version 0.0.4. A parser of its own, because TensorFlow Serving's text differs
//! from the standard in what common ones insist on: names that begin with a colon, no `HELP`, and `name{}`.

/// A sample.
#[derive(Debug, PartialEq)]
pub(super) struct Sample<'a> {
    pub(super) name: &'a str,
    labels: Vec<(&'a str, String)>,
    pub(super) value: f64,
}

impl Sample<'_> {
    /// The value of a label.
    pub(super) fn label(&self, name: &str) -> Option<&str> {
        let found = self.labels.iter().find(|(known, _)| *known == name);
        found.map(|(_, value)| value.as_str())
    }
}

/// Reads a line; none where it holds no sample.
pub(super) fn sample(line: &str) -> Option<Sample<'_>> {
    let line = line.trim();
    if line.starts_with('#') {
        return None;
    }
    let end = line.find(|it: char| it == '{' || it.is_whitespace())?;
    let (name, rest) = line.split_at(end);
    let (labels, rest) = match rest.strip_prefix('{') {
        Some(rest) => labels(rest)?,
        None => (Vec::new(), rest),
    };
    let value = number(rest.split_whitespace().next()?)?;
    Some(Sample { name, labels, value })
}

/// `1.5e3`, `+Inf`, `NaN`.
pub(super) fn number(text: &str) -> Option<f64> {
    text.parse().ok()
}

/// What stands between the braces, and what comes after them.
fn labels(mut rest: &str) -> Option<(Vec<(&str, String)>, &str)> {
    let mut found = Vec::new();
    loop {
        rest = rest.trim_start_matches([',', ' ']);
        if let Some(behind) = rest.strip_prefix('}') {
            return Some((found, behind));
        }
        let (name, quoted) = rest.split_once("=\"")?;
        let (value, behind) = value(quoted)?;
        found.push((name.trim(), value));
        rest = behind;
    }
}

/// Up to the closing quotation mark, its escapes undone.
fn value(quoted: &str) -> Option<(String, &str)> {
    let mut value = String::new();
    let mut characters = quoted.char_indices();
    while let Some((index, character)) = characters.next() {
        match character {
            '"' => return Some((value, quoted.get(index + 1..)?)),
            '\\' => value.push(match characters.next()?.1 {
                'n' => '\n',
                other => other,
            }),
            other => value.push(other),
        }
    }
    None
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a failed unwrap fails the test")]
mod tests {
    use super::sample;

    #[test]
    fn samples() {
        let one = sample(r#":a:b{x="1, \"}\"",y="a\\n\n"} 2.5 1700000000"#).unwrap();
        assert_eq!((one.name, one.value), (":a:b", 2.5));
        assert_eq!(one.label("x"), Some("1, \"}\""));
        assert_eq!(one.label("y"), Some("a\\n\n"));
        assert_eq!(sample("plain 1").unwrap().name, "plain");
        assert!(sample("empty{} +Inf").unwrap().value.is_infinite());
        for none in [
            "",
            "# TYPE a counter",
            "name",
            "name{x=\"1} 2",
            "name{} many",
            "name{x} 1",
        ] {
            assert_eq!(sample(none), None, "{none}");
        }
    }
}
