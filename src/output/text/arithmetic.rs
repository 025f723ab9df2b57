//! The controller's arithmetic, pod by pod.

use super::layout::Page;
use crate::diagnosis::{Explanation, Finding, MetricReport, Stage, find};

/// How many pods are listed; JSON has them all.
const LISTED: usize = 6;

/// The arithmetic, where the finding lies in it.
pub(super) fn rows(page: &mut Page, finding: &Finding, item: &Explanation) {
    let stage = find(finding.code).map(|rule| rule.stage);
    let relevant = matches!(stage, Some(Stage::Pods | Stage::Arithmetic | Stage::Others));
    let Some(recommendation) = item.recommendation.as_ref().filter(|_| relevant) else {
        return;
    };
    let deciding = recommendation
        .metrics
        .iter()
        .filter(|metric| !metric.pods.is_empty());
    if recommendation.desired_replicas.is_none() && deciding.clone().next().is_none() {
        return;
    }
    page.row("math", &recommendation.sentence);
    if recommendation.agrees_with_status == Some(false) {
        let decided = recommendation.status_desired_replicas;
        page.row(
            "status",
            &format!(
                "the last sync decided {decided}: it saw other usage or pods, or the controller has a flag that is not the default"
            ),
        );
    }
    if let Some(metric) = deciding.max_by_key(|metric| metric.proposal) {
        page.table("", &pods(metric));
        let rest = metric.pods.len().saturating_sub(LISTED);
        if rest > 0 {
            page.row("", &format!("and {rest} more, see -o json"));
        }
    }
}

fn pods(metric: &MetricReport) -> Vec<Vec<String>> {
    let header = ["POD", "USAGE", "REQUEST", "COUNTED"].map(str::to_owned).to_vec();
    let rows = metric.pods.iter().take(LISTED).map(|pod| {
        let or_dash = |value: &Option<String>| value.clone().unwrap_or_else(|| "-".to_owned());
        let counted = match (pod.counted, pod.why.as_str()) {
            ("counted", _) => "yes".to_owned(),
            (counted, "") => counted.to_owned(),
            (counted, why) => format!("{counted}: {why}"),
        };
        vec![
            pod.name.clone(),
            or_dash(&pod.usage),
            or_dash(&pod.request),
            counted,
        ]
    });
    std::iter::once(header).chain(rows).collect()
}
