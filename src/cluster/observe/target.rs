//! The objects that HPAs scale, and their scale.

use std::collections::BTreeMap;

use k8s_openapi::api::autoscaling::v1;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{APIGroup, APIResourceList};
use kube::api::{Api, ApiResource, ListParams};
use kube::core::DynamicObject;

use super::{definition, fact, shared};
use crate::cluster::{Ask, Cluster, Error, convert};
use crate::facts::{Definition, Fact, ObjectReference, Scale, ScaleTarget};
use crate::hpa::selector::is_selector;

/// A scale target and its scale, as they were read.
#[derive(Debug, Clone)]
pub(super) struct Reading {
    /// The object.
    pub(super) target: Fact<ScaleTarget>,
    /// Its scale.
    pub(super) scale: Fact<Scale>,
    /// The definition of a custom resource whose scale is missing or says too little.
    pub(super) definition: Fact<Definition>,
    /// The names of the kind's other objects, where a custom resource does not exist.
    pub(super) names: Vec<String>,
    /// The error that would meet every other request too.
    pub(super) fatal: Option<Error>,
}

impl Reading {
    fn absent() -> Self {
        Self {
            target: Fact::Absent,
            scale: Fact::Absent,
            definition: Fact::default(),
            names: Vec::new(),
            fatal: None,
        }
    }

    fn failed(ask: &Ask<'_>, error: Error) -> Self {
        Self {
            target: fact(ask, Err(error.clone())),
            scale: fact(ask, Err(error.clone())),
            definition: Fact::default(),
            names: Vec::new(),
            fatal: Some(error).filter(Error::is_fatal),
        }
    }
}

/// The kinds whose `/scale` only repeats what the object says: one request less for each. The controller's mapper
/// knows each kind in lower case too (`NewDiscoveryRESTMapper` in client-go's `restmapper`), and no other spelling.
pub(super) fn built_in(reference: &ObjectReference) -> Option<ApiResource> {
    let (group, version) = split(&reference.api_version)?;
    let (kind, plural) = match (group, reference.kind.as_str()) {
        ("apps", "Deployment" | "deployment") => ("Deployment", "deployments"),
        ("apps", "StatefulSet" | "statefulset") => ("StatefulSet", "statefulsets"),
        ("apps", "ReplicaSet" | "replicaset") => ("ReplicaSet", "replicasets"),
        ("", "ReplicationController" | "replicationcontroller") => {
            ("ReplicationController", "replicationcontrollers")
        }
        _ => return None,
    };
    // The controller maps the kind by its group and takes whichever version is served.
    let version = if matches!(version, "v1beta1" | "v1beta2") {
        "v1"
    } else {
        version
    };
    Some(resource(group, version, kind, plural))
}

/// Reads a target of a kind that takes one request; none where it takes more.
pub(super) async fn read_in_one(
    cluster: &Cluster,
    namespace: &str,
    reference: &ObjectReference,
) -> Option<Reading> {
    let resource = built_in(reference)?;
    Some(read_built_in(cluster, namespace, &resource, &reference.name).await)
}

/// Whether the target is of a kind that is read in one request.
pub(super) fn is_built_in(reference: &ObjectReference) -> bool {
    built_in(reference).is_some()
}

pub(super) fn resource(group: &str, version: &str, kind: &str, plural: &str) -> ApiResource {
    ApiResource {
        group: group.to_owned(),
        version: version.to_owned(),
        api_version: if group.is_empty() {
            version.to_owned()
        } else {
            format!("{group}/{version}")
        },
        kind: kind.to_owned(),
        plural: plural.to_owned(),
    }
}

/// Group and version; none where the text has two slashes or more.
fn split(api_version: &str) -> Option<(&str, &str)> {
    match api_version.split_once('/') {
        None if api_version.is_empty() => Some(("", "v1")),
        None => Some(("", api_version)),
        Some((_, version)) if version.contains('/') => None,
        Some(parts) => Some(parts),
    }
}

/// The resource as rights name it: `deployments.apps`.
pub(super) fn full_name(resource: &ApiResource) -> String {
    if resource.group.is_empty() {
        resource.plural.clone()
    } else {
        format!("{}.{}", resource.plural, resource.group)
    }
}

/// The built-in kinds that more than one reference names: one LIST of each serves them all.
pub(super) fn shared_kinds<'a>(references: impl Iterator<Item = &'a ObjectReference>) -> Vec<ApiResource> {
    let mut named: BTreeMap<String, (ApiResource, usize)> = BTreeMap::new();
    for resource in references.filter_map(built_in) {
        let entry = named.entry(full_name(&resource)).or_insert((resource, 0));
        entry.1 += 1;
    }
    let shared = named.into_values().filter(|(_, count)| *count > 1);
    shared.map(|(resource, _)| resource).collect()
}

/// Reads the targets of a namespace's HPAs, aligned with them: from the lists that were read, else one by one.
pub(super) async fn read_all(
    cluster: &Cluster,
    namespace: &str,
    references: &[&ObjectReference],
    lists: &BTreeMap<String, Result<BTreeMap<String, Reading>, Error>>,
) -> Vec<Reading> {
    futures::future::join_all(references.iter().map(|reference| async {
        let Some(resource) = built_in(reference) else {
            return read_custom(cluster, namespace, reference, references.len() == 1).await;
        };
        match lists.get(&full_name(&resource)) {
            Some(objects) => pick(namespace, &resource, &reference.name, objects),
            None => read_built_in(cluster, namespace, &resource, &reference.name).await,
        }
    }))
    .await
}

/// All objects of a built-in kind, with namespace and name.
pub(super) async fn list(
    cluster: &Cluster,
    namespace: Option<&str>,
    resource: &ApiResource,
) -> Result<Vec<(String, (String, Reading))>, Error> {
    let api = if resource.group.is_empty() {
        format!("/api/{}", resource.version)
    } else {
        format!("/apis/{}", resource.api_version)
    };
    let path = shared::collection(&api, namespace, &resource.plural);
    let name = full_name(resource);
    let ask = Ask::list(&name, namespace);
    let resource = resource.clone();
    cluster
        .list_pages(
            ask,
            &path,
            &ListParams::default(),
            move |object: DynamicObject| {
                let metadata = &object.metadata;
                let name = metadata.name.clone().unwrap_or_default();
                let namespace = metadata.namespace.clone().unwrap_or_default();
                (namespace, (name, from_object(&resource, &object)))
            },
        )
        .await
}

fn pick(
    namespace: &str,
    resource: &ApiResource,
    name: &str,
    objects: &Result<BTreeMap<String, Reading>, Error>,
) -> Reading {
    match objects {
        Ok(objects) => objects.get(name).cloned().unwrap_or_else(Reading::absent),
        Err(error) => {
            let full_name = full_name(resource);
            Reading::failed(&Ask::list(&full_name, Some(namespace)), error.clone())
        }
    }
}

/// Reads a built-in workload; its scale is in the object.
pub(super) async fn read_built_in(
    cluster: &Cluster,
    namespace: &str,
    resource: &ApiResource,
    name: &str,
) -> Reading {
    let api: Api<DynamicObject> = Api::namespaced_with(cluster.client.clone(), namespace, resource);
    let full_name = full_name(resource);
    let ask = Ask::object("get", &full_name, namespace, name);
    match cluster.ask(ask, api.get(name)).await {
        Ok(object) => from_object(resource, &object),
        Err(error) => Reading::failed(&ask, error),
    }
}

/// The workloads that most HPAs scale.
pub(super) fn workloads() -> [ApiResource; 2] {
    [
        deployments(),
        resource("apps", "v1", "StatefulSet", "statefulsets"),
    ]
}

/// Namespace and name of the objects of a kind.
pub(super) async fn names(
    cluster: &Cluster,
    namespace: Option<&str>,
    resource: &ApiResource,
    name: Option<&str>,
) -> Result<Vec<(String, String)>, Error> {
    let client = cluster.client.clone();
    let api: Api<DynamicObject> = match namespace {
        Some(namespace) => Api::namespaced_with(client, namespace, resource),
        None => Api::all_with(client, resource),
    };
    let params = name.map_or_else(ListParams::default, |name| {
        ListParams::default().fields(&format!("metadata.name={name}"))
    });
    let full_name = full_name(resource);
    let list = cluster
        .ask(Ask::list(&full_name, namespace), api.list_metadata(&params))
        .await?;
    let metadata = list.items.into_iter().map(|object| object.metadata);
    Ok(metadata
        .map(|it| (it.namespace.unwrap_or_default(), it.name.unwrap_or_default()))
        .collect())
}

/// A Deployment, as a reference would name it.
pub(super) fn deployments() -> ApiResource {
    resource("apps", "v1", "Deployment", "deployments")
}

fn from_object(resource: &ApiResource, object: &DynamicObject) -> Reading {
    Reading {
        target: Fact::Known(convert::scale_target(
            object,
            &resource.api_version,
            &resource.kind,
        )),
        scale: convert::scale_of_object(object).map_or(Fact::Absent, Fact::Known),
        definition: Fact::default(),
        names: Vec::new(),
        fatal: None,
    }
}

/// Reads a target of any other kind: discovery says how it is called and whether it has a scale, since the
/// API server answers a missing object and a missing scale subresource with the same 404.
async fn read_custom(
    cluster: &Cluster,
    namespace: &str,
    reference: &ObjectReference,
    alone: bool,
) -> Reading {
    let Some((group, version)) = split(&reference.api_version) else {
        return Reading::absent();
    };
    let (resource, has_scale) = match discover(cluster, group, version, &reference.kind).await {
        Ok(Some(found)) => found,
        Ok(None) => return Reading::absent(),
        Err(error) => return Reading::failed(&Ask::path("/apis"), error),
    };
    let api: Api<DynamicObject> = Api::namespaced_with(cluster.client.clone(), namespace, &resource);
    let name = full_name(&resource);
    let scale_name = format!("{name}/scale");
    let ask = Ask::object("get", &name, namespace, &reference.name);
    let scale_ask = Ask::object("get", &scale_name, namespace, &reference.name);
    let scale = async {
        if has_scale {
            let scale = read_scale(cluster, &api, scale_ask, &reference.name).await;
            fact(&scale_ask, scale)
        } else {
            Fact::Absent
        }
    };
    let (object, scale) = tokio::join!(cluster.ask(ask, api.get(&reference.name)), scale);
    let fatal = object.as_ref().err().filter(|error| error.is_fatal()).cloned();
    let target = object.map(|object| convert::scale_target(&object, &resource.api_version, &resource.kind));
    let target = fact(&ask, target);
    let usable = scale.known().is_some_and(|scale| is_selector(&scale.selector));
    let definition = if target.known().is_some() && !usable {
        definition::read(cluster, &resource).await
    } else {
        Fact::default()
    };
    let names = if target.is_absent() && alone {
        names(cluster, Some(namespace), &resource, None).await
    } else {
        Ok(Vec::new())
    };
    Reading {
        target,
        scale,
        definition,
        names: names
            .unwrap_or_default()
            .into_iter()
            .map(|(_, name)| name)
            .collect(),
        fatal,
    }
}

async fn read_scale(
    cluster: &Cluster,
    api: &Api<DynamicObject>,
    ask: Ask<'_>,
    name: &str,
) -> Result<Scale, Error> {
    let request = kube::core::Request::new(api.resource_url())
        .get_subresource("scale", name)
        .map_err(|error| cluster.explain(&ask, &kube::Error::BuildRequest(error)))?;
    let scale: v1::Scale = cluster.ask(ask, cluster.client.request(request)).await?;
    let status = scale.status.unwrap_or_default();
    Ok(Scale {
        spec_replicas: scale.spec.and_then(|spec| spec.replicas).unwrap_or_default(),
        status_replicas: status.replicas,
        selector: status.selector.unwrap_or_default(),
    })
}

/// The resource of a kind and whether it has a scale; none where no version of the group has that kind.
async fn discover(
    cluster: &Cluster,
    group: &str,
    version: &str,
    kind: &str,
) -> Result<Option<(ApiResource, bool)>, Error> {
    let mut version = version.to_owned();
    let listed = match resources(cluster, group, &version).await {
        Err(error) if error.is_not_found() && !group.is_empty() => {
            let Some(preferred) = preferred_version(cluster, group).await? else {
                return Ok(None);
            };
            version = preferred;
            resources(cluster, group, &version).await?
        }
        Err(error) if error.is_not_found() => return Ok(None),
        other => other?,
    };
    let of_kind = listed
        .resources
        .iter()
        .find(|entry| (entry.kind == kind || entry.kind.to_lowercase() == kind) && !entry.name.contains('/'));
    Ok(of_kind.map(|found| {
        let scale = format!("{}/scale", found.name);
        let has_scale = listed.resources.iter().any(|entry| entry.name == scale);
        (resource(group, &version, &found.kind, &found.name), has_scale)
    }))
}

/// The resources of a version of a group.
pub(in crate::cluster) async fn resources(
    cluster: &Cluster,
    group: &str,
    version: &str,
) -> Result<APIResourceList, Error> {
    if group.is_empty() {
        let path = format!("/api/{version}");
        cluster
            .ask(Ask::path(&path), cluster.client.list_core_api_resources(version))
            .await
    } else {
        let group_version = format!("{group}/{version}");
        let path = format!("/apis/{group_version}");
        cluster
            .ask(
                Ask::path(&path),
                cluster.client.list_api_group_resources(&group_version),
            )
            .await
    }
}

/// The version of a group that the API server prefers; none where it does not serve the group.
pub(in crate::cluster) async fn preferred_version(
    cluster: &Cluster,
    group: &str,
) -> Result<Option<String>, Error> {
    let path = format!("/apis/{group}");
    let ask = Ask::path(&path);
    let request = http::Request::get(&path)
        .body(Vec::new())
        .map_err(|error| cluster.explain(&ask, &kube::Error::HttpError(error)))?;
    match cluster
        .ask(ask, cluster.client.request::<APIGroup>(request))
        .await
    {
        Ok(group) => Ok(group
            .preferred_version
            .or_else(|| group.versions.into_iter().next())
            .map(|version| version.version)),
        Err(error) if error.is_not_found() => Ok(None),
        Err(error) => Err(error),
    }
}
