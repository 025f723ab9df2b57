//! metrics-server as `--install-metrics-server` installs it: equal in function to the release manifests of
//! kubernetes-sigs/metrics-server v0.9.0 (`manifests/base`, `manifests/components/release`).

use serde_json::{Value, json};

use super::manifest::Manifest;
use super::{MANAGED_BY, MANAGER};

/// The image, pinned.
pub const IMAGE: &str = "registry.k8s.io/metrics-server/metrics-server:v0.9.0";
/// The namespace.
pub const NAMESPACE: &str = "kube-system";
/// The name of the Deployment, the Service and the service account.
pub const NAME: &str = "metrics-server";
/// The `APIService`.
pub const API_SERVICE: &str = "v1beta1.metrics.k8s.io";
/// The argument that `--kubelet-insecure-tls` adds.
pub const INSECURE_TLS: &str = "--kubelet-insecure-tls";

const APP_LABEL: &str = "k8s-app";
const RBAC: &str = "rbac.authorization.k8s.io/v1";
const PORT: u16 = 10250;

/// All objects, in the order in which they are applied; the `APIService` comes last, so that nothing is
/// announced before something can answer.
pub fn manifests(kubelet_insecure_tls: bool) -> Vec<Manifest> {
    let mut all = vec![service_account()];
    all.extend(cluster_roles());
    all.extend(bindings());
    all.extend([service(), deployment(kubelet_insecure_tls), api_service()]);
    all
}

fn service_account() -> Manifest {
    object("v1", "ServiceAccount", metadata(NAME, true), json!({}))
}

fn cluster_roles() -> [Manifest; 2] {
    let mut reader = metadata("system:aggregated-metrics-reader", false);
    for role in ["view", "edit", "admin"] {
        reader["labels"][format!("rbac.authorization.k8s.io/aggregate-to-{role}")] = json!("true");
    }
    let read = ["get", "list", "watch"];
    [
        object(
            RBAC,
            "ClusterRole",
            reader,
            json!({"rules": [{"apiGroups": ["metrics.k8s.io"], "resources": ["pods", "nodes"], "verbs": read}]}),
        ),
        object(
            RBAC,
            "ClusterRole",
            metadata("system:metrics-server", false),
            json!({"rules": [
                {"apiGroups": [""], "resources": ["nodes/metrics"], "verbs": ["get"]},
                {"apiGroups": [""], "resources": ["pods", "nodes"], "verbs": read},
            ]}),
        ),
    ]
}

fn bindings() -> [Manifest; 3] {
    let subjects = json!([{"kind": "ServiceAccount", "name": NAME, "namespace": NAMESPACE}]);
    let binding = |kind: &str, metadata: Value, role_kind: &str, role: &str| {
        let role = json!({"apiGroup": "rbac.authorization.k8s.io", "kind": role_kind, "name": role});
        object(RBAC, kind, metadata, json!({"roleRef": role, "subjects": subjects}))
    };
    [
        binding(
            "RoleBinding",
            metadata("metrics-server-auth-reader", true),
            "Role",
            "extension-apiserver-authentication-reader",
        ),
        binding(
            "ClusterRoleBinding",
            metadata("metrics-server:system:auth-delegator", false),
            "ClusterRole",
            "system:auth-delegator",
        ),
        binding(
            "ClusterRoleBinding",
            metadata("system:metrics-server", false),
            "ClusterRole",
            "system:metrics-server",
        ),
    ]
}

fn service() -> Manifest {
    let port = json!({
        "name": "https", "port": 443, "protocol": "TCP", "targetPort": "https", "appProtocol": "https",
    });
    let spec = json!({"selector": {APP_LABEL: NAME}, "ports": [port]});
    object("v1", "Service", metadata(NAME, true), json!({"spec": spec}))
}

fn deployment(kubelet_insecure_tls: bool) -> Manifest {
    let spec = json!({
        "selector": {"matchLabels": {APP_LABEL: NAME}},
        "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": 0}},
        "template": {
            "metadata": {"labels": {APP_LABEL: NAME}},
            "spec": {
                "serviceAccountName": NAME,
                "priorityClassName": "system-cluster-critical",
                "nodeSelector": {"kubernetes.io/os": "linux"},
                "volumes": [{"name": "tmp-dir", "emptyDir": {}}],
                "containers": [container(kubelet_insecure_tls)],
            },
        },
    });
    object("apps/v1", "Deployment", metadata(NAME, true), json!({"spec": spec}))
}

fn container(kubelet_insecure_tls: bool) -> Value {
    let mut args = vec![
        "--cert-dir=/tmp".to_owned(),
        format!("--secure-port={PORT}"),
        "--kubelet-preferred-address-types=InternalIP,ExternalIP,Hostname".to_owned(),
        "--kubelet-use-node-status-port".to_owned(),
        "--metric-resolution=15s".to_owned(),
    ];
    if kubelet_insecure_tls {
        args.push(INSECURE_TLS.to_owned());
    }
    let probe = |path: &str| {
        json!({
            "httpGet": {"path": path, "port": "https", "scheme": "HTTPS"},
            "periodSeconds": 10,
            "failureThreshold": 3,
        })
    };
    let mut readiness = probe("/readyz");
    readiness["initialDelaySeconds"] = json!(20);
    json!({
        "name": NAME,
        "image": IMAGE,
        "imagePullPolicy": "IfNotPresent",
        "args": args,
        "resources": {"requests": {"cpu": "100m", "memory": "200Mi"}},
        "ports": [{"name": "https", "containerPort": PORT, "protocol": "TCP"}],
        "readinessProbe": readiness,
        "livenessProbe": probe("/livez"),
        "securityContext": {
            "readOnlyRootFilesystem": true,
            "runAsNonRoot": true,
            "runAsUser": 1000,
            "allowPrivilegeEscalation": false,
            "seccompProfile": {"type": "RuntimeDefault"},
            "capabilities": {"drop": ["ALL"]},
        },
        "volumeMounts": [{"name": "tmp-dir", "mountPath": "/tmp"}],
    })
}

fn api_service() -> Manifest {
    let spec = json!({
        "service": {"name": NAME, "namespace": NAMESPACE},
        "group": "metrics.k8s.io",
        "version": "v1beta1",
        "insecureSkipTLSVerify": true,
        "groupPriorityMinimum": 100,
        "versionPriority": 100,
    });
    object("apiregistration.k8s.io/v1", "APIService", metadata(API_SERVICE, false), json!({"spec": spec}))
}

fn metadata(name: &str, namespaced: bool) -> Value {
    let mut metadata = json!({"name": name, "labels": {APP_LABEL: NAME, MANAGED_BY: MANAGER}});
    if namespaced {
        metadata["namespace"] = json!(NAMESPACE);
    }
    metadata
}

fn object(api_version: &str, kind: &str, metadata: Value, mut rest: Value) -> Manifest {
    rest["apiVersion"] = json!(api_version);
    rest["kind"] = json!(kind);
    rest["metadata"] = metadata;
    Manifest::new(rest)
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn the_objects_of_the_release() {
        let names: Vec<_> = manifests(false).iter().map(Manifest::resource_name).collect();
        insta::assert_snapshot!(names.join("\n"));
        let values: Vec<_> = manifests(false).iter().map(|manifest| manifest.value().clone()).collect();
        insta::assert_snapshot!(serde_saphyr::to_string(&values).unwrap());
    }

    #[test]
    fn insecure_tls_only_adds_its_argument() {
        let args = |insecure: bool| {
            let manifest = deployment(insecure);
            manifest.value().pointer("/spec/template/spec/containers/0/args").unwrap().as_array().unwrap().clone()
        };
        let (secure, insecure) = (args(false), args(true));
        assert_eq!(insecure[..secure.len()], secure[..]);
        assert_eq!(insecure[secure.len()..], [json!(INSECURE_TLS)]);
    }
}
