//! `--distributed`: Locust makes the load in the cluster, and this machine watches, collects and removes it.

mod collect;
mod come_up;

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use self::collect::Collected;
use self::come_up::ComeUp;
use super::address::Address;
use super::aim::Aim;
use super::live::Live;
use super::run::{self, Means, Outcome};
use super::watch::Watch;
use super::{cool_down, locustfile};
use crate::Error;
use crate::cluster::apply::{self, ApplyOptions};
use crate::cluster::{Cluster, load_jobs, removal, rights};
use crate::commands::progress::Progress;
use crate::load::Plan;
use crate::load::jobs::{Jobs, Owner};
use crate::serving::MANAGER;
use crate::serving::manifest::Manifest;

/// How long an end is waited for.
const REMOVAL: Duration = Duration::from_secs(60);
const TICK: Duration = Duration::from_millis(500);
/// An object of the API server takes 1 MiB; the rest of the file is small.
const MOST_BYTES: usize = 900_000;

/// A load that Locust is to make.
pub(super) struct Distributed {
    cluster: Cluster,
    jobs: Jobs,
    locustfile: String,
}

impl Distributed {
    /// Finds out what it takes; writes nothing. What runs already is a reason to ask.
    ///
    /// # Errors
    /// Locust cannot make it, a right is missing, or there is no Service.
    pub(super) async fn prepare(
        plan: &Plan,
        aim: &mut Aim,
        workers: u16,
        image: &str,
    ) -> Result<Self, Error> {
        let named = aim.named.as_ref().ok_or_else(no_cluster)?;
        let (url, target) = named.inside()?;
        let cluster = named.cluster().ok_or_else(no_cluster)?.clone();
        let locustfile = locustfile::of(plan, aim, &url)?;
        if locustfile.len() > MOST_BYTES {
            return Err(Error::Usage(format!(
                "the Locust file has {} bytes with the request in it, and a ConfigMap takes {MOST_BYTES}; send a smaller request",
                locustfile.len()
            )));
        }
        let jobs = Jobs {
            namespace: target.namespace.clone(),
            name: target.name.clone(),
            image: image.to_owned(),
            workers,
            length: plan.length(),
        };
        let this = Self {
            cluster,
            jobs,
            locustfile,
        };
        this.check_rights().await?;
        let master = this.jobs.master_name();
        if let Some(seconds) = load_jobs::running_since(&this.cluster, &this.jobs.namespace, &master).await? {
            let runs = format!(
                "a load of {}/{} runs already, since {seconds} s, and would be ended (Job {master})",
                this.jobs.namespace, this.jobs.name
            );
            aim.foreign = Some(match aim.foreign.take() {
                Some(other) => format!("{runs}; {other}"),
                None => runs,
            });
        }
        aim.target.measured_from = format!(
            "{workers} Locust {} in the cluster; latencies are Locust's: all requests, to the millisecond and two digits",
            if workers == 1 { "worker" } else { "workers" }
        );
        aim.target.url = url;
        Ok(this)
    }

    async fn check_rights(&self) -> Result<(), Error> {
        let any = Owner { uid: String::new() };
        let manifests = [
            self.jobs.master(),
            self.jobs.files("", &any),
            self.jobs.worker("", &any),
        ];
        let (mut missing, to_end) = futures::join!(
            rights::missing(&self.cluster, &manifests),
            rights::missing_to_end(&self.cluster, &manifests),
        );
        missing.extend(to_end);
        missing.dedup();
        if missing.is_empty() {
            return Ok(());
        }
        let missing: Vec<String> = missing.iter().map(|right| format!("`{right}`")).collect();
        Err(Error::Incomplete(format!(
            "a load in the cluster needs rights that are missing: {}; nothing was written",
            missing.join(", ")
        )))
    }

    /// Makes it, and removes it, whatever came of it.
    ///
    /// # Errors
    /// It did not begin, or its log could not be read.
    pub(super) async fn run(
        &self,
        plan: &Arc<Plan>,
        address: &Arc<Address>,
        means: &Means,
        watch: Option<Watch>,
        live: &mut Live,
    ) -> Result<Outcome, Error> {
        let mut watch = watch;
        let mut interrupted = std::pin::pin!(tokio::signal::ctrl_c());
        run::hear(interrupted.as_mut()).await?;
        self.remove().await?;
        let begun = tokio::select! {
            signal = &mut interrupted => {
                signal?;
                Err(Error::Usage("interrupted before the first request".to_owned()))
            }
            begun = self.begin() => begun,
        };
        let collected = match begun {
            Ok(lines) => {
                let mut collected = Collected::new(plan, means, &self.jobs);
                let followed = collected
                    .follow(self, lines, address, &mut watch, interrupted, live)
                    .await;
                live.finish();
                followed.map(|ended| (collected, ended))
            }
            Err(error) => Err(error),
        };
        let removed = self.remove().await;
        if let Err(error) = removed {
            let said = format!(
                "what is left of the load could not be removed: {error}; the same command or `kubectl tfserve down {} -n {}` \
                 removes it, and it ends by itself",
                self.jobs.name, self.jobs.namespace
            );
            live.say(&said);
        }
        let (collected, (ended, start)) = collected?;
        let scaling = match watch {
            Some(watch) => Some(cool_down::run(watch, &ended, start, address, means.cool_down, live).await?),
            None => None,
        };
        live.finish();
        let (timeline, client) = collected.finish(&ended);
        Ok(Outcome {
            timeline,
            ended,
            client,
            scaling,
        })
    }

    /// Makes the objects, and waits until the master has begun to speak.
    async fn begin(&self) -> Result<ComeUp<'_>, Error> {
        let jobs = &self.jobs;
        let owner = self.make(&jobs.master()).await?;
        self.make(&jobs.files(&self.locustfile, &owner)).await?;
        let mut come_up = ComeUp::new(&self.cluster, jobs, owner.clone());
        let master = come_up.master().await?;
        come_up.workers = self.make(&jobs.worker(&master.address, &owner)).await?;
        Ok(come_up)
    }

    async fn make(&self, manifest: &Manifest) -> Result<Owner, Error> {
        let options = ApplyOptions {
            field_manager: MANAGER.to_owned(),
            force: false,
            dry_run: false,
        };
        let live = apply::read(&self.cluster, manifest).await?;
        apply::refuse_foreign(manifest, live.as_ref(), &options)?;
        let applied = apply::apply(&self.cluster, manifest, live.as_ref(), &options).await?;
        let uid = applied
            .object
            .pointer("/metadata/uid")
            .and_then(serde_json::Value::as_str);
        Ok(Owner {
            uid: uid.unwrap_or_default().to_owned(),
        })
    }

    /// Removes what there is of it, of this run or of one before, and waits until it is gone.
    async fn remove(&self) -> Result<(), Error> {
        let Jobs { namespace, name, .. } = &self.jobs;
        let found = removal::load(&self.cluster, namespace, name, MANAGER).await?;
        if let Some(left) = found.left.first() {
            return Err(Error::Incomplete(format!(
                "cannot make the load: {} exists already: {}",
                left.resource_name, left.why
            )));
        }
        for item in &found.remove {
            removal::delete(&self.cluster, item, false).await?;
        }
        if found.remove.is_empty() {
            return Ok(());
        }
        let mut progress = Progress::start();
        let end = Instant::now() + REMOVAL;
        loop {
            let pods = removal::pods_of_load(&self.cluster, namespace, name).await?;
            let objects = removal::load(&self.cluster, namespace, name, MANAGER).await?;
            if pods.is_empty() && objects.remove.is_empty() {
                return Ok(());
            }
            if Instant::now() >= end {
                return Err(Error::Incomplete(format!(
                    "pods of it are still there after {} s: {}",
                    REMOVAL.as_secs(),
                    pods.join(", ")
                )));
            }
            progress.say("the pods of the load to end");
            tokio::select! {
                signal = tokio::signal::ctrl_c() => {
                    signal?;
                    return Err(Error::Incomplete("interrupted; its pods are ending".to_owned()));
                }
                () = tokio::time::sleep(TICK) => {}
            }
        }
    }
}

fn no_cluster() -> Error {
    Error::Usage("--distributed needs the name of a Service in a cluster".to_owned())
}
