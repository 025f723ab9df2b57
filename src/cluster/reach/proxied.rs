//! Through the API server's proxy: one connection that the user has already, and the right `services/proxy`.

use std::fmt;

use http_body_util::{BodyExt, Limited};
use k8s_openapi::api::authorization::v1::{
    ResourceAttributes, SelfSubjectAccessReview, SelfSubjectAccessReviewSpec,
};
use kube::Api;
use kube::api::PostParams;
use kube::client::Body;
use tokio::time::Instant;

use super::link::BODY_LIMIT;
use super::target::Backend;
use super::{Failure, PROBE, PassedOver, Reply, Request, Target, Way, judge, within};
use crate::cluster::{Ask, Cluster};

/// What the API server leads to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proxied {
    namespace: String,
    /// `services` or `pods`.
    resource: &'static str,
    name: String,
    port: u16,
}

impl fmt::Display for Proxied {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            resource, name, port, ..
        } = self;
        write!(formatter, "API server proxy {resource}/{name}:{port}")
    }
}

impl Proxied {
    /// One request; its deadline is the caller's.
    pub(super) async fn send(&self, cluster: &Cluster, request: &Request) -> Result<Reply, Failure> {
        let subresource = self.subresource();
        let verb = if request.method == http::Method::GET {
            "get"
        } else {
            "create"
        };
        let ask = Ask::object(verb, &subresource, &self.namespace, &self.name);
        let refused = |error: &kube::Error| Failure::ApiServer(cluster.explain(&ask, error));
        let outgoing = http::Request::builder()
            .method(request.method.clone())
            .uri(format!(
                "/api/v1/namespaces/{}/{}/{}:{}/proxy{}",
                self.namespace, self.resource, self.name, self.port, request.path
            ))
            .header(http::header::CONTENT_TYPE, "application/json")
            .body(Body::from(request.body.to_vec()))
            .map_err(|error| Failure::Connect(error.to_string()))?;
        let start = Instant::now();
        let response = cluster
            .patient
            .send(outgoing)
            .await
            .map_err(|error| refused(&error))?;
        let status = response.status().as_u16();
        let body = Limited::new(response.into_body(), BODY_LIMIT)
            .collect()
            .await
            .map_err(|error| Failure::Broken(error.to_string()))?
            .to_bytes();
        if let Some(own) = answer_of_the_api_server(status, &body) {
            return Err(refused(&kube::Error::Api(Box::new(own))));
        }
        Ok(Reply {
            status,
            body,
            elapsed: start.elapsed(),
        })
    }

    fn subresource(&self) -> String {
        format!("{}/proxy", self.resource)
    }

    /// Whether a `POST` would be let through; the probe is a `GET`, which takes another right.
    async fn may_post(&self, cluster: &Cluster) -> Result<(), String> {
        let review = SelfSubjectAccessReview {
            spec: SelfSubjectAccessReviewSpec {
                resource_attributes: Some(ResourceAttributes {
                    namespace: Some(self.namespace.clone()),
                    verb: Some("create".to_owned()),
                    resource: Some(self.resource.to_owned()),
                    subresource: Some("proxy".to_owned()),
                    name: Some(self.name.clone()),
                    ..ResourceAttributes::default()
                }),
                ..SelfSubjectAccessReviewSpec::default()
            },
            ..SelfSubjectAccessReview::default()
        };
        let reviews: Api<SelfSubjectAccessReview> = Api::all(cluster.client.clone());
        let ask = Ask {
            verb: "create",
            resource: "selfsubjectaccessreviews.authorization.k8s.io",
            namespace: None,
            name: None,
        };
        let answer = cluster
            .ask(ask, reviews.create(&PostParams::default(), &review))
            .await;
        // Who cannot ask is told by the request itself.
        let denied = answer.is_ok_and(|review| review.status.is_some_and(|status| !status.allowed));
        if denied {
            let subresource = self.subresource();
            let right = Ask::object("create", &subresource, &self.namespace, &self.name).right();
            return Err(format!("no right to send a request: {right}"));
        }
        Ok(())
    }
}

/// Tries it.
pub(super) async fn find(cluster: &Cluster, target: &Target, probe: &str) -> Result<Way, Vec<PassedOver>> {
    let to = |resource, name: &str, port| Proxied {
        namespace: target.namespace.clone(),
        resource,
        name: name.to_owned(),
        port,
    };
    let proxied = match &target.backend {
        Backend::Service(service) => to("services", &target.name, service.port),
        Backend::Pods => {
            // A port-forward tells why there is none.
            let pods = target.ready_pods(cluster).await.unwrap_or_default();
            let pod = pods.first().and_then(|pod| Some((&pod.name, pod.port?)));
            let (name, port) = pod.ok_or_else(Vec::new)?;
            to("pods", name, port)
        }
    };
    let deadline = cluster.deadline().unwrap_or(PROBE).max(PROBE);
    let request = Request::get(probe, deadline);
    let answer = judge(within(deadline, proxied.send(cluster, &request)).await);
    let answer = match answer {
        Ok(()) => proxied.may_post(cluster).await,
        Err(why) => Err(why),
    };
    match answer {
        Ok(()) => Ok(Way::Proxy(proxied)),
        Err(why) => Err(vec![PassedOver {
            way: proxied.to_string(),
            why,
        }]),
    }
}

/// The API server's own error: a `Status`, which no server of models answers with.
fn answer_of_the_api_server(status: u16, body: &[u8]) -> Option<kube::core::Status> {
    if status < 400 {
        return None;
    }
    let kind = serde_json::from_slice::<serde_json::Value>(body).ok()?;
    if kind["kind"] != "Status" {
        return None;
    }
    let mut own: kube::core::Status = serde_json::from_value(kind).ok()?;
    own.code = status;
    Some(own)
}
