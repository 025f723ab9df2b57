//! The master's and the workers' pods, until they are there.

use std::time::Duration;

use chrono::Utc;
use tokio::time::Instant;

use crate::Error;
use crate::cluster::Cluster;
use crate::cluster::load_jobs::{self, Master, Wanted};
use crate::commands::patience::Patience;
use crate::commands::progress::Progress;
use crate::diagnosis::rollout::{self, Kind};
use crate::diagnosis::{Finding, Fix};
use crate::load::jobs::{Jobs, Owner};
use crate::output;

/// How long pods may take: an image of 100 MB, and a node that has to be made.
const MOST: Duration = Duration::from_secs(300);
const TICK: Duration = Duration::from_secs(1);
/// How the state of a pod reads that runs: its containers have no probes.
const READY: &str = "ready";

/// The wait for them.
pub(super) struct ComeUp<'a> {
    cluster: &'a Cluster,
    jobs: &'a Jobs,
    deadline: Instant,
    patience: Patience,
    progress: Option<Progress>,
    pub(super) pod: String,
    master: Owner,
    /// The workers' Job, once it is made.
    pub(super) workers: Owner,
}

impl<'a> ComeUp<'a> {
    pub(super) fn new(cluster: &'a Cluster, jobs: &'a Jobs, master: Owner) -> Self {
        Self {
            cluster,
            jobs,
            deadline: Instant::now() + MOST,
            patience: Patience::default(),
            progress: Some(Progress::start()),
            pod: String::new(),
            workers: Owner { uid: String::new() },
            master,
        }
    }

    /// Waits until the master runs.
    pub(super) async fn master(&mut self) -> Result<Master, Error> {
        let name = self.jobs.master_name();
        loop {
            if let Some(master) = load_jobs::master(self.cluster, &self.jobs.namespace, &name).await? {
                self.pod.clone_from(&master.pod);
                return Ok(master);
            }
            let uid = self.master.uid.clone();
            let job = Wanted {
                name: &name,
                uid: &uid,
                pods: 1,
            };
            self.look("the master's pod", job).await?;
            tokio::time::sleep(TICK).await;
        }
    }

    /// Looks at the workers once.
    pub(super) async fn workers(&mut self) -> Result<(), Error> {
        let (name, uid) = (self.jobs.workers_name(), self.workers.uid.clone());
        let job = Wanted {
            name: &name,
            uid: &uid,
            pods: self.jobs.workers,
        };
        self.look("the workers", job).await
    }

    /// It has come up: nothing is shown of it any more.
    pub(super) fn done(&mut self) {
        self.progress = None;
    }

    /// What is waited for; an error where it will not come.
    async fn look(&mut self, what: &str, job: Wanted<'_>) -> Result<(), Error> {
        let rollout = load_jobs::rollout(self.cluster, &self.jobs.namespace, job).await?;
        let now = Utc::now();
        let states: Vec<String> = rollout
            .pods
            .iter()
            .map(|pod| rollout::state(&rollout, pod, now).1)
            .collect();
        let state = states.first().map_or("not created yet", String::as_str);
        if let Some(progress) = &mut self.progress {
            progress.say(&format!("{what}: {state}"));
        }
        let troubles = rollout::troubles(&rollout, now);
        let over = self.patience.is_over(&troubles);
        let late = Instant::now() >= self.deadline;
        if !over && !late {
            return Ok(());
        }
        self.done();
        let mut findings = rollout::explain(&rollout, now);
        for finding in &mut findings {
            advise(
                finding,
                troubles
                    .iter()
                    .any(|trouble| matches!(trouble.kind, Kind::Image { .. })),
            );
        }
        anstream::eprint!("{}", output::text::obstacles(&findings, output::terminal_width()));
        let obstacle = rollout::first_obstacle(&rollout, now).or_else(|| rollout.refused.clone());
        let why = match (findings.is_empty(), obstacle) {
            (false, _) => ", see above".to_owned(),
            (true, Some(why)) => format!(": {why}"),
            (true, None) => format!(
                " within {} s: {}",
                MOST.as_secs(),
                waited_for(what, &states, job.pods)
            ),
        };
        Err(Error::Incomplete(format!(
            "Job {}/{} does not come up{why}; no load was made",
            self.jobs.namespace, job.name
        )))
    }
}

/// What was not there when time was up, where nothing says why.
fn waited_for(what: &str, states: &[String], pods: u16) -> String {
    let ready = states.iter().filter(|state| *state == READY).count();
    match states.iter().find(|state| *state != READY) {
        Some(state) => format!("{what}: {ready} of {pods} run, another: {state}"),
        None if ready < usize::from(pods) => {
            format!("{what}: {ready} of {pods} were created, and no event says why")
        }
        None => format!(
            "{what}: all run, and have not reached the master; does a NetworkPolicy keep TCP port 5557 between them closed?"
        ),
    }
}

/// The Jobs are this command's, so that what changes them is a flag of it.
fn advise(finding: &mut Finding, image: bool) {
    finding
        .fix
        .retain(|fix| fix.command.is_some() && fix.changes.starts_with("reads only"));
    if image {
        finding.fix.insert(
            0,
            Fix {
                title: "the same command with an image that the nodes can pull in `--locust-image`"
                    .to_owned(),
                command: None,
                changes: "the new pods pull it".to_owned(),
            },
        );
    }
}

#[cfg(test)]
mod tests {
    use super::waited_for;

    #[test]
    fn what_was_waited_for_is_said() {
        let states = |states: &[&str]| states.iter().map(ToString::to_string).collect::<Vec<_>>();
        for (seen, said) in [
            (
                &["ready", "waits for the scheduler"][..],
                "the workers: 1 of 2 run, another: waits for the scheduler",
            ),
            (
                &["ready"],
                "the workers: 1 of 2 were created, and no event says why",
            ),
            (&[], "the workers: 0 of 2 were created, and no event says why"),
            (
                &["ready", "ready"],
                "the workers: all run, and have not reached the master; does a NetworkPolicy keep TCP port 5557 between them closed?",
            ),
        ] {
            assert_eq!(waited_for("the workers", &states(seen), 2), said);
        }
    }
}
