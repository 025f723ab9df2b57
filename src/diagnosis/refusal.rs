//! Who refuses to create a pod, in the words of the API server's admission plugins (Kubernetes v1.37).

mod repair;
mod retried;
mod within_bounds;

pub(super) use repair::{missing, raised, repaired};
pub(super) use retried::{Now, Passes, now, retry};

pub(super) use crate::hpa::refusal::{RATIO, Refusal, read};

/// The refusal as proof: what `PodSecurity` says to each container is left to the object itself.
pub(super) fn shown(message: &str) -> String {
    match read(message) {
        Refusal::PodSecurity(_, violations) => message.replace(violations, &without_parentheses(violations)),
        _ => message.to_owned(),
    }
}

fn without_parentheses(text: &str) -> String {
    let mut depth = 0_i32;
    let bare: String = text
        .chars()
        .filter(|character| {
            let before = depth;
            depth += i32::from(*character == '(') - i32::from(*character == ')');
            before == 0 && depth == 0
        })
        .collect();
    bare.replace(" ,", ",").trim_end().to_owned()
}

/// The refusal as the end of a sentence about the pods.
pub(super) fn in_words(refusal: Refusal<'_>) -> String {
    let because = |who: String, why: &str| {
        if why.is_empty() {
            who
        } else {
            format!("{who}: {why}")
        }
    };
    match refusal {
        Refusal::QuotaUsedUp(name) => format!("ResourceQuota {name} is used up"),
        Refusal::QuotaDemands(name, what) => format!("ResourceQuota {name} requires {what}"),
        Refusal::LimitRange(sentence) => format!("a LimitRange refuses them, {sentence}"),
        Refusal::AboveLimit(_, resource, limit) => {
            format!("their {resource} request is above the limit of {limit} that a LimitRange gives them")
        }
        Refusal::PodSecurity(level, _) => {
            format!("they violate the PodSecurity level {level} of the namespace")
        }
        Refusal::Policy(name, why) => because(format!("ValidatingAdmissionPolicy {name} refuses them"), why),
        Refusal::Webhook(name, why) => because(format!("admission webhook {name} refuses them"), why),
        Refusal::WebhookSilent(name) => format!("admission webhook {name} does not answer"),
        Refusal::WebhookGone(name, service, namespace) => {
            format!("Service {namespace}/{service} of admission webhook {name} does not exist")
        }
        Refusal::ServiceAccount(name) => format!("ServiceAccount {name} does not exist"),
        Refusal::PriorityClass(name) => format!("PriorityClass {name} does not exist"),
        Refusal::RuntimeClass(name) => format!("RuntimeClass {name} does not exist"),
        Refusal::Unknown => "their creation is refused".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_long_refusal_is_shown_without_its_details() {
        let text = r#"pods "a" is forbidden: violates PodSecurity "restricted:latest": seccompProfile (pod or container "app" must (a) set it), hostPath volumes (volume "v")"#;
        assert_eq!(
            super::shown(text),
            r#"pods "a" is forbidden: violates PodSecurity "restricted:latest": seccompProfile, hostPath volumes"#
        );
    }
}
