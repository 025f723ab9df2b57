//! Every end of the wait of `up`, as a person reads it. The API server is the mock: it has what a real one would have.

use serde_json::{Value, json};

use crate::mock::{Fault, World};
use crate::run::{Outcome, Stage};

const NAMESPACES: &str = "/api/v1/namespaces";
const PODS: &str = "/api/v1/namespaces/shop/pods";
const EVENTS: &str = "/api/v1/namespaces/shop/events";
const NODES: &str = "/api/v1/nodes";
const DEPLOYMENTS: &str = "/apis/apps/v1/namespaces/shop/deployments";
const REPLICA_SETS: &str = "/apis/apps/v1/namespaces/shop/replicasets";
const LOG: &str = "/api/v1/namespaces/shop/pods/m-5f6d-abcde/log";

fn labels() -> Value {
    json!({"app": "m", "version": "default", "app.kubernetes.io/managed-by": "kubectl-tfserve"})
}

fn owned(kind: &str, name: &str, uid: &str) -> Value {
    json!([{"apiVersion": "apps/v1", "kind": kind, "name": name, "uid": uid, "controller": true}])
}

/// What `up m` has applied, with one pod that is in no trouble yet.
fn world() -> World {
    let mut world = World::default();
    let mut put = |collection: &str, object: Value| {
        world
            .collections
            .entry(collection.to_owned())
            .or_default()
            .push(object);
    };
    put(
        NAMESPACES,
        json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "shop"}}),
    );
    put(
        "/api/v1/namespaces/shop/configmaps",
        json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "m-configs", "labels": labels()}}),
    );
    put(
        "/api/v1/namespaces/shop/services",
        json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "m", "labels": labels()},
            "spec": {"type": "ClusterIP"}}),
    );
    put(
        DEPLOYMENTS,
        json!({"apiVersion": "apps/v1", "kind": "Deployment",
            "metadata": {"name": "m", "namespace": "shop", "uid": "d", "generation": 1, "labels": labels(),
                "annotations": {"deployment.kubernetes.io/revision": "1"}},
            "spec": {"replicas": 1, "selector": {"matchLabels": {"app": "m", "version": "default"}},
                "template": {"metadata": {"labels": {"app": "m", "version": "default"}}, "spec": spec()}},
            "status": {"observedGeneration": 1, "replicas": 1, "updatedReplicas": 1}}),
    );
    put(
        REPLICA_SETS,
        json!({"apiVersion": "apps/v1", "kind": "ReplicaSet",
            "metadata": {"name": "m-5f6d", "namespace": "shop", "uid": "r", "labels": labels(),
                "annotations": {"deployment.kubernetes.io/revision": "1"},
                "ownerReferences": owned("Deployment", "m", "d")},
            "spec": {"replicas": 1, "selector": {"matchLabels": {"app": "m"}}}, "status": {"replicas": 1}}),
    );
    put(
        PODS,
        json!({"apiVersion": "v1", "kind": "Pod",
            "metadata": {"name": "m-5f6d-abcde", "namespace": "shop", "uid": "p", "labels": labels(),
                "creationTimestamp": "2026-11-24T10:00:00Z", "ownerReferences": owned("ReplicaSet", "m-5f6d", "r")},
            "spec": spec(), "status": {"phase": "Pending"}}),
    );
    world.collections.insert(EVENTS.to_owned(), Vec::new());
    for empty in [
        "/apis/autoscaling/v2/namespaces/shop/horizontalpodautoscalers",
        NODES,
    ] {
        world.collections.insert(empty.to_owned(), Vec::new());
    }
    world
}

fn spec() -> Value {
    json!({"containers": [{"name": "tf-serving", "image": "tensorflow/serving:2.20.0",
        "args": ["--model_name=$(MODEL_NAME)", "--model_base_path=$(MODEL_PATH)"],
        "resources": {"requests": {"cpu": "500m", "memory": "1Gi"}},
        "volumeMounts": [{"name": "model", "mountPath": "/models/m"}]}],
        "volumes": [{"name": "model", "hostPath": {"path": "/srv/m"}}]})
}

fn pod(world: &mut World) -> &mut Value {
    &mut world.collections.get_mut(PODS).unwrap()[0]
}

/// The pod is on its node, and its container is in a state.
fn container(world: &mut World, phase: &str, state: &Value, last: &Value) {
    let pod = pod(world);
    pod["spec"]["nodeName"] = json!("node-1");
    pod["status"] = json!({"phase": phase, "startTime": "2026-11-24T10:00:01Z",
        "conditions": [
            {"type": "PodScheduled", "status": "True"},
            {"type": "Ready", "status": "False", "reason": "ContainersNotReady", "lastTransitionTime": "2026-11-24T10:00:01Z"}],
        "containerStatuses": [{"name": "tf-serving", "image": "tensorflow/serving:2.20.0", "imageID": "", "ready": false,
            "started": false, "restartCount": i32::from(!last.is_null()) * 3, "state": state, "lastState": last}]});
}

fn waiting(reason: &str, message: &str) -> Value {
    json!({"waiting": {"reason": reason, "message": message}})
}

fn event(world: &mut World, reason: &str, message: &str, count: i32) {
    let events = world.collections.get_mut(EVENTS).unwrap();
    let number = events.len();
    events.push(json!({"apiVersion": "v1", "kind": "Event",
        "metadata": {"name": format!("e{number}"), "namespace": "shop"}, "type": "Warning", "reason": reason,
        "message": message, "count": count, "firstTimestamp": "2026-11-24T10:00:02Z",
        "lastTimestamp": format!("2026-11-24T10:01:{number:02}Z"),
        "involvedObject": {"kind": "Pod", "name": "m-5f6d-abcde", "namespace": "shop", "uid": "p"}}));
}

fn unschedulable(world: &mut World, message: &str) {
    pod(world)["status"]["conditions"] =
        json!([{"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": message}]);
}

fn node(world: &mut World, name: &str, cpu: &str, change: impl FnOnce(&mut Value)) {
    let mut node = json!({"apiVersion": "v1", "kind": "Node", "metadata": {"name": name},
        "status": {"allocatable": {"cpu": cpu, "memory": "8Gi", "pods": "110"},
            "conditions": [{"type": "Ready", "status": "True"}]}});
    change(&mut node);
    world.collections.get_mut(NODES).unwrap().push(node);
}

/// A pod of somebody else takes room.
fn neighbour(world: &mut World, node: &str, cpu: &str) {
    world.collections.insert(
        "/api/v1/namespaces/other/pods".to_owned(),
        vec![json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "n", "namespace": "other"},
            "spec": {"nodeName": node, "containers": [{"name": "c", "resources": {"requests": {"cpu": cpu}}}]},
            "status": {"phase": "Running"}})],
    );
}

/// Everything that was said, but for the lines of the wait.
fn said(world: World, arguments: &[&str]) -> String {
    let outcome = up(world, arguments);
    let talk: Vec<&str> = outcome
        .stderr
        .lines()
        .filter(|line| !line.starts_with("waiting: "))
        .collect();
    let age = |text: &str| {
        // The pods started in the past, at another distance every day.
        let mut text = text.to_owned();
        while let Some(start) = text.find("started ") {
            let end = text[start..].find(" ago").map(|end| start + end).unwrap();
            text.replace_range(start..end, "begun AGE");
        }
        text.replace("begun AGE", "started AGE")
    };
    format!(
        "exit code {}\n{}--- stderr\n{}\n",
        outcome.code,
        age(&outcome.stdout),
        talk.join("\n")
    )
}

fn up(world: World, arguments: &[&str]) -> Outcome {
    let stage = Stage::new(world);
    let words = ["up", "m", "--model", "hostPath:/srv/m"];
    // The end of the time where nothing else is asked for.
    let soon: &[&str] = if arguments.contains(&"--timeout") {
        &[]
    } else {
        &["--timeout", "2s"]
    };
    stage.run(&[&words[..], arguments, soon].concat())
}

#[test]
fn an_image_that_cannot_be_pulled() {
    let mut world = world();
    let message = r#"Back-off pulling image "tensorflow/serving:2.20.0": ErrImagePull: docker.io/tensorflow/serving:2.20.0: not found"#;
    container(
        &mut world,
        "Pending",
        &waiting("ImagePullBackOff", message),
        &Value::Null,
    );
    event(
        &mut world,
        "Failed",
        r#"Failed to pull image "tensorflow/serving:2.20.0": not found"#,
        4,
    );
    event(&mut world, "BackOff", "Back-off pulling image", 9);
    insta::assert_snapshot!("image", said(world.clone(), &["--timeout", "60s"]));
    // The flag is the one that names this image.
    let stage = Stage::new(world);
    let outcome = stage.run(&["up", "m", "--model", "image:team/m:v1", "--image-volume=false"]);
    assert!(
        outcome.stdout.contains("exists in `--model image:REF`"),
        "{}",
        outcome.stdout
    );
}

#[test]
fn a_pod_that_fits_on_no_node() {
    let mut world = world();
    unschedulable(
        &mut world,
        "0/3 nodes are available: 1 node(s) were unschedulable, 2 Insufficient cpu. preemption: 0/3 nodes are available: 3 Preemption is not helpful for scheduling.",
    );
    pod(&mut world)["spec"]["containers"][0]["resources"]["requests"]["cpu"] = json!("6");
    let mut with_rights = world.clone();
    node(&mut with_rights, "node-1", "4", |_| {});
    node(&mut with_rights, "node-2", "8", |_| {});
    node(&mut with_rights, "node-3", "64", |node| {
        node["spec"]["unschedulable"] = json!(true);
    });
    neighbour(&mut with_rights, "node-2", "2500m");
    insta::assert_snapshot!("room", said(with_rights, &[]));
    world.faults.push((NODES, Fault::Refuse(403)));
    insta::assert_snapshot!("room_not_readable", said(world, &[]));
}

#[test]
fn a_pod_that_wants_a_gpu() {
    let mut world = world();
    unschedulable(
        &mut world,
        "0/1 nodes are available: 1 Insufficient nvidia.com/gpu.",
    );
    pod(&mut world)["spec"]["containers"][0]["resources"]["requests"]["nvidia.com/gpu"] = json!("2");
    node(&mut world, "node-1", "4", |_| {});
    insta::assert_snapshot!("room_gpu", said(world, &[]));
}

#[test]
fn a_pod_for_which_a_node_comes() {
    let mut world = world();
    unschedulable(&mut world, "0/1 nodes are available: 1 Insufficient cpu.");
    event(
        &mut world,
        "TriggeredScaleUp",
        "pod triggered scale-up: [{pool 1->2 (max: 5)}]",
        1,
    );
    let outcome = up(world, &[]);
    insta::assert_snapshot!("node_comes", outcome.stderr);
}

#[test]
fn a_claim_that_has_gone() {
    let mut world = world();
    unschedulable(
        &mut world,
        r#"0/1 nodes are available: persistentvolumeclaim "models" not found. not found"#,
    );
    insta::assert_snapshot!("claim", said(world, &[]));
}

#[test]
fn a_container_that_ends_again_and_again() {
    let mut world = world();
    let last = json!({"terminated": {"exitCode": 1, "reason": "Error"}});
    let state = waiting("CrashLoopBackOff", "back-off 40s restarting failed container");
    container(&mut world, "Running", &state, &last);
    event(&mut world, "BackOff", "Back-off restarting failed container", 7);
    world.documents.insert(
        LOG.to_owned(),
        json!("[libprotobuf ERROR] Error parsing text-format tensorflow.serving.MonitoringConfig: 1:1: Expected identifier\nFailed to start server. Error: Invalid argument: Invalid protobuf file: '/etc/tfserve/monitoring.config'\n"),
    );
    insta::assert_snapshot!("crash", said(world.clone(), &["--timeout", "60s"]));
    let last = json!({"terminated": {"exitCode": 137, "reason": "OOMKilled"}});
    container(&mut world, "Running", &state, &last);
    world.documents.insert(LOG.to_owned(), json!(""));
    insta::assert_snapshot!(
        "out_of_memory",
        said(world.clone(), &["--memory-limit", "2Gi", "--timeout", "60s"])
    );
    world.faults.push(("/log", Fault::Refuse(403)));
    insta::assert_snapshot!("out_of_memory_without_log", said(world, &["--timeout", "60s"]));
}

#[test]
fn a_model_that_cannot_be_copied() {
    let mut world = world();
    let init = json!({"name": "copy-model", "image": "amazon/aws-cli:2.31.0"});
    pod(&mut world)["spec"]["initContainers"] = json!([init]);
    container(
        &mut world,
        "Pending",
        &waiting("PodInitializing", ""),
        &Value::Null,
    );
    pod(&mut world)["status"]["initContainerStatuses"] = json!([{"name": "copy-model", "image": "amazon/aws-cli:2.31.0",
        "imageID": "", "ready": false, "restartCount": 2, "state": waiting("CrashLoopBackOff", "back-off 20s"),
        "lastState": {"terminated": {"exitCode": 1, "reason": "Error"}}}]);
    world.documents.insert(
        LOG.to_owned(),
        json!("fatal error: An error occurred (NoSuchBucket) when calling the ListObjectsV2 operation: The specified bucket does not exist\n"),
    );
    let stage = Stage::new(world);
    let outcome = stage.run(&["up", "m", "--model", "s3://models/m", "--timeout", "60s"]);
    insta::assert_snapshot!(
        "copy",
        format!("{}--- stderr\n{}", outcome.stdout, outcome.stderr)
    );
}

#[test]
fn a_volume_that_cannot_be_mounted() {
    let mut world = world();
    container(
        &mut world,
        "Pending",
        &waiting("ContainerCreating", ""),
        &Value::Null,
    );
    event(
        &mut world,
        "FailedMount",
        r#"MountVolume.SetUp failed for volume "model" : mount failed: exit status 32: mount.nfs: access denied by server while mounting nfs:/models"#,
        5,
    );
    insta::assert_snapshot!("mount", said(world, &[]));
}

#[test]
fn a_container_that_cannot_be_made() {
    let mut world = world();
    container(
        &mut world,
        "Pending",
        &waiting("CreateContainerConfigError", r#"secret "s3" not found"#),
        &Value::Null,
    );
    insta::assert_snapshot!("not_created", said(world, &[]));
}

#[test]
fn a_probe_that_fails() {
    let mut world = world();
    container(
        &mut world,
        "Running",
        &json!({"running": {"startedAt": "2026-11-24T10:00:03Z"}}),
        &Value::Null,
    );
    event(
        &mut world,
        "Unhealthy",
        "Startup probe failed: dial tcp 10.244.0.7:8500: connect: connection refused",
        14,
    );
    world.documents.insert(
        LOG.to_owned(),
        json!("2026-11-24 10:00:04: I server_core.cc:474] Adding/updating models.\n"),
    );
    insta::assert_snapshot!("probe", said(world, &[]));
}

#[test]
fn pods_that_are_refused() {
    for (name, why) in [
        (
            "refused_quota",
            r#"pods "m-5f6d-abcde" is forbidden: exceeded quota: team, requested: pods=1, used: pods=5, limited: pods=5"#,
        ),
        (
            "refused_limits",
            r#"pods "m-5f6d-abcde" is forbidden: failed quota: team: must specify limits.cpu for: tf-serving; limits.memory for: tf-serving"#,
        ),
        (
            "refused_maximum",
            r#"pods "m-5f6d-abcde" is forbidden: maximum memory usage per Container is 512Mi, but request is 1Gi"#,
        ),
        (
            "refused_host_path",
            r#"pods "m-5f6d-abcde" is forbidden: violates PodSecurity "baseline:latest": hostPath volumes (volume "model"), non-default capabilities (container "tf-serving" must not include "DAC_OVERRIDE" in securityContext.capabilities.add)"#,
        ),
        (
            "refused_webhook",
            r#"admission webhook "gate.example.com" denied the request: images must be signed"#,
        ),
    ] {
        let mut world = world();
        let failure =
            json!([{"type": "ReplicaFailure", "status": "True", "reason": "FailedCreate", "message": why}]);
        world.collections.get_mut(REPLICA_SETS).unwrap()[0]["status"] =
            json!({"replicas": 0, "conditions": failure});
        let status = &mut world.collections.get_mut(DEPLOYMENTS).unwrap()[0]["status"];
        *status = json!({"observedGeneration": 1, "conditions": failure});
        world.collections.insert(PODS.to_owned(), Vec::new());
        insta::assert_snapshot!(name, said(world, &["--timeout", "60s"]));
    }
}

/// The Deployment repeats what the `ReplicaSet` of an older revision was refused.
#[test]
fn an_older_revision_was_refused() {
    let mut world = world();
    unschedulable(&mut world, "0/1 nodes are available: 1 Insufficient cpu.");
    node(&mut world, "a", "1", |_| {});
    world.collections.get_mut(DEPLOYMENTS).unwrap()[0]["status"] = json!({"observedGeneration": 1, "replicas": 1,
        "updatedReplicas": 1, "conditions": [{"type": "ReplicaFailure", "status": "True", "reason": "FailedCreate",
            "message": "pods \"m-1111-abcde\" is forbidden: exceeded quota: team, requested: pods=1, used: pods=5, limited: pods=5"}]});
    let said = said(world, &[]);
    assert!(said.contains("TFS503"), "{said}");
    assert!(!said.contains("TFS702"), "{said}");
}

#[test]
fn a_server_without_a_model() {
    let mut world = world();
    container(
        &mut world,
        "Running",
        &json!({"running": {"startedAt": "2026-11-24T10:00:03Z"}}),
        &Value::Null,
    );
    event(
        &mut world,
        "Unhealthy",
        "Startup probe failed: dial tcp 10.244.0.7:8500: connect: connection refused",
        14,
    );
    let missing = |path: &str| {
        json!(format!(
            "2026-11-24T10:00:05Z 2026-11-24 10:00:05.1: W file_system_storage_path_source.cc:268] No versions of servable m found under base path {path}. Did you forget to name your leaf directory as a number (eg. '/1/')?\n"
        ))
    };
    let mut of_version = world.clone();
    world.documents.insert(LOG.to_owned(), missing("/models/m"));
    insta::assert_snapshot!("no_version", said(world.clone(), &["--timeout", "60s"]));
    of_version.documents.insert(LOG.to_owned(), missing("/models/m"));
    let stage = Stage::new(of_version);
    let outcome = stage.run(&["up", "m", "--model", "hostPath:/srv/m/1", "--timeout", "60s"]);
    assert!(
        outcome
            .stdout
            .contains("fix      the same command with `--model hostPath:/srv/m`"),
        "{}",
        outcome.stdout
    );
    world.documents.insert(
        LOG.to_owned(),
        json!("2026-11-24T10:00:05Z E retrier.cc:37] Loading servable: {name: m version: 7} failed: Not found: Could not find meta graph def matching supplied tags: { serve }\n"),
    );
    insta::assert_snapshot!("not_loaded", said(world, &["--timeout", "60s"]));
}

#[test]
fn a_wait_that_ends_before_the_pods_do() {
    let mut world = world();
    world.collections.get_mut(DEPLOYMENTS).unwrap()[0]["status"] =
        json!({"observedGeneration": 1, "replicas": 2, "updatedReplicas": 1, "availableReplicas": 2});
    container(&mut world, "Running", &json!({"running": {}}), &Value::Null);
    let status = &mut pod(&mut world)["status"];
    status["conditions"] = json!([{"type": "Ready", "status": "True"}]);
    status["containerStatuses"][0]["ready"] = json!(true);
    insta::assert_snapshot!("old_pods", said(world.clone(), &[]));
    world.collections.get_mut(DEPLOYMENTS).unwrap()[0]["status"] = json!({"observedGeneration": 0});
    insta::assert_snapshot!("not_seen", said(world, &[]));
}

#[test]
fn rights_that_are_missing() {
    let mut events = world();
    container(&mut events, "Running", &json!({"running": {}}), &Value::Null);
    events.faults.push((EVENTS, Fault::Refuse(403)));
    insta::assert_snapshot!("without_events", said(events, &[]));
    let mut pods = world();
    pods.faults.push((PODS, Fault::Refuse(403)));
    insta::assert_snapshot!("without_pods", said(pods, &[]));
}

#[test]
fn pods_that_serve_and_cannot_be_asked() {
    let mut world = world();
    world.collections.get_mut(DEPLOYMENTS).unwrap()[0]["status"] =
        json!({"observedGeneration": 1, "replicas": 1, "updatedReplicas": 1, "availableReplicas": 1});
    container(&mut world, "Running", &json!({"running": {}}), &Value::Null);
    let status = &mut pod(&mut world)["status"];
    status["conditions"] = json!([{"type": "Ready", "status": "True"}]);
    status["containerStatuses"][0]["ready"] = json!(true);
    insta::assert_snapshot!("not_asked", said(world, &[]));
}
