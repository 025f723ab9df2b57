//! What the diagnosis says, of an HPA that exists or of one that is about to be written.

use super::print::print;
use crate::Error;
use crate::cluster::{Cluster, Scope, Selection, observe, observe_planned};
use crate::diagnosis::{Explanation, Explanations, Finding, Severity, diagnose};
use crate::facts::Hpa;
use crate::output;

/// An answer of the diagnosis.
pub(super) struct Answer(Explanations);

/// Diagnoses an HPA as if it had been written.
pub(super) async fn of_planned(cluster: &Cluster, hpa: &Hpa) -> Result<Answer, Error> {
    Ok(Answer(diagnose(&observe_planned(cluster, hpa).await?)))
}

/// Diagnoses an HPA by its name.
pub(super) async fn of_existing(cluster: &Cluster, namespace: &str, name: &str) -> Result<Answer, Error> {
    let scope = Scope {
        namespace: Some(namespace.to_owned()),
        selection: Selection::Names(vec![format!("hpa/{name}")]),
    };
    Ok(Answer(diagnose(&observe(cluster, &scope).await?)))
}

impl Answer {
    /// All findings, causes only.
    pub(super) fn findings(&self) -> impl Iterator<Item = &Finding> {
        self.0.items.iter().flat_map(|item| &item.findings)
    }

    /// Everything that keeps an HPA from its first valid metric: errors of the target, the selector, the
    /// metrics API and the requests. What comes later in the controller's work comes and goes by itself.
    pub(super) fn obstacles(&self) -> usize {
        self.findings()
            .filter(|finding| finding.severity == Severity::Error)
            .filter(|finding| matches!(finding.code.as_bytes().get(3), Some(b'1'..=b'4')))
            .count()
    }

    /// Prints the answer as `explain-hpa` does.
    pub(super) fn print(&self) -> Result<(), Error> {
        print(&output::text::explanations(&self.0, output::terminal_width()))
    }

    /// The answer about the one HPA.
    pub(super) fn only(&self) -> Option<&Explanation> {
        self.0.items.first()
    }
}
