//! What only a kubelet shows, and what the commands say of it.

use serde_json::{Value, json};

use tfserve_sandbox::Sidecar;

use crate::node::{SHELL, SIDECAR, Swept, namespace, server, tensorflow, turn};
use crate::support::{Ran, apply, field, kubectl, sandbox, type_fix, until};

fn up(namespace: &str, image: &str, model: &str, more: &str) -> Ran {
    kubectl(&format!(
        "tfserve up m --model {model} --image {image} --cpu 100m -n {namespace} {more}"
    ))
}

#[test]
fn an_image_that_cannot_be_pulled() {
    let Some(_turn) = turn() else { return };
    let namespace = Swept(namespace("pull"));
    let ran = up(
        &namespace.0,
        "registry.invalid/none:1",
        "hostPath:/srv",
        "--memory 64Mi --timeout 60s",
    )
    .expect_code(3);
    let pods = kubectl(&format!("get pods -n {}", namespace.0)).stdout;
    assert!(
        pods.contains("ErrImagePull") || pods.contains("ImagePullBackOff"),
        "{pods}"
    );
    assert!(ran.said().contains("registry.invalid/none:1"), "{}", ran.said());
    assert!(ran.said().contains("TFS503"), "{}", ran.said());
    eprintln!("{}", ran.said());
}

/// The container runtime makes a directory that is not there, so a mistyped path is an empty one.
#[test]
fn a_directory_of_the_node_that_is_not_there() {
    let Some(_turn) = turn() else { return };
    let namespace = Swept(namespace("mount"));
    let nowhere = sandbox().directory().join("nowhere");
    let ran = up(
        &namespace.0,
        server(),
        &format!("hostPath:{}", nowhere.display()),
        "--memory 512Mi --timeout 90s",
    );
    let ran = ran.expect_code(3);
    assert!(nowhere.is_dir(), "no kubelet and no runtime complains");
    assert!(ran.said().contains("TFS805"), "{}", ran.said());
    assert!(ran.said().contains("No versions of servable"), "{}", ran.said());
    eprintln!("{}", ran.said());
}

#[test]
fn a_server_that_does_not_start_shows_its_last_words() {
    let Some(_turn) = turn() else { return };
    let namespace = Swept(namespace("crash"));
    // A busybox is no server of models: it says so and ends, again and again.
    let ran = up(
        &namespace.0,
        SHELL,
        "hostPath:/srv",
        "--memory 64Mi --timeout 60s",
    )
    .expect_code(3);
    assert!(ran.said().contains("TFS502"), "{}", ran.said());
    assert!(ran.said().contains("applet not found"), "{}", ran.said());
    eprintln!("{}", ran.said());
}

#[test]
fn a_base_path_without_a_version_is_found_in_the_log() {
    let Some(_turn) = turn() else { return };
    let namespace = Swept(namespace("base-path"));
    let ran = up(
        &namespace.0,
        server(),
        "hostPath:/srv",
        "--memory 512Mi --timeout 90s",
    )
    .expect_code(3);
    let pods = field(&namespace.0, "pods", "{.items[*].status.phase}");
    assert_eq!(pods, "Running", "the pod runs and is never ready");
    assert!(ran.said().contains("TFS805"), "{}", ran.said());
    assert!(ran.said().contains("No versions of servable"), "{}", ran.said());
    eprintln!("{}", ran.said());
}

#[test]
fn a_limit_of_memory_that_is_too_small() {
    let Some(_turn) = turn() else { return };
    let namespace = Swept(namespace("oom"));
    let model = tensorflow().resnet().expect("ResNet-101");
    let ran = up(
        &namespace.0,
        server(),
        &format!("hostPath:{}", model.display()),
        "--memory 64Mi --memory-limit 64Mi --timeout 120s",
    );
    let ran = ran.expect_code(3);
    assert!(ran.said().contains("OOMKilled"), "{}", ran.said());
    eprintln!("{}", ran.said());
}

/// A tenth of a core takes minutes for what the probe gives seconds.
#[test]
fn a_load_that_the_startup_probe_cuts_short() {
    let Some(_turn) = turn() else { return };
    let namespace = Swept(namespace("slow-load"));
    let model = tensorflow().resnet().expect("ResNet-101");
    let model = format!("hostPath:{}", model.display());
    let ran = up(
        &namespace.0,
        server(),
        &model,
        "--memory 1Gi --cpu-limit 100m --load-timeout 10s --grace-period 2s --timeout 180s",
    )
    .expect_code(3);
    assert!(ran.said().contains("TFS811"), "{}", ran.said());
    assert!(ran.said().contains("--load-timeout"), "{}", ran.said());
    let events = kubectl(&format!("get events -n {} -o json", namespace.0)).stdout;
    assert!(
        events.contains("failed startup probe"),
        "the kubelet says the same: {events}"
    );
    eprintln!("{}", ran.said());
    // What it says helps.
    let more = "--memory 1Gi --load-timeout 10m --grace-period 2s --timeout 180s";
    let served = up(&namespace.0, server(), &model, more).expect_code(0);
    assert!(served.stdout.contains("AVAILABLE"), "{}", served.said());
}

/// The template has a request for its container, and the pod has a container more.
#[test]
fn a_sidecar_that_a_policy_injects() {
    let Some(_turn) = turn() else { return };
    let namespace = Swept(namespace("mesh"));
    let n = &namespace.0;
    let sidecar = Sidecar {
        name: "proxy".to_owned(),
        image: SIDECAR.to_owned(),
        cpu_request: None,
    };
    sandbox().inject_sidecar(n, &sidecar).expect("the policy");
    apply(&[json!({
        "apiVersion": "apps/v1", "kind": "Deployment",
        "metadata": {"name": "web", "namespace": n},
        "spec": {
            "selector": {"matchLabels": {"app": "web"}},
            "template": {
                "metadata": {"labels": {"app": "web"}},
                "spec": {
                    "terminationGracePeriodSeconds": 1,
                    "containers": [{
                        "name": "app", "image": SHELL, "args": ["sh", "-c", "sleep 3600"],
                        "resources": {"requests": {"cpu": "50m"}},
                    }],
                },
            },
        },
    })]);
    until("both containers run", || {
        let ready = field(n, "pods", "{.items[*].status.containerStatuses[*].ready}");
        (ready == "true true").then_some(())
    });
    let _metrics = MetricsOfTheNode::install(n);
    let refused = kubectl(&format!("tfserve autoscale web --cpu 60% --max 4 -n {n}")).expect_code(1);
    assert!(refused.stdout.contains("TFS402"), "{}", refused.said());
    assert!(refused.stdout.contains("proxy"), "{}", refused.said());
    // The controller says so too, and its HPA is explained by the same cause.
    kubectl(&format!(
        "autoscale deployment web --cpu=60% --min=1 --max=4 -n {n}"
    ))
    .expect_code(0);
    until("the controller misses the request", || {
        let said = field(
            n,
            "hpa/web",
            "{.status.conditions[?(@.type=='ScalingActive')].message}",
        );
        said.contains("missing request for cpu in container proxy")
            .then_some(())
    });
    let explained = kubectl(&format!("tfserve explain-hpa web -n {n} -o json")).expect_code(1);
    let first = explained.json()["items"][0]["findings"][0].clone();
    assert_eq!(first["code"], "TFS402", "{first:#}");
    assert_eq!(first["confidence"], "proven", "{first:#}");
    let named = first["objects"].to_string();
    assert!(named.contains("\"container\":\"proxy\""), "{first:#}");
    eprintln!("{}", kubectl(&format!("tfserve explain-hpa web -n {n}")).stdout);
    // The proxy stays as it is, and the HPA reads the other container.
    let fixes = first["fix"].as_array().into_iter().flatten();
    let commands: Vec<&str> = fixes
        .map(|fix| fix["command"].as_str().unwrap_or_default())
        .collect();
    let around = commands
        .iter()
        .position(|command| command.contains("ContainerResource"))
        .expect("a way around");
    type_fix(&first, around);
    until("the HPA computes", || {
        let reason = "{.status.conditions[?(@.type=='ScalingActive')].reason}";
        (field(n, "hpa/web", reason) == "ValidMetricFound").then_some(())
    });
}

/// The kubelet ends a pod that writes more than its volume may hold, and the next pod writes as much.
#[test]
fn pods_that_are_evicted_one_after_the_other() {
    let Some(_turn) = turn() else { return };
    if !sandbox().evicts() {
        eprintln!("not run: /var/tmp is on no file system that a kubelet measures");
        return;
    }
    let namespace = Swept(namespace("evicted"));
    let n = &namespace.0;
    apply(&[json!({
        "apiVersion": "apps/v1", "kind": "Deployment",
        "metadata": {"name": "web", "namespace": n},
        "spec": {
            "selector": {"matchLabels": {"app": "web"}},
            "template": {
                "metadata": {"labels": {"app": "web"}},
                "spec": {
                    "terminationGracePeriodSeconds": 1,
                    "containers": [{
                        "name": "app", "image": SHELL,
                        "args": ["sh", "-c", "dd if=/dev/zero of=/cache/model bs=1M count=8; sleep 3600"],
                        "resources": {"requests": {"cpu": "50m"}},
                        "volumeMounts": [{"name": "cache", "mountPath": "/cache"}],
                    }],
                    "volumes": [{"name": "cache", "emptyDir": {"sizeLimit": "4Mi"}}],
                },
            },
        },
    })]);
    let _metrics = MetricsOfTheNode::install(n);
    kubectl(&format!(
        "autoscale deployment web --cpu=60% --min=1 --max=4 -n {n}"
    ))
    .expect_code(0);
    until("pods are evicted", || {
        let reasons = field(n, "pods", "{.items[*].status.reason}");
        (reasons.matches("Evicted").count() >= 2).then_some(())
    });
    let explained = until("it is told", || {
        let ran = kubectl(&format!("tfserve explain-hpa web -n {n} -o json"));
        let first = ran.json()["items"][0]["findings"][0].clone();
        (first["code"] == "TFS508").then_some(first)
    });
    assert_eq!(explained["confidence"], "proven", "{explained:#}");
    assert!(
        explained.to_string().contains("exceeds the limit"),
        "the kubelet's own words: {explained:#}"
    );
    eprintln!("{}", kubectl(&format!("tfserve explain-hpa web -n {n}")).stdout);
}

/// metrics-server as a pod, until the test ends: others begin without one.
struct MetricsOfTheNode(String);

impl MetricsOfTheNode {
    fn install(namespace: &str) -> Self {
        let command = "tfserve autoscale web --install-metrics-server --kubelet-insecure-tls";
        let manifests = kubectl(&format!("{command} -n {namespace} -o yaml --dry-run=client")).expect_code(0);
        let file = sandbox().directory().join("metrics-server.yaml");
        std::fs::write(&file, &manifests.stdout).expect("the manifests are written");
        let installed = Self(file.display().to_string());
        kubectl(&format!("{command} -n {namespace}")).expect_code(0);
        installed
    }
}

impl Drop for MetricsOfTheNode {
    fn drop(&mut self) {
        kubectl(&format!("delete -f {}", self.0));
    }
}

#[test]
fn the_servers_shell_keeps_sigterm_for_itself() {
    let Some(_turn) = turn() else { return };
    let namespace = Swept(namespace("sigterm"));
    apply(&[pod(
        &namespace.0,
        "server",
        SHELL,
        &json!(["sh", "-c", "sleep 3600; true"]),
        5,
    )]);
    ready(&namespace.0, "server");
    let started = std::time::Instant::now();
    kubectl(&format!("delete pod server -n {}", namespace.0)).expect_code(0);
    let took = started.elapsed().as_secs();
    assert!(
        (5..30).contains(&took),
        "gone after {took} s with a grace period of 5 s"
    );
}

#[test]
fn logs_exec_and_port_forward_work() {
    let Some(_turn) = turn() else { return };
    let namespace = Swept(namespace("talk"));
    apply(&[pod(
        &namespace.0,
        "server",
        SHELL,
        &json!(["sh", "-c", "echo hello; sleep 3600"]),
        1,
    )]);
    ready(&namespace.0, "server");
    let n = &namespace.0;
    assert_eq!(
        kubectl(&format!("logs server -n {n}")).expect_code(0).stdout,
        "hello\n"
    );
    let ran = kubectl(&format!("exec server -n {n} -- sh -c true")).expect_code(0);
    assert_eq!(ran.stdout, "");
}

fn pod(namespace: &str, name: &str, image: &str, arguments: &Value, grace: u32) -> Value {
    json!({
        "apiVersion": "v1", "kind": "Pod",
        "metadata": {"name": name, "namespace": namespace, "labels": {"app": name}},
        "spec": {
            "terminationGracePeriodSeconds": grace,
            "containers": [{"name": "server", "image": image, "args": arguments}],
        },
    })
}

#[track_caller]
fn ready(namespace: &str, pod: &str) {
    until("the pod is ready", || {
        let ready = field(
            namespace,
            &format!("pod/{pod}"),
            "{.status.conditions[?(@.type=='Ready')].status}",
        );
        (ready == "True").then_some(())
    });
}
