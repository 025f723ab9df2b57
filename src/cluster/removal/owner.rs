//! Whose an object is: ours carries our label and was applied by our field manager, both.

use kube::api::ObjectMeta;

use crate::cluster::apply::{applied_entry, writers};
use crate::serving::{MANAGED_BY, MANAGER};

/// Why an object is not ours; none where it is.
pub(in crate::cluster) fn why_foreign(metadata: &ObjectMeta, field_manager: &str) -> Option<String> {
    let label = metadata.labels.as_ref().and_then(|labels| labels.get(MANAGED_BY));
    let applied = applied_entry(metadata, field_manager).is_some();
    match (label.map(String::as_str), applied) {
        (Some(MANAGER), true) => None,
        (Some(MANAGER), false) => Some(format!(
            "it has the label {MANAGED_BY}={MANAGER}, but was written by {}, not by an apply of {field_manager}",
            known_writers(metadata)
        )),
        (Some(other), _) => Some(format!("its label {MANAGED_BY} is {other}")),
        (None, true) => Some(format!("somebody took its label {MANAGED_BY} away")),
        (None, false) => Some(format!(
            "{MANAGER} did not make it (written by {})",
            known_writers(metadata)
        )),
    }
}

fn known_writers(metadata: &ObjectMeta) -> String {
    let known = writers(metadata);
    if known.is_empty() {
        "nobody who left a name".to_owned()
    } else {
        known
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn said(label: Option<&str>, manager: &str, operation: &str) -> Option<String> {
        let labels = label.map_or_else(|| json!({}), |label| json!({MANAGED_BY: label}));
        let metadata: Value = json!({"name": "x", "labels": labels, "managedFields": [
            {"manager": manager, "operation": operation},
            {"manager": "kube-controller-manager", "operation": "Update", "subresource": "status"}]});
        why_foreign(&serde_json::from_value(metadata).unwrap(), MANAGER)
    }

    #[test]
    fn label_and_apply_make_it_ours() {
        assert_eq!(said(Some(MANAGER), MANAGER, "Apply"), None);
        insta::assert_snapshot!(said(Some(MANAGER), "argocd-controller", "Apply").unwrap(), @"it has the label app.kubernetes.io/managed-by=kubectl-tfserve, but was written by argocd-controller, not by an apply of kubectl-tfserve");
        insta::assert_snapshot!(said(Some(MANAGER), MANAGER, "Update").unwrap(), @"it has the label app.kubernetes.io/managed-by=kubectl-tfserve, but was written by kubectl-tfserve, not by an apply of kubectl-tfserve");
        insta::assert_snapshot!(said(Some("Helm"), MANAGER, "Apply").unwrap(), @"its label app.kubernetes.io/managed-by is Helm");
        insta::assert_snapshot!(said(None, MANAGER, "Apply").unwrap(), @"somebody took its label app.kubernetes.io/managed-by away");
        insta::assert_snapshot!(said(None, "kubectl-create", "Update").unwrap(), @"kubectl-tfserve did not make it (written by kubectl-create)");
    }
}
