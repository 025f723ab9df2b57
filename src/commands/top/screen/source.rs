//! Where the screen's report comes from: HPAs that are followed, or a Deployment that no HPA scales.

use std::time::Duration;

use chrono::{DateTime, Utc};
use futures::future::{FutureExt, LocalBoxFuture};
use tokio::time::sleep;

use super::model::EventLine;
use crate::Error;
use crate::cli::TopArgs;
use crate::cluster::monitoring::{PODS_AT_MOST, Server};
use crate::cluster::{self, Cluster, Live, LiveEvent, Scope};
use crate::commands::connection;
use crate::commands::top::read_unscaled;
use crate::commands::top::report::{PodUsage, Report, TargetUsage};
use crate::facts::{Facts, Pod};
use crate::serving::REST_PORT;

/// How often a Deployment without an HPA is read.
const POLL: Duration = Duration::from_secs(15);

/// The source.
pub(super) enum Source {
    Hpas(Box<Live>),
    Deployment(Box<Deployment>),
}

/// A Deployment that no HPA scales.
pub(super) struct Deployment {
    cluster: Cluster,
    name: String,
    report: Report,
    trouble: Option<String>,
    /// The next reading.
    next: LocalBoxFuture<'static, Result<Report, Error>>,
}

impl Deployment {
    fn new(cluster: &Cluster, name: &str, report: Report) -> Self {
        Self {
            next: later(cluster.clone(), name.to_owned()),
            cluster: cluster.clone(),
            name: name.to_owned(),
            report,
            trouble: None,
        }
    }

    async fn changed(&mut self) {
        let read = (&mut self.next).await;
        self.next = later(self.cluster.clone(), self.name.clone());
        match read {
            Ok(report) => (self.report, self.trouble) = (report, None),
            Err(error) => self.trouble = Some(error.to_string()),
        }
    }
}

fn later(cluster: Cluster, name: String) -> LocalBoxFuture<'static, Result<Report, Error>> {
    async move {
        sleep(POLL).await;
        let gone = cluster::Error::Configuration(format!("Deployment {name} does not exist any more"));
        read_unscaled(&cluster, &name, gone).await
    }
    .boxed_local()
}

impl Source {
    /// Reads the cluster once, and starts to follow it.
    pub(super) async fn start(args: &TopArgs, cluster: &Cluster) -> Result<Self, Error> {
        let scope = Scope {
            usage: true,
            ..connection::scope(cluster, &args.names, args.all_namespaces, args.selector.as_ref())
        };
        match Live::start(cluster, &scope).await {
            Ok(live) => Ok(Self::Hpas(Box::new(live))),
            Err(error) if error.is_not_found() => match args.names.as_slice() {
                [name] => {
                    let report = read_unscaled(cluster, name, error).await?;
                    Ok(Self::Deployment(Box::new(Deployment::new(cluster, name, report))))
                }
                _ => Err(error.into()),
            },
            Err(error) => Err(error.into()),
        }
    }

    /// Waits until there is something new.
    pub(super) async fn changed(&mut self) {
        match self {
            Self::Hpas(live) => live.changed().await,
            Self::Deployment(deployment) => deployment.changed().await,
        }
    }

    /// What is known now.
    pub(super) fn report(&mut self, now: DateTime<Utc>) -> Report {
        match self {
            Self::Hpas(live) => Report::of_hpas(live.facts(now)),
            Self::Deployment(deployment) => deployment.report.clone(),
        }
    }

    /// The facts that an explanation needs.
    pub(super) fn facts(&mut self, now: DateTime<Utc>) -> Option<&Facts> {
        match self {
            Self::Hpas(live) => Some(live.facts(now)),
            Self::Deployment(_) => None,
        }
    }

    /// What cannot be followed, and why.
    pub(super) fn troubles(&self) -> Vec<String> {
        match self {
            Self::Hpas(live) => live
                .troubles()
                .iter()
                .map(|(what, why)| format!("{what} cannot be followed: {why}"))
                .collect(),
            Self::Deployment(deployment) => deployment.trouble.iter().cloned().collect(),
        }
    }

    /// The events, oldest first.
    pub(super) fn events(&self) -> Vec<EventLine> {
        match self {
            Self::Hpas(live) => live.events().into_iter().map(line).collect(),
            Self::Deployment(_) => Vec::new(),
        }
    }

    /// The pods to ask for TensorFlow Serving's own numbers, and what to say where they have none.
    pub(super) fn servers(
        &self,
        chosen: Option<&TargetUsage>,
        shown: &[&PodUsage],
    ) -> (Vec<Server>, Option<String>) {
        let (Self::Hpas(live), Some(chosen)) = (self, chosen) else {
            return (Vec::new(), None);
        };
        let pods = live
            .latest()
            .hpas
            .iter()
            .filter(|facts| {
                facts.hpa.namespace == chosen.namespace && Some(&facts.hpa.name) == chosen.hpa.as_ref()
            })
            .filter_map(|facts| facts.pods.known())
            .flatten();
        let serving: Vec<&Pod> = pods
            .filter(|pod| pod.phase == "Running" && shown.iter().any(|row| row.name == pod.name))
            .filter(|pod| pod.containers.iter().any(|it| it.serving.is_some()))
            .collect();
        let servers: Vec<Server> = serving
            .iter()
            .filter_map(|pod| server(pod))
            .take(PODS_AT_MOST)
            .collect();
        let silent = servers.is_empty() && !serving.is_empty();
        let note = silent.then(|| {
            "TensorFlow Serving's own numbers are off: it was started without --monitoring_config_file"
                .to_owned()
        });
        (servers, note)
    }
}

/// Where a pod tells its numbers; none where its monitoring is off.
fn server(pod: &Pod) -> Option<Server> {
    let serving = pod
        .containers
        .iter()
        .filter_map(|container| container.serving.as_ref())
        .find(|serving| serving.flags.contains_key("monitoring_config_file"))?;
    let port = serving
        .flags
        .get("rest_api_port")
        .and_then(|port| port.parse().ok())
        .unwrap_or(REST_PORT);
    Some(Server {
        port,
        ..Server::new(&pod.namespace, &pod.name)
    })
}

fn line(event: &LiveEvent) -> EventLine {
    let it = event.event();
    let count = if it.count > 1 {
        format!(" ({} times)", it.count)
    } else {
        String::new()
    };
    let object = match event.kind.as_str() {
        "HorizontalPodAutoscaler" => format!("HPA {}", event.name),
        kind => format!("{kind} {}", event.name),
    };
    EventLine {
        seen: event.seen(),
        warning: it.type_ == "Warning",
        text: format!("{} {object}: {}{count}", it.reason, it.message),
    }
}
