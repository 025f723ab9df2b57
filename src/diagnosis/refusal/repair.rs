//! What lets the refused pods in: a change of what refuses them, or of the pods.

use super::within_bounds::{container_at, demanded, in_ratio, restricted, within};
use super::{Refusal, read};
use crate::diagnosis::case::is_leftover;
use crate::diagnosis::phrase::word;
use crate::diagnosis::template_change::{self, Setting};
use crate::diagnosis::{Case, Finding};
use crate::facts::{Quantity, Quota};

/// Names what refuses, and repairs the pods or shows what would have to change.
pub(in crate::diagnosis) fn repaired(case: &Case<'_>, finding: Finding, message: &str) -> Finding {
    let refusal = read(message);
    let namespace = case.namespace();
    let of_namespace = &case.facts.hpa.namespace;
    match refusal {
        Refusal::QuotaUsedUp(quota) => {
            let finding = finding.object("ResourceQuota", of_namespace, quota);
            let quotas = case.facts.quotas.known().into_iter().flatten();
            let live = quotas.into_iter().find(|live| live.name == quota);
            let finding = match raised(message, missing(case), live) {
                Some(hard) => finding.fix(
                    "raise the quota by what the pods need",
                    format!(
                        "kubectl patch resourcequota {} -n {namespace} --type=merge -p {}",
                        word(quota),
                        word(&format!(r#"{{"spec":{{"hard":{hard}}}}}"#))
                    ),
                    "changes the quota",
                ),
                None => finding,
            };
            finding.fix(
                "see what is used up",
                format!("kubectl describe resourcequota {} -n {namespace}", word(quota)),
                "reads only",
            )
        }
        Refusal::QuotaDemands(quota, what) => {
            let finding = finding.object("ResourceQuota", of_namespace, quota);
            let finding = match demanded(case, what) {
                Some(command) => finding.fix(
                    "give the containers what the quota asks for",
                    command,
                    "starting values: set what one replica needs; the next pods have them",
                ),
                None => finding,
            };
            finding.fix(
                "see what the quota asks for",
                format!("kubectl describe resourcequota {} -n {namespace}", word(quota)),
                "reads only",
            )
        }
        Refusal::LimitRange(sentence) => {
            let finding = match within(case, sentence).or_else(|| in_ratio(case, sentence)) {
                Some(command) => finding.fix(
                    "keep the container inside of what the namespace allows",
                    command,
                    "new pods keep to it; the request is what the HPA's percentage is a percentage of",
                ),
                None => finding,
            };
            finding.fix(
                "see what the namespace allows",
                format!("kubectl describe limitrange -n {namespace}"),
                "reads only; then give the pods requests and limits inside of it",
            )
        }
        Refusal::AboveLimit(index, resource, limit) => {
            let setting = container_at(case, index).map(|name| Setting::request(name, resource, limit));
            let finding = match setting.and_then(|setting| template_change::command(case, &[setting])) {
                Some(command) => finding.fix(
                    "keep the request at the limit",
                    command,
                    "new pods have it; a limit of the template's own takes the default's place",
                ),
                None => finding,
            };
            finding.fix(
                "see what the namespace allows",
                format!("kubectl describe limitrange -n {namespace}"),
                "reads only",
            )
        }
        Refusal::PodSecurity(level, violations) => {
            let finding = finding.object("Namespace", "", of_namespace);
            match restricted(case, violations) {
                Some(command) => finding.fix(
                    format!("let the pods keep to {level}"),
                    command,
                    "new pods keep to it; an image that has to run as root does not start then",
                ),
                None => finding.fix(
                    "see which level the namespace enforces",
                    format!("kubectl get namespace {namespace} --show-labels"),
                    "reads only",
                ),
            }
        }
        Refusal::Policy(name, _) => finding.object("ValidatingAdmissionPolicy", "", name).fix(
            "see what the policy asks for",
            format!("kubectl get validatingadmissionpolicy {} -o yaml", word(name)),
            "reads only; then change the pods' template, or the policy",
        ),
        Refusal::WebhookGone(_, service, namespace) => webhook_removed(finding, service, namespace),
        Refusal::Webhook(..) | Refusal::WebhookSilent(_) => {
            finding.fix("see whose webhook it is", LIST_WEBHOOKS, "reads only")
        }
        Refusal::ServiceAccount(name) => finding.object("ServiceAccount", of_namespace, name).fix(
            "create the account that the pods name",
            format!("kubectl create serviceaccount {} -n {namespace}", word(name)),
            "creates a ServiceAccount without rights",
        ),
        Refusal::PriorityClass(name) => finding.object("PriorityClass", "", name).fix(
            "see which classes there are",
            "kubectl get priorityclasses".to_owned(),
            "reads only; the pods' template has to name one of them",
        ),
        Refusal::RuntimeClass(name) => finding.object("RuntimeClass", "", name).fix(
            "see which classes there are",
            "kubectl get runtimeclasses".to_owned(),
            "reads only; the pods' template has to name one of them, or none",
        ),
        Refusal::Unknown => finding.fix(
            "see the refusal",
            format!("kubectl describe {}", case.target_arguments()),
            "reads only",
        ),
    }
}

/// What was uninstalled has left its configuration behind, or was not installed whole.
fn webhook_removed(finding: Finding, service: &str, namespace: &str) -> Finding {
    finding
        .object("Service", namespace, service)
        .fix(
            format!("find the configuration that names Service {service}"),
            LIST_WEBHOOKS,
            "reads only",
        )
        .advice(
            format!("install what serves {namespace}/{service} again; where it was uninstalled, delete its configuration"),
            "pods are created without it then",
        )
}

/// Every webhook with its configuration and its Service.
const LIST_WEBHOOKS: &str = "kubectl get validatingwebhookconfigurations,mutatingwebhookconfigurations -o custom-columns=NAME:.metadata.name,WEBHOOKS:.webhooks[*].name,SERVICE:.webhooks[*].clientConfig.service.name,URL:.webhooks[*].clientConfig.url";

/// How many pods the target still lacks, at least the one that was refused.
pub(in crate::diagnosis) fn missing(case: &Case<'_>) -> i64 {
    let wanted = case.scale().map_or(0, |scale| i64::from(scale.spec_replicas));
    let there = case.own_pods().filter(|pod| !is_leftover(pod)).count();
    wanted.saturating_sub(i64::try_from(there).unwrap_or(0)).max(1)
}

/// The limits that a quota needs to let so many more pods in, with what it has counted since where that was read:
/// `{"pods":"5"}`.
pub(in crate::diagnosis) fn raised(message: &str, pods: i64, live: Option<&Quota>) -> Option<String> {
    let used = parts(message, "used: ")?;
    let mut hard = Vec::new();
    for requested in parts(message, "requested: ")? {
        let (name, amount) = requested.split_once('=')?;
        let milli = |text: &str| Quantity(text.to_owned()).milli_value().ok();
        let then = || {
            let used = used
                .iter()
                .find_map(|it| it.strip_prefix(name)?.strip_prefix('='))?;
            milli(used)
        };
        let used = live.and_then(|live| live.used.get(name)?.milli_value().ok());
        let sum = milli(amount)?
            .checked_mul(pods)?
            .checked_add(used.or_else(then)?)?;
        let sum = if sum % 1000 == 0 {
            (sum / 1000).to_string()
        } else {
            format!("{sum}m")
        };
        hard.push(format!(r#""{name}":"{sum}""#));
    }
    Some(format!("{{{}}}", hard.join(",")))
}

/// `pods=1` and `requests.cpu=100m` of `requested: pods=1,requests.cpu=100m, used: …`.
pub(super) fn parts<'a>(message: &'a str, before: &str) -> Option<Vec<&'a str>> {
    let (_, rest) = message.split_once(before)?;
    Some(
        rest.split(", ")
            .next()
            .unwrap_or(rest)
            .split(',')
            .collect::<Vec<_>>(),
    )
}

#[cfg(test)]
mod tests {
    use super::raised;
    use crate::facts::Quota;

    #[test]
    fn a_quota_is_raised_by_what_the_pods_need() {
        let message = "pods \"m-1\" is forbidden: exceeded quota: small, requested: pods=1,requests.cpu=100m, used: pods=4,requests.cpu=950m, limited: pods=3,requests.cpu=1";
        assert_eq!(
            raised(message, 1, None).as_deref(),
            Some(r#"{"pods":"5","requests.cpu":"1050m"}"#)
        );
        assert_eq!(
            raised(message, 3, None).as_deref(),
            Some(r#"{"pods":"7","requests.cpu":"1250m"}"#)
        );
        let live = Quota {
            used: [
                ("pods".to_owned(), "2".into()),
                ("requests.cpu".to_owned(), "500m".into()),
            ]
            .into(),
            ..Quota::default()
        };
        assert_eq!(
            raised(message, 2, Some(&live)).as_deref(),
            Some(r#"{"pods":"4","requests.cpu":"700m"}"#)
        );
        assert_eq!(raised("pods is forbidden", 1, None), None);
    }
}
