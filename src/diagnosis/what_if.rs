//! The controller's decision on assumptions, beside the one on what was read.

use serde::Serialize;

use super::explanation::RecommendationReport;
use super::{Explanations, report};
use crate::facts::{Facts, HpaFacts};
use crate::hpa::replicas::{self, Controller};
use crate::hpa::what_if::{self, Assumption};

/// What the controller would decide if something were different.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct WhatIf {
    /// The assumptions as they were written, for example `cpu=900m`.
    pub assumptions: Vec<String>,
    /// `minReplicas`, with its default, under them.
    pub min_replicas: i32,
    /// `maxReplicas` under them.
    pub max_replicas: i32,
    /// The controller's arithmetic under them; none where it cannot be computed.
    pub recommendation: Option<RecommendationReport>,
}

/// Adds to the explanation of every HPA what would be under the assumptions.
///
/// # Errors
/// An assumption does not fit an HPA; the text says why.
pub fn assume(
    explanations: &mut Explanations,
    facts: &Facts,
    assumptions: &[(String, Assumption)],
) -> Result<(), String> {
    let version = facts.cluster.version.known();
    let controller = Controller::defaults(version.map(String::as_str));
    for (item, hpa) in explanations.items.iter_mut().zip(&facts.hpas) {
        item.what_if = Some(of(hpa, &controller, facts, assumptions)?);
    }
    Ok(())
}

fn of(
    hpa: &HpaFacts,
    controller: &Controller,
    facts: &Facts,
    assumptions: &[(String, Assumption)],
) -> Result<WhatIf, String> {
    let now = facts.observed_at;
    let (texts, assumed): (Vec<String>, Vec<Assumption>) = assumptions.iter().cloned().unzip();
    let (changed, controller) = what_if::apply(hpa, controller, &assumed, now)?;
    let recommendation = replicas::recommend(&changed, &controller, now);
    Ok(WhatIf {
        assumptions: texts,
        min_replicas: changed.hpa.effective_min_replicas(),
        max_replicas: changed.hpa.max_replicas,
        recommendation: recommendation
            .as_ref()
            .map(|it| report::assumed(it, changed.hpa.desired_replicas)),
    })
}
