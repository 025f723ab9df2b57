//! Which models the pods behind a Service were told to serve, and why one that is not ready serves none.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::{ConfigMap, Container, Pod, PodSpec};
use kube::Api;
use kube::api::{ListParams, LogParams};

use super::convert::serving;
use super::reach::Target;
use super::{Ask, Cluster, Error};
use crate::facts::{Recognised, ServingContainer};
use crate::serving::model::why_no_port;
use crate::serving::models_config;

/// How many pods' logs are read.
const LOGS: usize = 2;
/// How many lines of a log are read.
const LOG_LINES: i64 = 20;
/// What the image's entry point serves where nothing names a model.
const IMAGE_MODEL: &str = "model";

/// The names of the models, each once; none where the pods do not tell.
///
/// # Errors
/// The pods could not be listed.
pub async fn models(cluster: &Cluster, target: &Target) -> Result<Vec<String>, Error> {
    let mut maps = ConfigMaps {
        cluster,
        namespace: &target.namespace,
        known: BTreeMap::new(),
    };
    let mut names: Vec<String> = Vec::new();
    for pod in pods(cluster, target).await? {
        let Some(spec) = pod.spec else { continue };
        for container in &spec.containers {
            let Some(told) = serving(&spec, container) else {
                continue;
            };
            for name in of_container(&mut maps, &spec, container, &told).await {
                if !names.contains(&name) {
                    names.push(name);
                }
            }
        }
    }
    Ok(names)
}

/// Why pods that run are not ready, from their logs: `pod m-1: No versions of servable m found …`.
pub async fn silent_pods(cluster: &Cluster, target: &Target) -> Vec<String> {
    let mut found = Vec::new();
    let api: Api<Pod> = Api::namespaced(cluster.client.clone(), &target.namespace);
    let parameters = LogParams {
        tail_lines: Some(LOG_LINES),
        ..LogParams::default()
    };
    let running = |pod: &Pod| {
        let phase = pod.status.as_ref().and_then(|status| status.phase.as_deref());
        phase == Some("Running")
    };
    let pods = pods(cluster, target).await.unwrap_or_default();
    for pod in pods.iter().filter(|pod| running(pod)).take(LOGS) {
        let name = pod.metadata.name.as_deref().unwrap_or_default();
        let ask = Ask::object("get", "pods/log", &target.namespace, name);
        // A log that cannot be read leaves what the status says.
        if let Ok(log) = cluster.ask(ask, api.logs(name, &parameters)).await
            && let Some(why) = why_no_port(&log)
        {
            found.push(format!("pod {name}: {why}"));
        }
    }
    found
}

async fn pods(cluster: &Cluster, target: &Target) -> Result<Vec<Pod>, Error> {
    let Some(selector) = &target.selector else {
        return Ok(Vec::new());
    };
    let api: Api<Pod> = Api::namespaced(cluster.client.clone(), &target.namespace);
    let ask = Ask::list("pods", Some(&target.namespace));
    let list = cluster
        .ask(ask, api.list(&ListParams::default().labels(selector)))
        .await?;
    Ok(list.items)
}

async fn of_container(
    maps: &mut ConfigMaps<'_>,
    spec: &PodSpec,
    container: &Container,
    told: &ServingContainer,
) -> Vec<String> {
    if let Some(file) = told.flags.get("model_config_file") {
        let file = maps.expand(container, file).await;
        return match mounted(spec, container, &file) {
            Some((map, key)) => maps
                .value(&map, &key)
                .await
                .map_or_else(Vec::new, |text| models_config::names(&text)),
            None => Vec::new(),
        };
    }
    if let Some(name) = told.flags.get("model_name") {
        let name = maps.expand(container, name).await;
        return if name.contains("$(") {
            Vec::new()
        } else {
            vec![name]
        };
    }
    if told.recognised != Recognised::Image {
        return Vec::new();
    }
    let name = maps.environment(container, "MODEL_NAME").await;
    vec![name.unwrap_or_else(|| IMAGE_MODEL.to_owned())]
}

/// The `ConfigMap` and its key that a path in the container is.
fn mounted(spec: &PodSpec, container: &Container, path: &str) -> Option<(String, String)> {
    container.volume_mounts.iter().flatten().find_map(|mount| {
        let inner = path.strip_prefix(mount.mount_path.trim_end_matches('/'))?;
        let file = match (&mount.sub_path, inner) {
            (Some(sub_path), "") => sub_path.as_str(),
            (None, inner) => inner.strip_prefix('/')?,
            (Some(_), _) => return None,
        };
        let volume = spec
            .volumes
            .iter()
            .flatten()
            .find(|volume| volume.name == mount.name)?;
        let map = volume.config_map.as_ref()?;
        let key = match &map.items {
            Some(items) => items.iter().find(|item| item.path == file)?.key.clone(),
            None => file.to_owned(),
        };
        Some((map.name.clone(), key))
    })
}

/// The `ConfigMap`s of a namespace, each read once.
struct ConfigMaps<'a> {
    cluster: &'a Cluster,
    namespace: &'a str,
    known: BTreeMap<String, BTreeMap<String, String>>,
}

impl ConfigMaps<'_> {
    async fn value(&mut self, map: &str, key: &str) -> Option<String> {
        if !self.known.contains_key(map) {
            let api: Api<ConfigMap> = Api::namespaced(self.cluster.client.clone(), self.namespace);
            let ask = Ask::object("get", "configmaps", self.namespace, map);
            // Without it the name is not known, and the caller has another source.
            let data = match self.cluster.ask(ask, api.get(map)).await {
                Ok(found) => found.data.unwrap_or_default(),
                Err(_) => BTreeMap::new(),
            };
            self.known.insert(map.to_owned(), data);
        }
        self.known.get(map)?.get(key).cloned()
    }

    /// A variable of a container; what is a secret is not read.
    async fn environment(&mut self, container: &Container, name: &str) -> Option<String> {
        if let Some(variable) = container.env.iter().flatten().rev().find(|it| it.name == name) {
            if let Some(value) = &variable.value {
                return Some(value.clone());
            }
            let reference = variable.value_from.as_ref()?.config_map_key_ref.as_ref()?;
            return self.value(&reference.name, &reference.key).await;
        }
        for source in container.env_from.iter().flatten().rev() {
            let Some(map) = &source.config_map_ref else {
                continue;
            };
            let prefix = source.prefix.as_deref().unwrap_or_default();
            if let Some(key) = name.strip_prefix(prefix)
                && let Some(value) = self.value(&map.name, key).await
            {
                return Some(value);
            }
        }
        None
    }

    /// Replaces `$(NAME)`; what is not known stays as it is.
    async fn expand(&mut self, container: &Container, text: &str) -> String {
        let mut expanded = String::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once("$(") {
            expanded.push_str(before);
            let Some((name, after)) = after.split_once(')') else {
                expanded.push_str("$(");
                rest = after;
                continue;
            };
            if let Some(value) = self.environment(container, name).await {
                expanded.push_str(&value);
            } else {
                expanded.push_str("$(");
                expanded.push_str(name);
                expanded.push(')');
            }
            rest = after;
        }
        expanded.push_str(rest);
        expanded
    }
}
