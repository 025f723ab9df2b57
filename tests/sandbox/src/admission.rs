//! What happens to the new pods of a namespace at admission, by a `MutatingAdmissionPolicy` of the API server
//! itself: a sidecar that the template does not know, or a node that does not exist.

use std::time::Duration;

use k8s_openapi::api::core::v1::Pod;
use kube::Api;
use kube::api::{ApiResource, DeleteParams, DynamicObject, Patch, PatchParams, PostParams};
use kube::core::GroupVersionKind;
use serde_json::{Value, json};

use crate::FIELD_MANAGER;
use crate::components::Release;
use crate::error::{Context, Error, Result};
use crate::sandbox::Sandbox;
use crate::wait::{PATIENCE, until};

/// No node has this label.
const NOWHERE: &str = "sandbox.tfserve.dev/nowhere";

/// A container that is added to pods at admission.
#[derive(Clone, Debug)]
pub struct Sidecar {
    /// Its name.
    pub name: String,
    /// Its image.
    pub image: String,
    /// Its CPU request; `None` for a container without one.
    pub cpu_request: Option<String>,
}

impl Sandbox {
    /// Adds a container to every new pod of a namespace, as a service mesh does: in the pod, not in the template.
    pub fn inject_sidecar(&self, namespace: &str, sidecar: &Sidecar) -> Result<()> {
        let mut container = json!({"name": sidecar.name, "image": sidecar.image});
        if let Some(cpu) = &sidecar.cpu_request {
            container["resources"] = json!({"requests": {"cpu": cpu}});
        }
        let mutation = json_patch("/spec/containers/-", &container);
        self.put_policy(&format!("sidecar-{namespace}"), namespace, &mutation, |pod| {
            let mut containers = pod.spec.iter().flat_map(|spec| &spec.containers);
            containers.any(|container| container.name == sidecar.name)
        })
    }

    /// Makes every new pod of a namespace really unschedulable, or ends that.
    pub fn hold_pending(&self, namespace: &str, hold: bool) -> Result<()> {
        let name = format!("pending-{namespace}");
        let goes_nowhere = |pod: &Pod| {
            let selector = pod.spec.as_ref().and_then(|spec| spec.node_selector.as_ref());
            selector.is_some_and(|selector| selector.contains_key(NOWHERE))
        };
        if !hold {
            return self.remove_policy(&name, namespace, |pod| !goes_nowhere(pod));
        }
        let mutation = json_patch("/spec/nodeSelector", &json!({NOWHERE: "true"}));
        self.put_policy(&name, namespace, &mutation, goes_nowhere)
    }

    fn put_policy(
        &self,
        name: &str,
        namespace: &str,
        mutation: &Value,
        works: impl Fn(&Pod) -> bool,
    ) -> Result<()> {
        let policy = json!({
            "apiVersion": self.policy_version(), "kind": "MutatingAdmissionPolicy", "metadata": {"name": name},
            "spec": {
                "failurePolicy": "Fail",
                "reinvocationPolicy": "Never",
                "matchConstraints": {
                    "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": namespace}},
                    "resourceRules": [{
                        "apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["pods"],
                    }],
                },
                "mutations": [mutation],
            },
        });
        let binding = json!({
            "apiVersion": self.policy_version(), "kind": "MutatingAdmissionPolicyBinding", "metadata": {"name": name},
            "spec": {"policyName": name},
        });
        self.block_on(async {
            for (kind, object) in [
                ("MutatingAdmissionPolicy", &policy),
                ("MutatingAdmissionPolicyBinding", &binding),
            ] {
                self.policies(kind)
                    .patch(
                        name,
                        &PatchParams::apply(FIELD_MANAGER).force(),
                        &Patch::Apply(object),
                    )
                    .await
                    .context(format!("cannot apply {kind} {name}"))?;
            }
            self.wait_until_created(name, namespace, works).await
        })
    }

    /// The API server reads its policies with a delay: waits until a new pod would be as it should.
    async fn wait_until_created(
        &self,
        policy: &str,
        namespace: &str,
        right: impl Fn(&Pod) -> bool,
    ) -> Result<()> {
        let pods: Api<Pod> = Api::namespaced(self.client().clone(), namespace);
        let pod = json!({
            "metadata": {"generateName": "dry-run-"},
            "spec": {"containers": [{"name": "container", "image": "none"}]},
        });
        let pod: Pod = serde_json::from_value(pod).map_err(|e| Error::Unexpected(e.to_string()))?;
        let dry = PostParams {
            dry_run: true,
            ..PostParams::default()
        };
        let what = format!("admission policy {policy} is in force, or is no longer");
        until(&what, PATIENCE, Duration::from_millis(100), async || {
            let created = pods
                .create(&dry, &pod)
                .await
                .context("cannot create a pod (dry run)")?;
            Ok(if right(&created) {
                Ok(())
            } else {
                Err("new pods are still as they were".to_owned())
            })
        })
        .await
    }

    fn remove_policy(&self, name: &str, namespace: &str, right: impl Fn(&Pod) -> bool) -> Result<()> {
        self.block_on(async {
            for kind in ["MutatingAdmissionPolicyBinding", "MutatingAdmissionPolicy"] {
                match self.policies(kind).delete(name, &DeleteParams::default()).await {
                    Err(kube::Error::Api(status)) if status.code == 404 => {}
                    other => drop(other.context(format!("cannot delete {kind} {name}"))?),
                }
            }
            self.wait_until_created(name, namespace, right).await
        })
    }

    fn policies(&self, kind: &str) -> Api<DynamicObject> {
        let version = self.policy_version().rsplit('/').next().unwrap_or_default();
        let kind = GroupVersionKind::gvk("admissionregistration.k8s.io", version, kind);
        let plural = if kind.kind.ends_with("Binding") {
            "mutatingadmissionpolicybindings"
        } else {
            "mutatingadmissionpolicies"
        };
        Api::all_with(
            self.client().clone(),
            &ApiResource::from_gvk_with_plural(&kind, plural),
        )
    }

    /// The API version of `MutatingAdmissionPolicy` that the release serves.
    pub fn policy_version(&self) -> &'static str {
        match self.release() {
            Release::V1_34 => "admissionregistration.k8s.io/v1beta1",
            Release::V1_37 => "admissionregistration.k8s.io/v1",
        }
    }
}

/// What the API server of a release needs so that it knows the policies.
pub(crate) fn api_server_arguments(release: Release) -> &'static [&'static str] {
    match release {
        Release::V1_34 => &[
            "--feature-gates=MutatingAdmissionPolicy=true",
            "--runtime-config=admissionregistration.k8s.io/v1beta1=true",
        ],
        Release::V1_37 => &[],
    }
}

/// A mutation that adds a value at a path; JSON without nulls is a literal of CEL.
fn json_patch(path: &str, value: &Value) -> Value {
    let expression = format!("[JSONPatch{{op: \"add\", path: \"{path}\", value: {value}}}]");
    json!({"patchType": "JSONPatch", "jsonPatch": {"expression": expression}})
}
