//! TensorFlow Serving's own traps: the servers are simulated, and say in their logs what the real one says.

use std::time::Duration;

use serde_json::{Value, json};
use tfserve_sandbox::{LINGER_ANNOTATION, MetricsServer};

use crate::adapters;
use crate::support::{
    code, explain, field, kubectl, patch_status, sandbox, type_fix, until, with_metrics_server,
};

const HPA: &str = "hpa/resnet";
const ACTIVE: &str = "{.status.conditions[?(@.type=='ScalingActive')].reason}";
const ACTIVE_MESSAGE: &str = "{.status.conditions[?(@.type=='ScalingActive')].message}";
const UNREADY: &str = "did not receive metrics for targeted pods (pods might be unready)";
const ARGUMENTS: &str = "{.spec.template.spec.containers[0].args}";

/// A server of a model on its node, and its HPA. `change` makes it what a test needs.
fn deploy(namespace: &str, change: impl FnOnce(&mut Value, &mut Value)) {
    let mut deployment = json!({"apiVersion": "apps/v1", "kind": "Deployment",
        "metadata": {"name": "resnet", "namespace": namespace},
        "spec": {"replicas": 1, "selector": {"matchLabels": {"app": "resnet"}}, "template": {
            "metadata": {"labels": {"app": "resnet"}},
            "spec": {
                "containers": [{"name": "tf-serving", "image": "tensorflow/serving:2.16.1",
                    "args": ["--model_name=resnet", "--model_base_path=/models/resnet"],
                    "ports": [{"name": "http", "containerPort": 8501}],
                    "readinessProbe": {"tcpSocket": {"port": 8500}, "periodSeconds": 5},
                    "resources": {"requests": {"cpu": "100m", "memory": "64Mi"}},
                    "volumeMounts": [{"name": "model", "mountPath": "/models/resnet"}]}],
                "volumes": [{"name": "model", "hostPath": {"path": "/srv/models/resnet"}}]}}}});
    let mut hpa = json!({"apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler",
        "metadata": {"name": "resnet", "namespace": namespace},
        "spec": {"scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "resnet"},
            "minReplicas": 1, "maxReplicas": 4, "metrics": [{"type": "Resource", "resource":
                {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 60}}}]}});
    change(&mut deployment, &mut hpa);
    sandbox()
        .apply_yaml(&format!("---\n{deployment}\n---\n{hpa}\n"))
        .expect("the manifests apply");
    let replicas = deployment["spec"]["replicas"].to_string();
    until("the pods run", || (ready(namespace) == replicas).then_some(()));
}

fn ready(namespace: &str) -> String {
    field(namespace, "deployment/resnet", "{.status.readyReplicas}")
}

fn container(deployment: &mut Value) -> &mut Value {
    &mut deployment["spec"]["template"]["spec"]["containers"][0]
}

fn pods(namespace: &str) -> Vec<String> {
    sandbox()
        .pod_names(namespace, "app=resnet")
        .expect("pods can be listed")
}

/// A server that finds no model: it is never ready, and only its log says why.
fn silence(namespace: &str, pod: &str, says: &str) {
    let warning = format!("2026-11-24 09:59:59.1: W file_system_storage_path_source.cc:268] {says}");
    sandbox()
        .set_ready(namespace, pod, false)
        .and_then(|()| sandbox().set_log(namespace, pod, &["Building single model", &warning]))
        .expect("the pod is not ready and says why");
}

#[track_caller]
fn controller_says(namespace: &str, jsonpath: &str, words: &str) {
    until(&format!("the controller says `{words}`"), || {
        field(namespace, HPA, jsonpath).contains(words).then_some(())
    });
}

/// Types the first command of a finding.
#[track_caller]
fn repair(finding: &Value) {
    let command = finding["fix"]
        .as_array()
        .into_iter()
        .flatten()
        .find_map(|fix| fix["command"].as_str())
        .expect("a command");
    let words = command.strip_prefix("kubectl ").expect("a kubectl command");
    kubectl(&words.replace('\'', "")).expect_code(0);
}

#[test]
fn servers_that_are_never_ready() {
    let spaces: Vec<_> = ["base-path", "broken-model", "probe", "nodes", "liveness"]
        .into_iter()
        .map(|name| sandbox().namespace(name).expect("a namespace"))
        .collect();
    let [base_path, broken_model, probe, nodes, liveness] =
        [0, 1, 2, 3, 4].map(|index: usize| spaces[index].name());
    let _turn = with_metrics_server(MetricsServer::Ready);
    the_base_path_names_the_version(base_path);
    the_model_cannot_be_loaded(broken_model);
    the_probe_asks_a_closed_port(probe);
    the_model_is_on_one_node(nodes);
    the_liveness_probe_ends_the_load(liveness);
}

fn the_base_path_names_the_version(namespace: &str) {
    deploy(namespace, |deployment, _| {
        container(deployment)["args"] = json!(["--model_name=resnet", "--model_base_path=/models/resnet/1"]);
    });
    let pod = pods(namespace).remove(0);
    silence(
        namespace,
        &pod,
        "No versions of servable resnet found under base path /models/resnet/1. \
         Did you forget to name your leaf directory as a number (eg. '/1/')?",
    );
    controller_says(namespace, ACTIVE_MESSAGE, UNREADY);
    let answer = explain(namespace, "resnet");
    let cause = &answer["findings"][0];
    assert_eq!(code(&answer), "TFS805", "{answer:#}");
    assert_eq!(cause["confidence"], "proven", "{answer:#}");
    assert_eq!(cause["objects"][0]["container"], "tf-serving");
    assert_eq!(cause["objects"][1]["name"], pod);
    assert!(
        cause["title"]
            .as_str()
            .is_some_and(|title| title.contains("/models/resnet/1")),
        "{cause:#}"
    );
    repair(cause);
    let arguments = field(namespace, "deployment/resnet", ARGUMENTS);
    assert!(
        arguments.ends_with("\"--model_base_path=/models/resnet\"]"),
        "{arguments}"
    );
    controller_says(namespace, ACTIVE, "ValidMetricFound");
    until("the HPA is healthy", || {
        (explain(namespace, "resnet")["verdict"] == "healthy").then_some(())
    });
}

fn the_model_cannot_be_loaded(namespace: &str) {
    deploy(namespace, |_, _| {});
    let pod = pods(namespace).remove(0);
    let error = "E tensorflow_serving/util/retrier.cc:37] Loading servable: {name: resnet version: 7} failed: \
                 Not found: Could not find meta graph def matching supplied tags: { serve }";
    sandbox()
        .set_waiting(namespace, &pod, "CrashLoopBackOff", "back-off 40s")
        .and_then(|()| sandbox().set_log(namespace, &pod, &["Adding/updating models.", error]))
        .expect("the pod is in a crash loop and says why");
    controller_says(namespace, ACTIVE_MESSAGE, UNREADY);
    let answer = explain(namespace, "resnet");
    assert_eq!(code(&answer), "TFS810", "{answer:#}");
    let cause = &answer["findings"][0];
    assert_eq!(cause["confidence"], "proven", "{answer:#}");
    assert!(
        cause["title"]
            .as_str()
            .is_some_and(|title| title.contains("version 7 of model resnet")),
        "{cause:#}"
    );
    assert_eq!(cause["objects"][1]["name"], pod);
}

fn the_probe_asks_a_closed_port(namespace: &str) {
    deploy(namespace, |deployment, _| {
        let container = container(deployment);
        container["image"] = json!("example/resnet:4");
        container["command"] = json!(["tensorflow_model_server", "--port=8500"]);
        container["readinessProbe"] = json!({"httpGet": {"path": "/v1/models/resnet", "port": "http"}});
    });
    let pod = pods(namespace).remove(0);
    sandbox()
        .set_ready(namespace, &pod, false)
        .expect("the pod is not ready");
    sandbox()
        .set_age(namespace, "app=resnet", Duration::from_secs(90))
        .expect("the pod is old");
    controller_says(namespace, ACTIVE_MESSAGE, UNREADY);
    let answer = explain(namespace, "resnet");
    assert_eq!(code(&answer), "TFS806", "{answer:#}");
    repair(&answer["findings"][0]);
    let probe = field(
        namespace,
        "deployment/resnet",
        "{.spec.template.spec.containers[0].readinessProbe}",
    );
    assert!(
        probe.contains("\"tcpSocket\":{\"port\":8500}") && !probe.contains("httpGet"),
        "{probe}"
    );
    controller_says(namespace, ACTIVE, "ValidMetricFound");
}

fn the_model_is_on_one_node(namespace: &str) {
    deploy(namespace, |deployment, hpa| {
        deployment["spec"]["replicas"] = json!(2);
        deployment["spec"]["template"]["spec"]["topologySpreadConstraints"] = json!([{"maxSkew": 1,
            "topologyKey": "kubernetes.io/hostname", "whenUnsatisfiable": "ScheduleAnyway",
            "labelSelector": {"matchLabels": {"app": "resnet"}}}]);
        hpa["spec"]["minReplicas"] = json!(2);
    });
    let all = pods(namespace);
    let node = |pod: &str| field(namespace, &format!("pod/{pod}"), "{.spec.nodeName}");
    let (with, without) = (node(&all[0]), node(&all[1]));
    assert_ne!(with, without, "the pods are spread");
    silence(
        namespace,
        &all[1],
        "No versions of servable resnet found under base path /models/resnet",
    );
    controller_says(namespace, ACTIVE, "ValidMetricFound");
    let answer = explain(namespace, "resnet");
    assert_eq!(code(&answer), "TFS808", "{answer:#}");
    assert_eq!(answer["findings"][0]["confidence"], "proven", "{answer:#}");
    let title = answer["findings"][0]["title"].as_str().unwrap_or_default();
    assert!(title.contains(&with) && title.contains(&without), "{title}");
    repair(&answer["findings"][0]);
    until("all pods are where the model is", || {
        let nodes: Vec<String> = pods(namespace).iter().map(|pod| node(pod)).collect();
        (nodes.len() == 2 && nodes.iter().all(|node| *node == with)).then_some(())
    });
}

/// The kubelet has killed the server twice, each time before it had opened a port.
fn the_liveness_probe_ends_the_load(namespace: &str) {
    deploy(namespace, |deployment, _| {
        let container = container(deployment);
        container["livenessProbe"] = json!({"tcpSocket": {"port": 8500}, "initialDelaySeconds": 15});
    });
    let pod = pods(namespace).remove(0);
    sandbox()
        .set_age(namespace, "app=resnet", Duration::from_secs(600))
        .expect("the pod is old");
    let since = field(namespace, &format!("pod/{pod}"), "{.status.startTime}");
    let killed =
        json!({"terminated": {"exitCode": 137, "reason": "Error", "startedAt": since, "finishedAt": since}});
    let server = json!({"name": "tf-serving", "image": "tensorflow/serving:2.16.1", "imageID": "",
        "ready": false, "started": true, "restartCount": 2,
        "state": {"running": {"startedAt": since}}, "lastState": killed});
    let never_ready = |kind: &str| {
        json!({"type": kind, "status": "False",
            "reason": "ContainersNotReady", "lastTransitionTime": since})
    };
    let status = json!({"status": {"containerStatuses": [server],
        "conditions": [never_ready("Ready"), never_ready("ContainersReady")]}});
    patch_status(namespace, &pod, "strategic", &status);
    controller_says(namespace, ACTIVE_MESSAGE, UNREADY);
    let answer = explain(namespace, "resnet");
    let cause = &answer["findings"][0];
    assert_eq!(code(&answer), "TFS807", "{answer:#}");
    assert_eq!(cause["confidence"], "likely", "{answer:#}");
    assert_eq!(cause["objects"][0]["container"], "tf-serving", "{answer:#}");
    assert_eq!(cause["objects"][1]["name"], pod, "{answer:#}");
    type_fix(cause, 0);
    let probe = field(
        namespace,
        "deployment/resnet",
        "{.spec.template.spec.containers[0].startupProbe}",
    );
    assert!(
        probe.contains("\"failureThreshold\":120") && probe.contains("8500"),
        "{probe}"
    );
    controller_says(namespace, ACTIVE, "ValidMetricFound");
    until("the cause is gone", || {
        let answer = explain(namespace, "resnet");
        (!answer.to_string().contains("TFS807")).then_some(())
    });
}

#[test]
fn servers_that_scale_badly() {
    let spaces: Vec<_> = ["threads", "probes", "sigterm", "quota", "memory"]
        .into_iter()
        .map(|name| sandbox().namespace(name).expect("a namespace"))
        .collect();
    let [threads, probes, sigterm, quota, memory] = [0, 1, 2, 3, 4].map(|index: usize| spaces[index].name());
    let _turn = with_metrics_server(MetricsServer::Ready);
    throttled_by_its_own_threads(threads);
    its_probes_are_its_load(probes);
    ending_pods_keep_their_room(sigterm);
    ending_pods_keep_their_quota(quota);
    its_memory_keeps_the_replicas(memory);
}

fn its_memory_keeps_the_replicas(namespace: &str) {
    deploy(namespace, |deployment, hpa| {
        deployment["spec"]["replicas"] = json!(2);
        deployment["spec"]["template"]["metadata"]["annotations"] =
            json!({tfserve_sandbox::CPU_ANNOTATION: "1m", tfserve_sandbox::MEMORY_ANNOTATION: "58Mi"});
        hpa["spec"]["metrics"] = json!([{"type": "Resource", "resource":
            {"name": "memory", "target": {"type": "Utilization", "averageUtilization": 90}}}]);
    });
    controller_says(namespace, ACTIVE_MESSAGE, "memory resource utilization");
    let answer = explain(namespace, "resnet");
    let hint = finding(&answer, "TFS809");
    assert_eq!(hint["confidence"], "likely", "{answer:#}");
    repair(hint);
    controller_says(namespace, ACTIVE_MESSAGE, "cpu resource utilization");
}

fn throttled_by_its_own_threads(namespace: &str) {
    deploy(namespace, |deployment, hpa| {
        container(deployment)["resources"]["limits"] = json!({"cpu": "100m"});
        deployment["spec"]["template"]["metadata"]["annotations"] =
            json!({tfserve_sandbox::CPU_ANNOTATION: "100m"});
        hpa["spec"]["behavior"] = json!({"scaleUp": {"selectPolicy": "Disabled"}});
    });
    // A sample of 100m may be one more or less.
    until("the HPA shows a usage at the limit", || {
        let shown = "{.status.currentMetrics[0].resource.current.averageUtilization}";
        let shown: i32 = field(namespace, HPA, shown).parse().ok()?;
        (99..=101).contains(&shown).then_some(())
    });
    let answer = explain(namespace, "resnet");
    let cause = finding(&answer, "TFS802");
    assert_eq!(cause["severity"], "warning", "{answer:#}");
    assert_eq!(cause["confidence"], "likely", "{answer:#}");
    repair(cause);
    let arguments = field(namespace, "deployment/resnet", ARGUMENTS);
    assert!(
        arguments.contains("--tensorflow_intra_op_parallelism=1"),
        "{arguments}"
    );
    let answer = explain(namespace, "resnet");
    assert!(!answer.to_string().contains("TFS802"), "{answer:#}");
}

#[track_caller]
fn finding<'a>(answer: &'a Value, code: &str) -> &'a Value {
    answer["findings"]
        .as_array()
        .into_iter()
        .flatten()
        .find(|finding| finding["code"] == code)
        .unwrap_or_else(|| panic!("no {code} in {answer:#}"))
}

fn its_probes_are_its_load(namespace: &str) {
    deploy(namespace, |deployment, hpa| {
        container(deployment)["readinessProbe"] =
            json!({"httpGet": {"path": "/v1/models/resnet", "port": 8501}, "periodSeconds": 5});
        hpa["spec"]["metrics"] = json!([{"type": "Pods", "pods": {
            "metric": {"name": "tfserving_requests_per_second"},
            "target": {"type": "AverageValue", "averageValue": "300m"}}}]);
    });
    // An adapter of another test would serve what nobody serves here.
    let _turn = adapters::alone();
    controller_says(namespace, ACTIVE, "FailedGetPodsMetric");
    let answer = explain(namespace, "resnet");
    assert_eq!(
        code(&answer),
        "TFS307",
        "what fails first comes first: {answer:#}"
    );
    let trap = finding(&answer, "TFS803");
    assert_eq!(trap["severity"], "warning", "{answer:#}");
    repair(trap);
    let answer = explain(namespace, "resnet");
    assert!(!answer.to_string().contains("TFS803"), "{answer:#}");
}

/// The only GPU belongs to a server that was told to end.
fn ending_pods_keep_their_room(namespace: &str) {
    let node = field("default", "nodes", "{.items[0].metadata.name}");
    gpus(&node, "1");
    deploy(namespace, |deployment, _| {
        let template = &mut deployment["spec"]["template"];
        template["metadata"]["annotations"] = json!({LINGER_ANNOTATION: "true"});
        template["spec"]["terminationGracePeriodSeconds"] = json!(300);
        container(deployment)["resources"]["limits"] = json!({"amd.com/gpu": "1"});
    });
    let before = explain(namespace, "resnet");
    assert!(before.to_string().contains("TFS801"), "{before:#}");
    let victim = pods(namespace).remove(0);
    kubectl(&format!("delete pod {victim} -n {namespace} --wait=false")).expect_code(0);
    controller_says(namespace, ACTIVE_MESSAGE, UNREADY);
    let answer = until("the new pod waits for the GPU of the old one", || {
        let answer = explain(namespace, "resnet");
        let pending = &answer["findings"][0]["consequences"][0]["code"];
        (code(&answer) == "TFS804" && pending == "TFS503").then_some(answer)
    });
    let pending = kubectl(&format!(
        "get pods -n {namespace} --field-selector=status.phase=Pending -o yaml"
    ));
    assert!(
        pending.stdout.contains("Insufficient amd.com/gpu"),
        "{}",
        pending.stdout
    );
    let cause = &answer["findings"][0];
    assert_eq!(cause["objects"][1]["name"], victim, "{answer:#}");
    repair(cause);
    let grace = field(
        namespace,
        "deployment/resnet",
        "{.spec.template.spec.terminationGracePeriodSeconds}",
    );
    assert_eq!(grace, "40");
    type_fix(cause, 1);
    controller_says(namespace, ACTIVE, "ValidMetricFound");
    kubectl(&format!("delete deployment resnet -n {namespace}")).expect_code(0);
    kubectl(&format!(
        "delete pods --all -n {namespace} --grace-period=0 --force"
    ))
    .expect_code(0);
    gpus(&node, "0");
}

/// A quota of one pod, and it belongs to a server that was told to end.
fn ending_pods_keep_their_quota(namespace: &str) {
    deploy(namespace, |deployment, _| {
        deployment["spec"]["template"]["metadata"]["annotations"] = json!({LINGER_ANNOTATION: "true"});
    });
    kubectl(&format!("create quota one -n {namespace} --hard=pods=1")).expect_code(0);
    until("the quota is counted", || {
        (field(namespace, "quota/one", "{.status.used.pods}") == "1").then_some(())
    });
    let victim = pods(namespace).remove(0);
    kubectl(&format!("delete pod {victim} -n {namespace} --wait=false")).expect_code(0);
    until("the quota refuses the new pod", || {
        let refusal = "{.status.conditions[?(@.type=='ReplicaFailure')].message}";
        field(namespace, "deployment/resnet", refusal)
            .contains("exceeded quota: one")
            .then_some(())
    });
    let answer = until("the cause comes first", || {
        let answer = explain(namespace, "resnet");
        let refused = &answer["findings"][0]["consequences"][0]["code"];
        (code(&answer) == "TFS804" && refused == "TFS702").then_some(answer)
    });
    assert_eq!(answer["findings"][0]["objects"][1]["name"], victim, "{answer:#}");
    type_fix(&answer["findings"][0], 0);
    controller_says(namespace, ACTIVE, "ValidMetricFound");
    kubectl(&format!("delete deployment resnet -n {namespace}")).expect_code(0);
    kubectl(&format!(
        "delete pods --all -n {namespace} --grace-period=0 --force"
    ))
    .expect_code(0);
}

/// What the GPU vendor's device plugin reports of a node. Other tests ask for GPUs of another vendor, and find none.
fn gpus(node: &str, number: &str) {
    let resources = json!({"amd.com/gpu": number});
    let patch = json!({"status": {"capacity": resources, "allocatable": resources}});
    kubectl(&format!(
        "patch node {node} --subresource=status --type=merge -p {patch}"
    ))
    .expect_code(0);
}
