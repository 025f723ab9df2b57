//! TFS402 injected-container-request-missing
//!
//! ## What it detects
//! A container without a request that something put into the pods: a service mesh's proxy, an agent, a
//! webhook. The template does not have it, so a look at the Deployment finds nothing wrong.
//!
//! ## How it is proved
//! The container was read in live pods of the scale target and is not in its template.
//!
//! ## What it is not
//! A container of the template is TFS401. An init container counts only when it is a native sidecar
//! (`restartPolicy: Always`), from 1.29 on.
//!
//! ## Fix
//! Give the injector the request, by its annotation where it has one; or let the HPA read one container with a
//! `ContainerResource` metric, which asks nothing of the others.
//!
//! ## Source
//! `calculatePodRequestsFromContainers` in `replica_calculator.go`, Kubernetes v1.37; annotations of Istio,
//! Linkerd, Dapr and the Vault agent injector.

use crate::diagnosis::offenders::{self, Origin};
use crate::diagnosis::phrase::{list, word};
use crate::diagnosis::rule::{Need, Rule, Stage, documentation};
use crate::diagnosis::{Case, Finding, Severity};
use crate::facts::MetricTarget;

pub(in crate::diagnosis) const RULE: Rule = Rule {
    code: "TFS402",
    name: "injected-container-request-missing",
    stage: Stage::Requests,
    source: documentation!("injected_container_request_missing.rs"),
    explains: &["TFS607"],
    needs: &[Need::Target, Need::Pods],
    check,
};

/// Containers of known injectors, the resource, and the annotation of the pod that sets its request.
const INJECTORS: &[(&str, &str, &str)] = &[
    ("istio-proxy", "cpu", "sidecar.istio.io/proxyCPU"),
    ("istio-proxy", "memory", "sidecar.istio.io/proxyMemory"),
    ("linkerd-proxy", "cpu", "config.linkerd.io/proxy-cpu-request"),
    (
        "linkerd-proxy",
        "memory",
        "config.linkerd.io/proxy-memory-request",
    ),
    ("vault-agent", "cpu", "vault.hashicorp.com/agent-requests-cpu"),
    ("vault-agent", "memory", "vault.hashicorp.com/agent-requests-mem"),
    ("daprd", "cpu", "dapr.io/sidecar-cpu-request"),
    ("daprd", "memory", "dapr.io/sidecar-memory-request"),
];

fn check(case: &Case<'_>) -> Option<Finding> {
    let found = offenders::of_origin(case, &[Origin::Injected]);
    let first = found.first()?;
    let containers = offenders::containers(&found);
    let pods = offenders::pods(&found);
    let resources = list(&offenders::resources(&found));
    let label = case.target_label();
    let mut finding = RULE.finding(
        Severity::Error,
        format!(
            "Injected container {} has no {resources} request, so utilization cannot be computed",
            list(&containers)
        ),
        format!(
            "it is in the pods and not in the template of {label}: something adds it when a pod is created"
        ),
    );
    for offender in &found {
        if let Some(pod) = offender.pod {
            finding = finding.container("Pod", &pod.namespace, &pod.name, offender.container);
        }
    }
    finding = finding
        .saw(
            format!("pods, container {}", list(&containers)),
            format!(
                "no {resources} request in {} of {}: {}",
                pods.len(),
                case.pods().len(),
                list(&pods)
            ),
            "LIST pods",
        )
        .saw(
            format!("template of {label}"),
            format!("has no container {}", list(&containers)),
            "spec.template",
        );
    for offender in &found {
        finding = with_annotation(case, finding, offender.container, offender.resource);
    }
    let finding = case.with_default_metric(finding);
    Some(with_container_metric(case, finding, first.resource))
}

fn with_annotation(case: &Case<'_>, finding: Finding, container: &str, resource: &str) -> Finding {
    let known = INJECTORS
        .iter()
        .find(|(name, of, _)| *name == container && *of == resource);
    let Some((_, _, annotation)) = known else {
        return finding;
    };
    let title = format!("let the injector request {resource} with {annotation}");
    if finding.fix.iter().any(|fix| fix.title == title) {
        return finding;
    }
    let value = offenders::starting_value(case, container, resource);
    let patch = format!(
        r#"{{"spec":{{"template":{{"metadata":{{"annotations":{{"{annotation}":"{}"}}}}}}}}}}"#,
        value.value
    );
    finding.fix(
        title,
        format!(
            "kubectl patch {} --type=merge -p {}",
            case.target_arguments(),
            word(&patch)
        ),
        format!("rolls the pods of {}; {}", case.target_label(), value.basis()),
    )
}

/// The way around every injector: read the usage of the one container that does the work.
fn with_container_metric(case: &Case<'_>, finding: Finding, resource: &str) -> Finding {
    let [metric] = case.facts.hpa.metrics.as_slice() else {
        return finding.advice(
            format!("read {resource} of one container with a ContainerResource metric"),
            "changes the HPA alone",
        );
    };
    let template = case.target().and_then(|target| target.template.as_ref());
    let container =
        template.and_then(|template| template.containers.iter().find(|container| !container.init));
    let (Some(container), MetricTarget::AverageUtilization(percent)) = (container, &metric.target) else {
        return finding;
    };
    if case.controller.minor < 27 {
        return finding;
    }
    let patch = format!(
        r#"{{"metrics":[{{"type":"ContainerResource","containerResource":{{"name":"{resource}","container":"{}","target":{{"type":"Utilization","averageUtilization":{percent}}}}}}}]}}"#,
        container.name
    );
    finding.fix(
        format!("let the HPA read container {} alone", container.name),
        case.patch_hpa(&patch),
        "changes the HPA alone",
    )
}
