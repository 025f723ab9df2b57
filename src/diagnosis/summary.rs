//! The answer about an HPA in one sentence.

use super::phrase::count;
use super::{Case, Finding, Verdict};

/// The title of the finding that decides the verdict; for a healthy HPA, why it stands where it stands.
pub(super) fn sentence(case: &Case<'_>, findings: &[Finding], verdict: Verdict) -> String {
    let deciding = findings
        .iter()
        .find(|finding| finding.verdict == verdict && !finding.hint);
    deciding.map_or_else(|| standing(case), |finding| finding.title.clone())
}

fn standing(case: &Case<'_>) -> String {
    let Some(recommendation) = case.recommendation else {
        return "the controller reports no problem".to_owned();
    };
    let current = recommendation.current_replicas;
    let replicas = count(usize::try_from(current).unwrap_or(0), "replica");
    let Some(usage) = case.current_of_target() else {
        return format!("the controller reports no problem, {replicas}");
    };
    match recommendation.desired_replicas {
        Some(desired) if desired > current => format!("{usage}: scales up from {current} to {desired} now"),
        Some(desired) if desired < current => format!("{usage}: scales down from {current} to {desired} now"),
        // Pods that do not count hold back what the usage alone would want.
        Some(_)
            if case
                .deciding_metric()
                .is_some_and(|metric| metric.damped_ratio.is_some()) =>
        {
            recommendation.sentence.clone()
        }
        Some(_) => format!("{usage}: {replicas}, as many as the metrics want"),
        None => format!("{usage}: {replicas}"),
    }
}
