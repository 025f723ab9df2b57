//! TFS713 writes-changed
//!
//! ## What it detects
//! The HPA writes the same replicas at every sync, the API server accepts each write, and the target keeps another size:
//! an admission webhook or a `MutatingAdmissionPolicy` for its `scale` changes the number on its way, for example to cap it.
//!
//! ## How it is proved
//! The HPA's events count more writes of that size than the target's spec has ever changed (`metadata.generation`). So nobody
//! undoes them: they have no effect. That it is done at admission is *likely*; a dry run of the same write proves it.
//!
//! ## What it is not
//! Where somebody else writes the replicas back, each of both writes changes the spec: TFS703. A write that is refused is
//! `FailedUpdateScale` (TFS104).
//!
//! ## Fix
//! See what becomes of the write, and whose rule it is. Where the number that stays is meant, it belongs into `maxReplicas`.
//!
//! ## Source
//! `reconcileAutoscaler` in `horizontal.go`, Kubernetes v1.37: the answer to the update of the scale is not compared with what
//! was asked for; `rest.BeforeUpdate` and the strategies in `pkg/registry/apps` for the generation.

use crate::diagnosis::phrase::{ago, count, seconds_since, span, word};
use crate::diagnosis::rescales::{self, Direction, Size};
use crate::diagnosis::rule::{Need, Rule, Stage, documentation};
use crate::diagnosis::{Case, Confidence, Finding, Severity};

pub(in crate::diagnosis) const RULE: Rule = Rule {
    code: "TFS713",
    name: "writes-changed",
    stage: Stage::Others,
    source: documentation!("writes_changed.rs"),
    explains: &["TFS602", "TFS604", "TFS606", "TFS608"],
    needs: &[Need::Target, Need::Scale],
    check,
};

/// The HPA writes at every sync, every 15 s as a rule: without another write for this long it is over. The recorder may
/// write its events as seldom.
const RECENT_SECONDS: i64 = 10 * 60;

/// The minor version from which on `MutatingAdmissionPolicy` is served without being asked for.
const POLICIES_SINCE: u32 = 36;

fn check(case: &Case<'_>) -> Option<Finding> {
    let rescales = rescales::read(case)?;
    let (size, changes) = rescales.without_effect(case)?;
    let stays = case.scale()?.spec_replicas;
    if stays == size.replicas || stays == 0 || seconds_since(size.last, case.now) > RECENT_SECONDS {
        return None;
    }
    let label = case.target_label();
    let finding = RULE
        .finding(
            Severity::Warning,
            format!(
                "{label} stays at {stays}, though the HPA writes {} again and again: the write is changed on its way",
                size.replicas
            ),
            "the API server takes each write and stores another size: a mutating webhook or policy for the scale does that",
        )
        .saw(
            format!("HPA events, new size {}", size.replicas),
            format!(
                "{} times in {}, last {}",
                size.times,
                span((size.last - size.first).num_seconds()),
                ago(size.last, case.now)
            ),
            "events of the HPA",
        )
        .saw(
            "changes of its spec, ever",
            format!("{changes}: nobody else undoes the writes"),
            "metadata.generation",
        )
        .at_most(Confidence::Likely);
    let finding = case.on_target(with_writers(case, finding));
    Some(repaired(case, finding, size, stays))
}

/// That the controller alone owns the replicas, where it does.
fn with_writers(case: &Case<'_>, finding: Finding) -> Finding {
    let writers = case.target().map_or(&[][..], |target| &target.replicas_writers);
    match writers {
        [only] if only.manager == "kube-controller-manager" => finding.saw(
            "spec.replicas written by",
            format!("{} alone", only.manager),
            "managedFields",
        ),
        _ => finding,
    }
}

fn repaired(case: &Case<'_>, finding: Finding, size: &Size, stays: i32) -> Finding {
    let wanted = size.replicas;
    let patch = word(&format!(r#"{{"spec":{{"replicas":{wanted}}}}}"#));
    let finding = finding
        .fix(
            "see what becomes of such a write",
            format!(
                "kubectl patch {} --subresource=scale --type=merge -p {patch} --dry-run=server -o jsonpath='{{.spec.replicas}}'",
                case.target_arguments()
            ),
            format!("changes nothing; another number than {wanted} proves it"),
        )
        .fix(
            "see whose rules speak of the scale",
            rules(case.controller.minor),
            "reads only",
        );
    let hpa = &case.facts.hpa;
    if size.direction != Direction::Up || stays < hpa.effective_min_replicas() || stays >= hpa.max_replicas {
        return finding;
    }
    finding.fix(
        format!(
            "let the HPA stop there, if {} are all that is allowed",
            count(usize::try_from(stays).unwrap_or(0), "replica")
        ),
        case.patch_hpa(&format!(r#"{{"maxReplicas":{stays}}}"#)),
        "changes the HPA alone",
    )
}

/// The command that lists what may change a write, with the resources that it is for.
fn rules(minor: u32) -> String {
    let (kinds, policies) = if minor >= POLICIES_SINCE {
        (
            "mutatingwebhookconfigurations,mutatingadmissionpolicies",
            ",POLICY:.spec.matchConstraints.resourceRules[*].resources",
        )
    } else {
        ("mutatingwebhookconfigurations", "")
    };
    format!(
        "kubectl get {kinds} -o custom-columns='KIND:.kind,NAME:.metadata.name,WEBHOOK:.webhooks[*].rules[*].resources{policies}'"
    )
}
