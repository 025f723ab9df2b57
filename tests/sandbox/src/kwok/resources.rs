//! The two resources of kwok that change while it runs: a pod's log and the target of a port-forward.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::Api;
use kube::api::{ApiResource, DynamicObject, Patch, PatchParams, PostParams};
use kube::core::GroupVersionKind;
use serde_json::{Value, json};

use crate::FIELD_MANAGER;
use crate::error::{Context, Error, Result};
use crate::wait::{PATIENCE, until};

const GROUP: &str = "kwok.x-k8s.io";
const VERSION: &str = "v1alpha1";

/// The kinds that kwok watches in the cluster.
pub(super) const KINDS: [&str; 2] = ["Logs", "ClusterPortForward"];

/// Registers the kinds. Their schema is kwok's business, the API server takes any.
pub(super) async fn install(client: &kube::Client) -> Result<()> {
    let api: Api<CustomResourceDefinition> = Api::all(client.clone());
    let definitions = [
        definition("Logs", "logs", "Namespaced")?,
        definition("ClusterPortForward", "clusterportforwards", "Cluster")?,
    ];
    for definition in &definitions {
        api.create(&PostParams::default(), definition)
            .await
            .context("cannot create a resource of kwok")?;
    }
    until(
        "the resources of kwok are served",
        PATIENCE,
        Duration::from_millis(50),
        async || {
            for definition in &definitions {
                let name = definition.metadata.name.as_deref().unwrap_or_default();
                let found = api
                    .get_status(name)
                    .await
                    .context("cannot read a resource of kwok")?;
                let conditions = found
                    .status
                    .and_then(|status| status.conditions)
                    .unwrap_or_default();
                if !conditions
                    .iter()
                    .any(|c| c.type_ == "Established" && c.status == "True")
                {
                    return Ok(Err(format!("{name} is not established")));
                }
            }
            Ok(Ok(()))
        },
    )
    .await
}

fn definition(kind: &str, plural: &str, scope: &str) -> Result<CustomResourceDefinition> {
    let definition = json!({
        "metadata": {"name": format!("{plural}.{GROUP}")},
        "spec": {
            "group": GROUP,
            "scope": scope,
            "names": {
                "kind": kind, "plural": plural, "singular": kind.to_lowercase(), "listKind": format!("{kind}List"),
            },
            "versions": [{
                "name": VERSION, "served": true, "storage": true,
                "schema": {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": true}},
            }],
        },
    });
    serde_json::from_value(definition)
        .map_err(|e| Error::Unexpected(format!("a definition does not fit: {e}")))
}

/// The log of one pod.
#[derive(Clone, Debug)]
pub(crate) struct Log {
    /// The pod's namespace.
    pub(crate) namespace: String,
    /// Its name.
    pub(crate) pod: String,
    /// The log of the running container, in the format of container runtimes.
    pub(crate) current: PathBuf,
    /// The log of the container before it.
    pub(crate) previous: PathBuf,
}

impl Log {
    /// Lets `kubectl logs` read it.
    pub(crate) async fn publish(&self, client: &kube::Client) -> Result<()> {
        let api = Api::namespaced_with(client.clone(), &self.namespace, &resource("Logs", "logs"));
        let spec = json!({"logs": [{
            "logsFile": super::text(&self.current), "previousLogsFile": super::text(&self.previous),
        }]});
        apply(&api, "Logs", &self.pod, &spec).await
    }

    /// Forgets it.
    pub(crate) async fn remove(&self, client: &kube::Client) {
        let api: Api<DynamicObject> =
            Api::namespaced_with(client.clone(), &self.namespace, &resource("Logs", "logs"));
        // It may be gone with its namespace.
        let _ = api.delete(&self.pod, &kube::api::DeleteParams::default()).await;
    }
}

/// Where a port-forward to a port of any pod leads.
#[derive(Clone, Debug)]
pub(crate) struct Forward {
    /// The namespaces for which it holds; none means all.
    pub(crate) namespaces: Vec<String>,
    /// The port of the pod.
    pub(crate) port: u16,
    /// The address behind it.
    pub(crate) target: SocketAddr,
}

impl Forward {
    /// Puts it in force, in place of an earlier one for the same port and namespaces.
    pub(crate) async fn publish(&self, client: &kube::Client) -> Result<()> {
        let api = Api::all_with(
            client.clone(),
            &resource("ClusterPortForward", "clusterportforwards"),
        );
        let mut spec = json!({"forwards": [{
            "ports": [self.port],
            "target": {"address": self.target.ip().to_string(), "port": self.target.port()},
        }]});
        let mut name = format!("port-{}", self.port);
        if !self.namespaces.is_empty() {
            spec["selector"] = json!({"matchNamespaces": self.namespaces});
            name = format!("{name}-{}", self.namespaces.join("-"));
        }
        apply(&api, "ClusterPortForward", &name, &spec).await
    }
}

fn resource(kind: &str, plural: &str) -> ApiResource {
    ApiResource::from_gvk_with_plural(&GroupVersionKind::gvk(GROUP, VERSION, kind), plural)
}

async fn apply(api: &Api<DynamicObject>, kind: &str, name: &str, spec: &Value) -> Result<()> {
    let object = json!({
        "apiVersion": format!("{GROUP}/{VERSION}"), "kind": kind, "metadata": {"name": name}, "spec": spec,
    });
    api.patch(
        name,
        &PatchParams::apply(FIELD_MANAGER).force(),
        &Patch::Apply(&object),
    )
    .await
    .context(format!("cannot apply {kind} {name}"))?;
    Ok(())
}
