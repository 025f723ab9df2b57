//! How what holds a pod is shown, and what takes it away.

use super::{Hindrance, Hold};
use crate::diagnosis::case::is_running;
use crate::diagnosis::offenders::holds_up_a_repair;
use crate::diagnosis::phrase::{seconds_since, span, word};
use crate::diagnosis::{Case, Confidence, Finding};
use crate::facts::{Event, Pod};

impl Hold<'_> {
    /// Adds what holds the pod, the event that says so, and what takes it away.
    pub(in crate::diagnosis) fn shown(self, case: &Case<'_>, finding: Finding, pod: &Pod) -> Finding {
        let finding = self.proved(case, finding, pod);
        let of_template = matches!(self.hindrance, Hindrance::Missing { .. } | Hindrance::Volume(_));
        let finding = self.hindrance.repair(case, finding, pod);
        if of_template && older_template_runs(case, pod) {
            return rolled_back(case, finding);
        }
        finding
    }

    fn proved(self, case: &Case<'_>, finding: Finding, pod: &Pod) -> Finding {
        let finding = match self.hindrance {
            Hindrance::SilentKubelet(node) => {
                finding.object("Node", "", node).at_most(Confidence::Likely).saw(
                    format!("events of Pod {}", pod.name),
                    "none of the kubelet",
                    "LIST events",
                )
            }
            Hindrance::InitContainerRuns(init) => {
                let since = init.running_since.map_or(0, |time| seconds_since(time, case.now));
                finding
                    .container("Pod", &pod.namespace, &pod.name, &init.name)
                    .saw(
                        format!("init container {}", init.name),
                        format!("runs for {}", span(since)),
                        "LIST pods",
                    )
            }
            Hindrance::Missing { kind, name, .. } => finding.object(kind, &pod.namespace, name),
            _ => finding,
        };
        let Some(told) = self.event else { return finding };
        let finding = if told.kind == "Pod" {
            finding
        } else {
            finding.object(&told.kind, &pod.namespace, &told.name)
        };
        finding.saw(
            format!("event {}", told.event.reason),
            often(&told.event),
            format!("events of {} {}", told.kind, told.name),
        )
    }
}

impl Hindrance<'_> {
    /// What takes it away.
    fn repair(self, case: &Case<'_>, finding: Finding, pod: &Pod) -> Finding {
        let namespace = case.namespace();
        let label = case.target_label();
        let rolls = format!("rolls the pods of {label}");
        let claim = |claim: &str| format!("kubectl describe pvc {} -n {namespace}", word(claim));
        match self {
            Self::Missing { kind, name, .. } => finding
                .fix(
                    format!("see which {kind}s there are"),
                    format!("kubectl get {} -n {namespace}", kind.to_lowercase()),
                    "reads only",
                )
                .advice(
                    format!("create {kind} {name}, or name another one in the template of {label}"),
                    format!("the pods start within two minutes of its creation; a new template {rolls}"),
                ),
            Self::AttachedElsewhere => finding
                .fix(
                    "see which pod holds the volume",
                    claim(pod.claims.first().map_or("NAME", String::as_str)),
                    "reads only; `Used By` names the pods",
                )
                .advice(
                    "give each pod a volume of its own (a StatefulSet does), or one that many nodes may mount (ReadWriteMany)",
                    format!("a volume of access mode ReadWriteOnce carries one node: more replicas of {label} do not help"),
                ),
            Self::InitContainerRuns(init) => finding.fix(
                "see what it waits for",
                format!("kubectl logs {} -n {namespace} -c {} --tail=20", word(&pod.name), word(&init.name)),
                "reads only; the other containers start when it has ended",
            ),
            Self::Pulling(_) => finding.fix("see how long it takes", describe(case, pod), "reads only"),
            Self::SilentKubelet(node) => finding
                .fix("see whether the node is Ready", format!("kubectl get node {}", word(node)), "reads only")
                .advice(
                    format!("repair the node; if its machine is gone, `kubectl delete node {}`", word(node)),
                    "its pods are then made anew on other nodes",
                ),
            Self::StorageClassMissing { class, claim: name } => finding
                .fix("see which StorageClasses there are", "kubectl get storageclass", "reads only")
                .advice(
                    format!("create StorageClass {class}, or make claim {name} anew with one of those"),
                    "the scheduler places the pods as soon as the claim is bound; the class of a claim cannot be changed",
                ),
            Self::NoStorageClass { claim: name } => finding
                .fix("see which StorageClasses there are", "kubectl get storageclass", "reads only")
                .advice(
                    format!("mark one as the default (annotation `storageclass.kubernetes.io/is-default-class`), or create a PersistentVolume for {name}"),
                    "the scheduler places the pods as soon as the claim is bound",
                ),
            Self::ProvisionerSilent { provisioner, .. } => finding
                .fix("see which drivers the cluster has", "kubectl get csidrivers", "reads only")
                .advice(
                    format!("install or repair the driver {provisioner}"),
                    "the scheduler places the pods as soon as the claim is bound",
                ),
            Self::NotProvisioned { claim: name } => {
                finding.fix("see the events of the claim", claim(name), "reads only")
            }
            Self::Volume(_) | Self::Sandbox => {
                finding.fix("see the events of the pod", describe(case, pod), "reads only")
            }
        }
    }
}

/// The command that shows the events of a pod.
pub(in crate::diagnosis) fn describe(case: &Case<'_>, pod: &Pod) -> String {
    format!("kubectl describe pod {} -n {}", word(&pod.name), case.namespace())
}

/// Whether a pod of another template runs.
pub(in crate::diagnosis) fn older_template_runs(case: &Case<'_>, pod: &Pod) -> bool {
    case.own_pods().any(|other| {
        is_running(other) && other.labels.get("pod-template-hash") != pod.labels.get("pod-template-hash")
    })
}

/// The way back from a template whose pods do not start, where there is one.
pub(in crate::diagnosis) fn rolled_back(case: &Case<'_>, finding: Finding) -> Finding {
    if holds_up_a_repair(case) || case.facts.hpa.target.kind != "Deployment" {
        return finding;
    }
    finding.fix(
        "go back to the template before",
        format!("kubectl rollout undo {}", case.target_arguments()),
        format!("rolls the pods of {}", case.target_label()),
    )
}

/// The text of an event, and how often it came.
pub(in crate::diagnosis) fn often(event: &Event) -> String {
    let message = event.message.trim();
    match event.count {
        ..=1 => message.to_owned(),
        2 => format!("{message} (twice)"),
        number => format!("{message} ({number} times)"),
    }
}
