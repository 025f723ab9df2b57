//! Objects that the sandbox itself writes, removes and waits for.

use std::fmt::Debug;
use std::time::Duration;

use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::{Service, ServiceAccount};
use k8s_openapi::api::discovery::v1::EndpointSlice;
use k8s_openapi::api::rbac::v1::{ClusterRole, ClusterRoleBinding, RoleBinding};
use k8s_openapi::kube_aggregator::pkg::apis::apiregistration::v1::APIService;
use kube::api::{DeleteParams, Patch, PatchParams};
use kube::{Api, Client, Resource, ResourceExt};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::FIELD_MANAGER;
use crate::error::{Context, Error, Result};
use crate::wait::{PATIENCE, until};

/// Applies one object; `K` proves that its fields are those of its type.
pub(crate) async fn apply<K>(client: &Client, namespace: Option<&str>, object: &Value) -> Result<()>
where
    K: ScopedApi + Clone + Debug + Serialize + DeserializeOwned,
{
    let typed: K = serde_json::from_value(object.clone())
        .map_err(|e| Error::Unexpected(format!("an object of the sandbox does not fit its type: {e}")))?;
    let name = typed.name_any();
    K::api(client, namespace)
        .patch(
            &name,
            &PatchParams::apply(FIELD_MANAGER).force(),
            &Patch::Apply(object),
        )
        .await
        .context(format!("cannot apply {} {name}", K::kind(&())))?;
    Ok(())
}

/// Deletes one object, if it is there.
pub(crate) async fn delete<K>(client: &Client, namespace: Option<&str>, name: &str) -> Result<()>
where
    K: ScopedApi + Clone + Debug + DeserializeOwned,
{
    match K::api(client, namespace)
        .delete(name, &DeleteParams::background())
        .await
    {
        Err(kube::Error::Api(status)) if status.code == 404 => Ok(()),
        other => other
            .map(|_| ())
            .context(format!("cannot delete {} {name}", K::kind(&()))),
    }
}

/// Waits for the condition `Available` of an `APIService`, and for its reason.
pub(crate) async fn wait_for_api_service(
    client: &Client,
    name: &str,
    status: &str,
    reason: &str,
) -> Result<()> {
    let api: Api<APIService> = Api::all(client.clone());
    let what = format!("{name} is Available={status} ({reason})");
    until(&what, PATIENCE, Duration::from_millis(100), async || {
        let found = api.get_opt(name).await.context("cannot read an APIService")?;
        let conditions = found
            .and_then(|found| found.status)
            .and_then(|status| status.conditions);
        let available = conditions
            .into_iter()
            .flatten()
            .find(|condition| condition.type_ == "Available");
        let Some(available) = available else {
            return Ok(Err("no condition".to_owned()));
        };
        let seen = available.reason.unwrap_or_default();
        if available.status == status && seen == reason {
            return Ok(Ok(()));
        }
        Ok(Err(format!(
            "{} ({seen}): {}",
            available.status,
            available.message.unwrap_or_default()
        )))
    })
    .await
}

/// A kind with or without a namespace.
pub(crate) trait ScopedApi: Resource<DynamicType = ()> + Sized {
    /// Its API; a kind without namespaces ignores the namespace.
    fn api(client: &Client, namespace: Option<&str>) -> Api<Self>;
}

macro_rules! scoped {
    ($($kind:ty: $constructor:expr),+ $(,)?) => {
        $(impl ScopedApi for $kind {
            fn api(client: &Client, namespace: Option<&str>) -> Api<Self> {
                ($constructor)(client.clone(), namespace.unwrap_or_default())
            }
        })+
    };
}

scoped! {
    ServiceAccount: Api::namespaced,
    Service: Api::namespaced,
    EndpointSlice: Api::namespaced,
    Deployment: Api::namespaced,
    RoleBinding: Api::namespaced,
    ClusterRole: |client, _: &str| Api::all(client),
    ClusterRoleBinding: |client, _: &str| Api::all(client),
    APIService: |client, _: &str| Api::all(client),
}
