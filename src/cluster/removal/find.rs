//! Finds what was made for a name, and decides what of it goes.

use std::collections::BTreeMap;

use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::autoscaling::v2::HorizontalPodAutoscaler;
use k8s_openapi::api::core::v1::{ConfigMap, PodSpec, Service};
use kube::api::{ApiResource, ListParams, ObjectMeta, PartialObjectMeta};
use kube::{Api, Resource, ResourceExt};

use super::owner::why_foreign;
use super::{Found, Item, Left, resource_name};
use crate::cluster::{Ask, Cluster, Error};
use crate::load::jobs::LOAD;
use crate::serving::PART_OF;
use crate::serving::names::Names;

/// `terminationGracePeriodSeconds`, where nothing is said.
const GRACE: i64 = 30;

/// What is to go.
#[derive(Debug, Clone, Copy)]
pub struct Wanted<'a> {
    /// The namespace.
    pub namespace: &'a str,
    /// The names of `up NAME --variant V`.
    pub names: &'a Names,
    /// Whether that variant goes alone.
    pub one_variant: bool,
    /// `--field-manager`.
    pub field_manager: &'a str,
}

/// What a namespace holds that may be of the name.
struct Live {
    deployments: Vec<Deployment>,
    service: Option<Service>,
    config_maps: Vec<PartialObjectMeta<ConfigMap>>,
    autoscalers: Vec<HorizontalPodAutoscaler>,
}

/// Finds it. Nothing is asked of a namespace that does not exist but that it has nothing.
///
/// # Errors
/// A kind could not be listed: what was made is not known then.
pub async fn find(cluster: &Cluster, wanted: Wanted<'_>) -> Result<Found, Error> {
    let live = read(cluster, wanted).await?;
    // A load goes before what it loads.
    let mut found = if wanted.one_variant {
        Found::default()
    } else {
        super::load(cluster, wanted.namespace, &wanted.names.app, wanted.field_manager).await?
    };
    let (going, staying): (Vec<&Deployment>, Vec<&Deployment>) = live
        .deployments
        .iter()
        .partition(|deployment| is_of(deployment, wanted) && is_ours(*deployment, wanted));
    for deployment in staying.iter().filter(|deployment| is_of(deployment, wanted)) {
        found.leave(*deployment, wanted);
    }
    autoscalers(&mut found, &live, &going, wanted);
    service(&mut found, &live, &staying, wanted);
    config_maps(&mut found, &live, &going, &staying, wanted);
    for deployment in going {
        let mut item = item(deployment, wanted);
        item.pods = Some(pods(deployment));
        found.remove.push(item);
    }
    Ok(found)
}

async fn read(cluster: &Cluster, wanted: Wanted<'_>) -> Result<Live, Error> {
    let Wanted { namespace, names, .. } = wanted;
    let client = || cluster.client.clone();
    let all = ListParams::default();
    let deployments: Api<Deployment> = Api::namespaced(client(), namespace);
    let services: Api<Service> = Api::namespaced(client(), namespace);
    let config_maps: Api<ConfigMap> = Api::namespaced(client(), namespace);
    let autoscalers: Api<HorizontalPodAutoscaler> = Api::namespaced(client(), namespace);
    let list = |resource| Ask::list(resource, Some(namespace));
    let (deployments, config_maps, autoscalers) = tokio::try_join!(
        cluster.ask(list("deployments.apps"), deployments.list(&all)),
        cluster.ask(list("configmaps"), config_maps.list_metadata(&all)),
        cluster.ask(
            list("horizontalpodautoscalers.autoscaling"),
            autoscalers.list(&all)
        ),
    )?;
    let ask = Ask::object("get", "services", namespace, &names.app);
    let service = match cluster.ask(ask, services.get(&names.app)).await {
        Ok(service) => Some(service),
        Err(error) if error.is_not_found() => None,
        Err(error) => return Err(error),
    };
    Ok(Live {
        deployments: deployments.items,
        service,
        config_maps: config_maps.items,
        autoscalers: autoscalers.items,
    })
}

/// Whether a Deployment has the name, or is a variant of it.
fn is_of(deployment: &Deployment, wanted: Wanted<'_>) -> bool {
    let labels = deployment.labels();
    let has = |key: &str, value: &str| labels.get(key).is_some_and(|found| found == value);
    let named = deployment.name_any() == wanted.names.deployment;
    if wanted.one_variant {
        named || has("app", &wanted.names.app) && has("version", &wanted.names.version)
    } else {
        named || has("app", &wanted.names.app)
    }
}

fn is_ours(object: &impl Resource<DynamicType = ()>, wanted: Wanted<'_>) -> bool {
    why_foreign(object.meta(), wanted.field_manager).is_none()
}

/// Those that scale what goes, or what has the name: `autoscale` takes a workload that `up` did not make, too, and
/// after an interruption the workload may be gone already.
fn autoscalers(found: &mut Found, live: &Live, going: &[&Deployment], wanted: Wanted<'_>) {
    for autoscaler in &live.autoscalers {
        let Some(target) = autoscaler.spec.as_ref().map(|spec| &spec.scale_target_ref) else {
            continue;
        };
        let scales_it = target.kind == "Deployment"
            && going
                .iter()
                .any(|deployment| deployment.name_any() == target.name);
        let of_the_name = target.name == wanted.names.deployment
            || live
                .deployments
                .iter()
                .any(|deployment| deployment.name_any() == target.name && is_of(deployment, wanted));
        // Somebody's HPA on somebody's workload has nothing to do with it.
        if scales_it || of_the_name && is_ours(autoscaler, wanted) {
            found.decide(autoscaler, wanted);
        }
    }
}

fn service(found: &mut Found, live: &Live, staying: &[&Deployment], wanted: Wanted<'_>) {
    let Some(service) = &live.service else { return };
    let selector = service
        .spec
        .as_ref()
        .and_then(|spec| spec.selector.clone())
        .unwrap_or_default();
    let behind: Vec<String> = staying
        .iter()
        .filter(|deployment| selects(&selector, deployment))
        .map(|deployment| deployment.name_any())
        .collect();
    if behind.is_empty() {
        found.decide(service, wanted);
    } else if is_ours(service, wanted) {
        found.left.push(Left {
            resource_name: named(service),
            why: format!("it leads to what stays: Deployment {}", behind.join(", ")),
        });
    } else {
        found.leave(service, wanted);
    }
}

fn selects(selector: &BTreeMap<String, String>, deployment: &Deployment) -> bool {
    let labels = deployment
        .spec
        .as_ref()
        .and_then(|spec| spec.template.metadata.as_ref())
        .and_then(|metadata| metadata.labels.as_ref());
    !selector.is_empty()
        && selector
            .iter()
            .all(|(key, value)| labels.and_then(|labels| labels.get(key)) == Some(value))
}

fn config_maps(
    found: &mut Found,
    live: &Live,
    going: &[&Deployment],
    staying: &[&Deployment],
    wanted: Wanted<'_>,
) {
    for map in &live.config_maps {
        let name = map.name_any();
        let by = |deployments: &[&Deployment]| {
            deployments
                .iter()
                .find(|deployment| references(deployment, &name))
                .map(|deployment| deployment.name_any())
        };
        // The files of a load are known already.
        if map.labels().contains_key(LOAD) {
            continue;
        }
        let part_of = map.labels().get(PART_OF) == Some(&wanted.names.app);
        let of_the_name = name == wanted.names.config_map || part_of && !wanted.one_variant;
        if by(going).is_none() && !of_the_name {
            continue;
        }
        match by(staying) {
            Some(user) if why_foreign(&map.metadata, wanted.field_manager).is_none() => {
                found.left.push(Left {
                    resource_name: resource_name(&ApiResource::erase::<ConfigMap>(&()), &name),
                    why: format!("Deployment {user}, which stays, reads it"),
                });
            }
            _ => found.decide_metadata::<ConfigMap>(&map.metadata, wanted.field_manager),
        }
    }
}

/// Whether pods of the Deployment read a `ConfigMap`.
fn references(deployment: &Deployment, map: &str) -> bool {
    let spec: Option<&PodSpec> = deployment
        .spec
        .as_ref()
        .and_then(|spec| spec.template.spec.as_ref());
    let Some(spec) = spec else { return false };
    let containers = spec
        .containers
        .iter()
        .chain(spec.init_containers.iter().flatten());
    let in_environment = containers
        .flat_map(|container| container.env_from.iter().flatten())
        .filter_map(|source| source.config_map_ref.as_ref())
        .any(|reference| reference.name == map);
    let in_volumes = spec
        .volumes
        .iter()
        .flatten()
        .filter_map(|volume| volume.config_map.as_ref())
        .any(|source| source.name == map);
    in_environment || in_volumes
}

fn pods(deployment: &Deployment) -> (String, i64) {
    let spec = deployment.spec.as_ref();
    let labels: Vec<String> = spec
        .iter()
        .flat_map(|spec| spec.selector.match_labels.iter().flatten())
        .map(|(key, value)| format!("{key}={value}"))
        .collect();
    let grace = spec
        .and_then(|spec| spec.template.spec.as_ref()?.termination_grace_period_seconds)
        .unwrap_or(GRACE);
    (labels.join(","), grace)
}

fn named<K: Resource<DynamicType = ()>>(object: &K) -> String {
    resource_name(&ApiResource::erase::<K>(&()), &object.name_any())
}

fn item<K: Resource<DynamicType = ()>>(object: &K, wanted: Wanted<'_>) -> Item {
    of_metadata::<K>(object.meta(), wanted.field_manager)
}

/// An object that goes, from its metadata.
pub(super) fn of_metadata<K: Resource<DynamicType = ()>>(metadata: &ObjectMeta, field_manager: &str) -> Item {
    Item {
        resource: ApiResource::erase::<K>(&()),
        namespace: metadata.namespace.clone(),
        name: metadata.name.clone().unwrap_or_default(),
        uid: metadata.uid.clone().unwrap_or_default(),
        version: metadata.resource_version.clone().unwrap_or_default(),
        going: metadata.deletion_timestamp.is_some(),
        pods: None,
        field_manager: field_manager.to_owned(),
    }
}

impl Found {
    fn decide<K: Resource<DynamicType = ()>>(&mut self, object: &K, wanted: Wanted<'_>) {
        self.decide_metadata::<K>(object.meta(), wanted.field_manager);
    }

    pub(super) fn decide_metadata<K: Resource<DynamicType = ()>>(
        &mut self,
        metadata: &ObjectMeta,
        field_manager: &str,
    ) {
        match why_foreign(metadata, field_manager) {
            None => self.remove.push(of_metadata::<K>(metadata, field_manager)),
            Some(why) => self.left.push(Left {
                resource_name: resource_name(
                    &ApiResource::erase::<K>(&()),
                    metadata.name.as_deref().unwrap_or_default(),
                ),
                why,
            }),
        }
    }

    fn leave<K: Resource<DynamicType = ()>>(&mut self, object: &K, wanted: Wanted<'_>) {
        if let Some(why) = why_foreign(object.meta(), wanted.field_manager) {
            self.left.push(Left {
                resource_name: named(object),
                why,
            });
        }
    }
}
