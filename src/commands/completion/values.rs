//! What can stand where a value is typed: names that live in the cluster or in the kubeconfig.

use std::ffi::OsStr;
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, mpsc};
use std::time::Duration;

use clap::{Arg, Command, CommandFactory, ValueHint};
use clap_complete::engine::{ArgValueCompleter, CompletionCandidate};

use super::answer::{DIRECTORIES, NO_FILES, SHELL_FILES};
use crate::cli::{Cli, TOPICS};
use crate::cluster::ConnectOptions;
use crate::cluster::names::{Named, names};
use crate::diagnosis::RULES;

/// How long somebody who pressed a key waits for a cluster, unless `--request-timeout` stands on the line. A
/// login command has to fit in too.
const DEADLINE: Duration = Duration::from_secs(2);

/// Completes values: asks the cluster, or leaves it to the shell where files are meant.
#[derive(Clone)]
pub(super) struct Values {
    options: Arc<ConnectOptions>,
    deadline: Duration,
    directive: Arc<AtomicU8>,
}

impl Values {
    /// Values of the cluster that the words typed so far mean.
    pub(super) fn new(mut options: ConnectOptions) -> Self {
        let deadline = options
            .request_timeout
            .filter(|timeout| !timeout.is_zero())
            .unwrap_or(DEADLINE);
        options.request_timeout = Some(deadline);
        Self {
            options: Arc::new(options),
            deadline,
            directive: Arc::new(AtomicU8::new(NO_FILES)),
        }
    }

    /// What the shell does besides, once the values have been asked for.
    pub(super) fn directive(&self) -> u8 {
        self.directive.load(Ordering::Relaxed)
    }

    /// A command whose arguments know their values.
    pub(super) fn attach(&self, command: Command) -> Command {
        let verb = command.get_name().to_owned();
        command
            .mut_args(|argument| match self.completer(&verb, &argument) {
                Some(completer) => argument.add(completer),
                None => argument,
            })
            .mut_subcommands(|command| self.attach(command))
    }

    fn completer(&self, verb: &str, argument: &Arg) -> Option<ArgValueCompleter> {
        let named: &'static [Named] = match (verb, argument.get_id().as_str()) {
            (_, "namespace") => &[Named::Namespaces],
            (_, "context") => &[Named::Contexts],
            (_, "cluster") => &[Named::Clusters],
            (_, "user") => &[Named::Users],
            ("explain-hpa", "names") => &[Named::Hpas],
            ("top", "names") => &[Named::Hpas, Named::Deployments],
            ("predict", "name") => &[Named::Services, Named::Deployments],
            ("up" | "down", "name") => &[Named::Models],
            ("up", "service_account") => &[Named::ServiceAccounts],
            ("up", "model") => return Some(self.clone().of(Self::model_sources)),
            ("autoscale", "target") => return Some(self.clone().of(Self::targets)),
            ("explain-hpa", "code") => return Some(ArgValueCompleter::new(codes)),
            ("help", "words") => return Some(ArgValueCompleter::new(help_words)),
            _ => return self.path(argument.get_value_hint()),
        };
        Some(
            self.clone()
                .of(move |values, typed| values.names(named, "", typed)),
        )
    }

    fn of(
        self,
        complete: impl Fn(&Self, &str) -> Vec<CompletionCandidate> + Send + Sync + 'static,
    ) -> ArgValueCompleter {
        ArgValueCompleter::new(move |typed: &OsStr| complete(&self, &typed.to_string_lossy()))
    }

    /// The shell knows files better than we do.
    fn path(&self, hint: ValueHint) -> Option<ArgValueCompleter> {
        let directive = match hint {
            ValueHint::AnyPath | ValueHint::FilePath => SHELL_FILES,
            ValueHint::DirPath => DIRECTORIES,
            _ => return None,
        };
        Some(self.clone().of(move |values, _| {
            values.directive.store(directive, Ordering::Relaxed);
            Vec::new()
        }))
    }

    /// `--model`: how a source begins, and the claims.
    fn model_sources(&self, typed: &str) -> Vec<CompletionCandidate> {
        if let Some(claim) = typed.strip_prefix("pvc:") {
            return self.names(&[Named::Claims], "pvc:", claim);
        }
        [
            ("hostPath:/", "A directory of the node"),
            ("pvc:", "A PersistentVolumeClaim"),
            ("gs://", "A bucket of Google Cloud Storage"),
            ("s3://", "A bucket of S3"),
            ("image:", "A container image"),
        ]
        .into_iter()
        .filter(|(start, _)| start.starts_with(typed))
        .map(|(start, help)| CompletionCandidate::new(start).help(Some(help.into())))
        .collect()
    }

    /// What `autoscale` takes: a Deployment's name, or a kind and a name.
    fn targets(&self, typed: &str) -> Vec<CompletionCandidate> {
        let Some((kind, name)) = typed.split_once('/') else {
            return self.names(&[Named::Deployments], "", typed);
        };
        let named: &[Named] = match kind {
            "deployment" | "deployments" | "deploy" => &[Named::Deployments],
            "statefulset" | "statefulsets" | "sts" => &[Named::StatefulSets],
            _ => return Vec::new(),
        };
        self.names(named, &format!("{kind}/"), name)
    }

    /// The names that begin so; none where the cluster does not answer in time.
    fn names(&self, named: &'static [Named], prefix: &str, typed: &str) -> Vec<CompletionCandidate> {
        // A login command blocks its thread for as long as it likes: the process ends without it.
        let (send, answers) = mpsc::channel();
        for &named in named {
            let (options, send) = (Arc::clone(&self.options), send.clone());
            std::thread::spawn(move || send.send(names(&options, named).unwrap_or_default()));
        }
        drop(send);
        let deadline = std::time::Instant::now() + self.deadline;
        let mut found: Vec<String> = Vec::new();
        while let Ok(answer) =
            answers.recv_timeout(deadline.saturating_duration_since(std::time::Instant::now()))
        {
            found.extend(answer);
        }
        found.retain(|name| name.starts_with(typed));
        found.sort_unstable();
        found.dedup();
        found
            .into_iter()
            .map(|name| CompletionCandidate::new(format!("{prefix}{name}")))
            .collect()
    }
}

/// What `help` takes.
fn help_words(typed: &OsStr) -> Vec<CompletionCandidate> {
    let typed = typed.to_string_lossy();
    let root = Cli::command();
    let commands = root
        .get_subcommands()
        .filter(|command| !command.is_hide_set())
        .map(|command| (command.get_name().to_owned(), command.get_about().cloned()));
    let topics = TOPICS
        .iter()
        .map(|topic| (topic.name.to_owned(), Some(topic.title().into())));
    commands
        .chain(topics)
        .chain([("topics".to_owned(), Some("The list of topics".into()))])
        .filter(|(word, _)| word.starts_with(typed.as_ref()))
        .map(|(word, about)| CompletionCandidate::new(word).help(about))
        .collect()
}

/// `--code`.
fn codes(typed: &OsStr) -> Vec<CompletionCandidate> {
    let typed = typed.to_string_lossy().to_uppercase();
    RULES
        .iter()
        .filter(|rule| rule.code.starts_with(&typed))
        .map(|rule| CompletionCandidate::new(rule.code).help(Some(rule.name.into())))
        .collect()
}
