//! Pods and their containers.

use k8s_openapi::api::core::v1;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ObjectMeta, OwnerReference};

use super::{managed_fields, quantities, serving, time};
use crate::facts::{Condition, Container, ContainerEnd, Owner, Pod, Resources};

/// What every pod names that names no scheduler.
const DEFAULT_SCHEDULER: &str = "default-scheduler";

/// What VPA's admission controller writes of its changes.
const VPA_UPDATES: &str = "vpaUpdates";

/// A pod; whether it descends from the scale target is decided later, with the `ReplicaSet`s at hand.
pub(in crate::cluster) fn pod(object: &v1::Pod) -> Pod {
    let metadata = &object.metadata;
    let spec = object.spec.as_ref();
    let no_status = v1::PodStatus::default();
    let status = object.status.as_ref().unwrap_or(&no_status);
    let mut containers = spec.map(containers).unwrap_or_default();
    for entry in status.container_statuses.iter().flatten() {
        observe(&mut containers, entry, false);
    }
    for entry in status.init_container_statuses.iter().flatten() {
        observe(&mut containers, entry, true);
    }
    Pod {
        name: metadata.name.clone().unwrap_or_default(),
        namespace: metadata.namespace.clone().unwrap_or_default(),
        labels: metadata.labels.clone().unwrap_or_default(),
        created_at: time(metadata.creation_timestamp.as_ref()),
        deleted_at: time(metadata.deletion_timestamp.as_ref()),
        finalizers: metadata.finalizers.clone().unwrap_or_default(),
        deletion_grace_period_seconds: metadata.deletion_grace_period_seconds,
        owner: controller(metadata).map(|owner| Owner {
            kind: owner.kind.clone(),
            name: owner.name.clone(),
            is_scale_target: false,
        }),
        scheduler_name: spec
            .and_then(|spec| spec.scheduler_name.clone())
            .filter(|name| name != DEFAULT_SCHEDULER),
        node: spec.and_then(|spec| spec.node_name.clone()),
        scheduling_gates: spec
            .and_then(|spec| spec.scheduling_gates.as_ref())
            .map(|gates| gates.iter().map(|gate| gate.name.clone()).collect())
            .unwrap_or_default(),
        claims: spec.map(|spec| claims(metadata, spec)).unwrap_or_default(),
        ephemeral_containers: spec
            .and_then(|spec| spec.ephemeral_containers.as_ref())
            .map(|added| added.iter().map(|container| container.name.clone()).collect())
            .unwrap_or_default(),
        phase: status.phase.clone().unwrap_or_default(),
        reason: status.reason.clone(),
        message: status.message.clone(),
        start_time: time(status.start_time.as_ref()),
        conditions: status
            .conditions
            .iter()
            .flatten()
            .filter(|it| tells(it))
            .map(condition)
            .collect(),
        containers,
        resources: spec.and_then(|spec| spec.resources.as_ref()).map(resources),
        vpa_updates: metadata
            .annotations
            .as_ref()
            .and_then(|annotations| annotations.get(VPA_UPDATES))
            .cloned(),
        resized_by: managed_fields::managers_of(metadata, "resize"),
    }
}

/// The claims of its volumes; that of an ephemeral volume is called after the pod (`VolumeClaimName`,
/// `k8s.io/component-helpers/storage/ephemeral`, v1.37).
fn claims(metadata: &ObjectMeta, spec: &v1::PodSpec) -> Vec<String> {
    let volumes = spec.volumes.iter().flatten();
    let names = volumes.filter_map(
        |volume| match (&volume.persistent_volume_claim, &volume.ephemeral) {
            (Some(claim), _) => Some(claim.claim_name.clone()),
            (None, Some(_)) => Some(format!(
                "{}-{}",
                metadata.name.as_deref().unwrap_or_default(),
                volume.name
            )),
            (None, None) => None,
        },
    );
    names.collect()
}

/// The owner with `controller: true`.
pub(in crate::cluster) fn controller(metadata: &ObjectMeta) -> Option<&OwnerReference> {
    metadata
        .owner_references
        .iter()
        .flatten()
        .find(|owner| owner.controller == Some(true))
}

/// Regular containers first, then init containers.
pub(super) fn containers(spec: &v1::PodSpec) -> Vec<Container> {
    let regular = spec.containers.iter().map(|entry| container(spec, entry, false));
    let init = spec
        .init_containers
        .iter()
        .flatten()
        .map(|entry| container(spec, entry, true));
    regular.chain(init).collect()
}

fn container(spec: &v1::PodSpec, container: &v1::Container, init: bool) -> Container {
    Container {
        name: container.name.clone(),
        image: container.image.clone().unwrap_or_default(),
        init,
        restartable: init && container.restart_policy.as_deref() == Some("Always"),
        resources: container.resources.as_ref().map(resources).unwrap_or_default(),
        serving: serving::serving(spec, container),
        startup_seconds: container.startup_probe.as_ref().map(startup_seconds),
        ..Container::default()
    }
}

/// The API's defaults are 0, 10 and 3.
fn startup_seconds(probe: &v1::Probe) -> i64 {
    let period = i64::from(probe.period_seconds.unwrap_or(10));
    let failures = i64::from(probe.failure_threshold.unwrap_or(3));
    i64::from(probe.initial_delay_seconds.unwrap_or(0)) + period * failures
}

fn observe(containers: &mut [Container], status: &v1::ContainerStatus, init: bool) {
    let Some(container) = containers
        .iter_mut()
        .find(|entry| entry.init == init && entry.name == status.name)
    else {
        return;
    };
    let state = status.state.as_ref();
    let waits = state.and_then(|state| state.waiting.as_ref());
    let waiting = waits.and_then(|waiting| waiting.reason.clone());
    container.state_message = waits.and_then(|waiting| waiting.message.clone());
    let ended = state
        .and_then(|state| state.terminated.as_ref())
        .and_then(|ended| ended.reason.clone());
    let running = state.and_then(|state| state.running.as_ref());
    container.running_since = running
        .filter(|_| init)
        .and_then(|running| time(running.started_at.as_ref()));
    container.started = container.startup_seconds.and(status.started);
    container.ready = Some(status.ready);
    container.restarts = status.restart_count;
    container.state_reason = waiting.or(ended);
    let last = status.last_state.as_ref();
    container.last_end = last
        .and_then(|state| state.terminated.as_ref())
        .map(|ended| ContainerEnd {
            reason: ended.reason.clone().unwrap_or_default(),
            exit_code: ended.exit_code,
            started_at: time(ended.started_at.as_ref()),
            finished_at: time(ended.finished_at.as_ref()),
        });
}

pub(super) fn resources(requirements: &v1::ResourceRequirements) -> Resources {
    Resources {
        requests: quantities(requirements.requests.as_ref()),
        limits: quantities(requirements.limits.as_ref()),
    }
}

/// What has come true on the way to `Ready` tells nothing.
fn tells(condition: &v1::PodCondition) -> bool {
    condition.status != "True"
        || !matches!(
            condition.type_.as_str(),
            "Initialized" | "ContainersReady" | "PodReadyToStartContainers"
        )
}

fn condition(condition: &v1::PodCondition) -> Condition {
    Condition {
        type_: condition.type_.clone(),
        status: condition.status.clone(),
        reason: condition.reason.clone().unwrap_or_default(),
        message: condition.message.clone().unwrap_or_default(),
        last_transition_time: time(condition.last_transition_time.as_ref()),
    }
}
