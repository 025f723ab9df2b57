//! Who refuses the controller a write, read from the API server's own words, and how to be let through.

use super::phrase::word;
use super::{Case, Finding};
use crate::facts::Webhook;

/// The role that every cluster has for the HPA controller, and its binding.
pub(super) const ROLE: &str = "system:controller:horizontal-pod-autoscaler";
/// The user that the controller works as, unless kube-controller-manager is told to use its own.
const USER: &str = "system:serviceaccount:kube-system:horizontal-pod-autoscaler";

/// Who refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Denial<'a> {
    /// An admission policy said no.
    Policy {
        /// `ValidatingAdmissionPolicy` or `MutatingAdmissionPolicy`.
        kind: &'static str,
        /// Its name.
        name: &'a str,
        /// Its binding.
        binding: &'a str,
        /// Its words.
        said: &'a str,
    },
    /// An admission webhook said no.
    Denied {
        /// Its name.
        webhook: &'a str,
        /// Its words.
        said: &'a str,
    },
    /// An admission webhook does not answer.
    Unanswered {
        /// Its name.
        webhook: &'a str,
        /// What went wrong.
        error: &'a str,
    },
    /// RBAC.
    Right {
        /// Who asked.
        user: &'a str,
        /// What for.
        verb: &'a str,
        /// Of which resource, for example `deployments.apps/scale`.
        resource: Resource<'a>,
    },
}

/// A resource as RBAC names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Resource<'a> {
    plural: &'a str,
    group: &'a str,
}

impl std::fmt::Display for Resource<'_> {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (plural, subresource) = self.plural.split_once('/').unwrap_or((self.plural, ""));
        formatter.write_str(plural)?;
        if !self.group.is_empty() {
            write!(formatter, ".{}", self.group)?;
        }
        if !subresource.is_empty() {
            write!(formatter, "/{subresource}")?;
        }
        Ok(())
    }
}

/// Reads a refusal.
pub(super) fn read(text: &str) -> Option<Denial<'_>> {
    if let Some(webhook) = between(text, "failed calling webhook \"", '"') {
        let (_, error) = text.rsplit_once("\": ").unwrap_or(("", text));
        return Some(Denial::Unanswered { webhook, error });
    }
    if let Some(name) = between(text, "olicy '", '\'') {
        return Some(Denial::Policy {
            kind: if text.contains("ValidatingAdmissionPolicy '") {
                "ValidatingAdmissionPolicy"
            } else {
                "MutatingAdmissionPolicy"
            },
            name,
            binding: between(text, "with binding '", '\'').unwrap_or(name),
            said: text.split_once(" denied request: ").map_or("", |(_, said)| said),
        });
    }
    if let Some(webhook) = between(text, "admission webhook \"", '"') {
        let said = text.split_once(" denied the request: ");
        return Some(Denial::Denied {
            webhook,
            said: said.map_or("", |(_, said)| said),
        });
    }
    let user = between(text, "User \"", '"')?;
    let (_, rest) = text.split_once(" cannot ")?;
    let (verb, _) = rest.split_once(' ')?;
    Some(Denial::Right {
        user,
        verb,
        resource: Resource {
            plural: between(rest, "resource \"", '"')?,
            group: between(rest, "API group \"", '"').unwrap_or_default(),
        },
    })
}

fn between<'a>(text: &'a str, before: &str, after: char) -> Option<&'a str> {
    let (_, rest) = text.split_once(before)?;
    rest.split_once(after).map(|(value, _)| value)
}

impl Denial<'_> {
    /// Who refuses, at the beginning of a sentence that goes on with what is refused.
    pub(super) fn who(&self) -> String {
        match self {
            Self::Policy { kind, name, .. } => format!("{kind} {name} refuses"),
            Self::Denied { webhook, .. } => format!("Admission webhook {webhook} refuses"),
            Self::Unanswered { webhook, .. } => {
                format!("Admission webhook {webhook} does not answer and blocks")
            }
            Self::Right { .. } => "RBAC refuses".to_owned(),
        }
    }

    /// Its own words, after a colon; nothing where it has none.
    pub(super) fn words(&self) -> String {
        match self {
            Self::Policy { said, .. } | Self::Denied { said, .. } if !said.is_empty() => format!(": {said}"),
            Self::Unanswered { error, .. } => format!(": {error}"),
            _ => String::new(),
        }
    }

    /// Names what is at fault.
    pub(super) fn blame(&self, case: &Case<'_>, finding: Finding) -> Finding {
        match self {
            Self::Policy { kind, name, .. } => finding.object(kind, "", name),
            Self::Denied { webhook, .. } | Self::Unanswered { webhook, .. } => match find(case, webhook) {
                Some(found) => {
                    let finding = finding.object(&found.configuration_kind, "", &found.configuration);
                    match &found.service {
                        Some(service) => finding.object("Service", &service.namespace, &service.name),
                        None => finding,
                    }
                }
                None => finding.object("AdmissionWebhook", "", webhook),
            },
            Self::Right { .. } => finding.object("ClusterRole", "", ROLE),
        }
    }

    /// Commands that let the controller through.
    pub(super) fn repair(&self, case: &Case<'_>, finding: Finding) -> Finding {
        match self {
            Self::Policy {
                kind, name, binding, ..
            } => policy(finding, kind, name, binding),
            Self::Denied { webhook, .. } => denied(case, finding, webhook),
            Self::Unanswered { webhook, error } => unanswered(case, finding, webhook, error),
            Self::Right { user, verb, resource } => right(finding, user, verb, resource),
        }
    }
}

fn find<'a>(case: &Case<'a>, webhook: &str) -> Option<&'a Webhook> {
    let known = case.cluster.webhooks.known()?;
    known.iter().find(|found| found.name == webhook)
}

/// A condition that keeps the HPA controller out of a policy or webhook.
fn exemption() -> String {
    format!(r#"{{"name":"not-the-hpa-controller","expression":"request.userInfo.username != \"{USER}\""}}"#)
}

fn policy(finding: Finding, kind: &str, name: &str, binding: &str) -> Finding {
    let resource = kind.to_lowercase();
    finding
        .fix(
            "let the HPA controller pass",
            format!(
                "kubectl patch {resource} {} -p {}",
                word(name),
                word(&format!(r#"{{"spec":{{"matchConditions":[{}]}}}}"#, exemption()))
            ),
            "changes the policy alone; it still holds for everybody else",
        )
        .fix(
            "see what it forbids, and for whom",
            format!(
                "kubectl get {resource}/{} {resource}binding/{} -o yaml",
                word(name),
                word(binding)
            ),
            "reads only",
        )
}

fn denied(case: &Case<'_>, finding: Finding, webhook: &str) -> Finding {
    let Some(found) = find(case, webhook) else {
        return search(finding).advice(
            format!("let the webhook pass the user {USER}"),
            "changes the webhook or its policy",
        );
    };
    let place = format!("/webhooks/{}/matchConditions", found.index);
    let exemption = exemption();
    let patch = if found.match_conditions == 0 {
        format!(r#"[{{"op":"add","path":"{place}","value":[{exemption}]}}]"#)
    } else {
        format!(r#"[{{"op":"add","path":"{place}/-","value":{exemption}}}]"#)
    };
    finding
        .fix(
            "let the HPA controller pass",
            patch_configuration(found, &patch),
            "changes the webhook's configuration; it still holds for everybody else",
        )
        .advice(
            "or let the rules behind the webhook allow what the HPA asks for",
            "whoever installed the configuration may write it anew",
        )
}

fn unanswered(case: &Case<'_>, finding: Finding, webhook: &str, error: &str) -> Finding {
    let Some(found) = find(case, webhook) else {
        return search(finding).advice(
            format!("bring the service behind {webhook} back, or let its rules leave out `*/scale`"),
            "changes the webhook",
        );
    };
    let patch = format!(
        r#"[{{"op":"replace","path":"/webhooks/{}/failurePolicy","value":"Ignore"}}]"#,
        found.index
    );
    let finding = finding.fix(
        "let writes pass while it does not answer",
        patch_configuration(found, &patch),
        "the webhook is asked as before, and passed over where it fails",
    );
    let Some(service) = &found.service else {
        return finding;
    };
    if error.contains("not found") {
        return finding.fix(
            "where its program was uninstalled, delete what is left",
            format!(
                "kubectl delete {} {}",
                found.configuration_kind.to_lowercase(),
                word(&found.configuration)
            ),
            format!("Service {}/{} does not exist", service.namespace, service.name),
        );
    }
    finding.fix(
        "see what runs behind it, to bring it back",
        format!(
            "kubectl get service,endpointslices,pods -n {}",
            word(&service.namespace)
        ),
        format!("reads only; Service {} must lead to a ready pod", service.name),
    )
}

fn patch_configuration(found: &Webhook, patch: &str) -> String {
    format!(
        "kubectl patch {} {} --type=json -p {}",
        found.configuration_kind.to_lowercase(),
        word(&found.configuration),
        word(patch)
    )
}

fn search(finding: Finding) -> Finding {
    finding.fix(
        "find the webhook's configuration and its service",
        "kubectl get validatingwebhookconfigurations,mutatingwebhookconfigurations -o yaml",
        "reads only",
    )
}

fn right(finding: Finding, user: &str, verb: &str, resource: &Resource<'_>) -> Finding {
    let subresource = resource.plural.rsplit('/').next().unwrap_or_default();
    let name = format!("hpa-controller-{subresource}");
    let verbs = if subresource == "scale" {
        "get,update"
    } else {
        verb
    };
    let subject = user.strip_prefix("system:serviceaccount:").map_or_else(
        || format!("--user={}", word(user)),
        |account| format!("--serviceaccount={}", word(account)),
    );
    finding
        .fix(
            "give the controller the right again",
            format!(
                "kubectl create clusterrole {name} --verb={verbs} --resource={} && kubectl create clusterrolebinding {name} --clusterrole={name} {subject}",
                word(&resource.to_string())
            ),
            "adds a role for the HPA controller alone",
        )
        .fix(
            "see what is left of its own role",
            format!("kubectl get clusterrole,clusterrolebinding {ROLE} -o yaml"),
            "reads only; a restart of kube-apiserver writes it anew, unless it is annotated against that",
        )
}

#[cfg(test)]
mod tests {
    use super::{Denial, read};

    #[test]
    fn the_api_server_names_who_refuses() {
        let policy = "deployments.apps \"web\" is forbidden: ValidatingAdmissionPolicy 'cap' with binding 'cap-b' denied request: frozen";
        assert!(matches!(
            read(policy),
            Some(Denial::Policy {
                kind: "ValidatingAdmissionPolicy",
                name: "cap",
                binding: "cap-b",
                said: "frozen"
            })
        ));
        let mutating = "policy 'one' with binding 'one-b' denied request: error applying patch";
        assert!(matches!(
            read(mutating),
            Some(Denial::Policy {
                kind: "MutatingAdmissionPolicy",
                name: "one",
                ..
            })
        ));
        let webhook = "admission webhook \"a.b.c\" denied the request: too many";
        assert!(matches!(
            read(webhook),
            Some(Denial::Denied {
                webhook: "a.b.c",
                said: "too many"
            })
        ));
        let silent = "Internal error occurred: failed calling webhook \"a.b.c\": failed to call webhook: Post \"https://x.y.svc:443/?timeout=2s\": service \"x\" not found";
        assert!(matches!(
            read(silent),
            Some(Denial::Unanswered {
                webhook: "a.b.c",
                error: "service \"x\" not found"
            })
        ));
        let right = "deployments.apps \"web\" is forbidden: User \"system:x\" cannot update resource \"deployments/scale\" in API group \"apps\" in the namespace \"a\"";
        let refused = read(right).map(|denial| match denial {
            Denial::Right { user, verb, resource } => format!("{user} {verb} {resource}"),
            other => format!("{other:?}"),
        });
        assert_eq!(refused.as_deref(), Some("system:x update deployments.apps/scale"));
        assert_eq!(read("Operation cannot be fulfilled"), None);
    }
}
