//! The first valid metric, or why none comes.

use comfy_table::Table;
use tokio::time::{Duration, Instant};

use super::super::findings;
use super::super::objects::Report;
use super::super::progress::Progress;
use crate::cluster::{Cluster, service};
use crate::diagnosis::Explanation;
use crate::facts::Hpa;
use crate::output::escape;
use crate::{Error, exit};

/// How often the HPA is read.
const TICK: Duration = Duration::from_secs(2);
/// How often the cause is looked for while there is no metric.
const LOOK: Duration = Duration::from_secs(15);
/// In how many looks one after the other the same proven cause ends the wait: what repairs itself has done so by then.
const LOOKS: usize = 2;

/// Which metrics must have a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wanted {
    /// All of them.
    All,
    /// One of them: it is known that others have none, and told.
    Any,
}

/// Why the wait ended.
#[derive(Clone, Copy, PartialEq, Eq)]
enum End {
    /// Every metric has a value.
    Valid,
    /// The time is over.
    Late,
    /// No waiting helps.
    Hopeless,
}

/// Waits for the first valid metric of every HPA; where none comes, tells why.
pub(super) async fn prove(
    cluster: &Cluster,
    wanted: Wanted,
    timeout: Duration,
    namespace: &str,
    names: &[String],
    report: &Report,
) -> Result<u8, Error> {
    let deadline = Instant::now() + timeout;
    let mut code = exit::OK;
    for name in names {
        let end = wait_for_metrics(cluster, wanted, namespace, name, deadline).await?;
        let answer = findings::of_existing(cluster, namespace, name).await?;
        let why = match end {
            End::Valid => {
                report.lines(&answer.only().map(row).unwrap_or_default())?;
                continue;
            }
            End::Late => "has no valid metric within `--timeout`, see above; the same command continues",
            End::Hopeless => "cannot have a metric as things are, see above: no waiting helps",
        };
        answer.print(report)?;
        anstream::eprintln!(
            "error: HorizontalPodAutoscaler {namespace}/{} {why}",
            escape::line(name)
        );
        code = exit::PROBLEM;
    }
    Ok(code)
}

async fn wait_for_metrics(
    cluster: &Cluster,
    wanted: Wanted,
    namespace: &str,
    name: &str,
    deadline: Instant,
) -> Result<End, Error> {
    let mut progress = Progress::start();
    let mut next_look = Instant::now() + LOOK;
    let mut hopeless = 0;
    loop {
        let hpa = service::autoscaler(cluster, namespace, name).await?;
        if has_valid_metrics(&hpa, wanted) {
            return Ok(End::Valid);
        }
        let now = Instant::now();
        if now >= deadline {
            return Ok(End::Late);
        }
        if now >= next_look {
            next_look = now + LOOK;
            let answer = findings::of_existing(cluster, namespace, name).await?;
            hopeless = if answer.is_proven_impossible() {
                hopeless + 1
            } else {
                0
            };
            if hopeless >= LOOKS {
                return Ok(End::Hopeless);
            }
        }
        progress.say(&what(&hpa));
        tokio::time::sleep(TICK).await;
    }
}

fn what(hpa: &Hpa) -> String {
    let said = hpa
        .condition("ScalingActive")
        .filter(|condition| condition.status != "True");
    said.map_or_else(
        || {
            format!(
                "the controller's first look at HorizontalPodAutoscaler {}",
                hpa.name
            )
        },
        |condition| {
            format!(
                "the first valid metric; the controller says: {}",
                condition.message
            )
        },
    )
}

/// Whether the controller has a value for the metrics of the spec as it is now: a condition alone may be of an earlier
/// spec.
fn has_valid_metrics(hpa: &Hpa, wanted: Wanted) -> bool {
    let seen = match (hpa.generation, hpa.observed_generation) {
        (Some(generation), Some(observed)) => observed >= generation,
        _ => true,
    };
    let active = hpa
        .condition("ScalingActive")
        .is_some_and(|condition| condition.status == "True" && condition.reason == "ValidMetricFound");
    let aligned = hpa.metrics.len() == hpa.current_metrics.len();
    let mut values = hpa
        .metrics
        .iter()
        .zip(&hpa.current_metrics)
        .map(|(spec, status)| {
            spec.type_ == status.type_ && spec.name == status.name && status.current != <_>::default()
        });
    let valid = match wanted {
        Wanted::All => values.all(|valid| valid),
        Wanted::Any => values.any(|valid| valid),
    };
    seen && active && aligned && valid
}

/// As `kubectl get hpa` prints it, and why it stands there.
fn row(explanation: &Explanation) -> Vec<String> {
    let mut table = Table::new();
    table.load_style(comfy_table::presets::NOTHING);
    table.set_header(["NAME", "REFERENCE", "TARGETS", "MINPODS", "MAXPODS", "REPLICAS"]);
    table.add_row([
        explanation.name.clone(),
        format!("{}/{}", explanation.target.kind, explanation.target.name),
        explanation.targets.clone(),
        explanation.min_replicas.to_string(),
        explanation.max_replicas.to_string(),
        explanation.replicas.unwrap_or_default().to_string(),
    ]);
    if let Some(column) = table.column_mut(0) {
        column.set_padding((0, 1));
    }
    table
        .to_string()
        .lines()
        .map(|line| line.trim_end().to_owned())
        .chain([explanation.summary.clone()])
        .collect()
}

#[cfg(test)]
#[path = "prove_test.rs"]
mod tests;
