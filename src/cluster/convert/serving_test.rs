#![expect(clippy::unwrap_used, reason = "a failed unwrap fails the test")]

use k8s_openapi::api::core::v1;
use serde_json::{Value, json};

use super::{is_serving_image, serving};
use crate::facts::{ProbeKind, Recognised, ServingContainer};

fn read(container: &Value) -> Option<ServingContainer> {
    let volumes = json!([{"name": "model", "hostPath": {"path": "/data/resnet"}},
        {"name": "scratch", "emptyDir": {}}]);
    let mut container = container.clone();
    container["name"] = json!("app");
    let spec = json!({"containers": [container], "volumes": volumes});
    let spec: v1::PodSpec = serde_json::from_value(spec).unwrap();
    serving(&spec, spec.containers.first().unwrap())
}

#[test]
fn images_of_any_registry_are_known_and_no_others() {
    for image in [
        "tensorflow/serving",
        "tensorflow/serving:2.16.1-gpu",
        "docker.io/tensorflow/serving@sha256:00",
        "registry.example:5000/tensorflow/serving:latest",
        "bitnami/tensorflow-serving:2",
    ] {
        assert!(is_serving_image(image), "{image}");
    }
    for image in [
        "serving",
        "example/serving:1",
        "tensorflow/tensorflow:2.16.1",
        "registry.example/tensorflow/serving/proxy",
        "",
    ] {
        assert!(!is_serving_image(image), "{image}");
    }
}

#[test]
fn it_is_recognised_by_image_command_or_flags() {
    let found = |container: Value| read(&container).map(|it| it.recognised);
    assert_eq!(
        found(json!({"image": "tensorflow/serving:2.16.1"})),
        Some(Recognised::Image)
    );
    assert_eq!(
        found(json!({"image": "own:1", "command": ["/usr/bin/tensorflow_model_server"]})),
        Some(Recognised::Command)
    );
    assert_eq!(
        found(json!({"image": "own:1", "command": ["sh", "-c", "exec tensorflow_model_server --port=8500"]})),
        Some(Recognised::Command)
    );
    assert_eq!(
        found(json!({"image": "own:1", "args": ["--model_base_path=/m", "--rest_api_port=8501"]})),
        Some(Recognised::Flags)
    );
    for other in [
        json!({"image": "own:1"}),
        json!({"image": "own:1", "args": ["--port=8500"], "ports": [{"containerPort": 8500}]}),
        json!({"image": "own:1", "args": ["--model_base_path=/m"]}),
        json!({"image": "tensorflow/serving:2.16.1", "command": ["python3", "main.py"]}),
    ] {
        assert_eq!(found(other.clone()), None, "{other}");
    }
}

#[test]
fn only_known_flags_are_kept_and_no_secret_in_them() {
    let found = read(&json!({"image": "tensorflow/serving", "args": [
        "--model_name=$(MODEL_NAME)", "--model_base_path=s3://key:secret@bucket/m?X-Amz-Signature=secret",
        "--ssl_config_file=/secret", "--api_key=secret", "secret", "--enable_batching", "--port=1", "--port=2"]}))
    .unwrap();
    let flags: Vec<_> = found
        .flags
        .iter()
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    assert_eq!(
        flags,
        [
            "enable_batching=",
            "model_base_path=s3://bucket/m",
            "model_name=$(MODEL_NAME)",
            "port=2"
        ]
    );
    assert!(found.is_on("enable_batching") && !found.is_on("port"));
}

#[test]
fn probes_and_mounts_of_the_node_are_read() {
    let found = read(&json!({"image": "tensorflow/serving",
        "ports": [{"name": "http", "containerPort": 8501}],
        "volumeMounts": [{"name": "model", "mountPath": "/models/resnet"}, {"name": "scratch", "mountPath": "/tmp"}],
        "readinessProbe": {"httpGet": {"path": "/v1/models/m?token=secret", "port": "http"}, "periodSeconds": 5},
        "livenessProbe": {"exec": {"command": ["cat", "secret"]}}}))
    .unwrap();
    let readiness = found.readiness.unwrap();
    assert_eq!(readiness.kind, ProbeKind::HttpGet);
    assert_eq!(readiness.path.as_deref(), Some("/v1/models/m"));
    assert_eq!(
        (
            readiness.port,
            readiness.period_seconds,
            readiness.failure_threshold
        ),
        (Some(8501), 5, 3)
    );
    assert_eq!(found.liveness.unwrap().kind, ProbeKind::Exec);
    assert_eq!(found.startup, None);
    assert_eq!(found.host_paths.len(), 1);
    assert_eq!(found.host_paths[0].path, "/data/resnet");
}

#[test]
fn what_stands_before_the_server_is_seen() {
    let wrapped = |container: Value| read(&container).unwrap().wrapped;
    assert!(!wrapped(json!({"image": "tensorflow/serving"})));
    assert!(!wrapped(
        json!({"image": "own", "command": ["/usr/bin/tensorflow_model_server"]})
    ));
    assert!(wrapped(
        json!({"image": "own", "command": ["tini", "--", "tensorflow_model_server"]})
    ));
    assert!(wrapped(
        json!({"image": "own", "command": ["sh", "-c", "tensorflow_model_server"]})
    ));
}
