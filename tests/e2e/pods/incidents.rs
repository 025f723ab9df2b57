//! Incidents that need nothing but their objects.

use serde_json::{Value, json};
use tfserve_sandbox::HOLD_ANNOTATION;

use super::Incident;
use crate::workloads::{bare, container, cpu, deployment, hpa, requested, template, usage, workload};

/// Incidents that are there as soon as they are applied.
pub(super) fn missing_requests(namespace: &str) -> Vec<Incident> {
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
            "one-of-pod",
            "Deployment",
            workload(
                namespace,
                "Deployment",
                "one-of-pod",
                &template(
                    "one-of-pod",
                    &[bare_container("app")],
                    &json!({"resources": {"requests": {"cpu": "100m"}}}),
                ),
            ),
            &of_app,
            &[],
            "missing request for cpu in container app",
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
pub(super) fn pods_that_do_not_run(namespace: &str) -> Vec<Incident> {
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
    let slow = json!({"volumes": [{"name": "data", "persistentVolumeClaim": {"claimName": "slow"}}]});
    let mut of_no_class = incident("class", &slow, "\"slow\"", false);
    of_no_class
        .objects
        .insert(0, crate::up::claim(namespace, "slow", "missing"));
    vec![
        of_no_class,
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
