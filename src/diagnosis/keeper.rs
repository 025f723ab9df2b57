//! HPAs that something else writes: a repair of the HPA alone would be written over.
//!
//! KEDA compares its HPA with what the `ScaledObject` asks for and writes it back (`updateHPAIfNeeded` in
//! `controllers/keda/hpa.go`, v2), so a repair belongs into the `ScaledObject`. Every rule may propose to patch the
//! HPA; here, in one place, that becomes what works.

mod delivered;
mod owned;

use serde_json::{Map, Value};

use super::phrase::word;
use super::{Case, Finding, Fix};
use crate::facts::ObjectReference;

/// The group of KEDA's objects.
const KEDA: &str = "keda.sh";

/// The `ScaledObject` that the HPA is written from.
pub(super) fn scaled_object<'a>(case: &Case<'a>) -> Option<&'a ObjectReference> {
    case.facts
        .hpa
        .keeper
        .as_ref()
        .filter(|keeper| is_scaled_object(keeper))
}

/// Whether an owner is a `ScaledObject` of KEDA.
pub(super) fn is_scaled_object(keeper: &ObjectReference) -> bool {
    keeper.kind == "ScaledObject" && keeper.group() == KEDA
}

/// `ScaledObject web`.
pub(super) fn label(keeper: &ObjectReference) -> String {
    format!("{} {}", keeper.kind, keeper.name)
}

/// `worker.example.com otel -n shop`: an object as kubectl's arguments name it, with its group where that is needed.
pub(super) fn arguments(case: &Case<'_>, reference: &ObjectReference) -> String {
    let kind = reference.kind.to_lowercase();
    let resource = match reference.group() {
        "" | "apps" => kind,
        group => format!("{kind}.{group}"),
    };
    format!(
        "{} {} -n {}",
        word(&resource),
        word(&reference.name),
        case.namespace()
    )
}

/// Turns the repairs of a kept HPA into repairs of its keeper, and says what would be written over.
pub(super) fn redirect(case: &Case<'_>, findings: &mut [Finding]) {
    let hpa = case.facts.hpa.keeper.as_ref().filter(|keeper| writes(keeper));
    let target = case.target().and_then(|target| target.controller.as_ref());
    let target = target.filter(|keeper| writes(keeper));
    for finding in findings {
        for fix in &mut finding.fix {
            if let Some(keeper) = hpa {
                redirected(case, keeper, fix);
            }
        }
        if let Some(keeper) = target {
            owned::redirect(case, keeper, &mut finding.fix);
        }
        delivered::note(case, &mut finding.fix);
        redirect(case, &mut finding.consequences);
    }
}

/// Whether an owner is an operator's object, which writes what it owns; a built-in workload that owns an HPA only takes it
/// along when it is deleted.
fn writes(keeper: &ObjectReference) -> bool {
    !matches!(keeper.group(), "" | "apps")
}

/// Whether a repair changes the HPA itself.
fn changes_hpa(case: &Case<'_>, fix: &Fix) -> bool {
    let verbs = ["patch", "delete", "edit"];
    verbs.iter().any(|verb| is_of_hpa(case, verb, fix))
}

fn is_of_hpa(case: &Case<'_>, verb: &str, fix: &Fix) -> bool {
    let hpa = word(&case.facts.hpa.name);
    let start = format!("kubectl {verb} hpa {hpa} -n {}", case.namespace());
    fix.command
        .as_ref()
        .is_some_and(|command| command.starts_with(&start))
}

fn redirected(case: &Case<'_>, keeper: &ObjectReference, fix: &mut Fix) {
    let Some(command) = fix.command.clone().filter(|_| changes_hpa(case, fix)) else {
        return;
    };
    let namespace = case.namespace();
    let name = word(&keeper.name);
    if !is_scaled_object(keeper) {
        of_operator(case, keeper, fix);
        return;
    }
    if is_of_hpa(case, "delete", fix) {
        fix.command = Some(format!("kubectl delete scaledobject {name} -n {namespace}"));
        fix.changes = format!(
            "deletes {}, and KEDA its HPA with it; alone, the HPA would be made again",
            label(keeper)
        );
        return;
    }
    let patch = merge_patch(case, &command).and_then(|patch| translated(&patch));
    if let Some(patch) = patch {
        fix.command = Some(format!(
            "kubectl patch scaledobject {name} -n {namespace} --type=merge -p {}",
            word(&patch.to_string())
        ));
        fix.changes = format!("changes {}; KEDA writes the HPA from it", label(keeper));
    } else {
        fix.command = Some(format!("kubectl edit scaledobject {name} -n {namespace}"));
        fix.changes = format!(
            "change the triggers of {} so: KEDA writes the HPA from it, and over every change of the HPA",
            label(keeper)
        );
    }
}

/// The patch of the HPA that a command is.
fn merge_patch(case: &Case<'_>, command: &str) -> Option<Value> {
    let hpa = word(&case.facts.hpa.name);
    let merge = format!("kubectl patch hpa {hpa} -n {} --type=merge -p ", case.namespace());
    serde_json::from_str(&unquoted(command.strip_prefix(&merge)?)).ok()
}

/// An operator writes its HPA from its own object, so the command that lasts is one for that.
fn of_operator(case: &Case<'_>, keeper: &ObjectReference, fix: &mut Fix) {
    let Some(command) = &fix.command else { return };
    let owner = label(keeper);
    if command.starts_with("kubectl delete ") {
        fix.changes = format!(
            "{}; {owner} owns the HPA and may make it again: change it there",
            fix.changes
        );
        return;
    }
    let object = arguments(case, keeper);
    let patch = merge_patch(case, command).and_then(|patch| of_kserve(&case.facts.hpa.name, keeper, &patch));
    if let Some(patch) = patch {
        fix.command = Some(format!(
            "kubectl patch {object} --type=merge -p {}",
            word(&patch.to_string())
        ));
        fix.changes = format!("changes {owner}; KServe writes the HPA from it");
    } else {
        let wanted = merge_patch(case, command).map(|patch| patch["spec"].to_string());
        let wanted = wanted.map_or_else(String::new, |spec| format!(" (the HPA needs {spec})"));
        fix.command = Some(format!("kubectl edit {object}"));
        fix.changes = format!("{owner} owns the HPA and may write over its changes: change it there{wanted}");
    }
}

/// The group of an `InferenceService`.
const KSERVE: &str = "serving.kserve.io";

/// The limits of an HPA as those of a component of an `InferenceService`, whose HPA is called NAME-COMPONENT
/// (`pkg/constants`, v0.15).
fn of_kserve(hpa: &str, keeper: &ObjectReference, patch: &Value) -> Option<Value> {
    if keeper.kind != "InferenceService" || keeper.group() != KSERVE {
        return None;
    }
    let component = hpa.strip_prefix(keeper.name.as_str())?.strip_prefix('-')?;
    let spec = patch.get("spec")?.as_object()?;
    let limits = spec
        .keys()
        .all(|key| matches!(key.as_str(), "minReplicas" | "maxReplicas"));
    let known = matches!(component, "predictor" | "transformer" | "explainer");
    (limits && known).then(|| serde_json::json!({"spec": {component: spec}}))
}

/// What a shell makes of a word.
fn unquoted(text: &str) -> String {
    match text.strip_prefix('\'').and_then(|inner| inner.strip_suffix('\'')) {
        Some(inner) => inner.replace(r"'\''", "'"),
        None => text.to_owned(),
    }
}

/// The patch of an HPA's spec as one of a `ScaledObject`'s; none where its triggers would have to change.
fn translated(patch: &Value) -> Option<Value> {
    let mut spec = Map::new();
    for (key, value) in patch.get("spec")?.as_object()? {
        let (key, value) = match key.as_str() {
            "minReplicas" => ("minReplicaCount", value.clone()),
            "maxReplicas" => ("maxReplicaCount", value.clone()),
            "scaleTargetRef" => ("scaleTargetRef", value.clone()),
            "behavior" => (
                "advanced",
                serde_json::json!({"horizontalPodAutoscalerConfig": {"behavior": value}}),
            ),
            _ => return None,
        };
        spec.insert(key.to_owned(), value);
    }
    Some(serde_json::json!({ "spec": spec }))
}

#[cfg(test)]
mod tests {
    use super::{translated, unquoted};

    #[test]
    fn limits_and_behavior_have_a_place_in_a_scaled_object() {
        let patch = serde_json::json!({"spec": {"maxReplicas": 8, "behavior": {"scaleDown": {}}}});
        let wanted = serde_json::json!({"spec": {"maxReplicaCount": 8,
            "advanced": {"horizontalPodAutoscalerConfig": {"behavior": {"scaleDown": {}}}}}});
        assert_eq!(translated(&patch), Some(wanted));
        let metrics = serde_json::json!({"spec": {"metrics": []}});
        assert_eq!(translated(&metrics), None);
    }

    #[test]
    fn limits_have_a_place_in_an_inference_service() {
        let keeper = crate::facts::ObjectReference {
            api_version: "serving.kserve.io/v1beta1".to_owned(),
            kind: "InferenceService".to_owned(),
            name: "bert".to_owned(),
        };
        let limits = serde_json::json!({"spec": {"maxReplicas": 8}});
        let wanted = serde_json::json!({"spec": {"predictor": {"maxReplicas": 8}}});
        assert_eq!(super::of_kserve("bert-predictor", &keeper, &limits), Some(wanted));
        assert_eq!(super::of_kserve("bert", &keeper, &limits), None);
        let metrics = serde_json::json!({"spec": {"metrics": []}});
        assert_eq!(super::of_kserve("bert-predictor", &keeper, &metrics), None);
    }

    #[test]
    fn a_word_of_the_shell_is_read_back() {
        for text in [r#"{"a":"it's"}"#, "plain"] {
            assert_eq!(unquoted(&super::word(text)), text);
        }
    }
}
