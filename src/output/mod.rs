//! Text, JSON, YAML, tables and escaping.

use crate::diagnosis::Explanations;

/// The explanations for people.
pub fn text(explanations: &Explanations) -> String {
    explanations
        .items
        .iter()
        .map(|item| format!("{}/{}  {}\n", item.namespace, item.name, item.summary))
        .collect()
}
