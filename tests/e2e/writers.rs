//! Whose hand the replicas are in: what changes the HPA's writes, and what owns its target.

use serde_json::{Value, json};
use tfserve_sandbox::{CPU_ANNOTATION, MetricsServer};

use crate::fixtures::{deployment, first, hpa};
use crate::support::{apply, explain, field, kubectl, sandbox, type_fix, until, with_metrics_server};

/// A Deployment whose pods use twice their request.
fn busy(namespace: &str) -> Value {
    let mut web = deployment(namespace, "web", &json!({"app": "web"}));
    web["spec"]["template"]["metadata"]["annotations"] = json!({ CPU_ANNOTATION: "200m" });
    web
}

/// A guard of costs: nobody scales a Deployment of the namespace to more than two.
fn cap(namespace: &str) -> [Value; 2] {
    let rule = json!({"apiGroups": ["apps"], "apiVersions": ["v1"], "operations": ["UPDATE"],
        "resources": ["deployments/scale"]});
    let cap = r#"[JSONPatch{op: "replace", path: "/spec/replicas", value: 2}]"#;
    let version = sandbox().policy_version();
    [
        json!({"apiVersion": version, "kind": "MutatingAdmissionPolicy", "metadata": {"name": "cost-guard"},
            "spec": {"reinvocationPolicy": "Never", "failurePolicy": "Fail",
                "matchConstraints": {"resourceRules": [rule]},
                "matchConditions": [{"name": "many", "expression": "object.spec.replicas > 2"}],
                "mutations": [{"patchType": "JSONPatch", "jsonPatch": {"expression": cap}}]}}),
        json!({"apiVersion": version, "kind": "MutatingAdmissionPolicyBinding", "metadata": {"name": "cost-guard"},
            "spec": {"policyName": "cost-guard", "matchResources": {"namespaceSelector":
                {"matchLabels": {"kubernetes.io/metadata.name": namespace}}}}}),
    ]
}

#[test]
fn a_policy_changes_what_the_hpa_writes() {
    let space = sandbox().namespace("write-changed").expect("a namespace");
    let namespace = space.name();
    let _turn = with_metrics_server(MetricsServer::Ready);
    apply(&cap(namespace));
    apply(&[busy(namespace)]);
    until("the policy acts", || {
        let command = format!(
            "patch deployment web -n {namespace} --subresource=scale --type=merge --dry-run=server \
             -p {{\"spec\":{{\"replicas\":4}}}} -o jsonpath={{.spec.replicas}}"
        );
        (kubectl(&command).stdout == "2").then_some(())
    });
    apply(&[hpa(namespace, "web")]);
    until("the HPA says that it wrote 4", || {
        let message = "{.status.conditions[?(@.type=='AbleToScale')].message}";
        let wrote = field(namespace, "hpa/web", message)
            .contains("the HPA controller was able to update the target scale to 4");
        (wrote && field(namespace, "deployment/web", "{.spec.replicas}") == "2").then_some(())
    });
    let finding = first(namespace, "web", "TFS713");
    assert_eq!(finding["objects"][0]["kind"], "Deployment", "{finding:#}");
    assert_eq!(finding["confidence"], "likely", "{finding:#}");
    type_fix(&finding, 0);
    type_fix(&finding, 2);
    until("the HPA is content with 2", || {
        let findings = explain(namespace, "web")["findings"].to_string();
        (!findings.contains("TFS713") && !findings.contains("TFS703")).then_some(())
    });
    kubectl("delete mutatingadmissionpolicybinding cost-guard").expect_code(0);
    kubectl("delete mutatingadmissionpolicy cost-guard").expect_code(0);
}

#[test]
fn an_owner_sets_the_replicas_back() {
    let space = sandbox().namespace("owner-writes").expect("a namespace");
    let namespace = space.name();
    let _turn = with_metrics_server(MetricsServer::Ready);
    apply(&[
        json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "operated", "namespace": namespace}}),
    ]);
    let mut web = busy(namespace);
    web["metadata"]["ownerReferences"] = json!([{"apiVersion": "v1", "kind": "ConfigMap", "name": "operated",
        "controller": true, "uid": field(namespace, "configmap/operated", "{.metadata.uid}")}]);
    apply(&[web, hpa(namespace, "web")]);
    for _ in 0..4 {
        until("the HPA writes 4", || {
            (field(namespace, "deployment/web", "{.spec.replicas}") == "4").then_some(())
        });
        kubectl(&format!("scale deployment web -n {namespace} --replicas=1")).expect_code(0);
    }
    let finding = first(namespace, "web", "TFS703");
    assert_eq!(finding["objects"][1]["kind"], "ConfigMap", "{finding:#}");
    let command = finding["fix"][0]["command"].as_str().unwrap_or_default();
    assert_eq!(
        command,
        format!("kubectl edit configmap operated -n {namespace}"),
        "{finding:#}"
    );
}

#[test]
fn two_writers_change_the_minimum_by_turns() {
    let space = sandbox().namespace("limits-rewritten").expect("a namespace");
    let namespace = space.name();
    let _turn = with_metrics_server(MetricsServer::Ready);
    let mut web = busy(namespace);
    web["spec"]["template"]["metadata"]["annotations"] = json!({ CPU_ANNOTATION: "1m" });
    let mut scaler = hpa(namespace, "web");
    scaler["spec"]["minReplicas"] = json!(2);
    scaler["spec"]["maxReplicas"] = json!(10);
    scaler["spec"]["behavior"] = json!({"scaleDown": {"stabilizationWindowSeconds": 0}});
    apply(&[web, scaler.clone()]);
    for _ in 0..3 {
        for minimum in [2, 4] {
            scaler["spec"]["minReplicas"] = json!(minimum);
            apply(&[scaler.clone()]);
            until("the HPA follows its minimum", || {
                (field(namespace, "deployment/web", "{.spec.replicas}") == minimum.to_string()).then_some(())
            });
        }
    }
    let finding = first(namespace, "web", "TFS714");
    assert_eq!(
        finding["objects"][0]["kind"], "HorizontalPodAutoscaler",
        "{finding:#}"
    );
    assert_eq!(finding["confidence"], "proven", "{finding:#}");
    assert!(
        finding["evidence"].to_string().contains("4, by kubectl"),
        "{finding:#}"
    );
    type_fix(&finding, 0);
}
