//! TFS108 conversion-webhook-fails
//!
//! ## What it detects
//! The target is a custom resource that the API server stores in another version than the one it is asked for, and the webhook
//! that converts it does not answer: nobody can read the object, and the HPA cannot read its scale.
//!
//! ## How it is proved
//! The controller quotes the API server, which names the webhook's address and what came back. Where the object can be read
//! in the version that the HPA names, that may be the one that is stored, and the finding is *likely*: the controller asks for
//! the version that the API server prefers.
//!
//! ## What it is not
//! A webhook that refuses a change is TFS104.
//!
//! ## Fix
//! Let the operator run that converts the resource. Where it was uninstalled, its `CustomResourceDefinition` is left over.
//!
//! ## Source
//! `webhook_converter.go` in `apiextensions-apiserver/pkg/apiserver/conversion`, Kubernetes v1.37.

use crate::diagnosis::phrase::word;
use crate::diagnosis::rule::{Rule, Stage, documentation};
use crate::diagnosis::{Case, Confidence, Finding, Severity};

pub(in crate::diagnosis) const RULE: Rule = Rule {
    code: "TFS108",
    name: "conversion-webhook-fails",
    stage: Stage::Target,
    source: documentation!("conversion_webhook_fails.rs"),
    explains: &[
        "TFS101", "TFS601", "TFS602", "TFS603", "TFS604", "TFS608", "TFS901",
    ],
    needs: &[],
    check,
};

/// The API server's words, taken apart.
#[derive(Debug, PartialEq, Eq)]
struct Failed<'a> {
    /// `operators.example.com/v1beta1, Kind=Index`.
    kind: &'a str,
    /// The namespace and the name of the Service; none for a webhook by URL.
    service: Option<(&'a str, &'a str)>,
    /// Whether that Service does not exist.
    gone: bool,
    /// `indices.operators.example.com`, where the words have the object's key.
    definition: Option<String>,
}

fn read(message: &str) -> Option<Failed<'_>> {
    let (before, rest) = message.split_once("conversion webhook for ")?;
    let (kind, rest) = rest.split_once(" failed")?;
    let host = rest
        .split_once("https://")
        .and_then(|(_, host)| host.split_once(".svc"));
    let service = host.and_then(|(host, _)| host.split_once('.'));
    Some(Failed {
        kind,
        service: service.map(|(name, namespace)| (namespace, name)),
        gone: service.is_some_and(|(name, _)| rest.contains(&format!("service \"{name}\" not found"))),
        definition: definition(before),
    })
}

/// From `Key: /GROUP/PLURAL/NAMESPACE/NAME`, the key of the object in etcd.
fn definition(text: &str) -> Option<String> {
    let (_, key) = text.split_once("Key: /")?;
    let mut parts = key.split('/');
    let (group, plural) = (parts.next()?, parts.next()?);
    group.contains('.').then(|| format!("{plural}.{group}"))
}

fn check(case: &Case<'_>) -> Option<Finding> {
    let symptom = case
        .said
        .blocking()
        .filter(|symptom| symptom.condition.type_ == "AbleToScale")?;
    let text = symptom.condition.message.as_str();
    let failed = read(text)?;
    let label = case.target_label();
    let what = match failed.service {
        Some((namespace, name)) if failed.gone => format!("its Service {namespace}/{name} does not exist"),
        Some((namespace, name)) => format!("Service {namespace}/{name} does not answer it"),
        None => "it does not answer".to_owned(),
    };
    let kind = failed
        .kind
        .rsplit_once("Kind=")
        .map_or(failed.kind, |(_, kind)| kind);
    let mut finding = RULE.finding(
        Severity::Error,
        format!("The scale of {label} cannot be read: the conversion webhook of {kind} fails, {what}"),
        "the API server stores it in another version than it is asked for, and converts it for every reader",
    );
    if let Some(definition) = &failed.definition {
        finding = finding.object("CustomResourceDefinition", "", definition);
    }
    if let Some((namespace, name)) = failed.service {
        finding = finding.object("Service", namespace, name);
    }
    let words = text
        .find("conversion webhook for ")
        .map_or(text, |start| text.split_at(start).1);
    let finding = case.on_target(finding).saw(
        format!("condition {}", symptom.condition.type_),
        format!("{}: … {words}", symptom.condition.reason),
        "status.conditions",
    );
    // It may be one in the version that is stored, which is not the one that the controller asks for.
    let finding = if case.target().is_some() {
        finding.at_most(Confidence::Likely)
    } else {
        finding
    };
    Some(repaired(finding, &failed))
}

fn repaired(finding: Finding, failed: &Failed<'_>) -> Finding {
    let finding = match failed.service {
        Some((namespace, name)) if !failed.gone => finding.fix(
            "see who serves the webhook",
            format!(
                "kubectl get endpointslices -n {} -l kubernetes.io/service-name={}",
                word(namespace),
                word(name)
            ),
            "reads only",
        ),
        _ => finding,
    };
    let finding = finding.advice(
        "install the operator again that converts the resource, or let its webhook run",
        "the HPA goes on by itself",
    );
    match &failed.definition {
        Some(definition) => finding.fix(
            "convert without it, if the versions have the same fields",
            format!(
                "kubectl patch crd {} --type=merge -p {}",
                word(definition),
                word(r#"{"spec":{"conversion":{"strategy":"None","webhook":null}}}"#)
            ),
            "changes the definition for all of its objects; fields that a version lacks are lost when it is written",
        ),
        None => finding,
    }
}

#[cfg(test)]
mod tests {
    use super::{Failed, read};

    #[test]
    fn the_service_and_the_definition_are_in_the_words() {
        let gone = "StorageError: corrupt object, Code: 7, Key: /operators.example.com/indices/shop/search, ResourceVersion: 0, \
            AdditionalErrorMsg: object not decodable revision=15: conversion webhook for operators.example.com/v1beta1, \
            Kind=Index failed: Post \"https://index-operator.operators.svc:443/convert?timeout=30s\": service \"index-operator\" not found";
        assert_eq!(
            read(gone),
            Some(Failed {
                kind: "operators.example.com/v1beta1, Kind=Index",
                service: Some(("operators", "index-operator")),
                gone: true,
                definition: Some("indices.operators.example.com".to_owned()),
            })
        );
        let silent = "conversion webhook for operators.example.com/v1, Kind=Index failed: Post \"https://10.0.0.1/convert\": EOF";
        assert_eq!(
            read(silent),
            Some(Failed {
                kind: "operators.example.com/v1, Kind=Index",
                service: None,
                gone: false,
                definition: None,
            })
        );
        assert_eq!(
            read("the server has asked for the client to provide credentials"),
            None
        );
    }
}
