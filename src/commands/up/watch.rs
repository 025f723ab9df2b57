//! Waits for the pods, then asks each for its models.

use tokio::time::Instant;

use crate::Error;
use crate::cluster::apply::Applied;
use crate::cluster::wait::{self, WaitError};
use crate::cluster::{Cluster, model};
use crate::commands::progress::Progress;
use crate::diagnosis;
use crate::output::escape;
use crate::serving::manifests::Serving;
use crate::serving::model::ModelState;

/// Waits; the value is the names of the pods.
pub(super) async fn wait_for_pods(
    cluster: &Cluster,
    serving: &Serving,
    deployment: &Applied,
    deadline: Instant,
) -> Result<Vec<String>, Error> {
    let name = &serving.names.deployment;
    let namespace = serving.namespace.as_deref().unwrap_or_default();
    let target = wait::Target {
        namespace,
        deployment: name,
        generation: deployment.generation(),
        deadline,
    };
    let mut progress = Progress::start();
    let waited = wait::rollout(cluster, target, &mut |what| progress.say(what)).await;
    drop(progress);
    waited.map_err(|error| match error {
        WaitError::Cluster(error) => error.into(),
        WaitError::PodsRefused(why) => Error::Incomplete(format!(
            "Deployment {namespace}/{name} does not come up: no pod can be created, {}: FailedCreate: {why}",
            diagnosis::refusal_in_words(&why)
        )),
        WaitError::Failed { why, log } => {
            for line in log.iter().flat_map(|log| log.lines()) {
                anstream::eprintln!("log: {}", escape::line(line));
            }
            Error::Incomplete(format!("Deployment {namespace}/{name} does not come up: {why}"))
        }
        WaitError::Deadline(what) => Error::Incomplete(format!(
            "Deployment {namespace}/{name} was applied and is not ready within `--timeout`; it still waits for {what}; the same command continues"
        )),
    })
}

/// Asks every pod. A pod that cannot be asked is no failure: its readiness already says that the model was
/// loaded once.
pub(super) async fn ask_models(
    cluster: &Cluster,
    serving: &Serving,
    pods: &[String],
    deadline: Instant,
) -> Result<Vec<String>, Error> {
    let namespace = serving.namespace.as_deref().unwrap_or_default();
    let mut progress = Progress::start();
    let mut lines: Vec<String> = Vec::new();
    let models = serving.model_names();
    let mut asked = 0;
    for pod in pods {
        let mut serves = true;
        for name in &models {
            progress.say(&format!("model {name} in pod {pod}"));
            let line = match model::until_loaded(cluster, namespace, pod, name, deadline).await {
                Ok(state @ ModelState::Available(_)) => format!("model    {name}: {state}"),
                Ok(state) => {
                    return Err(Error::Incomplete(format!(
                        "pod {namespace}/{pod} is ready and does not serve model {name}: {state}"
                    )));
                }
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
