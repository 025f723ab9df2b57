//! TFS805 model-not-found
//!
//! ## What it detects
//! TensorFlow Serving runs and finds no model: its base path does not exist, has no directory whose name is a number, or
//! is of a file system that the server does not know. It opens no port before the first load and never gives up, so the
//! pods are Running, never ready and never restarted, and no event says why.
//!
//! ## How it is proved
//! The server's own log says so in a pod that has never been ready, and says nothing newer of that model.
//!
//! ## What it is not
//! A model that is found and cannot be loaded is TFS810. A probe that cannot succeed is TFS806. Pods of one node that
//! find what those of another do not find are TFS808.
//!
//! ## Fix
//! The base path is the directory above the version: `BASE/1/saved_model.pb`. Correct the flag, or lay the model out so.
//! s3:// has not been built in since 2.7: stage the model into a volume, or use gs://.
//!
//! ## Source
//! `file_system_storage_path_source.cc` and `server.cc` of TensorFlow Serving, 2.16 to 2.20; threads 1963 and 2062.

use crate::diagnosis::phrase::word;
use crate::diagnosis::rule::{Need, Rule, Stage, documentation};
use crate::diagnosis::serving::{self, Missing, Server, above_version};
use crate::diagnosis::{Case, Finding};
use crate::facts::{Pod, Recognised};

pub(in crate::diagnosis) const RULE: Rule = Rule {
    code: "TFS805",
    name: "model-not-found",
    stage: Stage::Serving,
    source: documentation!("model_not_found.rs"),
    explains: &[
        "TFS304", "TFS404", "TFS501", "TFS502", "TFS505", "TFS607", "TFS811",
    ],
    needs: &[Need::Pods, Need::ServingLog],
    check,
};

/// What the log proves, and about which pod.
pub(super) struct Proof<'a> {
    pub(super) pod: &'a Pod,
    server: Server<'a>,
    missing: Missing<'a>,
    pub(super) line: &'a str,
}

fn check(case: &Case<'_>) -> Option<Finding> {
    let proof = proof(case)?;
    let (title, why) = texts(&proof);
    let (pod, server) = (proof.pod, proof.server);
    let finding = RULE.finding(serving::severity(case), title, why);
    let mut finding = serving::seen(case, finding, pod, server).saw(
        format!("log of {}", server.container.name),
        proof.line,
        format!("pods/log of {}", pod.name),
    );
    if let Some((mount, path)) = proof.on_node() {
        let node = pod.node.as_deref().unwrap_or("the node");
        finding = finding.saw(mount, format!("is {path} of node {node}"), "LIST pods");
    }
    let unknown = unknown_arguments(case);
    if !unknown.is_empty() {
        finding = finding.saw(
            "arguments it ignored",
            unknown.join(", "),
            format!("pods/log of {}", pod.name),
        );
    }
    Some(repaired(case, finding, &proof, &unknown))
}

/// What the log of a pod that has never been ready says of its model.
pub(super) fn proof<'a>(case: &Case<'a>) -> Option<Proof<'a>> {
    let log = case.facts.serving_log.known()?;
    let (pod, server) = serving::never_ready(case)
        .into_iter()
        .find(|(pod, _)| log.iter().any(|line| line.pod == pod.name))?;
    // The server looks every second and repeats itself: what it says last of a model is the present.
    let (missing, line) = log.iter().enumerate().rev().find_map(|(index, line)| {
        let (missing, said) = serving::missing(&line.text)?;
        let later = log.get(index + 1..).unwrap_or_default();
        let found = later.iter().any(|line| {
            missing
                .model()
                .is_some_and(|model| serving::is_found(&line.text, model))
        });
        (!found).then_some((missing, said))
    })?;
    Some(Proof {
        pod,
        server,
        missing,
        line,
    })
}

fn texts(proof: &Proof<'_>) -> (String, String) {
    match &proof.missing {
        Missing::Version { model, path } => (
            format!(
                "TensorFlow Serving finds no version of model {model} under {path}, so its pods never become ready"
            ),
            match above_version(path) {
                Some(_) => "it looks for directories named by a number below its base path, which here ends in one itself, and opens no port before it has loaded one".to_owned(),
                None => format!(
                    "it serves from a directory named by a number, such as {}/1, and opens no port before it has loaded one",
                    path.trim_end_matches('/')
                ),
            },
        ),
        Missing::Path { model, path } => (
            format!(
                "TensorFlow Serving finds no directory {path} for model {model}, so its pods never become ready"
            ),
            format!(
                "the path does not exist in container {}, and the server opens no port before it has loaded the model",
                proof.server.container.name
            ),
        ),
        Missing::Scheme { scheme, path, .. } => {
            let what = if path.is_empty() { format!("{scheme}://") } else { (*path).to_owned() };
            (
                format!("TensorFlow Serving cannot read {what}, so it loads no model and its pods never become ready"),
                match *scheme {
                    "s3" => "s3:// has not been built in since 2.7; files and gs:// are".to_owned(),
                    _ => "it reads files and gs://".to_owned(),
                },
            )
        }
    }
}

impl Proof<'_> {
    /// The base path, and where it is on the node, where a `hostPath` volume holds it.
    pub(super) fn on_node(&self) -> Option<(String, String)> {
        let path = self.missing.path().trim_end_matches('/');
        self.server.told.host_paths.iter().find_map(|host| {
            let rest = path.strip_prefix(host.mount.trim_end_matches('/'))?;
            let place = format!("{}{rest}", host.path.trim_end_matches('/'));
            (rest.is_empty() || rest.starts_with('/')).then(|| (path.to_owned(), place))
        })
    }
}

fn unknown_arguments(case: &Case<'_>) -> Vec<String> {
    let log = case.facts.serving_log.known().map_or(&[][..], Vec::as_slice);
    log.iter()
        .filter_map(|line| line.text.split_once("unknown argument: "))
        .map(|(_, argument)| argument.to_owned())
        .collect()
}

fn repaired(case: &Case<'_>, finding: Finding, proof: &Proof<'_>, unknown: &[String]) -> Finding {
    let label = case.target_label();
    let mut finding = finding;
    if let Some(argument) = unknown.first() {
        finding = finding.advice(
            format!("correct {argument}, which the server ignored"),
            format!("rolls the pods of {label}"),
        );
    }
    if let Some((path, why)) = better_path(proof) {
        let argument = format!("--model_base_path={path}");
        let title = format!("{why}: serve from {path}");
        finding = match serving::with_arguments(case, std::slice::from_ref(&argument)) {
            Some(command) => finding.fix(title, command, format!("rolls the pods of {label}")),
            None => finding.advice(title, format!("{argument} in the arguments of {label}")),
        };
    }
    if unknown.is_empty() {
        finding = laid_out(finding, proof);
    }
    // Nobody can look into a container that has ended.
    match seen(&proof.missing).filter(|_| !has_ended(proof)) {
        Some(directory) => finding.fix(
            "see what the server sees",
            format!(
                "kubectl exec {} -n {} -c {} -- ls -l {}",
                word(&proof.pod.name),
                case.namespace(),
                word(&proof.server.container.name),
                word(directory)
            ),
            "reads only",
        ),
        None => finding,
    }
}

fn has_ended(proof: &Proof<'_>) -> bool {
    proof.server.container.state_reason.is_some()
}

/// The directory of the container whose list shows what is wrong.
fn seen<'a>(missing: &Missing<'a>) -> Option<&'a str> {
    let path = missing.path().trim_end_matches('/');
    match missing {
        Missing::Path { .. } if path.starts_with('/') => {
            let (parent, _) = path.rsplit_once('/')?;
            Some(if parent.is_empty() { "/" } else { parent })
        }
        Missing::Version { .. } if path.starts_with('/') => Some(path),
        _ => None,
    }
}

/// A base path that is more likely to be right than the one that is asked for. A file of models has its own.
fn better_path(proof: &Proof<'_>) -> Option<(String, &'static str)> {
    if proof.server.told.flags.contains_key("model_config_file") {
        return None;
    }
    if let Missing::Version { path, .. } = proof.missing {
        let parent = above_version(path)?;
        return Some((
            parent.to_owned(),
            "the base path is the directory above the version",
        ));
    }
    let [host] = proof.server.told.host_paths.as_slice() else {
        return None;
    };
    let elsewhere = matches!(proof.missing, Missing::Path { .. }) && proof.on_node().is_none();
    elsewhere.then(|| (host.mount.clone(), "the model is mounted elsewhere"))
}

/// How the model would have to lie.
fn laid_out(finding: Finding, proof: &Proof<'_>) -> Finding {
    let node = proof.pod.node.as_deref().unwrap_or("the node");
    let when = if has_ended(proof) {
        "the server loads it at its next start"
    } else {
        "the server loads it within a second, and no pod restarts"
    };
    match &proof.missing {
        Missing::Scheme { scheme, .. } => finding.advice(
            format!("copy the model from {scheme}:// into an emptyDir with an init container, or to gs://"),
            "then name that path in --model_base_path",
        ),
        _ if better_path(proof).is_some() => finding,
        Missing::Version { path, .. } | Missing::Path { path, .. } => {
            let image_default = proof.server.told.recognised == Recognised::Image
                && !proof.server.told.flags.contains_key("model_base_path")
                && *path == "/models/model";
            if image_default {
                return finding.advice(
                    "set MODEL_NAME, or --model_name and --model_base_path",
                    "without them the image looks in /models/model",
                );
            }
            match proof.on_node() {
                Some((_, place)) => finding.advice(
                    format!("on node {node}, put saved_model.pb and variables into {place}/1"),
                    when,
                ),
                None => finding.advice(
                    format!(
                        "put saved_model.pb and variables into {}/1",
                        path.trim_end_matches('/')
                    ),
                    when,
                ),
            }
        }
    }
}
