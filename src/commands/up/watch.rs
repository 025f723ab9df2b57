//! Waits for the pods, tells why they do not come, then asks each for its models.

use std::time::Duration;

use chrono::Utc;
use tokio::time::Instant;

use super::advice;
use super::tree::{self, Line, Models, Tree};
use crate::Error;
use crate::cli::UpArgs;
use crate::cluster::apply::Applied;
use crate::cluster::follow::Follow;
use crate::cluster::{Cluster, model};
use crate::commands::objects::Report;
use crate::commands::patience::Patience;
use crate::commands::print::print;
use crate::diagnosis::Finding;
use crate::diagnosis::rollout::{self, Mark, Progress, Trouble};
use crate::facts::Rollout;
use crate::output;
use crate::serving::manifests::Serving;
use crate::serving::model::ModelState;

/// How often the state is judged where nothing changes: time passes.
const TICK: Duration = Duration::from_secs(1);

/// What is waited for.
pub(super) struct Wait<'a> {
    /// The connection.
    pub(super) cluster: &'a Cluster,
    /// What the command line asks for.
    pub(super) args: &'a UpArgs,
    /// What was applied.
    pub(super) serving: &'a Serving,
    /// Where the result goes.
    pub(super) report: &'a Report,
    /// When to give up.
    pub(super) deadline: Instant,
}

impl Wait<'_> {
    fn namespace(&self) -> &str {
        self.serving.namespace.as_deref().unwrap_or_default()
    }

    fn label(&self) -> String {
        format!(
            "Deployment {}/{}",
            self.namespace(),
            self.serving.names.deployment
        )
    }

    /// Waits for pods and models; the value is the lines that tell of them.
    pub(super) async fn until_it_serves(&self, deployment: &Applied) -> Result<Vec<String>, Error> {
        let mut tree = Tree::start();
        let name = &self.serving.names.deployment;
        let mut follow = Follow::start(self.cluster, self.namespace(), name, deployment);
        let (rollout, pods) = self.pods(&mut follow, deployment.generation(), &mut tree).await?;
        self.models(&rollout, &pods, &mut tree).await
    }

    async fn pods(
        &self,
        follow: &mut Follow<'_>,
        generation: i64,
        tree: &mut Tree,
    ) -> Result<(Rollout, Vec<String>), Error> {
        let top = format!("Deployment {}", self.serving.names.deployment);
        let mut patience = Patience::default();
        loop {
            let now = Utc::now();
            let known = follow.rollout().await?;
            let stands = match (&known, follow.failure()) {
                (_, Some(error)) => format!("no answer at the moment: {error}"),
                (None, None) => "no answer yet".to_owned(),
                (Some(rollout), None) => match rollout::progress(rollout, generation) {
                    Progress::Done(pods) => return Ok((rollout.clone(), pods)),
                    Progress::Unseen => "its controller has not seen the change yet".to_owned(),
                    Progress::Waiting(what) => what,
                },
            };
            // An earlier roll-out's troubles are not this one's.
            let seen = known.filter(|it| rollout::progress(it, generation) != Progress::Unseen);
            let lines = seen.as_ref().map_or_else(
                || vec![Line::top(&top, Mark::Busy, &stands)],
                |it| tree::lines(it, &Models::new(), &stands, now),
            );
            tree.show(&lines);
            let troubles = seen
                .as_ref()
                .map(|it| rollout::troubles(it, now))
                .unwrap_or_default();
            if let Some(rollout) = seen.as_ref().filter(|_| patience.is_over(&troubles)) {
                let findings = self.explain(follow, rollout.clone(), &troubles).await;
                return Err(self.failed(tree, rollout, &findings)?);
            }
            if Instant::now() >= self.deadline {
                let findings = match seen {
                    Some(rollout) => self.explain(follow, rollout, &troubles).await,
                    None => Vec::new(),
                };
                return Err(self.late(tree, &findings, &stands)?);
            }
            follow.changed(self.deadline.min(Instant::now() + TICK)).await?;
        }
    }

    async fn explain(&self, follow: &Follow<'_>, mut rollout: Rollout, troubles: &[Trouble]) -> Vec<Finding> {
        follow.read_causes(&mut rollout).await;
        let mut findings = rollout::explain(&rollout, Utc::now());
        for finding in &mut findings {
            advice::in_flags(finding, troubles, self.serving);
        }
        findings
    }

    /// It will not come up as things are.
    fn failed(&self, tree: &mut Tree, rollout: &Rollout, findings: &[Finding]) -> Result<Error, Error> {
        self.show(tree, findings)?;
        let why = if findings.is_empty() {
            rollout::first_obstacle(rollout, Utc::now()).map_or_else(String::new, |why| format!(": {why}"))
        } else {
            ", see above".to_owned()
        };
        Ok(Error::Incomplete(format!(
            "{} does not come up{why}; nothing is undone: the same command continues when the cause is gone, and `kubectl tfserve down {} -n {}` removes it",
            self.label(),
            self.serving.names.app,
            self.namespace()
        )))
    }

    fn late(&self, tree: &mut Tree, findings: &[Finding], stands: &str) -> Result<Error, Error> {
        self.show(tree, findings)?;
        let why = if findings.is_empty() { "" } else { ", see above" };
        Ok(Error::Incomplete(format!(
            "{} is not ready within `--timeout {}`{why}: {stands}; it goes on by itself, and the same command waits again",
            self.label(),
            seconds(self.args.timeout)
        )))
    }

    fn show(&self, tree: &mut Tree, findings: &[Finding]) -> Result<(), Error> {
        tree.clear();
        if findings.is_empty() {
            return Ok(());
        }
        let text = output::text::obstacles(findings, output::terminal_width());
        if self.report.is_structured() {
            anstream::eprintln!("{}", text.trim_end());
            return Ok(());
        }
        print(&format!("\n{text}"))
    }

    /// Asks every pod. A pod that cannot be asked is no failure: its readiness already says that the model was loaded
    /// once.
    async fn models(
        &self,
        rollout: &Rollout,
        pods: &[String],
        tree: &mut Tree,
    ) -> Result<Vec<String>, Error> {
        let mut lines: Vec<String> = Vec::new();
        let mut known = Models::new();
        let mut asked = 0;
        for pod in pods {
            let mut serves = true;
            for name in &self.serving.model_names() {
                let mut show = |mark: Mark, said: &str| {
                    let told = known.entry(pod.clone()).or_default();
                    told.retain(|(_, text)| text.split(':').next() != Some(name));
                    told.push((mark, format!("{name}: {said}")));
                    tree.show(&tree::lines(rollout, &known, "its models", Utc::now()));
                };
                show(Mark::Busy, "is asked");
                let state = self.model(pod, name, &mut show).await;
                let line = match state {
                    Ok(state @ ModelState::Available(_)) => {
                        show(Mark::Good, &state.to_string());
                        format!("model    {name}: {state}")
                    }
                    Ok(state) => return Err(not_served(self.namespace(), pod, name, &state)),
                    Err(why) => {
                        serves = false;
                        format!("model    state not asked in pod {pod}: {why}")
                    }
                };
                if !lines.contains(&line) {
                    lines.push(line);
                }
                if !serves {
                    break;
                }
            }
            asked += usize::from(serves);
        }
        lines.push(format!(
            "pods     {} ready, {asked} asked and serving",
            pods.len()
        ));
        Ok(lines)
    }

    /// Asks one pod until its model neither starts nor loads, or the deadline has come.
    async fn model(
        &self,
        pod: &str,
        name: &str,
        show: &mut impl FnMut(Mark, &str),
    ) -> Result<ModelState, String> {
        loop {
            let state = model::ask(self.cluster, self.namespace(), pod, name).await?;
            if !matches!(state, ModelState::Loading(_)) || Instant::now() >= self.deadline {
                return Ok(state);
            }
            show(Mark::Busy, &state.to_string());
            tokio::time::sleep(TICK).await;
        }
    }
}

/// A pod in `namespace` is ready, and its server says that a model is in another state than available.
fn not_served(namespace: &str, pod: &str, name: &str, state: &ModelState) -> Error {
    let next = match state {
        ModelState::Loading(_) => {
            "it may take longer than `--timeout`; the same command waits again".to_owned()
        }
        _ => format!("see what the server says: `kubectl logs {pod} -n {namespace} --tail=50`"),
    };
    Error::Incomplete(format!(
        "pod {namespace}/{pod} is ready and does not serve model {name}: {state}; {next}"
    ))
}

/// `5m`, `90s`: as the flag takes it.
fn seconds(duration: Duration) -> String {
    match duration.as_secs() {
        whole if whole >= 60 && whole % 60 == 0 => format!("{}m", whole / 60),
        whole => format!("{whole}s"),
    }
}

#[cfg(test)]
mod tests {
    use super::not_served;
    use crate::serving::model;

    fn said(status: u16, body: &str) -> String {
        model::parse(status, body.as_bytes()).map_or_else(
            |unreadable| unreadable,
            |state| not_served("shop", "m-1", "m", &state).to_string(),
        )
    }

    #[test]
    fn what_the_server_of_a_ready_pod_says_of_its_model() {
        let versions = |state: &str, code: &str, why: &str| {
            format!(
                r#"{{"model_version_status": [{{"version": "1", "state": "{state}", "status": {{"error_code": "{code}", "error_message": "{why}"}}}}]}}"#
            )
        };
        insta::assert_snapshot!(said(200, &versions("LOADING", "OK", "")), @"pod shop/m-1 is ready and does not serve model m: version 1 LOADING; it may take longer than `--timeout`; the same command waits again");
        insta::assert_snapshot!(said(200, &versions("END", "NOT_FOUND", "Could not find SavedModel")), @"pod shop/m-1 is ready and does not serve model m: version 1 END (NOT_FOUND: Could not find SavedModel); see what the server says: `kubectl logs m-1 -n shop --tail=50`");
        insta::assert_snapshot!(said(404, r#"{"error": "Could not find any versions of model m"}"#), @"pod shop/m-1 is ready and does not serve model m: Could not find any versions of model m; see what the server says: `kubectl logs m-1 -n shop --tail=50`");
    }
}
