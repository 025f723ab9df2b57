//! Runs the rules and puts the answer together.

use std::borrow::Borrow;

use super::explanation::ClusterReport;
use super::{
    Case, Explanation, Explanations, Finding, Verdict, history, keeper, left_out, order, report, summary,
    targets,
};
use crate::facts::{Facts, HpaFacts, NotReadable};
use crate::hpa::replicas::{self, Controller};
use crate::hpa::symptoms;

/// Explains every HPA of the facts.
pub fn diagnose(facts: &Facts) -> Explanations {
    each(facts, facts.hpas.iter())
}

/// The same, and lets go of what was read of an HPA when it is explained: of many, that is most of the memory.
pub fn diagnose_and_drop(mut facts: Facts) -> Explanations {
    let hpas = std::mem::take(&mut facts.hpas);
    each(&facts, hpas.into_iter())
}

fn each<H: Borrow<HpaFacts>>(facts: &Facts, hpas: impl Iterator<Item = H>) -> Explanations {
    let version = facts.cluster.version.known();
    let controller = Controller::defaults(version.map(String::as_str));
    let mut not_readable: Vec<NotReadable> = Vec::new();
    let items = hpas
        .map(|hpa| explain(facts, hpa.borrow(), &controller, &mut not_readable))
        .collect();
    Explanations {
        api_version: crate::facts::API_VERSION,
        kind: "HpaExplanationList",
        observed_at: facts.observed_at,
        cluster: ClusterReport {
            version: version.cloned(),
        },
        items,
        not_readable,
    }
}

fn explain(
    facts: &Facts,
    hpa: &HpaFacts,
    controller: &Controller,
    not_readable: &mut Vec<NotReadable>,
) -> Explanation {
    let said = symptoms::read(hpa, facts.observed_at);
    let recommendation = replicas::recommend(hpa, controller, facts.observed_at);
    let case = Case {
        cluster: &facts.cluster,
        facts: hpa,
        said: &said,
        controller,
        recommendation: recommendation.as_ref(),
        set_aside: None,
        now: facts.observed_at,
    };
    // No rule draws conclusions from a calculation that the controller itself contradicts.
    let set_aside = recommendation
        .as_ref()
        .filter(|it| !left_out::contradicted(&case, it).is_empty());
    let case = Case {
        recommendation: recommendation.as_ref().filter(|_| set_aside.is_none()),
        set_aside,
        ..case
    };
    for fact in order::all_unreadable(&case) {
        if !not_readable.contains(fact) {
            not_readable.push(fact.clone());
        }
    }
    let mut findings = order::findings(&case);
    keeper::redirect(&case, &mut findings);
    let verdict = verdict(&findings);
    let spec = &hpa.hpa;
    Explanation {
        namespace: spec.namespace.clone(),
        name: spec.name.clone(),
        target: spec.target.clone(),
        targets: targets::column(spec, controller.minor),
        min_replicas: spec.effective_min_replicas(),
        max_replicas: spec.max_replicas,
        replicas: case
            .scale()
            .map(|scale| scale.spec_replicas)
            .or(spec.current_replicas),
        verdict,
        summary: summary::sentence(&case, &findings, verdict),
        history: history::entries(&case),
        recommendation: recommendation
            .as_ref()
            .map(|it| report::recommendation(&case, it)),
        findings,
        what_if: None,
    }
}

/// The greatest verdict of the findings; without any, nothing is wrong.
fn verdict(findings: &[Finding]) -> Verdict {
    findings
        .iter()
        .map(|finding| finding.verdict)
        .max()
        .unwrap_or(Verdict::Healthy)
}
