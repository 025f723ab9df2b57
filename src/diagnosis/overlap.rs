//! Two HPAs whose scale targets differ and whose selectors match the same live pods.

mod one_workload;

use super::case::owner_label;
use super::phrase::{count, list, word};
use super::{Case, Confidence, Finding, Rule, Severity, Verdict};
use crate::facts::{Fact, ObjectReference, Pod, Rival};

/// The label that the proposed repair adds to selector and template.
const LABEL: &str = "workload";
/// The longest value of a label.
const LABEL_VALUE: usize = 63;

/// A scale target whose selector matches pods of another one.
struct TooWide<'a> {
    target: &'a ObjectReference,
    label: String,
}

/// The finding, where the facts show the pods in common or the controller speaks of them.
pub(super) fn finding(case: &Case<'_>, rule: &Rule, said: &[String]) -> Option<Finding> {
    if let Some(finding) = one_workload::finding(case, rule, said) {
        return Some(finding);
    }
    let rivals: Vec<&Rival> = case
        .facts
        .rivals
        .iter()
        .filter(|rival| !rival.shared_pods.is_empty())
        .collect();
    if !rivals.is_empty() {
        return Some(proven(case, rule, &rivals, !said.is_empty()));
    }
    let me = format!("{}/{}", case.facts.hpa.namespace, case.facts.hpa.name);
    let others: Vec<&str> = said
        .iter()
        .filter(|name| **name != me)
        .map(|name| name.rsplit('/').next().unwrap_or(name))
        .collect();
    if said.is_empty() {
        return None;
    }
    let apart = |name: &&str| {
        let mut rivals = case.facts.rivals.iter();
        rivals.any(|rival| rival.hpa == *name && is_apart(rival))
    };
    if let Some(rival) = case.facts.rivals.iter().find(|rival| is_left_over(rival)) {
        return Some(left_over(case, rule, rival));
    }
    if !others.is_empty() && others.iter().all(apart) && case.facts.pods.known().is_some() {
        return Some(over(case, rule, &others));
    }
    Some(as_said(case, rule, &others))
}

/// Whether the rival is known to have no pod in common any more.
fn is_apart(rival: &Rival) -> bool {
    rival.target.is_none() || matches!(rival.selector, Fact::Known(_) | Fact::Absent)
}

/// Whether the rival's target cannot be found.
fn is_left_over(rival: &Rival) -> bool {
    rival.target.is_some() && rival.selector.is_absent()
}

/// The controller keeps the selector of an HPA until it reads another one or the HPA is deleted
/// (`hpaSelectors` in `horizontal.go`, v1.37); it reads none where the target is gone.
fn left_over(case: &Case<'_>, rule: &Rule, rival: &Rival) -> Finding {
    let hpa = &case.facts.hpa;
    let target = rival
        .target
        .as_ref()
        .map_or_else(String::new, |target| format!("{}/{}", target.kind, target.name));
    let finding = rule.finding(
        Severity::Error,
        format!(
            "HPA {} is left over: {target} is gone, and its old selector still keeps HPA {} from scaling",
            rival.hpa, hpa.name
        ),
        "the controller remembers the selector of an HPA until that is deleted or its target can be read again",
    );
    case.with_condition(case.on_hpa(finding))
        .object("HorizontalPodAutoscaler", &hpa.namespace, &rival.hpa)
        .saw(
            format!("HPA {}", rival.hpa),
            format!("{target} does not exist"),
            "LIST horizontalpodautoscalers",
        )
        .fix(
            "delete the one that is left over",
            format!("kubectl delete hpa {} -n {}", word(&rival.hpa), case.namespace()),
            format!("deletes HPA {}, which has nothing to scale", rival.hpa),
        )
}

fn proven(case: &Case<'_>, rule: &Rule, rivals: &[&Rival], said: bool) -> Finding {
    let hpa = &case.facts.hpa;
    let label = case.target_label();
    let pods: Vec<&Pod> = case
        .pods()
        .iter()
        .filter(|pod| rivals.iter().any(|rival| rival.shared_pods.contains(&pod.name)))
        .collect();
    let others: Vec<&str> = rivals.iter().map(|rival| rival.hpa.as_str()).collect();
    let wide = too_wide(case, rivals, &pods);
    let names: Vec<&str> = wide.iter().map(|wide| wide.label.as_str()).collect();
    let (severity, effect) = if said {
        (Severity::Error, "and then neither scales")
    } else if case.controller.minor >= 26 {
        (Severity::Warning, "and then neither may scale")
    } else {
        (Severity::Warning, "and each counts the other's load")
    };
    let mut finding = rule.finding(
        severity,
        format!(
            "HPA {} counts {} of HPA {} too, {effect}",
            list(&others),
            count(pods.len(), "pod"),
            hpa.name
        ),
        match names.as_slice() {
            [] => "the selectors of two scale targets match the same live pods".to_owned(),
            [one] => format!("the selector of {one} also matches pods that another workload owns"),
            _ => format!("the selectors of {} match each other's pods", list(&names)),
        },
    );
    for wide in &wide {
        finding = finding.object(&wide.target.kind, &hpa.namespace, &wide.target.name);
    }
    finding = case.on_hpa(finding);
    for other in &others {
        finding = finding.object("HorizontalPodAutoscaler", &hpa.namespace, other);
    }
    let selector = case.scale().map_or("", |scale| &scale.selector);
    finding = case
        .with_condition(finding)
        .saw(format!("{label} selects"), selector, "scale.status.selector");
    for rival in rivals.iter().take(2) {
        if let (Some(target), Some(selector)) = (&rival.target, rival.selector.known()) {
            let label = format!("{}/{}", target.kind, target.name);
            finding = finding.saw(format!("{label} selects"), selector, "scale.status.selector");
        }
    }
    let names: Vec<&str> = pods.iter().map(|pod| pod.name.as_str()).collect();
    let mut owners: Vec<String> = pods.iter().map(|pod| owner_label(pod)).collect();
    owners.dedup();
    finding = finding.saw(
        "pods in common",
        format!("{}, of {}", list(&names), list(&owners)),
        "LIST pods",
    );
    repaired(case, finding, &wide, &others)
}

/// Whose selector matches pods that it does not own.
fn too_wide<'a>(case: &Case<'a>, rivals: &[&'a Rival], pods: &[&Pod]) -> Vec<TooWide<'a>> {
    let mine = &case.facts.hpa.target;
    let mut found = Vec::new();
    if pods.iter().any(|pod| !super::case::is_own(pod)) {
        found.push(TooWide {
            target: mine,
            label: case.target_label(),
        });
    }
    for rival in rivals {
        let takes = |pod: &&&Pod| super::case::is_own(pod) && rival.shared_pods.contains(&pod.name);
        if let Some(target) = rival
            .target
            .as_ref()
            .filter(|_| pods.iter().any(|pod| takes(&pod)))
        {
            found.push(TooWide {
                target,
                label: format!("{}/{}", target.kind, target.name),
            });
        }
    }
    found
}

fn repaired(case: &Case<'_>, finding: Finding, wide: &[TooWide<'_>], others: &[&str]) -> Finding {
    let namespace = case.namespace();
    let labels: Vec<&str> = wide.iter().map(|wide| wide.label.as_str()).collect();
    let commands: Option<Vec<String>> = wide
        .iter()
        .map(|wide| own_selector(wide.target, &namespace))
        .collect();
    let finding = match commands {
        Some(commands) if !commands.is_empty() => finding.fix(
            format!("give {} a label of its own, in selector and template", list(&labels)),
            commands.join(" && "),
            "deletes it and creates it anew, for a selector cannot be changed: its pods are replaced all at once",
        ),
        _ => finding.advice(
            "give the pods of each workload a label of their own, in selector and template",
            "the selector of a Deployment cannot be changed: delete it and create it anew",
        ),
    };
    let other = others.first().copied().unwrap_or_default();
    finding.fix(
        format!("until then, let HPA {} alone scale", case.facts.hpa.name),
        format!("kubectl delete hpa {} -n {namespace}", word(other)),
        "nothing scales the other workload then",
    )
}

/// Creates the workload anew with one more label in its selector; kubectl alone does it.
fn own_selector(target: &ObjectReference, namespace: &str) -> Option<String> {
    let kind = target.kind.to_lowercase();
    let known = matches!(kind.as_str(), "deployment" | "statefulset" | "replicaset");
    if !known || target.name.len() > LABEL_VALUE {
        return None;
    }
    let name = &target.name;
    let patch = format!(
        r#"{{"spec":{{"selector":{{"matchLabels":{{"{LABEL}":"{name}"}}}},"template":{{"metadata":{{"labels":{{"{LABEL}":"{name}"}}}}}}}}}}"#
    );
    Some(format!(
        "kubectl get {kind} {} -n {namespace} -o yaml | kubectl patch --local -f - --type=merge -p {} -o yaml | kubectl replace --force -f -",
        word(name),
        word(&patch)
    ))
}

/// The overlap ended: the condition is the last sync's.
fn over(case: &Case<'_>, rule: &Rule, others: &[&str]) -> Finding {
    let label = case.target_label();
    let finding = rule
        .finding(
            Severity::Info,
            format!(
                "HPA {} has no pod in common with {label} any more: the controller looks again within 15 s",
                list(others)
            ),
            "the other HPA was deleted, or its target has changed since the last sync",
        )
        .verdict(Verdict::Waiting)
        .at_most(Confidence::Likely);
    let mut finding = case.with_condition(case.on_hpa(finding));
    for rival in &case.facts.rivals {
        let now = match (&rival.target, rival.selector.known()) {
            (None, _) => "does not exist".to_owned(),
            (Some(target), Some(selector)) => {
                format!("{}/{} selects {selector}", target.kind, target.name)
            }
            (Some(target), None) => format!("{}/{} does not exist", target.kind, target.name),
        };
        finding = finding.saw(format!("HPA {}", rival.hpa), now, "LIST horizontalpodautoscalers");
    }
    finding.fix(
        "wait for the next sync",
        format!(
            "kubectl get hpa {} -n {} -w",
            word(&case.facts.hpa.name),
            case.namespace()
        ),
        "reads only",
    )
}

/// Only the controller's words.
fn as_said(case: &Case<'_>, rule: &Rule, others: &[&str]) -> Finding {
    let hpa = &case.facts.hpa;
    let label = case.target_label();
    let finding = rule.finding(
        Severity::Error,
        format!(
            "The pods of {label} are also selected for HPA {}, and then neither scales",
            list(others)
        ),
        "the selectors of two scale targets match the same live pods",
    );
    let mut finding = case.with_condition(case.on_hpa(finding));
    for other in others {
        finding = finding.object("HorizontalPodAutoscaler", &hpa.namespace, other);
    }
    let selector = case.scale().map_or("", |scale| &scale.selector);
    finding
        .saw(format!("selector of {label}"), selector, "scale.status.selector")
        .fix(
            "see which pods it matches",
            format!(
                "kubectl get pods -n {} -l {} --show-labels",
                case.namespace(),
                word(selector)
            ),
            "reads only",
        )
        .advice(
            "give the pods of each workload a label of their own, in selector and template",
            "the selector of a Deployment cannot be changed: delete it and create it anew",
        )
}
