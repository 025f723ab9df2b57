//! Runs the rules and orders what they find.

use super::Explanations;
use crate::facts::Facts;

/// Explains every HPA of the facts.
pub fn diagnose(facts: &Facts) -> Explanations {
    let _ = facts;
    Explanations {
        api_version: crate::facts::API_VERSION,
        kind: "HpaExplanationList",
        observed_at: facts.observed_at,
        cluster: super::explanation::ClusterReport {
            version: facts.cluster.version.known().cloned(),
        },
        items: Vec::new(),
        not_readable: Vec::new(),
    }
}
