//! The objects of the benchmark.

use std::collections::BTreeMap;
use std::future::Future;
use std::time::{Duration, Instant};

use futures::stream::{self, StreamExt, TryStreamExt};
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::autoscaling::v2::HorizontalPodAutoscaler;
use k8s_openapi::api::core::v1::{Event, Namespace, Pod, ServiceAccount};
use kube::api::{Api, ListParams, Patch, PatchParams, PostParams};
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::core::Request;
use kube::{Client, Config};
use serde_json::{Value, json};
use tfserve_sandbox::{CPU_ANNOTATION, Error, Result, Sandbox};

/// How many objects are written at a time.
const AT_A_TIME: usize = 32;
/// The label and the end of a `ReplicaSet`'s name.
const HASH: &str = "5f6d7c8b9";
/// How long metrics-server may take for the last pod.
const PATIENCE: Duration = Duration::from_secs(300);

/// How many objects there are.
#[derive(Clone, Copy, Debug)]
pub(super) struct Size {
    pub(super) hpas: usize,
    pub(super) pods: usize,
    pub(super) namespaces: usize,
}

/// The name of a namespace.
pub(super) fn namespace(number: usize) -> String {
    format!("bench-{number:02}")
}

/// Writes everything and waits until metrics-server has measured every pod.
pub(super) fn fill(sandbox: &Sandbox, size: &Size, nodes: usize) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Error::Unexpected(format!("cannot start the async runtime: {error}")))?;
    runtime.block_on(async {
        let client = client(sandbox).await?;
        all((0..size.namespaces).map(|number| prepare(client.clone(), namespace(number)))).await?;
        all((0..size.hpas).map(|number| workload(client.clone(), *size, number))).await?;
        all((0..size.pods).map(|number| pod(client.clone(), *size, number, nodes))).await?;
        measured(&client, size.pods).await
    })
}

async fn client(sandbox: &Sandbox) -> Result<Client> {
    let unusable = |error: String| Error::Unexpected(format!("cannot use the kubeconfig: {error}"));
    let kubeconfig = Kubeconfig::read_from(sandbox.kubeconfig()).map_err(|it| unusable(it.to_string()))?;
    let config = Config::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default())
        .await
        .map_err(|it| unusable(it.to_string()))?;
    Client::try_from(config).map_err(|it| unusable(it.to_string()))
}

async fn all<F: Future<Output = kube::Result<()>>>(writes: impl Iterator<Item = F>) -> Result<()> {
    stream::iter(writes)
        .buffer_unordered(AT_A_TIME)
        .try_collect::<()>()
        .await
        .map_err(|error| refused(&error))
}

fn refused(error: &kube::Error) -> Error {
    Error::Unexpected(format!(
        "the API server refuses an object of the benchmark: {error}"
    ))
}

async fn create<K>(api: Api<K>, object: Value) -> kube::Result<()>
where
    K: Clone + serde::de::DeserializeOwned + serde::Serialize + std::fmt::Debug,
{
    let object = serde_json::from_value(object).map_err(kube::Error::SerdeError)?;
    api.create(&PostParams::default(), &object).await?;
    Ok(())
}

/// A namespace with its service account, which no controller makes now.
async fn prepare(client: Client, name: String) -> kube::Result<()> {
    create(
        Api::<Namespace>::all(client.clone()),
        json!({"metadata": {"name": name}}),
    )
    .await?;
    create(
        Api::<ServiceAccount>::namespaced(client, &name),
        json!({"metadata": {"name": "default"}}),
    )
    .await
}

/// A Deployment, its HPA with the status of a working one, and two events.
async fn workload(client: Client, size: Size, number: usize) -> kube::Result<()> {
    let space = namespace(number % size.namespaces);
    let name = format!("web-{}", number / size.namespaces);
    let replicas = size.pods / size.hpas;
    let labels = json!({"app": name});
    create(
        Api::<Deployment>::namespaced(client.clone(), &space),
        json!({"metadata": {"name": name, "labels": labels}, "spec": {"replicas": replicas,
            "selector": {"matchLabels": labels}, "template": {"metadata": {"labels": labels},
            "spec": {"containers": [container()]}}}}),
    )
    .await?;
    let hpas: Api<HorizontalPodAutoscaler> = Api::namespaced(client.clone(), &space);
    let target = json!({"type": "Utilization", "averageUtilization": 60});
    create(
        hpas.clone(),
        json!({"metadata": {"name": name}, "spec": {
            "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": name},
            "minReplicas": 1, "maxReplicas": 20,
            "metrics": [{"type": "Resource", "resource": {"name": "cpu", "target": target}}]}}),
    )
    .await?;
    let hpa = hpas
        .patch_status(&name, &PatchParams::default(), &Patch::Merge(status(replicas)))
        .await?;
    for reason in ["FailedGetResourceMetric", "FailedComputeMetricsReplicas"] {
        let uid = hpa.metadata.uid.as_ref();
        create(
            Api::<Event>::namespaced(client.clone(), &space),
            event(&space, &name, uid, reason),
        )
        .await?;
    }
    Ok(())
}

fn status(replicas: usize) -> Value {
    let now = chrono::Utc::now().to_rfc3339_opts(chrono::SecondsFormat::Secs, true);
    let condition = |type_: &str, status: &str, reason: &str, message: &str| {
        json!({"type": type_, "status": status,
        "reason": reason, "message": message, "lastTransitionTime": now})
    };
    json!({"status": {"currentReplicas": replicas, "desiredReplicas": replicas, "observedGeneration": 1,
        "currentMetrics": [{"type": "Resource", "resource": {"name": "cpu",
            "current": {"averageUtilization": 60, "averageValue": "300m"}}}],
        "conditions": [
            condition("AbleToScale", "True", "ReadyForNewScale", "recommended size matches current size"),
            condition("ScalingActive", "True", "ValidMetricFound", "the HPA was able to successfully calculate a \
                replica count from cpu resource utilization (percentage of request)"),
            condition("ScalingLimited", "False", "DesiredWithinRange",
                "the desired count is within the acceptable range")]}})
}

fn event(space: &str, name: &str, uid: Option<&String>, reason: &str) -> Value {
    let now = chrono::Utc::now().to_rfc3339_opts(chrono::SecondsFormat::Secs, true);
    json!({"metadata": {"name": format!("{name}.{}", reason.to_lowercase())}, "type": "Warning", "reason": reason,
        "message": "failed to get cpu utilization: unable to get metrics for resource cpu: no metrics returned from \
            resource metrics API",
        "involvedObject": {"apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler", "namespace": space,
            "name": name, "uid": uid},
        "source": {"component": "horizontal-pod-autoscaler"}, "count": 3,
        "firstTimestamp": now, "lastTimestamp": now})
}

fn container() -> Value {
    json!({"name": "app", "image": "example/app:1", "ports": [{"containerPort": 8080}],
        "env": [{"name": "LOG_LEVEL", "value": "info"}, {"name": "PORT", "value": "8080"}],
        "readinessProbe": {"tcpSocket": {"port": 8080}},
        "resources": {"requests": {"cpu": "500m", "memory": "1Gi"}, "limits": {"memory": "1Gi"}}})
}

async fn pod(client: Client, size: Size, number: usize, nodes: usize) -> kube::Result<()> {
    let owner = number % size.hpas;
    let space = namespace(owner % size.namespaces);
    let app = format!("web-{}", owner / size.namespaces);
    let name = format!("{app}-{HASH}-{:05}", number / size.hpas);
    create(
        Api::<Pod>::namespaced(client, &space),
        json!({"metadata": {"name": name, "labels": {"app": app, "pod-template-hash": HASH},
            "annotations": {CPU_ANNOTATION: "300m"},
            "ownerReferences": [{"apiVersion": "apps/v1", "kind": "ReplicaSet", "controller": true,
                "blockOwnerDeletion": true, "name": format!("{app}-{HASH}"), "uid": format!("{app}-{space}")}]},
            "spec": {"nodeName": format!("sandbox-node-{}", number % nodes + 1), "containers": [container()]}}),
    )
    .await
}

/// Waits until every pod has a sample.
async fn measured(client: &Client, pods: usize) -> Result<()> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let request = Request::new("/apis/metrics.k8s.io/v1beta1/pods")
            .list(&ListParams::default())
            .map_err(kube::Error::BuildRequest);
        let list = match request {
            Ok(request) => client.request::<BTreeMap<String, Value>>(request).await,
            Err(error) => Err(error),
        };
        let items = list
            .ok()
            .and_then(|list| list.get("items")?.as_array().map(Vec::len));
        if items.is_some_and(|items| items >= pods) {
            return Ok(());
        }
        if Instant::now() > deadline {
            return Err(Error::Unexpected(format!(
                "metrics-server has measured {} of {pods} pods after {} s",
                items.unwrap_or(0),
                PATIENCE.as_secs()
            )));
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
}
