//! Asks a serving pod for its model, through a port-forward: it needs no address of the pod or the Service.

use std::time::Duration;

use super::Cluster;
use super::reach::{Failure, Reach, Request};
use crate::serving::model::{self, ModelState};
use crate::serving::{REST_PORT, names};

const DEADLINE: Duration = Duration::from_secs(10);

/// Asks one pod `GET /v1/models/NAME`.
///
/// # Errors
/// Why it could not be asked: no right, no port-forward, no answer.
pub async fn ask(
    cluster: &Cluster,
    namespace: &str,
    pod: &str,
    model_name: &str,
) -> Result<ModelState, String> {
    let pod = Reach::port_forward(cluster, namespace, pod, REST_PORT);
    let request = Request::get(names::model_path(model_name), DEADLINE);
    let reply = pod.send(&request).await.map_err(|failure| match failure {
        Failure::Deadline(time) => format!("no answer through a port-forward within {time:?}"),
        Failure::Broken(why) | Failure::Connect(why) => format!("cannot ask its port {REST_PORT}: {why}"),
        Failure::ApiServer(error) => error.to_string(),
    })?;
    model::parse(reply.status, &reply.body)
}
