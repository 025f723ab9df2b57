//! What an apply changes, as a unified diff of two YAML documents.

use serde_json::Value;
use similar::TextDiff;

use crate::Error;
use crate::output::escape;

/// What the API server and controllers note down, and no apply is about.
const NOISE: [&str; 6] = [
    "managedFields",
    "resourceVersion",
    "uid",
    "generation",
    "creationTimestamp",
    "selfLink",
];

/// The diff; empty where nothing changes.
pub(super) fn diff(name: &str, before: Option<&Value>, after: &Value) -> Result<String, Error> {
    let old = before.map_or_else(|| Ok(String::new()), document)?;
    let new = document(after)?;
    let text = TextDiff::from_lines(&old, &new)
        .unified_diff()
        .context_radius(3)
        .header(&format!("{name} (live)"), &format!("{name} (as applied)"))
        .to_string();
    let mut escaped = String::new();
    for line in text.lines() {
        escaped.push_str(&escape::line(line));
        escaped.push('\n');
    }
    Ok(escaped)
}

fn document(object: &Value) -> Result<String, Error> {
    let mut object = object.clone();
    if let Some(fields) = object.as_object_mut() {
        fields.remove("status");
    }
    if let Some(metadata) = object.get_mut("metadata").and_then(Value::as_object_mut) {
        for name in NOISE {
            metadata.remove(name);
        }
    }
    serde_saphyr::to_string(&object).map_err(|error| Error::Output(std::io::Error::other(error.to_string())))
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn only_what_changes_is_shown() {
        let at = |image: &str, version: &str| {
            json!({"kind": "Deployment", "metadata": {"name": "x", "resourceVersion": version, "uid": version},
                "spec": {"image": image, "replicas": 1}, "status": {"replicas": version}})
        };
        let text = diff("deployment.apps/x", Some(&at("a:1", "1")), &at("a:2\u{1b}", "2")).unwrap();
        insta::assert_snapshot!(text);
        assert_eq!(diff("x", Some(&at("a", "1")), &at("a", "2")).unwrap(), "");
        insta::assert_snapshot!("new", diff("deployment.apps/x", None, &at("a:1", "1")).unwrap());
    }
}
