//! Selectors of fields, as the API server reads them.

use serde_json::Value;

/// Whether an object's fields match a selector such as `involvedObject.uid=1234`.
pub(super) fn matches_fields(object: &Value, selector: &str) -> bool {
    selector
        .split(',')
        .filter_map(|pair| pair.split_once('='))
        .all(|(path, value)| {
            let pointer = format!("/{}", path.trim().replace('.', "/"));
            object.pointer(&pointer).and_then(Value::as_str) == Some(value.trim_start_matches('='))
        })
}

#[cfg(test)]
mod tests {
    use super::matches_fields;
    use serde_json::json;

    #[test]
    fn fields_match_by_equality() {
        let object = json!({"involvedObject": {"uid": "1"}, "reason": "FailedCreate"});
        assert!(matches_fields(
            &object,
            "involvedObject.uid=1,reason=FailedCreate"
        ));
        assert!(matches_fields(&object, ""));
        assert!(!matches_fields(&object, "involvedObject.uid=2"));
        assert!(!matches_fields(&object, "involvedObject.kind=Pod"));
    }
}
