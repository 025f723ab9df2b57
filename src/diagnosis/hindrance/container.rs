//! What repairs a container that waits.

use crate::diagnosis::case::is_running;
use crate::diagnosis::offenders::holds_up_a_repair;
use crate::diagnosis::phrase::word;
use crate::diagnosis::{Case, Finding};
use crate::facts::{Container, Pod};

use super::{describe, older_template_runs, rolled_back};

/// Adds the repair of a container that waits for this reason.
pub(in crate::diagnosis) fn container_repaired(
    case: &Case<'_>,
    finding: Finding,
    pod: &Pod,
    container: &Container,
    reason: &str,
) -> Finding {
    if let Some(newer) = image_of_template(case, pod, container) {
        return finding
            .saw(format!("template, container {}", container.name), format!("image {newer}"), "spec.template")
            .fix(
                "let the pod be made anew from the template",
                format!("kubectl delete pod {} -n {}", word(&pod.name), case.namespace()),
                "a StatefulSet does not replace a pod that has never been ready, even when its template is repaired",
            );
    }
    if lacks_credentials(container) && !older_template_runs(case, pod) {
        return with_credentials(case, finding, container);
    }
    let finding = if reason.contains("CrashLoop") || reason == "Error" {
        finding.fix(
            "see what the container said before it ended",
            format!(
                "kubectl logs {} -n {} -c {} --previous --tail=50",
                word(&pod.name),
                case.namespace(),
                word(&container.name)
            ),
            "reads only",
        )
    } else {
        finding.fix("see the events of the pod", describe(case, pod), "reads only")
    };
    let is_image = reason.contains("Image");
    let older_runs = older_template_runs(case, pod);
    if older_runs && !holds_up_a_repair(case) && case.facts.hpa.target.kind == "Deployment" {
        return rolled_back(case, finding);
    }
    let has_it = |other: &Pod| {
        let mut running = other.containers.iter().filter(|_| is_running(other));
        running.any(|it| it.image == container.image)
    };
    if is_image && (pulls_too_often(container) || case.pods().iter().any(has_it)) {
        return finding.advice(
            format!(
                "the image exists: give the pods an account of the registry (`imagePullSecrets`), or a mirror of {}",
                container.image
            ),
            format!("the kubelet tries again by itself; a new template rolls the pods of {}", case.target_label()),
        );
    }
    if is_image {
        return finding.advice(
            format!(
                "name an image that exists, instead of {} (`kubectl set image`)",
                container.image
            ),
            format!("rolls the pods of {}", case.target_label()),
        );
    }
    finding
}

/// The image that the template of a `StatefulSet` has for a container, where the pod is of an older one.
fn image_of_template<'a>(case: &Case<'a>, pod: &Pod, container: &Container) -> Option<&'a str> {
    let target = case.target().filter(|target| target.kind == "StatefulSet")?;
    let template = target.template.as_ref()?;
    let now = template
        .containers
        .iter()
        .find(|it| it.name == container.name && it.init == container.init)?;
    let replaced = target
        .update_strategy
        .as_ref()
        .is_none_or(|it| it.type_ != "OnDelete");
    (replaced && now.image != container.image && pod.deleted_at.is_none()).then_some(now.image.as_str())
}

/// What the kubelet does not find for a container's environment: `secret "db-credentials" not found`
/// (`CreateContainerConfigError`, `pkg/kubelet/kubelet_pods.go`, v1.37).
pub(in crate::diagnosis) fn missing_object(container: &Container) -> Option<String> {
    let said = container.state_message.as_deref()?;
    [("secret", "Secret"), ("configmap", "ConfigMap")]
        .iter()
        .find_map(|(word, kind)| {
            let name = super::quoted(said, word).filter(|_| said.ends_with("not found"))?;
            Some(format!("{kind} {name} does not exist"))
        })
}

/// The registry refuses whoever pulls: the Secret of the template is missing, or of another registry.
fn with_credentials(case: &Case<'_>, finding: Finding, container: &Container) -> Finding {
    let pods = word(&case.target_resource());
    let name = word(&case.facts.hpa.target.name);
    let namespace = case.namespace();
    finding
        .fix(
            "see which Secrets the template names, and whether they exist",
            format!(
                "kubectl get {pods} {name} -n {namespace} -o jsonpath='{{.spec.template.spec.imagePullSecrets}}'; kubectl get secrets -n {namespace} --field-selector type=kubernetes.io/dockerconfigjson"
            ),
            "reads only",
        )
        .advice(
            format!(
                "give the pods an account that may pull {} (`kubectl create secret docker-registry`, `imagePullSecrets`)",
                container.image
            ),
            "a Secret that is made under the name that the template has is enough: the kubelet tries again by itself",
        )
}

/// Whether the registry asks for credentials that the kubelet has not (HTTP 401 and 403, and what containerd and the registries
/// of clouds make of it). What may be a missing image as well (`pull access denied`) is not meant.
pub(in crate::diagnosis) fn lacks_credentials(container: &Container) -> bool {
    let said = container.state_message.as_deref().unwrap_or_default();
    let refused = [
        "no basic auth credentials",
        "401 Unauthorized",
        "403 Forbidden",
        "unauthorized: ",
        "authorization failed: no basic auth",
    ];
    refused.iter().any(|words| said.contains(words))
}

/// Whether the registry refuses the image for a while (HTTP 429, `toomanyrequests` in the distribution specification).
pub(in crate::diagnosis) fn pulls_too_often(container: &Container) -> bool {
    let said = container.state_message.as_deref().unwrap_or_default();
    said.contains("toomanyrequests") || said.contains("429 Too Many Requests")
}
