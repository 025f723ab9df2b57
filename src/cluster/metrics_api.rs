//! metrics.k8s.io/v1beta1, for which no crate has types.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use kube::api::ListParams;
use kube::core::Request;
use serde::Deserialize;

use super::{Ask, Cluster, Error};
use crate::duration::parse_duration;
use crate::facts::{ContainerUsage, PodMetrics, Quantity};

/// `PodMetricsList`.
#[derive(Debug, Deserialize)]
struct PodMetricsList {
    #[serde(default)]
    items: Vec<PodMetricsObject>,
}

/// `PodMetrics` (`k8s.io/metrics/pkg/apis/metrics/v1beta1/types.go`, v1.37).
#[derive(Debug, Deserialize)]
struct PodMetricsObject {
    metadata: Metadata,
    timestamp: DateTime<Utc>,
    #[serde(default)]
    window: String,
    #[serde(default)]
    containers: Vec<ContainerMetrics>,
}

#[derive(Debug, Deserialize)]
struct Metadata {
    name: String,
    #[serde(default)]
    namespace: String,
}

#[derive(Debug, Deserialize)]
struct ContainerMetrics {
    name: String,
    #[serde(default)]
    usage: BTreeMap<String, Quantity>,
}

impl Cluster {
    /// What the resource metrics API says of a namespace's pods, or of those that a selector matches.
    ///
    /// # Errors
    /// 404: the API is not served. 503: nothing behind it answers.
    pub async fn pod_metrics(
        &self,
        namespace: &str,
        selector: Option<&str>,
    ) -> Result<Vec<PodMetrics>, Error> {
        let ask = pod_metrics_ask(Some(namespace));
        let path = collection(Some(namespace));
        let params = selector.map_or_else(ListParams::default, |selector| {
            ListParams::default().labels(selector)
        });
        let list = async {
            let request = Request::new(path)
                .list(&params)
                .map_err(kube::Error::BuildRequest)?;
            self.client.request::<PodMetricsList>(request).await
        };
        let list = self.ask(ask, list).await?;
        Ok(list.items.iter().map(PodMetrics::from).collect())
    }

    /// The same for all pods of a namespace, or of all namespaces, with the namespace of each.
    ///
    /// # Errors
    /// As [`Cluster::pod_metrics`].
    pub(super) async fn pod_metrics_of_namespaces(
        &self,
        namespace: Option<&str>,
    ) -> Result<Vec<(String, PodMetrics)>, Error> {
        let path = collection(namespace);
        let ask = pod_metrics_ask(namespace);
        self.list_pages(ask, &path, &ListParams::default(), |object: PodMetricsObject| {
            (object.metadata.namespace.clone(), (&object).into())
        })
        .await
    }
}

fn collection(namespace: Option<&str>) -> String {
    const API: &str = "/apis/metrics.k8s.io/v1beta1";
    namespace.map_or_else(
        || format!("{API}/pods"),
        |namespace| format!("{API}/namespaces/{namespace}/pods"),
    )
}

/// The request of [`Cluster::pod_metrics`] in words.
pub(super) fn pod_metrics_ask(namespace: Option<&str>) -> Ask<'_> {
    Ask::list("pods.metrics.k8s.io", namespace)
}

impl From<&PodMetricsObject> for PodMetrics {
    fn from(object: &PodMetricsObject) -> Self {
        let window = parse_duration(&object.window).unwrap_or_default();
        Self {
            name: object.metadata.name.clone(),
            timestamp: object.timestamp,
            window_millis: i64::try_from(window.as_millis()).unwrap_or(i64::MAX),
            containers: object
                .containers
                .iter()
                .map(|container| ContainerUsage {
                    name: container.name.clone(),
                    usage: container.usage.clone(),
                })
                .collect(),
        }
    }
}
