//! Somebody else: other HPAs, what writes an HPA, and who refuses pods.

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};

use tfserve_sandbox::{MetricsServer, Release};

use crate::adapters;
use crate::fixtures::{ACTIVE, deployment, first, hpa, says};
use crate::support::{
    Ran, apply, code, explain, field, kubectl, sandbox, since, type_fix, until, with_metrics_server,
};

#[test]
fn selectors_of_two_targets_overlap() {
    let space = sandbox().namespace("overlap").expect("a namespace");
    let namespace = space.name();
    apply(&[
        deployment(namespace, "web", &json!({"app": "web"})),
        deployment(namespace, "canary", &json!({"app": "web", "track": "canary"})),
        hpa(namespace, "web"),
        hpa(namespace, "canary"),
    ]);
    for (name, other) in [("web", "canary"), ("canary", "web")] {
        says(namespace, name, "AmbiguousSelector");
        let finding = first(namespace, name, "TFS201");
        let at_fault = &finding["objects"][0];
        assert_eq!(at_fault["kind"], "Deployment", "{finding:#}");
        assert_eq!(at_fault["name"], "web", "{finding:#}");
        assert_eq!(finding["objects"][2]["name"], other, "{finding:#}");
        let proof = finding["evidence"].to_string();
        assert!(
            proof.contains("\"app=web,track=canary\"") && proof.contains("canary-"),
            "both selectors and the pod in common are proved: {proof}"
        );
    }
    type_fix(&first(namespace, "web", "TFS201"), 0);
    // No metrics are served in this test: what is left is another cause.
    for name in ["web", "canary"] {
        until("the selectors are apart", || {
            let reason = field(namespace, &format!("hpa/{name}"), ACTIVE);
            (!reason.is_empty() && reason != "AmbiguousSelector").then_some(())
        });
        let answer = explain(namespace, name);
        assert_ne!(code(&answer), "TFS201", "{answer:#}");
    }
}

#[test]
fn an_hpa_that_is_left_over_keeps_another_from_scaling() {
    let space = sandbox().namespace("left-over").expect("a namespace");
    let namespace = space.name();
    apply(&[
        deployment(namespace, "blue", &json!({"app": "web"})),
        deployment(namespace, "green", &json!({"app": "web", "color": "green"})),
        hpa(namespace, "blue"),
        hpa(namespace, "green"),
    ]);
    says(namespace, "blue", "AmbiguousSelector");
    says(namespace, "green", "AmbiguousSelector");
    kubectl(&format!("delete deployment blue -n {namespace}")).expect_code(0);
    until("the controller cannot read the scale of blue", || {
        let able = "{.status.conditions[?(@.type=='AbleToScale')].reason}";
        (field(namespace, "hpa/blue", able) == "FailedGetScale").then_some(())
    });
    let finding = first(namespace, "green", "TFS201");
    assert_eq!(finding["severity"], "error", "{finding:#}");
    assert_eq!(finding["objects"][1]["name"], "blue", "{finding:#}");
    assert_eq!(field(namespace, "hpa/green", ACTIVE), "AmbiguousSelector");
    type_fix(&finding, 0);
    until("green is free", || {
        let reason = field(namespace, "hpa/green", ACTIVE);
        (reason != "AmbiguousSelector").then_some(())
    });
}

/// What VPA's admission controller does to the pods of a namespace: another request, and a note of it.
fn vertical_autoscaler(namespace: &str) -> [Value; 2] {
    let rule =
        json!({"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["pods"]});
    let request = r#"JSONPatch{op: "add", path: "/spec/containers/0/resources/requests/cpu", value: "400m"}"#;
    let note = r#"JSONPatch{op: "add", path: "/metadata/annotations/vpaUpdates",
        value: "Pod resources updated by web-vpa: container 0: cpu request"}"#;
    let binding = json!({"matchResources": {"namespaceSelector":
        {"matchLabels": {"kubernetes.io/metadata.name": namespace}}}, "policyName": "vpa"});
    let version = sandbox().policy_version();
    [
        json!({"apiVersion": version, "kind": "MutatingAdmissionPolicy",
            "metadata": {"name": "vpa"}, "spec": {"reinvocationPolicy": "Never", "failurePolicy": "Fail",
            "matchConstraints": {"resourceRules": [rule]},
            "mutations": [{"patchType": "JSONPatch", "jsonPatch": {"expression": format!("[{request}, {note}]")}}]}}),
        json!({"apiVersion": version, "kind": "MutatingAdmissionPolicyBinding",
            "metadata": {"name": "vpa"}, "spec": binding}),
    ]
}

#[test]
fn requests_come_from_somebody_else() {
    let vertical = sandbox().namespace("vpa").expect("a namespace");
    let defaults = sandbox().namespace("limit-range").expect("a namespace");
    let _turn = with_metrics_server(MetricsServer::Ready);
    apply(&vertical_autoscaler(vertical.name()));
    // A policy acts a moment after it was written, and a pod that came before it would be scaled by its own request.
    until("pods are changed", || {
        let pod =
            format!("run probe -n {vertical} --image=example/a:1 --annotations=a=b --dry-run=server -o json");
        let overrides = r#"--overrides={"spec":{"containers":[{"name":"probe","image":"example/a:1","resources":{"requests":{"cpu":"1m"}}}]}}"#;
        kubectl(&format!("{pod} {overrides}"))
            .stdout
            .contains("vpaUpdates")
            .then_some(())
    });
    let bare = json!({});
    for (space, request) in [
        (&vertical, json!({"requests": {"cpu": "100m"}})),
        (&defaults, bare),
    ] {
        let mut web = deployment(space.name(), "web", &json!({"app": "web"}));
        let pod = &mut web["spec"]["template"];
        pod["metadata"]["annotations"] = json!({ tfserve_sandbox::CPU_ANNOTATION: "200m" });
        pod["spec"]["containers"][0]["resources"] = request;
        apply(&[web, hpa(space.name(), "web")]);
    }
    a_limit_range_came_later(defaults.name());
    a_vpa_sets_the_request(vertical.name());
    kubectl("delete mutatingadmissionpolicybinding vpa").expect_code(0);
}

fn a_limit_range_came_later(namespace: &str) {
    let message = "{.status.conditions[?(@.type=='ScalingActive')].message}";
    until("the controller misses the request", || {
        field(namespace, "hpa/web", message)
            .contains("missing request for cpu")
            .then_some(())
    });
    assert_eq!(explain(namespace, "web")["findings"][0]["code"], "TFS401");
    // Times of the API server are whole seconds.
    until("a second has gone by", || {
        let created = field(namespace, "pods", "{.items[*].metadata.creationTimestamp}");
        let ages = created.split_whitespace().filter_map(|time| time.parse().ok());
        let newest: Option<DateTime<Utc>> = ages.max();
        newest
            .is_some_and(|newest| (Utc::now() - newest).num_seconds() >= 2)
            .then_some(())
    });
    apply(&[json!({"apiVersion": "v1", "kind": "LimitRange",
        "metadata": {"name": "defaults", "namespace": namespace},
        "spec": {"limits": [{"type": "Container", "defaultRequest": {"cpu": "100m"}}]}})]);
    let finding = first(namespace, "web", "TFS407");
    assert_eq!(finding["objects"][0]["kind"], "Deployment", "{finding:#}");
    type_fix(&finding, 0);
    says(namespace, "web", "ValidMetricFound");
}

fn a_vpa_sets_the_request(namespace: &str) {
    says(namespace, "web", "ValidMetricFound");
    let finding = first(namespace, "web", "TFS707");
    assert_eq!(finding["objects"][0]["name"], "web-vpa", "{finding:#}");
    assert_eq!(
        field(namespace, "deployment/web", "{.spec.replicas}"),
        "1",
        "200m of 400m is below 60%"
    );
    type_fix(&finding, 1);
    until("the HPA scales by the usage itself", || {
        (field(namespace, "deployment/web", "{.spec.replicas}") == "4").then_some(())
    });
    assert_ne!(explain(namespace, "web")["findings"][0]["code"], "TFS707");
}

fn limits(namespace: &str) -> Value {
    json!({"apiVersion": "v1", "kind": "LimitRange", "metadata": {"name": "small", "namespace": namespace},
        "spec": {"limits": [{"type": "Container", "max": {"cpu": "50m"}}]}})
}

fn quota(namespace: &str) -> Value {
    json!({"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "team", "namespace": namespace},
        "spec": {"hard": {"requests.cpu": "4", "limits.memory": "8Gi"}}})
}

fn policy(namespace: &str) -> [Value; 2] {
    let rule =
        json!({"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["pods"]});
    [
        json!({"apiVersion": "admissionregistration.k8s.io/v1", "kind": "ValidatingAdmissionPolicy",
            "metadata": {"name": "signed"}, "spec": {"matchConstraints": {"resourceRules": [rule]},
            "validations": [{"expression": "false", "message": "images must be signed"}]}}),
        json!({"apiVersion": "admissionregistration.k8s.io/v1", "kind": "ValidatingAdmissionPolicyBinding",
            "metadata": {"name": "signed"}, "spec": {"policyName": "signed", "validationActions": ["Deny"],
            "matchResources": {"namespaceSelector":
                {"matchLabels": {"kubernetes.io/metadata.name": namespace}}}}}),
    ]
}

/// The API server's own refusal, wherever the kind of workload shows it.
#[track_caller]
fn refused(namespace: &str, words: &str) {
    until(&format!("{namespace}: {words}"), || {
        let said = field(
            namespace,
            "events",
            "{.items[?(@.reason=='FailedCreate')].message}",
        );
        said.contains(words).then_some(())
    });
}

#[track_caller]
fn has_pods(namespace: &str) {
    until(&format!("{namespace} has a running pod"), || {
        field(namespace, "pods", "{.items[*].status.phase}")
            .contains("Running")
            .then_some(())
    });
}

#[test]
fn pods_are_refused_for_every_kind_of_workload() {
    let spaces: Vec<_> = ["too-large", "demanding", "restricted", "unsigned", "above"]
        .into_iter()
        .map(|name| sandbox().namespace(name).expect("a namespace"))
        .collect();
    let [large, demanding, restricted, unsigned, above] =
        [0, 1, 2, 3, 4].map(|index: usize| spaces[index].name());
    let _turn = with_metrics_server(MetricsServer::Ready);
    let workload = |namespace: &str, kind: &str| {
        let mut web = deployment(namespace, "web", &json!({"app": "web"}));
        web["kind"] = json!(kind);
        let mut hpa = hpa(namespace, "web");
        hpa["spec"]["scaleTargetRef"]["kind"] = json!(kind);
        [web, hpa]
    };
    kubectl(&format!(
        "label namespace {restricted} pod-security.kubernetes.io/enforce=restricted"
    ))
    .expect_code(0);
    apply(&[limits(large), limits(above), quota(demanding)]);
    apply(&policy(unsigned));
    until("the policy is in force", || {
        let pod = format!("run probe -n {unsigned} --image=example/a:1 --dry-run=server");
        (kubectl(&pod).code != 0).then_some(())
    });
    let mut objects = workload(large, "Deployment");
    objects[0]["spec"]["template"]["spec"]["containers"][0]["resources"]["limits"] = json!({"cpu": "100m"});
    apply(&objects);
    apply(&workload(above, "Deployment"));
    apply(&workload(demanding, "StatefulSet"));
    apply(&workload(restricted, "ReplicaSet"));
    apply(&workload(unsigned, "Deployment"));

    // Nothing of the workload is changed in the end, so its controller tries again as long after as it has tried before.
    refused(unsigned, "images must be signed");
    let finding = first(unsigned, "web", "TFS702");
    assert_eq!(finding["objects"][1]["name"], "signed", "{finding:#}");
    kubectl("delete validatingadmissionpolicybinding signed").expect_code(0);
    has_pods(unsigned);

    let cases = [
        (
            large,
            "maximum cpu usage per Container is 50m, but limit is 100m",
            "Deployment",
        ),
        (
            above,
            "must be less than or equal to cpu limit of 50m",
            "Deployment",
        ),
        (demanding, "must specify limits.memory for: app", "StatefulSet"),
        (restricted, "violates PodSecurity", "ReplicaSet"),
    ];
    for (namespace, words, kind) in cases {
        refused(namespace, words);
        let finding = first(namespace, "web", "TFS702");
        assert_eq!(finding["objects"][0]["kind"], kind, "{finding:#}");
        type_fix(&finding, 0);
        has_pods(namespace);
    }
}

/// How a person, a pipeline or an operator writes the replicas of a Deployment.
type Write = fn(&str) -> Ran;

fn with_apply(namespace: &str, arguments: &str) -> Ran {
    let mut web = deployment(namespace, "web", &json!({"app": "web"}));
    web["spec"]["template"]["metadata"]["annotations"] = json!({ tfserve_sandbox::CPU_ANNOTATION: "200m" });
    let file = tempfile::NamedTempFile::new().expect("a file");
    std::fs::write(&file, web.to_string()).expect("a file can be written");
    kubectl(&format!("apply {arguments} -f {}", file.path().display()))
}

#[test]
fn somebody_else_writes_the_replicas() {
    let writers: [(&str, Write, &str, &str); 3] = [
        (
            "writes-ssa",
            |namespace| {
                with_apply(
                    namespace,
                    "--server-side --force-conflicts --field-manager=argocd-controller",
                )
            },
            "argocd-controller",
            "likely",
        ),
        (
            "writes-csa",
            |namespace| with_apply(namespace, ""),
            "`kubectl apply`",
            "proven",
        ),
        (
            "writes-scale",
            |namespace| kubectl(&format!("scale deployment web -n {namespace} --replicas=1")),
            "something else",
            "likely",
        ),
    ];
    let spaces: Vec<_> = writers
        .iter()
        .map(|(name, ..)| sandbox().namespace(name).expect("a namespace"))
        .collect();
    let _turn = with_metrics_server(MetricsServer::Ready);
    for space in &spaces {
        with_apply(space.name(), "").expect_code(0);
        apply(&[hpa(space.name(), "web")]);
    }
    let grown = |namespace: &str| {
        until("the HPA writes 4", || {
            (field(namespace, "deployment/web", "{.spec.replicas}") == "4").then_some(())
        });
    };
    for ((_, write, who, confidence), space) in writers.iter().zip(&spaces) {
        let namespace = space.name();
        grown(namespace);
        for _ in 0..3 {
            write(namespace).expect_code(0);
            grown(namespace);
        }
        // The event comes after the deed.
        let counted = || {
            field(
                namespace,
                "events",
                "{.items[?(@.reason=='SuccessfulRescale')].count}",
            )
        };
        until("the HPA has told of its writes", || {
            (!["", "1", "2", "3"].contains(&counted().as_str())).then_some(())
        });
        assert_eq!(counted(), "4", "the HPA wrote 4 once a foreign write");
        let finding = first(namespace, "web", "TFS703");
        let title = finding["title"].as_str().unwrap_or_default();
        assert!(title.contains(who), "{finding:#}");
        assert_eq!(finding["confidence"], *confidence, "{finding:#}");
        assert!(
            !told_after(namespace, 16).contains("TFS703"),
            "nobody writes any more"
        );
    }
}

/// What is said of the same events so many minutes later.
fn told_after(namespace: &str, minutes: i64) -> String {
    let saved = tempfile::Builder::new()
        .suffix(".json")
        .tempfile()
        .expect("a file");
    let path = saved.path().display().to_string();
    kubectl(&format!(
        "tfserve explain-hpa web -n {namespace} --fail-on never --save-facts {path}"
    ))
    .expect_code(0);
    let text = std::fs::read_to_string(&path).expect("facts");
    let mut facts: Value = serde_json::from_str(&text).expect("JSON");
    let now: DateTime<Utc> = facts["observedAt"]
        .as_str()
        .and_then(|time| time.parse().ok())
        .expect("a time");
    facts["observedAt"] = json!(now + TimeDelta::minutes(minutes));
    std::fs::write(&path, facts.to_string()).expect("a file can be written");
    let told = kubectl(&format!(
        "tfserve explain-hpa --facts {path} --fail-on never -o json"
    ))
    .expect_code(0);
    told.stdout
}

#[test]
fn a_rollout_is_stuck() {
    let space = sandbox().namespace("stuck").expect("a namespace");
    let namespace = space.name();
    let _turn = with_metrics_server(MetricsServer::Ready);
    let mut web = deployment(namespace, "web", &json!({"app": "web"}));
    web["spec"]["progressDeadlineSeconds"] = json!(5);
    apply(&[web.clone(), hpa(namespace, "web")]);
    says(namespace, "web", "ValidMetricFound");
    web["spec"]["template"]["metadata"]["annotations"] = json!({ tfserve_sandbox::HOLD_ANNOTATION: "true" });
    apply(&[web]);
    let progressing = "{.status.conditions[?(@.type=='Progressing')].reason}";
    let is = |reason: &str| {
        until(&format!("the Deployment says {reason}"), || {
            (field(namespace, "deployment/web", progressing) == reason).then_some(())
        });
    };
    is("ProgressDeadlineExceeded");
    let finding = first(namespace, "web", "TFS708");
    assert_eq!(finding["objects"][0]["kind"], "Deployment", "{finding:#}");
    type_fix(&finding, 1);
    is("NewReplicaSetAvailable");
    until("the finding is gone", || {
        let findings = explain(namespace, "web")["findings"].to_string();
        (!findings.contains("TFS708")).then_some(())
    });
}

#[test]
fn at_zero_before_the_hpa_could_wake_it() {
    if !since(
        Release::V1_37,
        "`minReplicas: 0` is refused where HPAScaleToZero is alpha",
    ) {
        return;
    }
    // An adapter of another test would have the metric.
    let _turn = adapters::alone();
    let space = sandbox().namespace("zero").expect("a namespace");
    let namespace = space.name();
    let mut object = hpa(namespace, "web");
    object["spec"]["minReplicas"] = json!(0);
    object["spec"]["metrics"] = json!([{"type": "External", "external": {"metric": {"name": "queue"},
        "target": {"type": "AverageValue", "averageValue": "10"}}}]);
    let mut web = deployment(namespace, "web", &json!({"app": "web"}));
    web["spec"]["replicas"] = json!(0);
    apply(&[web, object]);
    says(namespace, "web", "ScalingDisabled");
    let finding = first(namespace, "web", "TFS605");
    let cause = finding["cause"].as_str().unwrap_or_default();
    assert!(cause.contains("ScaledToZero"), "{finding:#}");
    type_fix(&finding, 0);
    // It works again, and misses the adapter that this cluster does not have.
    says(namespace, "web", "FailedGetExternalMetric");
}
