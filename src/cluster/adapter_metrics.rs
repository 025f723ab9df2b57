//! custom.metrics.k8s.io and external.metrics.k8s.io, for which no crate has types.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use kube::api::{ApiResource, GroupVersionKind};
use serde::Deserialize;

use super::{Ask, Cluster, Error};
use crate::facts::{MetricSample, Quantity};

/// One question about a metric.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Query {
    /// The HPA's namespace.
    pub(super) namespace: String,
    /// The API's version.
    pub(super) version: String,
    /// The metric's name.
    pub(super) metric: String,
    /// `metric.selector` in its serialized form; empty for none.
    pub(super) metric_selector: String,
    /// What it is a metric of.
    pub(super) source: Source,
}

/// What a metric describes.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Source {
    /// The pods that the scale selects.
    Pods {
        /// The scale's selector.
        selector: String,
    },
    /// One object of the namespace, or the namespace itself.
    Object {
        /// For example `networking.k8s.io/v1`.
        api_version: String,
        /// For example `Ingress`.
        kind: String,
        /// Its name.
        name: String,
    },
    /// Something outside of the cluster.
    External,
}

impl Query {
    /// What RBAC calls the question: the metric is a subresource of what it describes, or a resource of its own.
    pub(super) fn resource(&self) -> String {
        let metric = &self.metric;
        match &self.source {
            Source::Pods { .. } => format!("pods.custom.metrics.k8s.io/{metric}"),
            Source::Object {
                api_version, kind, ..
            } if is_namespace(api_version, kind) => {
                format!("metrics.custom.metrics.k8s.io/{metric}")
            }
            Source::Object {
                api_version, kind, ..
            } => {
                format!("{}.custom.metrics.k8s.io/{metric}", resource(api_version, kind))
            }
            Source::External => format!("{metric}.external.metrics.k8s.io"),
        }
    }

    /// The question in words, of its [`Query::resource`].
    pub(super) fn ask<'a>(&'a self, resource: &'a str) -> Ask<'a> {
        let verb = if self.source == Source::External {
            "list"
        } else {
            "get"
        };
        Ask {
            verb,
            ..Ask::list(resource, Some(&self.namespace))
        }
    }

    fn path(&self) -> String {
        let Self {
            namespace,
            version,
            metric,
            ..
        } = self;
        let custom = format!("/apis/custom.metrics.k8s.io/{version}/namespaces");
        let (path, selectors) = match &self.source {
            Source::Pods { selector } => (
                format!("{custom}/{namespace}/pods/*/{}", segment(metric)),
                vec![
                    ("labelSelector", selector.as_str()),
                    ("metricLabelSelector", &self.metric_selector),
                ],
            ),
            // The controller takes its own namespace, whatever the reference is called.
            Source::Object {
                api_version, kind, ..
            } if is_namespace(api_version, kind) => (
                format!("{custom}/{namespace}/metrics/{}", segment(metric)),
                vec![("metricLabelSelector", self.metric_selector.as_str())],
            ),
            Source::Object {
                api_version,
                kind,
                name,
            } => (
                format!(
                    "{custom}/{namespace}/{}/{}/{}",
                    segment(&resource(api_version, kind)),
                    segment(name),
                    segment(metric)
                ),
                vec![("metricLabelSelector", self.metric_selector.as_str())],
            ),
            Source::External => (
                format!(
                    "/apis/external.metrics.k8s.io/{version}/namespaces/{namespace}/{}",
                    segment(metric)
                ),
                vec![("labelSelector", self.metric_selector.as_str())],
            ),
        };
        let mut query = form_urlencoded::Serializer::new(String::new());
        query.extend_pairs(selectors.into_iter().filter(|(_, selector)| !selector.is_empty()));
        let query = query.finish();
        if query.is_empty() {
            path
        } else {
            format!("{path}?{query}")
        }
    }
}

/// One part of a path: an adapter's metric may be called `s0-queue/depth` or have a `%`.
fn segment(text: &str) -> String {
    form_urlencoded::byte_serialize(text.as_bytes())
        .collect::<String>()
        .replace('+', "%20")
}

fn is_namespace(api_version: &str, kind: &str) -> bool {
    kind == "Namespace" && !api_version.contains('/')
}

/// `ingresses.networking.k8s.io`, `services`: the plural as Kubernetes itself guesses it from the kind.
fn resource(api_version: &str, kind: &str) -> String {
    let (group, version) = api_version.split_once('/').unwrap_or(("", api_version));
    let plural = ApiResource::from_gvk(&GroupVersionKind::gvk(group, version, kind)).plural;
    if group.is_empty() {
        plural
    } else {
        format!("{plural}.{group}")
    }
}

/// `MetricValueList` and `ExternalMetricValueList`.
#[derive(Debug, Deserialize)]
struct ValueList {
    #[serde(default)]
    items: Vec<Reading>,
}

/// `MetricValue` and `ExternalMetricValue` (`k8s.io/metrics/pkg/apis/{custom,external}_metrics`, v1.37). What their
/// versions name differently is not needed.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Reading {
    #[serde(default)]
    described_object: Described,
    #[serde(default)]
    metric_labels: Option<BTreeMap<String, String>>,
    #[serde(default)]
    timestamp: Option<DateTime<Utc>>,
    #[serde(default, alias = "window")]
    window_seconds: Option<i64>,
    value: Quantity,
}

#[derive(Debug, Default, Deserialize)]
struct Described {
    #[serde(default)]
    name: String,
}

impl Cluster {
    /// The values of a metric.
    ///
    /// # Errors
    /// 404: the API is not served, or has no such metric. 503: nothing behind it answers.
    pub(super) async fn adapter_metric(&self, query: &Query) -> Result<Vec<MetricSample>, Error> {
        let list = async {
            let request = http::Request::get(query.path())
                .body(Vec::new())
                .map_err(|error| {
                    kube::Error::BuildRequest(kube::core::request::Error::BuildRequest(error))
                })?;
            self.client.request::<ValueList>(request).await
        };
        let list = self.ask(query.ask(&query.resource()), list).await?;
        Ok(list.items.into_iter().map(MetricSample::from).collect())
    }
}

impl From<Reading> for MetricSample {
    fn from(reading: Reading) -> Self {
        Self {
            object: reading.described_object.name,
            labels: reading.metric_labels.unwrap_or_default(),
            value: reading.value,
            timestamp: reading.timestamp,
            window_millis: reading.window_seconds.map(|seconds| seconds.saturating_mul(1000)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Query, Source};

    fn path(source: Source, metric_selector: &str) -> String {
        query(source, metric_selector).path()
    }

    fn query(source: Source, metric_selector: &str) -> Query {
        Query {
            namespace: "shop".to_owned(),
            version: "v1beta1".to_owned(),
            metric: "rps".to_owned(),
            metric_selector: metric_selector.to_owned(),
            source,
        }
    }

    fn object(api_version: &str, kind: &str) -> Source {
        Source::Object {
            api_version: api_version.to_owned(),
            kind: kind.to_owned(),
            name: "main".to_owned(),
        }
    }

    #[test]
    fn the_right_is_named_as_rbac_knows_it() {
        let right = |source| {
            let query = query(source, "");
            query.ask(&query.resource()).right()
        };
        let pods = Source::Pods {
            selector: String::new(),
        };
        assert_eq!(
            right(pods),
            "get pods.custom.metrics.k8s.io --subresource=rps -n shop"
        );
        assert_eq!(
            right(Source::External),
            "list rps.external.metrics.k8s.io -n shop"
        );
    }

    #[test]
    fn each_source_has_its_own_path() {
        let pods = Source::Pods {
            selector: "app=web,tier in (a,b)".to_owned(),
        };
        assert_eq!(
            path(pods, "verb=GET"),
            "/apis/custom.metrics.k8s.io/v1beta1/namespaces/shop/pods/*/rps\
             ?labelSelector=app%3Dweb%2Ctier+in+%28a%2Cb%29&metricLabelSelector=verb%3DGET"
        );
        assert_eq!(
            path(object("networking.k8s.io/v1", "Ingress"), ""),
            "/apis/custom.metrics.k8s.io/v1beta1/namespaces/shop/ingresses.networking.k8s.io/main/rps"
        );
        assert_eq!(
            path(object("v1", "Service"), ""),
            "/apis/custom.metrics.k8s.io/v1beta1/namespaces/shop/services/main/rps"
        );
        assert_eq!(
            path(object("v1", "Namespace"), ""),
            "/apis/custom.metrics.k8s.io/v1beta1/namespaces/shop/metrics/rps"
        );
        assert_eq!(
            path(Source::External, "queue=a b"),
            "/apis/external.metrics.k8s.io/v1beta1/namespaces/shop/rps?labelSelector=queue%3Da+b"
        );
    }
}
