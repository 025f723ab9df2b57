//! `up` where the pods do not come up: what the API server, the scheduler and the controllers do is real; what only a
//! kubelet could tell is written in its place.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener};

use serde_json::json;
use tfserve_sandbox::Error;

use crate::support::{Ran, apply, field, kubectl, sandbox, until, unwrapped};

fn up(namespace: &str, words: &str) -> Ran {
    kubectl(&format!("tfserve up {words} -n {namespace}"))
}

/// Applies, lets something happen to the pod, and waits by the same command again.
#[track_caller]
fn again(namespace: &str, words: &str, happens: impl FnOnce(&str) -> Result<(), Error>) -> Ran {
    let name = words.split(' ').next().unwrap_or_default();
    up(namespace, &format!("{words} --wait=false")).expect_code(0);
    let pod = until("there is a pod", || {
        let pod = sandbox()
            .pod_names(namespace, &format!("app={name}"))
            .ok()?
            .first()?
            .clone();
        (field(namespace, &format!("pod/{pod}"), "{.status.phase}") == "Running").then_some(pod)
    });
    happens(&pod).expect("it happens");
    nobody_is_available(namespace, name);
    up(namespace, &format!("{words} --timeout 3m"))
}

/// What happens to a pod is known to its Deployment a moment later.
#[track_caller]
fn nobody_is_available(namespace: &str, name: &str) {
    let unavailable = "{.status.unavailableReplicas}";
    until("the Deployment knows of it", || {
        (field(namespace, &format!("deployment/{name}"), unavailable) == "1").then_some(())
    });
}

/// An event of the kubelet.
fn event(namespace: &str, pod: &str, reason: &str, message: &str) {
    let uid = field(namespace, &format!("pod/{pod}"), "{.metadata.uid}");
    apply(&[
        json!({"apiVersion": "v1", "kind": "Event", "type": "Warning", "reason": reason, "message": message,
        "metadata": {"name": format!("{pod}.{}", reason.to_lowercase()), "namespace": namespace}, "count": 4,
        "firstTimestamp": "2026-01-01T00:00:00Z", "lastTimestamp": "2026-01-01T00:00:30Z",
        "source": {"component": "kubelet"},
        "involvedObject": {"apiVersion": "v1", "kind": "Pod", "name": pod, "namespace": namespace, "uid": uid}}),
    ]);
}

#[track_caller]
fn tells(ran: &Ran, parts: &[&str]) {
    let page = unwrapped(&ran.stdout);
    for part in parts {
        assert!(page.contains(part), "{part}\n{}\n{}", ran.stdout, ran.stderr);
    }
}

const ENDS: &str = "does not come up, see above";

#[test]
fn containers_that_do_not_run() {
    let space = sandbox().namespace("up-containers").expect("a namespace");
    let namespace = space.name();
    let said = r#"Back-off pulling image "tensorflow/serving:2.20.0": manifest unknown"#;
    let image = again(namespace, "image --model gs://m/a", |pod| {
        event(namespace, pod, "Failed", "Failed to pull image: manifest unknown");
        sandbox().set_waiting(namespace, pod, "ImagePullBackOff", said)
    })
    .expect_code(3);
    tells(
        &image,
        &[
            "All pods of Deployment/image are Pending: ImagePullBackOff",
            said,
            "Failed to pull image: manifest unknown (4 times)",
            "the same command with an image that exists in `--image`",
        ],
    );
    assert!(image.stderr.contains(ENDS), "{}", image.stderr);

    let crash = again(namespace, "crash --model gs://m/a", |pod| {
        sandbox().set_waiting(namespace, pod, "CrashLoopBackOff", "back-off 20s")?;
        sandbox().set_log(
            namespace,
            pod,
            &[
                "Building single model",
                "Failed to start server. Error: Invalid argument",
            ],
        )
    })
    .expect_code(3);
    tells(
        &crash,
        &[
            "container tf-serving is in CrashLoopBackOff",
            "last words of tf-serving",
            "Failed to start server. Error: Invalid argument",
        ],
    );

    let config = again(namespace, "config --model gs://m/a", |pod| {
        sandbox().set_waiting(
            namespace,
            pod,
            "CreateContainerConfigError",
            "configmap \"config-configs\" not found",
        )
    })
    .expect_code(3);
    tells(&config, &["configmap \"config-configs\" not found"]);
    assert!(config.stderr.contains(ENDS), "{}", config.stderr);

    let mount = again(namespace, "mount --model hostPath:/srv/m", |pod| {
        event(
            namespace,
            pod,
            "FailedMount",
            r#"MountVolume.SetUp failed for volume "model" : hostPath type check failed: /srv/m is not a directory"#,
        );
        sandbox().set_waiting(namespace, pod, "ContainerCreating", "")
    })
    .expect_code(3);
    tells(
        &mount,
        &[
            "All pods of Deployment/mount are Pending: volume model cannot be mounted",
            "hostPath type check failed: /srv/m is not a directory (4 times)",
        ],
    );
    assert!(mount.stderr.contains(ENDS), "{}", mount.stderr);
}

#[test]
fn servers_that_do_not_serve() {
    let space = sandbox().namespace("up-servers").expect("a namespace");
    let namespace = space.name();
    let missing = "2026-11-24 10:00:05.1: W file_system_storage_path_source.cc:268] No versions of servable path found \
                   under base path gs://m/path/1. Did you forget to name your leaf directory as a number (eg. '/1/')?";
    let path = again(namespace, "path --model gs://m/path/1", |pod| {
        sandbox().set_ready(namespace, pod, false)?;
        sandbox().set_log(namespace, pod, &[missing])
    })
    .expect_code(3);
    tells(
        &path,
        &[
            "TFS805",
            "finds no version of model path under gs://m/path/1",
            "the same command with `--model gs://m/path`",
        ],
    );
    assert!(path.stderr.contains(ENDS), "{}", path.stderr);

    let broken = again(namespace, "broken --model gs://m/broken", |pod| {
        sandbox().set_ready(namespace, pod, false)?;
        let line = "E retrier.cc:37] Loading servable: {name: broken version: 7} failed: Not found: Could not find meta \
                    graph def matching supplied tags: { serve }";
        sandbox().set_log(namespace, pod, &[line])
    })
    .expect_code(3);
    tells(
        &broken,
        &[
            "TFS810",
            "cannot load version 7 of model broken",
            "export the model with the tag serve",
        ],
    );

    up(namespace, "probe --model gs://m/probe --wait=false").expect_code(0);
    let pod = until("there is a pod", || {
        let pod = sandbox().pod_names(namespace, "app=probe").ok()?.first()?.clone();
        (field(namespace, &format!("pod/{pod}"), "{.status.phase}") == "Running").then_some(pod)
    });
    event(
        namespace,
        &pod,
        "Unhealthy",
        "Startup probe failed: dial tcp 10.0.0.7:8500: connect: connection refused",
    );
    sandbox()
        .set_ready(namespace, &pod, false)
        .and_then(|()| sandbox().set_log(namespace, &pod, &["Adding/updating models."]))
        .expect("the pod is not ready");
    nobody_is_available(namespace, "probe");
    let probe = up(namespace, "probe --model gs://m/probe --timeout 5s").expect_code(3);
    tells(
        &probe,
        &[
            "No pod of Deployment/probe has ever been ready",
            "Startup probe failed: dial tcp 10.0.0.7:8500: connect: connection refused (4 times)",
            "Adding/updating models.",
        ],
    );
    assert!(
        probe
            .stderr
            .contains("is not ready within `--timeout 5s`, see above: 0 of 1 pods available"),
        "{}",
        probe.stderr
    );
}

#[test]
fn pods_that_fit_on_no_node() {
    let space = sandbox().namespace("up-room").expect("a namespace");
    let namespace = space.name();
    let cpu = up(namespace, "cpu --model gs://m/a --cpu 1000").expect_code(3);
    tells(
        &cpu,
        &[
            "no node has room for them (insufficient cpu)",
            "it asks for 1000, and the most that is free on one node is",
            "of 8, on sandbox-node-",
            "ask for less with `--cpu`, or add nodes",
        ],
    );
    assert!(cpu.stderr.contains(ENDS), "{}", cpu.stderr);
    let gpu = up(namespace, "gpu --model gs://m/a --gpu 2").expect_code(3);
    tells(
        &gpu,
        &[
            "insufficient nvidia.com/gpu",
            "it asks for 2, and no node has any",
            "device plugin",
        ],
    );

    // Somebody adds a node: only the deadline ends that wait.
    let pod = until("there is a pod", || {
        sandbox().pod_names(namespace, "app=cpu").ok()?.first().cloned()
    });
    event(
        namespace,
        &pod,
        "TriggeredScaleUp",
        "pod triggered scale-up: [{pool 1->2 (max: 5)}]",
    );
    let coming = up(namespace, "cpu --model gs://m/a --cpu 1000 --timeout 20s").expect_code(3);
    assert!(
        coming.stderr.contains("waits for a node: TriggeredScaleUp"),
        "{}",
        coming.stderr
    );
    assert!(
        coming.stderr.contains("is not ready within `--timeout 20s`"),
        "{}",
        coming.stderr
    );
}

#[test]
fn what_admission_refuses() {
    let space = sandbox().namespace("up-admission").expect("a namespace");
    let namespace = space.name();
    let label = format!("label namespace {namespace} pod-security.kubernetes.io/enforce=baseline");
    kubectl(&label).expect_code(0);
    let refused = up(namespace, "node --model hostPath:/srv/m").expect_code(3);
    tells(
        &refused,
        &[
            "cannot create its pods: they violate the PodSecurity level baseline",
            "serve the model from `pvc:`, a bucket or an image",
        ],
    );
    // The container of every other source keeps to the strictest level.
    let label =
        format!("label namespace {namespace} pod-security.kubernetes.io/enforce=restricted --overwrite");
    kubectl(&label).expect_code(0);
    up(namespace, "bucket --model gs://m/a").expect_code(0);
    kubectl(&format!("create quota limits -n {namespace} --hard=limits.cpu=8")).expect_code(0);
    until("the quota is counted", || {
        (!field(namespace, "quota/limits", "{.status.hard}").is_empty()).then_some(())
    });
    let refused = up(namespace, "limits --model gs://m/a").expect_code(3);
    tells(
        &refused,
        &[
            "ResourceQuota limits requires limits.cpu",
            "the same command with `--cpu-limit`",
        ],
    );
    up(namespace, "limits --model gs://m/a --cpu-limit 2").expect_code(0);

    // A policy on the Deployment itself: nothing is written.
    let policy = format!("{namespace}-names");
    let place = json!({"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": namespace}}});
    apply(&[
        json!({"apiVersion": "admissionregistration.k8s.io/v1", "kind": "ValidatingAdmissionPolicy",
            "metadata": {"name": policy}, "spec": {"failurePolicy": "Fail",
                "matchConstraints": {"resourceRules": [{"apiGroups": ["apps"], "apiVersions": ["v1"],
                    "operations": ["CREATE", "UPDATE"], "resources": ["deployments"]}]},
                "validations": [{"expression": "object.metadata.name != 'policy'", "message": "not by that name"}]}}),
        json!({"apiVersion": "admissionregistration.k8s.io/v1", "kind": "ValidatingAdmissionPolicyBinding",
            "metadata": {"name": policy}, "spec": {"policyName": policy, "validationActions": ["Deny"],
                "matchResources": place}}),
    ]);
    let refused = until("the policy is in force", || {
        let ran = up(namespace, "policy --model gs://m/a --wait=false");
        if ran.code == 3 {
            return Some(ran);
        }
        kubectl(&format!(
            "delete deployment,service,configmap -n {namespace} -l app.kubernetes.io/part-of=policy"
        ));
        kubectl(&format!("tfserve down policy --yes -n {namespace}"));
        None
    });
    assert!(refused.stderr.contains("not by that name"), "{}", refused.stderr);
    let left = kubectl(&format!(
        "get configmap/policy-configs -n {namespace} --ignore-not-found"
    ));
    assert_eq!(left.stdout, "");
    kubectl(&format!(
        "delete validatingadmissionpolicies,validatingadmissionpolicybindings {policy} --wait=false"
    ));
}

#[test]
fn a_new_namespace_is_made_only_for_who_may_fill_it() {
    let space = sandbox().namespace("up-new").expect("a namespace");
    let namespace = format!("{}-made", space.name());
    let user = space.name();
    kubectl(&format!(
        "create clusterrole {user} --verb=get,create,patch --resource=namespaces"
    ))
    .expect_code(0);
    kubectl(&format!(
        "create clusterrolebinding {user} --clusterrole={user} --user={user}"
    ))
    .expect_code(0);
    let words = format!("m --model gs://m/a --create-namespace --wait=false --as {user}");
    let refused = up(&namespace, &words).expect_code(3);
    assert!(
        refused.stderr.contains(&format!("and not what belongs into it; ask for the right, and check it with `kubectl auth can-i get configmaps -n {namespace}`")),
        "{}",
        refused.stderr
    );
    assert_eq!(
        kubectl(&format!("get namespace {namespace} --ignore-not-found -o name")).stdout,
        ""
    );

    // What only the API server can judge, it judges when the namespace is there: that is said, and repaired.
    let policy = format!("{namespace}-all");
    let place = json!({"namespaceSelector": {"matchExpressions": [{"key": "kubernetes.io/metadata.name",
        "operator": "In", "values": [space.name(), namespace]}]}});
    apply(&[
        json!({"apiVersion": "admissionregistration.k8s.io/v1", "kind": "ValidatingAdmissionPolicy",
            "metadata": {"name": policy}, "spec": {"failurePolicy": "Fail",
                "matchConstraints": {"resourceRules": [{"apiGroups": ["apps"], "apiVersions": ["v1"],
                    "operations": ["CREATE", "UPDATE"], "resources": ["deployments"]}]},
                "validations": [{"expression": "false", "message": "no Deployments here"}]}}),
        json!({"apiVersion": "admissionregistration.k8s.io/v1", "kind": "ValidatingAdmissionPolicyBinding",
            "metadata": {"name": policy}, "spec": {"policyName": policy, "validationActions": ["Deny"],
                "matchResources": place}}),
    ]);
    // The API server takes a moment to know a policy, and asks none about what is not there: a namespace that is there
    // shows when it does.
    until("the policy is in force", || {
        let create = "create deployment probe --image=example/a:1 --dry-run=server";
        let tried = kubectl(&format!("{create} -n {}", space.name()));
        tried.stderr.contains("no Deployments here").then_some(())
    });
    let refused = up(&namespace, "m --model gs://m/a --create-namespace --wait=false").expect_code(3);
    for part in [
        "no Deployments here",
        &format!("Namespace {namespace} was made before the API server could judge that"),
        &format!("`kubectl tfserve down m -n {namespace}` removes it"),
    ] {
        assert!(refused.stderr.contains(part), "{part}: {}", refused.stderr);
    }
    let left = kubectl(&format!(
        "get configmaps,services -n {namespace} -o name -l app.kubernetes.io/managed-by"
    ));
    assert_eq!(left.stdout, "", "nothing but the namespace is written");
    // While another test takes an API away, nobody knows what a namespace holds, and it stays.
    let removed = until("every API answers", || {
        let ran = kubectl(&format!("tfserve down m --yes --wait=false -n {namespace}")).expect_code(0);
        (!ran.stderr.contains("what it holds is not known")).then_some(ran)
    });
    assert_eq!(removed.stdout, format!("namespace/{namespace} deleted\n"));
    kubectl(&format!(
        "delete validatingadmissionpolicies,validatingadmissionpolicybindings {policy} --wait=false"
    ));
    kubectl(&format!(
        "delete clusterrole,clusterrolebinding {user} --wait=false"
    ));
}

/// Answers every request with the state of a model: the first answers first, the last one for ever.
fn model_server(answers: &'static [&'static str]) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    std::thread::spawn(move || {
        for (number, stream) in listener.incoming().enumerate() {
            let Ok(mut stream) = stream else { continue };
            let mut request = [0; 1024];
            let _ = stream.read(&mut request);
            let body = answers[number.min(answers.len() - 1)];
            let head = format!(
                "HTTP/1.1 200 OK\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
                body.len()
            );
            let _ = stream.write_all(format!("{head}{body}").as_bytes());
        }
    });
    address
}

const LOADING: &str = r#"{"model_version_status": [{"version": "1", "state": "LOADING", "status": {"error_code": "OK", "error_message": ""}}]}"#;
const AVAILABLE: &str = r#"{"model_version_status": [{"version": "1", "state": "AVAILABLE", "status": {"error_code": "OK", "error_message": ""}}]}"#;
const ENDED: &str = r#"{"model_version_status": [{"version": "1", "state": "END", "status": {"error_code": "NOT_FOUND", "error_message": "Could not find SavedModel .pb or .pbtxt at supplied export directory path: /models/m/1"}}]}"#;

#[test]
fn the_servers_own_word_counts() {
    let space = sandbox().namespace("up-models").expect("a namespace");
    let namespace = space.name();
    sandbox()
        .forward_port_in(namespace, 8501, model_server(&[LOADING, LOADING, AVAILABLE]))
        .expect("the forward is in force");
    let served = up(namespace, "m --model gs://m/a").expect_code(0);
    for line in [
        "model    m: version 1 AVAILABLE",
        "pods     1 ready, 1 asked and serving",
    ] {
        assert!(
            served.stdout.contains(line),
            "{line}: {}{}",
            served.stdout,
            served.stderr
        );
    }
    assert!(
        served.stderr.contains("model: m: version 1 LOADING"),
        "{}",
        served.stderr
    );

    let ended = sandbox().namespace("up-model-ended").expect("a namespace");
    let namespace = ended.name();
    sandbox()
        .forward_port_in(namespace, 8501, model_server(&[ENDED]))
        .expect("the forward is in force");
    let refused = up(namespace, "m --model gs://m/a").expect_code(3);
    let why = "is ready and does not serve model m: version 1 END (NOT_FOUND: Could not find SavedModel .pb or .pbtxt";
    assert!(refused.stderr.contains(why), "{}", refused.stderr);

    let loading = sandbox().namespace("up-model-loading").expect("a namespace");
    let namespace = loading.name();
    sandbox()
        .forward_port_in(namespace, 8501, model_server(&[LOADING]))
        .expect("the forward is in force");
    up(namespace, "m --model gs://m/a --wait=false").expect_code(0);
    until("the pod is ready", || {
        (field(namespace, "deployment/m", "{.status.availableReplicas}") == "1").then_some(())
    });
    let late = up(namespace, "m --model gs://m/a --timeout 15s").expect_code(3);
    assert!(
        late.stderr
            .contains("does not serve model m: version 1 LOADING; it may take longer than `--timeout`"),
        "{}",
        late.stderr
    );
}
