//! Who refuses to create a pod, in the words of the API server's admission plugins (Kubernetes v1.37).

use super::case::is_leftover;
use super::offenders::starting_value;
use super::phrase::{amount, word};
use super::{Case, Finding};
use crate::facts::{Container, Quantity};

/// A refusal, taken apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Refusal<'a> {
    /// `exceeded quota: NAME, requested: …`.
    QuotaUsedUp(&'a str),
    /// `failed quota: NAME: must specify …`.
    QuotaDemands(&'a str, &'a str),
    /// `maximum cpu usage per Container is 500m, but limit is 1` and its like, the first one.
    LimitRange(&'a str),
    /// `spec.containers[0].resources.requests: Invalid value: "1": must be less than or equal to cpu limit of 500m`: the
    /// limit is a `LimitRange`'s where the template has none.
    AboveLimit(usize, &'a str, &'a str),
    /// `violates PodSecurity "restricted:latest": …`.
    PodSecurity(&'a str, &'a str),
    /// `ValidatingAdmissionPolicy 'NAME' with binding 'NAME' denied request: …`.
    Policy(&'a str, &'a str),
    /// `admission webhook "NAME" denied the request: …`.
    Webhook(&'a str, &'a str),
    /// `failed calling webhook "NAME": …`.
    WebhookSilent(&'a str),
    /// `failed calling webhook "NAME": … Post "https://SERVICE.NAMESPACE.svc:443/…": service "SERVICE" not found`.
    WebhookGone(&'a str, &'a str, &'a str),
    /// `serviceaccount "NAME" not found`.
    ServiceAccount(&'a str),
    /// `no PriorityClass with name NAME was found`.
    PriorityClass(&'a str),
    /// `pod rejected: RuntimeClass "NAME" not found`.
    RuntimeClass(&'a str),
    /// Somebody else.
    Unknown,
}

/// Takes a refusal apart.
pub(super) fn read(message: &str) -> Refusal<'_> {
    let after = |words: &str| message.split_once(words).map(|(_, rest)| rest);
    let named = |before: &str, end: char| after(before)?.split_once(end);
    if let Some((name, _)) = named("exceeded quota: ", ',') {
        return Refusal::QuotaUsedUp(name);
    }
    if let Some((name, _)) = named("failed quota: ", ':') {
        return Refusal::QuotaDemands(name, after(" must specify ").unwrap_or_default());
    }
    if let Some((name, _)) = named("serviceaccount \"", '"') {
        return Refusal::ServiceAccount(name);
    }
    if let Some((name, _)) = named("pod rejected: RuntimeClass \"", '"')
        .filter(|(_, rest)| rest.trim_start().starts_with("not found"))
    {
        return Refusal::RuntimeClass(name);
    }
    if let Some((level, rest)) = named("violates PodSecurity \"", '"') {
        return Refusal::PodSecurity(level, rest.trim_start_matches(": "));
    }
    if let Some((name, rest)) = named("ValidatingAdmissionPolicy '", '\'') {
        return Refusal::Policy(name, why(rest));
    }
    if let Some((name, rest)) = named("admission webhook \"", '"') {
        return Refusal::Webhook(name, why(rest));
    }
    if let Some((name, service, namespace)) = webhook_gone(message) {
        return Refusal::WebhookGone(name, service, namespace);
    }
    if let Some((name, _)) = named("failed calling webhook \"", '"') {
        return Refusal::WebhookSilent(name);
    }
    if let Some((name, _)) = named("no PriorityClass with name ", ' ') {
        return Refusal::PriorityClass(name);
    }
    above_limit(message)
        .or_else(|| limit_range(message).map(Refusal::LimitRange))
        .unwrap_or(Refusal::Unknown)
}

/// The webhook, its Service and the Service's namespace, where that does not exist.
fn webhook_gone(message: &str) -> Option<(&str, &str, &str)> {
    let (_, rest) = message.split_once("failed calling webhook \"")?;
    let (webhook, rest) = rest.split_once('"')?;
    let (_, host) = rest.split_once("https://")?;
    let (host, rest) = host.split_once(".svc")?;
    let (service, namespace) = host.split_once('.')?;
    rest.contains(&format!("service \"{service}\" not found"))
        .then_some((webhook, service, namespace))
}

fn above_limit(message: &str) -> Option<Refusal<'_>> {
    let (before, rest) = message.split_once(" must be less than or equal to ")?;
    let (_, place) = before.rsplit_once("spec.containers[")?;
    let (index, _) = place.split_once("].resources.requests: ")?;
    let (resource, limit) = rest.split_once(" limit of ")?;
    let limit = limit.split([',', ' ', ']']).next()?;
    Some(Refusal::AboveLimit(index.parse().ok()?, resource, limit))
}

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

/// What follows `denied the request: ` or `denied request: `.
fn why(rest: &str) -> &str {
    let parts = ["denied the request: ", "denied request: "];
    let found = parts.iter().find_map(|words| rest.split_once(words));
    found.map_or("", |(_, why)| why)
}

/// What a `LimitRange`'s `maxLimitRequestRatio` says after the resource (`limitRequestRatioConstraint`).
const RATIO: &str = "max limit to request ratio per Container is ";

/// The first sentence of the `LimitRanger` plugin.
fn limit_range(message: &str) -> Option<&str> {
    let (_, rest) = message.split_once(" is forbidden: ")?;
    let rest = rest.trim_start_matches('[');
    if rest
        .split_once(' ')
        .is_some_and(|(_, words)| words.starts_with(RATIO))
    {
        let end = rest.match_indices([',', ']']).nth(1).map(|(end, _)| end);
        let end = end.or_else(|| rest.find(']'));
        return Some(end.map_or(rest, |end| rest.split_at(end).0));
    }
    let known = ["minimum ", "maximum "];
    if !known.iter().any(|start| rest.starts_with(start)) {
        return None;
    }
    let end = [", minimum ", ", maximum ", ", cpu max ", ", memory max ", "]"]
        .iter()
        .filter_map(|next| rest.find(next))
        .min();
    Some(end.map_or(rest, |end| rest.split_at(end).0))
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

/// Names what refuses, and repairs the pods or shows what would have to change.
pub(super) fn repaired(case: &Case<'_>, finding: Finding, message: &str) -> Finding {
    let refusal = read(message);
    let namespace = case.namespace();
    let of_namespace = &case.facts.hpa.namespace;
    match refusal {
        Refusal::QuotaUsedUp(quota) => {
            let finding = finding.object("ResourceQuota", of_namespace, quota);
            let finding = match raised(message, missing(case)) {
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
            let finding = match container_at(case, index) {
                Some(name) => finding.fix(
                    "keep the request at the limit",
                    set_resources(case, name, &[format!("{resource}={limit}")], &[]),
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
const LIST_WEBHOOKS: &str = "kubectl get validatingwebhookconfigurations,mutatingwebhookconfigurations -o custom-columns=NAME:.metadata.name,WEBHOOKS:.webhooks[*].name,SERVICE:.webhooks[*].clientConfig.service.name";

/// How many pods the target still lacks, at least the one that was refused.
fn missing(case: &Case<'_>) -> i64 {
    let wanted = case.scale().map_or(0, |scale| i64::from(scale.spec_replicas));
    let there = case.own_pods().filter(|pod| !is_leftover(pod)).count();
    wanted.saturating_sub(i64::try_from(there).unwrap_or(0)).max(1)
}

/// The limits that a quota needs to let so many more pods in: `{"pods":"5"}`.
pub(super) fn raised(message: &str, pods: i64) -> Option<String> {
    let part = |before: &str| {
        let (_, rest) = message.split_once(before)?;
        Some(
            rest.split(", ")
                .next()
                .unwrap_or(rest)
                .split(',')
                .collect::<Vec<_>>(),
        )
    };
    let used = part("used: ")?;
    let mut hard = Vec::new();
    for requested in part("requested: ")? {
        let (name, amount) = requested.split_once('=')?;
        let used = used
            .iter()
            .find_map(|it| it.strip_prefix(name)?.strip_prefix('='))?;
        let milli = |text: &str| Quantity(text.to_owned()).milli_value().ok();
        let sum = milli(amount)?.checked_mul(pods)?.checked_add(milli(used)?)?;
        let sum = if sum % 1000 == 0 {
            (sum / 1000).to_string()
        } else {
            format!("{sum}m")
        };
        hard.push(format!(r#""{name}":"{sum}""#));
    }
    Some(format!("{{{}}}", hard.join(",")))
}

/// `kubectl set resources` for each container that a quota demands something of.
fn demanded(case: &Case<'_>, what: &str) -> Option<String> {
    if !takes_resources(case) {
        return None;
    }
    let mut wanted: Vec<(&str, Vec<String>, Vec<String>)> = Vec::new();
    for part in what.split("; ") {
        let (resources, containers) = part.split_once(" for: ")?;
        for container in containers.split(',') {
            let place = wanted.iter().position(|(name, ..)| *name == container);
            let place = place.unwrap_or_else(|| {
                wanted.push((container, Vec::new(), Vec::new()));
                wanted.len() - 1
            });
            let (_, requests, limits) = wanted.get_mut(place)?;
            for resource in resources.split(',') {
                let (kind, name) = resource.split_once('.').unwrap_or(("requests", resource));
                let value = starting_value(case, container, name).value;
                let list = if kind == "limits" {
                    &mut *limits
                } else {
                    &mut *requests
                };
                list.push(format!("{name}={value}"));
            }
        }
    }
    let commands: Vec<String> = wanted
        .iter()
        .map(|(container, requests, limits)| set_resources(case, container, requests, limits))
        .collect();
    Some(commands.join(" && "))
}

/// Whether kubectl knows the template of the target's kind.
fn takes_resources(case: &Case<'_>) -> bool {
    let kind = case.facts.hpa.target.kind.to_lowercase();
    matches!(
        kind.as_str(),
        "deployment" | "statefulset" | "replicaset" | "replicationcontroller"
    )
}

fn container_at<'a>(case: &Case<'a>, index: usize) -> Option<&'a str> {
    let template = case
        .target()
        .filter(|_| takes_resources(case))?
        .template
        .as_ref()?;
    let regular = template.containers.iter().filter(|container| !container.init);
    regular.map(|container| container.name.as_str()).nth(index)
}

fn set_resources(case: &Case<'_>, container: &str, requests: &[String], limits: &[String]) -> String {
    let mut command = format!(
        "kubectl set resources {} -c {}",
        case.target_arguments(),
        word(container)
    );
    for (flag, values) in [("requests", requests), ("limits", limits)] {
        if !values.is_empty() {
            command = format!("{command} --{flag}={}", word(&values.join(",")));
        }
    }
    command
}

/// The container that a `LimitRange` refuses, set to its bound; none where it is not certain which one.
fn within(case: &Case<'_>, sentence: &str) -> Option<String> {
    let (bound, rest) = sentence.split_once(' ')?;
    let (resource, rest) = rest.split_once(" usage per Container is ")?;
    let (value, found) = rest.split_once([',', ' '])?;
    let value = value.trim_end_matches('.');
    let bounded = Quantity(value.to_owned()).milli_value().ok()?;
    let actual = found.split_once(" is ").map(|(_, actual)| actual.trim());
    let actual = actual.and_then(|actual| Quantity(actual.to_owned()).milli_value().ok());
    let outside = |amount: i64| {
        if bound == "maximum" {
            amount > bounded
        } else {
            amount < bounded
        }
    };
    let milli = |quantity: Option<&Quantity>| quantity.and_then(|it| it.milli_value().ok());
    let both = |container: &Container| {
        let resources = &container.resources;
        (
            milli(resources.requests.get(resource)),
            milli(resources.limits.get(resource)),
        )
    };
    let template = case
        .target()
        .filter(|_| takes_resources(case))?
        .template
        .as_ref()?;
    let mut meant = template.containers.iter().filter(|container| {
        let (request, limit) = both(container);
        match actual {
            Some(actual) => request == Some(actual) || limit == Some(actual),
            None if bound == "maximum" => limit.is_none(),
            None => request.is_none(),
        }
    });
    let container = meant.next().filter(|_| meant.next().is_none())?;
    let (request, limit) = both(container);
    let setting = vec![format!("{resource}={value}")];
    let needs_limit = limit.map_or(bound == "maximum", outside);
    let needs_request = request.map_or(bound == "minimum", outside);
    let limits = if needs_limit { setting.clone() } else { Vec::new() };
    let requests = if needs_request { setting } else { Vec::new() };
    (needs_limit || needs_request).then(|| set_resources(case, &container.name, &requests, &limits))
}

/// Memory in whole mebibytes, as it is written, and not less.
fn rounded(resource: &str, milli: i64) -> i64 {
    const MEBI: i64 = 1000 * 1024 * 1024;
    match resource {
        "memory" => milli.saturating_add(MEBI - 1) / MEBI * MEBI,
        _ => milli,
    }
}

/// The containers whose limit is more than so many times their request, with the least request that is allowed.
fn in_ratio(case: &Case<'_>, sentence: &str) -> Option<String> {
    let (resource, rest) = sentence.split_once(' ')?;
    let ratio = rest.strip_prefix(RATIO)?.split(',').next()?;
    let ratio = Quantity(ratio.to_owned()).milli_value().ok()?;
    let template = case
        .target()
        .filter(|_| takes_resources(case))?
        .template
        .as_ref()?;
    let milli = |quantity: Option<&Quantity>| quantity.and_then(|it| it.milli_value().ok());
    let commands: Vec<String> = template
        .containers
        .iter()
        .filter_map(|container| {
            let request = milli(container.resources.requests.get(resource))?;
            let limit = milli(container.resources.limits.get(resource))?;
            let least = limit.checked_mul(1000)?.checked_add(ratio.checked_sub(1)?)?;
            let least = rounded(resource, least.checked_div(ratio)?);
            (request < least).then(|| {
                let request = format!("{resource}={}", amount(resource, least));
                set_resources(case, &container.name, &[request], &[])
            })
        })
        .collect();
    (!commands.is_empty()).then(|| commands.join(" && "))
}

/// The settings that the level `restricted` asks of every container, where nothing else is violated.
fn restricted(case: &Case<'_>, violations: &str) -> Option<String> {
    const KNOWN: [&str; 4] = [
        "allowPrivilegeEscalation != false",
        "unrestricted capabilities",
        "runAsNonRoot != true",
        "seccompProfile",
    ];
    let bare = without_parentheses(violations);
    let known = |name: &str| name.is_empty() || KNOWN.contains(&name);
    if !bare.split(',').map(str::trim).all(known) {
        return None;
    }
    let template = case
        .target()
        .filter(|_| takes_resources(case))?
        .template
        .as_ref()?;
    let container = |container: &Container| {
        let name = word(&container.name);
        let plain = name == container.name;
        plain.then(|| {
            format!(
                r#"{{"name":"{name}","securityContext":{{"allowPrivilegeEscalation":false,"capabilities":{{"drop":["ALL"]}}}}}}"#
            )
        })
    };
    let list = |init: bool| {
        let of_kind = template.containers.iter().filter(|it| it.init == init);
        of_kind
            .map(container)
            .collect::<Option<Vec<_>>>()
            .map(|all| all.join(","))
    };
    let (regular, init) = (list(false)?, list(true)?);
    let init = if init.is_empty() {
        String::new()
    } else {
        format!(r#","initContainers":[{init}]"#)
    };
    let patch = format!(
        r#"{{"spec":{{"template":{{"spec":{{"securityContext":{{"runAsNonRoot":true,"seccompProfile":{{"type":"RuntimeDefault"}}}},"containers":[{regular}]{init}}}}}}}}}"#
    );
    Some(format!(
        "kubectl patch {} -p {}",
        case.target_arguments(),
        word(&patch)
    ))
}

#[cfg(test)]
mod tests {
    use super::{Refusal, in_words, raised, read};

    #[test]
    fn a_quota_is_raised_by_what_the_pods_need() {
        let message = "pods \"m-1\" is forbidden: exceeded quota: small, requested: pods=1,requests.cpu=100m, used: pods=4,requests.cpu=950m, limited: pods=3,requests.cpu=1";
        assert_eq!(
            raised(message, 1).as_deref(),
            Some(r#"{"pods":"5","requests.cpu":"1050m"}"#)
        );
        assert_eq!(
            raised(message, 3).as_deref(),
            Some(r#"{"pods":"7","requests.cpu":"1250m"}"#)
        );
        assert_eq!(raised("pods is forbidden", 1), None);
    }

    #[test]
    fn a_long_refusal_is_shown_without_its_details() {
        let text = r#"pods "a" is forbidden: violates PodSecurity "restricted:latest": seccompProfile (pod or container "app" must (a) set it), hostPath volumes (volume "v")"#;
        assert_eq!(
            super::shown(text),
            r#"pods "a" is forbidden: violates PodSecurity "restricted:latest": seccompProfile, hostPath volumes"#
        );
    }

    #[test]
    fn every_plugin_is_recognized_by_its_words() {
        let cases = [
            (
                r#"pods "web-7" is forbidden: exceeded quota: two, requested: pods=1, used: pods=2, limited: pods=2"#,
                Refusal::QuotaUsedUp("two"),
            ),
            (
                r#"pods "web-0" is forbidden: failed quota: team: must specify limits.memory for: app; requests.cpu for: app"#,
                Refusal::QuotaDemands("team", "limits.memory for: app; requests.cpu for: app"),
            ),
            (
                r#"pods "web-7" is forbidden: maximum cpu usage per Container is 500m, but limit is 1"#,
                Refusal::LimitRange("maximum cpu usage per Container is 500m, but limit is 1"),
            ),
            (
                r#"pods "web-8" is forbidden: [minimum cpu usage per Pod is 200m, but request is 100m, maximum cpu usage per Pod is 500m.  No limit is specified]"#,
                Refusal::LimitRange("minimum cpu usage per Pod is 200m, but request is 100m"),
            ),
            (
                r#"pods "web-9" is forbidden: ValidatingAdmissionPolicy 'no-pods' with binding 'all' denied request: images must be signed"#,
                Refusal::Policy("no-pods", "images must be signed"),
            ),
            (
                r#"admission webhook "gate.example.com" denied the request: no label team"#,
                Refusal::Webhook("gate.example.com", "no label team"),
            ),
            (
                r#"Internal error occurred: failed calling webhook "gate.example.com": failed to call webhook: Post …"#,
                Refusal::WebhookSilent("gate.example.com"),
            ),
            (
                r#"Internal error occurred: failed calling webhook "vault.hashicorp.com": failed to call webhook: Post "https://injector.vault.svc:443/mutate?timeout=2s": service "injector" not found"#,
                Refusal::WebhookGone("vault.hashicorp.com", "injector", "vault"),
            ),
            (
                r#"pods "web-1" is forbidden: cpu max limit to request ratio per Container is 4, but provided ratio is 10.000000"#,
                Refusal::LimitRange(
                    "cpu max limit to request ratio per Container is 4, but provided ratio is 10.000000",
                ),
            ),
            (
                r#"pods "web-1" is forbidden: no PriorityClass with name high was found"#,
                Refusal::PriorityClass("high"),
            ),
            (
                r#"pods "web-1" is forbidden: pod rejected: RuntimeClass "gvisor" not found"#,
                Refusal::RuntimeClass("gvisor"),
            ),
            (
                r#"Pod "web-1" is invalid: spec.containers[1].resources.requests: Invalid value: "100m": must be less than or equal to cpu limit of 50m"#,
                Refusal::AboveLimit(1, "cpu", "50m"),
            ),
            ("something new", Refusal::Unknown),
        ];
        for (text, wanted) in cases {
            assert_eq!(read(text), wanted, "{text}");
            assert!(!in_words(read(text)).is_empty());
        }
    }
}
