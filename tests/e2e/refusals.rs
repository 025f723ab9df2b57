//! The API server refuses the controller: a webhook that does not answer, a policy on the status.

use serde_json::{Value, json};

use crate::support::{apply, explain, field, kubectl, sandbox, type_fix, until};

const ABLE: &str = "{.status.conditions[?(@.type=='AbleToScale')].reason}";

/// A Deployment of one pod, and an HPA that wants two: the controller needs no metrics for that.
fn below_the_minimum(namespace: &str) -> [Value; 2] {
    [
        json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web", "namespace": namespace},
            "spec": {"replicas": 1, "selector": {"matchLabels": {"app": "web"}}, "template": {
                "metadata": {"labels": {"app": "web"}},
                "spec": {"containers": [{"name": "app", "image": "example/app:1",
                    "resources": {"requests": {"cpu": "100m"}}}]}}}}),
        json!({"apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler",
            "metadata": {"name": "web", "namespace": namespace},
            "spec": {"scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"},
                "minReplicas": 2, "maxReplicas": 4,
                "metrics": [{"type": "Resource", "resource":
                    {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 60}}}]}}),
    ]
}

fn replicas(namespace: &str) -> String {
    field(namespace, "deployment/web", "{.spec.replicas}")
}

#[track_caller]
fn at_fault(finding: &Value, kind: &str, name: &str) {
    let object = &finding["objects"][0];
    assert_eq!(
        (&object["kind"], &object["name"]),
        (&json!(kind), &json!(name)),
        "{finding:#}"
    );
}

#[test]
fn a_webhook_does_not_answer() {
    let space = sandbox().namespace("webhook").expect("a namespace");
    let namespace = space.name();
    let rule = json!({"apiGroups": ["apps"], "apiVersions": ["v1"], "operations": ["UPDATE"],
        "resources": ["deployments/scale"]});
    apply(&[
        json!({"apiVersion": "admissionregistration.k8s.io/v1", "kind": "ValidatingWebhookConfiguration",
        "metadata": {"name": namespace}, "webhooks": [{"name": format!("{namespace}.example.com"),
            "admissionReviewVersions": ["v1"], "sideEffects": "None", "failurePolicy": "Fail", "rules": [rule],
            "clientConfig": {"service": {"namespace": namespace, "name": "uninstalled", "port": 443}},
            "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": namespace}}}]}),
    ]);
    // The API server takes a moment to know the webhook: the first write that it refuses shows that.
    until("the webhook is asked", || {
        apply(&below_the_minimum(namespace)[..1]);
        let tried = kubectl(&format!(
            "scale deployment web -n {namespace} --replicas=1 --dry-run=server"
        ));
        tried.stderr.contains("failed calling webhook").then_some(())
    });
    apply(&below_the_minimum(namespace));
    until("the scale is refused", || {
        (field(namespace, "hpa/web", ABLE) == "FailedUpdateScale").then_some(())
    });
    let finding = explain(namespace, "web")["findings"][0].clone();
    assert_eq!(finding["code"], "TFS104", "{finding:#}");
    at_fault(&finding, "ValidatingWebhookConfiguration", namespace);
    type_fix(&finding, 0);
    until("the HPA scales", || (replicas(namespace) == "2").then_some(()));
    kubectl(&format!("delete validatingwebhookconfiguration {namespace}")).expect_code(0);
}

#[test]
fn the_status_is_refused() {
    let space = sandbox().namespace("status").expect("a namespace");
    let namespace = space.name();
    let rule = json!({"apiGroups": ["autoscaling"], "apiVersions": ["*"], "operations": ["UPDATE"],
        "resources": ["horizontalpodautoscalers/status"]});
    apply(&[
        json!({"apiVersion": "admissionregistration.k8s.io/v1", "kind": "ValidatingAdmissionPolicy",
            "metadata": {"name": namespace}, "spec": {"matchConstraints": {"resourceRules": [rule]},
            "validations": [{"expression": "false", "message": "nobody writes it"}]}}),
        json!({"apiVersion": "admissionregistration.k8s.io/v1", "kind": "ValidatingAdmissionPolicyBinding",
            "metadata": {"name": namespace}, "spec": {"policyName": namespace, "validationActions": ["Deny"],
            "matchResources": {"namespaceSelector":
                {"matchLabels": {"kubernetes.io/metadata.name": namespace}}}}}),
    ]);
    apply(&below_the_minimum(namespace));
    let refused =
        |namespace: &str| field(namespace, "events", "{.items[*].reason}").contains("FailedUpdateStatus");
    // Where the first status came before the policy was known, the next one is refused.
    until("the status is refused", || refused(namespace).then_some(()));
    // Whether metrics are served is another matter, and may come before it.
    let finding = until("the policy is found", || {
        let answer = explain(namespace, "web");
        let mut findings = answer["findings"].as_array()?.iter();
        findings.find(|finding| finding["code"] == "TFS609").cloned()
    });
    at_fault(&finding, "ValidatingAdmissionPolicy", namespace);
    type_fix(&finding, 0);
    until("the status is written", || {
        let reasons = field(namespace, "hpa/web", "{.status.conditions[*].reason}");
        (!reasons.is_empty() && replicas(namespace) == "2").then_some(())
    });
    kubectl(&format!(
        "delete validatingadmissionpolicy,validatingadmissionpolicybinding {namespace}"
    ))
    .expect_code(0);
}
