//! What the diagnosis says, of an HPA that exists or of one that is about to be written.

use super::objects::Report;
use super::print::print;
use crate::Error;
use crate::cluster::{Cluster, Scope, Selection, observe, observe_planned};
use crate::diagnosis::{Confidence, Explanation, Explanations, Finding, Severity, diagnose};
use crate::facts::Hpa;
use crate::output::{self, escape};

/// The target is scaled to zero.
const SCALED_TO_ZERO: &str = "TFS605";
/// No adapter, or one that does not have the metric.
const WITHOUT_METRIC: [&str; 2] = ["TFS307", "TFS309"];

/// The metrics of adapters, and why one of them has no value.
const WITHOUT_VALUE: [&str; 5] = ["TFS307", "TFS308", "TFS309", "TFS311", "TFS607"];

/// An answer of the diagnosis.
pub(super) struct Answer(Explanations);

/// Diagnoses an HPA as if it had been written: what is worth knowing and nothing is wrong with is left out.
pub(super) async fn of_planned(cluster: &Cluster, hpa: &Hpa) -> Result<Answer, Error> {
    let mut answer = diagnose(&observe_planned(cluster, hpa).await?);
    for item in &mut answer.items {
        item.findings.retain(|finding| finding.severity > Severity::Info);
        if hpa.is_planned() {
            for finding in &mut item.findings {
                without_the_hpa(finding, &hpa.name);
            }
        }
    }
    Ok(Answer(answer))
}

/// What is not there can be neither patched nor deleted: the flags of the command are the way.
fn without_the_hpa(finding: &mut Finding, name: &str) {
    let of_hpa = |command: &String| {
        ["patch", "delete"]
            .iter()
            .any(|verb| command.starts_with(&format!("kubectl {verb} hpa {name} ")))
    };
    for fix in &mut finding.fix {
        fix.command = fix.command.take().filter(|command| !of_hpa(command));
    }
    // Without its command it says nothing that could be done.
    let deletes = format!("deletes HPA {name};");
    finding
        .fix
        .retain(|fix| fix.command.is_some() || !fix.changes.starts_with(&deletes));
    for consequence in &mut finding.consequences {
        without_the_hpa(consequence, name);
    }
}

/// Diagnoses an HPA by its name.
pub(super) async fn of_existing(cluster: &Cluster, namespace: &str, name: &str) -> Result<Answer, Error> {
    let scope = Scope {
        namespace: Some(namespace.to_owned()),
        selection: Selection::Names(vec![format!("hpa/{name}")]),
        usage: false,
    };
    Ok(Answer(diagnose(&observe(cluster, &scope).await?)))
}

impl Answer {
    /// All findings, causes only.
    pub(super) fn findings(&self) -> impl Iterator<Item = &Finding> {
        self.0.items.iter().flat_map(|item| &item.findings)
    }

    /// Everything that keeps an HPA from its first valid metric.
    pub(super) fn obstacles(&self) -> usize {
        self.findings().filter(|finding| is_obstacle(finding)).count()
    }

    /// Whether an obstacle is proven.
    pub(super) fn is_proven_impossible(&self) -> bool {
        self.is_scaled_to_zero()
            || self
                .findings()
                .any(|finding| is_obstacle(finding) && finding.confidence == Confidence::Proven)
    }

    /// Whether the target has no pods, because somebody wants none: the controller then looks at no metric.
    pub(super) fn is_scaled_to_zero(&self) -> bool {
        self.findings().any(|finding| finding.code == SCALED_TO_ZERO)
    }

    /// Whether the adapter lacks a metric, or there is no adapter.
    pub(super) fn adapter_lacks_a_metric(&self) -> bool {
        self.findings()
            .any(|finding| WITHOUT_METRIC.contains(&finding.code))
    }

    /// Whether a metric of an adapter has no value, for whatever reason.
    pub(super) fn lacks_a_metric(&self) -> bool {
        self.findings()
            .any(|finding| WITHOUT_VALUE.contains(&finding.code))
    }

    /// The number of findings that are more than an info.
    pub(super) fn warnings(&self) -> usize {
        self.findings()
            .filter(|finding| finding.severity > Severity::Info)
            .count()
    }

    /// Prints the answer as `explain-hpa` does: it is the command's result.
    pub(super) fn print(&self, report: &Report) -> Result<(), Error> {
        if report.is_structured() {
            self.tell();
            return Ok(());
        }
        print(&self.text())
    }

    /// Tells the answer beside the command's result.
    pub(super) fn tell(&self) {
        anstream::eprintln!("{}", self.text().trim_end());
    }

    /// Tells what was not checked, because it could not be read.
    pub(super) fn tell_unchecked(&self) {
        for missing in &self.0.not_readable {
            let right = missing
                .needs
                .as_ref()
                .map_or_else(String::new, |right| format!(" (needs {right})"));
            anstream::eprintln!(
                "note: not checked: {}",
                escape::line(&format!("{}: {}{right}", missing.what, missing.why))
            );
        }
    }

    /// The answer about the one HPA.
    pub(super) fn only(&self) -> Option<&Explanation> {
        self.0.items.first()
    }

    fn text(&self) -> String {
        output::text::explanations(&self.0, output::terminal_width())
    }
}

/// Errors of the target, the selector, the metrics API and the requests. What comes later in the controller's work
/// comes and goes by itself.
fn is_obstacle(finding: &Finding) -> bool {
    finding.severity == Severity::Error && matches!(finding.code.as_bytes().get(3), Some(b'1'..=b'4'))
}
