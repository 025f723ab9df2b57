//! TFS810 model-not-loaded
//!
//! ## What it detects
//! TensorFlow Serving finds a version of its model and cannot load it. It tries again, by default five times in five
//! minutes, then ends and is restarted: its pods are never ready.
//!
//! ## How it is proved
//! The server's own log says so in a pod that has never been ready, and nothing newer says that the version was loaded.
//!
//! ## What it is not
//! A model that is not found is TFS805.
//!
//! ## Fix
//! What the error names: the tags of the export, an operation that the release of the server does not know, files that
//! are missing, or memory.
//!
//! ## Source
//! `retrier.cc` and `server_core.cc` of TensorFlow Serving, 2.16 to 2.20.

use crate::diagnosis::phrase::word;
use crate::diagnosis::rule::{Need, Rule, Stage, documentation};
use crate::diagnosis::serving::{self, Failed};
use crate::diagnosis::{Case, Finding};

pub(in crate::diagnosis) const RULE: Rule = Rule {
    code: "TFS810",
    name: "model-not-loaded",
    stage: Stage::Serving,
    source: documentation!("model_not_loaded.rs"),
    explains: &[
        "TFS304", "TFS404", "TFS501", "TFS502", "TFS505", "TFS607", "TFS807", "TFS811",
    ],
    needs: &[Need::Pods, Need::ServingLog],
    check,
};

/// How much of an error is shown: some quote a whole graph.
const SHOWN: usize = 240;

fn check(case: &Case<'_>) -> Option<Finding> {
    let log = case.facts.serving_log.known()?;
    let (pod, server) = serving::never_ready(case)
        .into_iter()
        .find(|(pod, _)| log.iter().any(|line| line.pod == pod.name))?;
    let failed = log.iter().enumerate().rev().find_map(|(index, line)| {
        let failed = serving::failed(&line.text)?;
        let later = log.get(index + 1..).unwrap_or_default();
        let loaded = later.iter().any(|line| serving::is_loaded(&line.text, &failed));
        (!loaded).then_some(failed)
    })?;
    let Failed {
        model,
        version,
        error,
    } = failed;
    let finding = RULE.finding(
        serving::severity(case),
        format!(
            "TensorFlow Serving cannot load version {version} of model {model}, so its pods never become ready"
        ),
        "it opens no port before it has loaded the model, and ends after some attempts",
    );
    let finding = serving::seen(case, finding, pod, server).saw(
        format!("log of {}", server.container.name),
        clipped(error),
        format!("pods/log of {}", pod.name),
    );
    let finding = match remedy(error) {
        Some((title, changes)) => finding.advice(title, changes),
        None => finding,
    };
    Some(finding.fix(
        "see what comes before it",
        format!(
            "kubectl logs {} -n {} -c {} --tail=100",
            word(&pod.name),
            case.namespace(),
            word(&server.container.name)
        ),
        "reads only",
    ))
}

fn clipped(error: &str) -> String {
    let mut shown: String = error.chars().take(SHOWN).collect();
    if shown.len() < error.len() {
        shown.push('…');
    }
    shown
}

/// What an error asks for.
fn remedy(error: &str) -> Option<(&'static str, &'static str)> {
    const REMEDIES: [(&str, &str, &str); 4] = [
        (
            "meta graph def matching supplied tags",
            "export the model with the tag serve",
            "or name its tags in --saved_model_tags",
        ),
        (
            "Op type not registered",
            "use the image of the TensorFlow release that exported the model, or a newer one",
            "an operation of your own has to be built into the server",
        ),
        (
            "Could not find SavedModel",
            "put saved_model.pb and variables into the directory of the version",
            "copy to another name first, and rename it to the number last",
        ),
        (
            "esource exhausted",
            "give the server more memory",
            "two versions are in memory while one replaces the other",
        ),
    ];
    let found = REMEDIES.into_iter().find(|(text, ..)| error.contains(text))?;
    Some((found.1, found.2))
}
