//! Requests that are missing and pods that do not count: many workloads in one namespace, each with its real symptom,
//! its cause and the repair that is typed.

use std::process::Command;
use std::time::Duration;

use serde_json::{Value, json};
use tfserve_sandbox::{CPU_ANNOTATION, End, HOLD_ANNOTATION, MetricsServer};

use crate::support::{Ran, apply, explain, field, kubectl, sandbox, until, with_metrics_server};
use crate::workloads::{bare, container, cpu, deployment, hpa, requested, template, usage, workload};

const ACTIVE: &str = "{.status.conditions[?(@.type=='ScalingActive')]}";

/// One workload and its HPA, both of the name that is the workload's label as well.
struct Incident {
    name: &'static str,
    objects: Vec<Value>,
    /// A part of what the controller says of it.
    says: &'static str,
    /// The code of the first finding.
    code: &'static str,
    /// A part of the objects that it names.
    at_fault: &'static str,
    /// Whether its first repair, typed, lets the HPA compute again.
    recovers: bool,
}

/// Types a repair as a person would.
#[track_caller]
fn type_fix(finding: &Value) {
    let command = finding["fix"][0]["command"]
        .as_str()
        .unwrap_or_else(|| panic!("no command: {finding:#}"));
    let path = std::env::var_os("PATH").unwrap_or_default();
    let directories = std::iter::once(sandbox().kubectl_directory()).chain(std::env::split_paths(&path));
    let ran: Ran = Command::new("sh")
        .args(["-c", command])
        .env("PATH", std::env::join_paths(directories).expect("a path"))
        .env("KUBECONFIG", sandbox().kubeconfig())
        .output()
        .expect("sh runs")
        .into();
    ran.expect_code(0);
}

#[track_caller]
fn prove(namespace: &str, incident: &Incident) {
    let name = incident.name;
    until(
        &format!("the controller says {} of {name}", incident.says),
        || {
            let said = field(namespace, &format!("hpa/{name}"), ACTIVE);
            said.contains(incident.says).then_some(())
        },
    );
    let finding = until(&format!("{} comes first for {name}", incident.code), || {
        let finding = explain(namespace, name)["findings"][0].clone();
        // While pods are being started, that is all there is to say.
        (finding["code"] == incident.code && finding["severity"] != "info").then_some(finding)
    });
    let objects = finding["objects"].to_string();
    assert!(objects.contains(incident.at_fault), "{name}: {objects}");
    if incident.recovers {
        type_fix(&finding);
    }
}

#[track_caller]
fn recovered(namespace: &str, incident: &Incident) {
    until(&format!("{} is repaired", incident.name), || {
        let said = field(namespace, &format!("hpa/{}", incident.name), ACTIVE);
        said.contains("ValidMetricFound").then_some(())
    });
}

fn patch_status(namespace: &str, pod: &str, kind: &str, patch: &Value) {
    let pod = format!("pod/{pod}");
    let (kind, patch) = (format!("--type={kind}"), patch.to_string());
    let words = [
        "patch",
        &pod,
        "-n",
        namespace,
        "--subresource=status",
        &kind,
        "-p",
        &patch,
    ];
    sandbox()
        .run_kubectl(&words, None)
        .expect("the status is patched");
}

/// Incidents that are there as soon as they are applied.
fn missing_requests(namespace: &str) -> Vec<Incident> {
    let bare_container = |name: &str| container(name, &json!({}));
    let proxy = json!({"name": "proxy", "image": "example/proxy:1", "restartPolicy": "Always"});
    let of_pod = json!({"resources": {"requests": {"memory": "64Mi"}}});
    let both = json!([cpu(60)[0], {"type": "ContainerResource", "containerResource": {"name": "cpu",
        "container": "main", "target": {"type": "Utilization", "averageUtilization": 60}}}]);
    let of_app = json!([{"type": "ContainerResource", "containerResource": {"name": "cpu", "container": "app",
        "target": {"type": "Utilization", "averageUtilization": 60}}}]);
    let incident = |name, kind, workload, metrics: &Value, others: &[Value], says, code, at_fault| Incident {
        name,
        objects: [&[workload, hpa(namespace, kind, name, metrics)], others].concat(),
        says,
        code,
        at_fault,
        recovers: true,
    };
    let plain = |name| deployment(namespace, name, &[requested()]);
    // One metric that fails stops the HPA where the other would scale down.
    let mut typo = plain("typo");
    usage(&mut typo, "1m", 3);
    let mut cache = workload(
        namespace,
        "StatefulSet",
        "cache",
        &template("stateful", &[bare_container("db")], &json!({})),
    );
    cache["spec"]["selector"]["matchLabels"] = json!({"app": "stateful", "tier": "cache"});
    cache["spec"]["template"]["metadata"]["labels"] = json!({"app": "stateful", "tier": "cache"});
    let mut canary = workload(
        namespace,
        "Deployment",
        "canary",
        &template("named", &[], &json!({})),
    );
    canary["spec"]["selector"]["matchLabels"] = json!({"app": "named", "track": "canary"});
    canary["spec"]["template"]["metadata"]["labels"] = json!({"app": "named", "track": "canary"});
    canary["spec"]["template"]["spec"]["containers"] =
        json!([container("server", &json!({"requests": {"cpu": "100m"}}))]);
    let mut job = json!({"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "import", "namespace": namespace},
        "spec": {"template": template("job", &[bare_container("load")], &json!({"restartPolicy": "Never"}))}});
    job["spec"]["template"]["metadata"]["annotations"][HOLD_ANNOTATION] = json!("runs for long");
    let mut going = bare(namespace, "going", "terminating");
    going["metadata"]["finalizers"] = json!(["example.com/backup"]);
    let sidecar = template("sidecar", &[requested()], &json!({"initContainers": [proxy]}));
    let level = template("pod-level", &[bare_container("app")], &of_pod);
    vec![
        incident(
            "two",
            "Deployment",
            deployment(namespace, "two", &[bare_container("app"), bare_container("log")]),
            &cpu(60),
            &[],
            "missing request for cpu in container",
            "TFS401",
            "\"container\":\"log\"",
        ),
        incident(
            "sidecar",
            "Deployment",
            workload(namespace, "Deployment", "sidecar", &sidecar),
            &cpu(60),
            &[],
            "in container proxy",
            "TFS401",
            "\"container\":\"proxy\"",
        ),
        incident(
            "pod-level",
            "Deployment",
            workload(namespace, "Deployment", "pod-level", &level),
            &cpu(60),
            &[],
            "missing pod-level request for cpu",
            "TFS401",
            "\"container\":\"app\"",
        ),
        incident(
            "set",
            "ReplicaSet",
            workload(
                namespace,
                "ReplicaSet",
                "set",
                &template("set", &[bare_container("app")], &json!({})),
            ),
            &cpu(60),
            &[],
            "in container app",
            "TFS401",
            "\"ReplicaSet\"",
        ),
        incident(
            "job",
            "Deployment",
            plain("job"),
            &cpu(60),
            &[job],
            "in container load",
            "TFS403",
            "\"Job\"",
        ),
        incident(
            "debug",
            "Deployment",
            plain("debug"),
            &cpu(60),
            &[bare(namespace, "shell", "debug")],
            "of Pod shell",
            "TFS403",
            "\"shell\"",
        ),
        incident(
            "stateful",
            "Deployment",
            plain("stateful"),
            &cpu(60),
            &[cache],
            "of Pod cache-0",
            "TFS403",
            "\"StatefulSet\"",
        ),
        incident(
            "terminating",
            "Deployment",
            plain("terminating"),
            &cpu(60),
            &[going],
            "of Pod going",
            "TFS403",
            "\"going\"",
        ),
        incident(
            "typo",
            "Deployment",
            typo,
            &both,
            &[],
            "pods might be unready",
            "TFS406",
            "\"typo\"",
        ),
        incident(
            "named",
            "Deployment",
            plain("named"),
            &of_app,
            &[canary],
            "container app not found in Pod",
            "TFS406",
            "\"canary\"",
        ),
    ]
}

/// Pods that do not start, and what keeps them.
fn pods_that_do_not_run(namespace: &str) -> Vec<Incident> {
    let claim = json!({"volumes": [{"name": "data", "persistentVolumeClaim": {"claimName": "models"}}]});
    let incident = |name, spec: &Value, at_fault, recovers| Incident {
        name,
        objects: vec![
            workload(
                namespace,
                "Deployment",
                name,
                &template(name, &[requested()], spec),
            ),
            hpa(namespace, "Deployment", name, &cpu(60)),
        ],
        says: "no metrics returned from resource metrics API",
        code: "TFS503",
        at_fault,
        recovers,
    };
    vec![
        incident("claim", &claim, "\"PersistentVolumeClaim\"", false),
        incident(
            "selector",
            &json!({"nodeSelector": {"disk": "none"}}),
            "\"selector-",
            false,
        ),
        incident(
            "gate",
            &json!({"schedulingGates": [{"name": "example.com/wait"}]}),
            "\"gate-",
            false,
        ),
        incident(
            "scheduler",
            &json!({"schedulerName": "mine"}),
            "\"scheduler-",
            true,
        ),
    ]
}

#[test]
fn requests_and_pods() {
    let space = sandbox().namespace("pods").expect("a namespace");
    let namespace = space.name();
    let _turn = with_metrics_server(MetricsServer::Ready);
    let missing = missing_requests(namespace);
    let stuck = pods_that_do_not_run(namespace);
    let objects: Vec<Value> = missing
        .iter()
        .chain(&stuck)
        .flat_map(|it| it.objects.clone())
        .collect();
    apply(&objects);
    rollouts(namespace, true);
    lookers(namespace);
    until("the foreign pod runs", || {
        (field(namespace, "pod/going", "{.status.phase}") == "Running").then_some(())
    });
    kubectl(&format!("delete pod going -n {namespace} --wait=false")).expect_code(0);
    rollouts(namespace, false);
    for incident in missing.iter().chain(&stuck) {
        prove(namespace, incident);
    }
    replaced_by_hand(namespace);
    held_up(namespace);
    pods_that_count_for_nothing(namespace);
    hidden_and_mistaken(namespace);
    for incident in missing.iter().chain(&stuck).filter(|it| it.recovers) {
        recovered(namespace, incident);
    }
}

/// Workloads whose template is repaired while nothing, or nothing that runs, takes the place of their pods.
fn rollouts(namespace: &str, before: bool) {
    let resources = if before {
        json!({})
    } else {
        json!({"requests": {"cpu": "100m"}})
    };
    let set = |name: &str, strategy: &Value| {
        let mut set = workload(
            namespace,
            "StatefulSet",
            name,
            &template(name, &[container("app", &resources)], &json!({})),
        );
        set["spec"]["updateStrategy"] = strategy.clone();
        set
    };
    let too_much = if before {
        json!({})
    } else {
        json!({"requests": {"cpu": "500"}})
    };
    let mut held = deployment(namespace, "held-up", &[container("app", &too_much)]);
    held["spec"]["strategy"] = json!({"rollingUpdate": {"maxUnavailable": 0, "maxSurge": 1}});
    apply(&[
        set("by-hand", &json!({"type": "OnDelete"})),
        set(
            "partition",
            &json!({"type": "RollingUpdate", "rollingUpdate": {"partition": 3}}),
        ),
        held,
    ]);
    if !before {
        apply(&[
            hpa(namespace, "StatefulSet", "by-hand", &cpu(60)),
            hpa(namespace, "StatefulSet", "partition", &cpu(60)),
            hpa(namespace, "Deployment", "held-up", &cpu(60)),
        ]);
        return;
    }
    for name in ["by-hand", "partition", "held-up"] {
        until("the pods without a request run", || {
            let phases = kubectl(&format!(
                "get pods -n {namespace} -l app={name} -o jsonpath={{.items[*].status.phase}}"
            ));
            (phases.stdout == "Running").then_some(())
        });
    }
}

fn replaced_by_hand(namespace: &str) {
    for (name, at_fault) in [("by-hand", "by-hand-0"), ("partition", "partition-0")] {
        let incident = Incident {
            name,
            objects: Vec::new(),
            says: "missing request for cpu in container app",
            code: "TFS404",
            at_fault,
            recovers: true,
        };
        prove(namespace, &incident);
        recovered(namespace, &incident);
    }
}

/// The repair is applied, and no node has room for the new pod: that is the cause, the old pod follows from it.
fn held_up(namespace: &str) {
    prove(
        namespace,
        &Incident {
            name: "held-up",
            objects: Vec::new(),
            says: "missing request for cpu in container app",
            code: "TFS503",
            at_fault: "\"held-up-",
            recovers: false,
        },
    );
    let finding = explain(namespace, "held-up")["findings"][0].clone();
    assert_eq!(finding["severity"], "error", "{finding:#}");
    assert_eq!(finding["consequences"][0]["code"], "TFS404", "{finding:#}");
}

/// Workloads whose pods are changed once they run.
fn lookers(namespace: &str) {
    let busy = |mut workload: Value| {
        workload["spec"]["template"]["metadata"]["annotations"][CPU_ANNOTATION] = json!("100m");
        workload
    };
    let big = container("proxy", &json!({"requests": {"cpu": "300m"}}));
    let mut hidden = deployment(namespace, "hidden", &[requested(), big]);
    hidden["spec"]["template"]["metadata"]["annotations"]["cpu.sandbox.tfserve.dev/app"] = json!("100m");
    hidden["spec"]["template"]["metadata"]["annotations"]["cpu.sandbox.tfserve.dev/proxy"] = json!("1m");
    let value = |value: &str| {
        json!([{"type": "Resource", "resource":
        {"name": "cpu", "target": {"type": "AverageValue", "averageValue": value}}}])
    };
    let ordered = busy(workload(
        namespace,
        "StatefulSet",
        "ordered",
        &template("ordered", &[requested()], &json!({})),
    ));
    apply(&[
        busy(deployment(namespace, "ended", &[requested()])),
        hpa(namespace, "Deployment", "ended", &cpu(60)),
        deployment(namespace, "timeless", &[requested()]),
        hpa(namespace, "Deployment", "timeless", &cpu(60)),
        ordered,
        hidden,
        hpa(namespace, "Deployment", "hidden", &cpu(60)),
        busy(deployment(namespace, "thousandth", &[requested()])),
        hpa(namespace, "Deployment", "thousandth", &value("1m")),
    ]);
    for name in ["ended", "timeless", "ordered"] {
        until("the pod runs", || {
            let phases = kubectl(&format!(
                "get pods -n {namespace} -l app={name} -o jsonpath={{.items[*].status.phase}}"
            ));
            (phases.stdout == "Running").then_some(())
        });
    }
    let pod = |name: &str| {
        sandbox()
            .pod_names(namespace, &format!("app={name}"))
            .expect("pods")[0]
            .clone()
    };
    sandbox()
        .finish(namespace, &pod("ended"), End::Succeeded)
        .expect("the pod ends");
    patch_status(
        namespace,
        &pod("timeless"),
        "json",
        &json!([{"op": "remove", "path": "/status/startTime"}]),
    );
    sandbox()
        .set_age(namespace, "app=ordered", Duration::from_secs(3600))
        .expect("it is old");
    let since = (chrono::Utc::now() - chrono::Duration::minutes(5))
        .to_rfc3339_opts(chrono::SecondsFormat::Secs, true);
    let unready = json!({"status": {"conditions": [{"type": "Ready", "status": "False", "lastTransitionTime": since}]}});
    patch_status(namespace, "ordered-0", "strategic", &unready);
    apply(&[hpa(namespace, "StatefulSet", "ordered", &cpu(60))]);
}

fn pods_that_count_for_nothing(namespace: &str) {
    let incident = |name, says, code, at_fault, recovers| Incident {
        name,
        objects: Vec::new(),
        says,
        code,
        at_fault,
        recovers,
    };
    prove(
        namespace,
        &incident(
            "timeless",
            "pods might be unready",
            "TFS502",
            "\"timeless-",
            false,
        ),
    );
    until("the HPA asks for more pods than come", || {
        (field(namespace, "statefulset/ordered", "{.spec.replicas}") != "1").then_some(())
    });
    prove(
        namespace,
        &incident("ordered", "ValidMetricFound", "TFS505", "\"ordered-0\"", false),
    );
    assert_eq!(
        field(namespace, "deployment/ended", "{.spec.replicas}"),
        "1",
        "the ended pod damps the scale-up"
    );
    prove(
        namespace,
        &incident("ended", "ValidMetricFound", "TFS506", "\"ended-", true),
    );
    until("the HPA scales up", || {
        (field(namespace, "deployment/ended", "{.spec.replicas}") != "1").then_some(())
    });
}

fn hidden_and_mistaken(namespace: &str) {
    let incident = |name, code, at_fault| Incident {
        name,
        objects: Vec::new(),
        says: "ValidMetricFound",
        code,
        at_fault,
        recovers: true,
    };
    assert_eq!(field(namespace, "deployment/hidden", "{.spec.replicas}"), "1");
    prove(namespace, &incident("hidden", "TFS613", "\"container\":\"app\""));
    until("the HPA sees the busy container", || {
        (field(namespace, "deployment/hidden", "{.spec.replicas}") != "1").then_some(())
    });
    until("the HPA is at its maximum", || {
        (field(namespace, "deployment/thousandth", "{.spec.replicas}") == "4").then_some(())
    });
    prove(namespace, &incident("thousandth", "TFS612", "\"thousandth\""));
    assert_eq!(
        field(
            namespace,
            "hpa/thousandth",
            "{.spec.metrics[0].resource.target.averageValue}"
        ),
        "1"
    );
}
