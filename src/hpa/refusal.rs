//! Who refuses to create a pod, in the words of the API server's admission plugins (Kubernetes v1.37), and when the
//! controller of a scale target was last refused.

use chrono::{DateTime, Utc};

use crate::facts::HpaFacts;

/// The longest pause between two attempts of a controller to create a pod, in seconds: the pauses double from 5 ms on
/// (`DefaultTypedControllerRateLimiter` in `k8s.io/client-go/util/workqueue`, v1.37).
pub const LONGEST_PAUSE_SECONDS: i64 = 1000;

/// Where a refusal is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// The condition `ReplicaFailure` of the target.
    ReplicaFailure,
    /// The condition `Progressing` of a Deployment, whose new `ReplicaSet` is refused.
    Progressing,
    /// An event about the target, which has no such condition.
    Event,
}

/// The last attempt of a scale target's controller that was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Attempt<'a> {
    /// Where it is told.
    pub place: Place,
    /// The reason of the condition or event.
    pub reason: &'a str,
    /// The API server's words.
    pub message: &'a str,
    /// When it was, where that is told.
    pub at: Option<DateTime<Utc>>,
}

/// The last refused attempt: of a condition, or the newest event of a kind that has no such condition. An old event is no
/// proof.
pub fn last(facts: &HpaFacts, now: DateTime<Utc>) -> Option<Attempt<'_>> {
    let conditions = || facts.target.known().into_iter().flat_map(|it| &it.conditions);
    let told = |place, condition: &'_ crate::facts::Condition| -> bool {
        match place {
            Place::ReplicaFailure => condition.type_ == "ReplicaFailure" && condition.status == "True",
            _ => condition.type_ == "Progressing" && condition.reason == "ReplicaSetCreateError",
        }
    };
    for place in [Place::ReplicaFailure, Place::Progressing] {
        if let Some(condition) = conditions().find(|condition| told(place, condition)) {
            return Some(Attempt {
                place,
                reason: &condition.reason,
                message: &condition.message,
                at: None,
            });
        }
    }
    let event = facts.target_events.known()?.last()?;
    let at = event.last_seen?;
    ((now - at).num_seconds() <= LONGEST_PAUSE_SECONDS + MARGIN_SECONDS).then_some(Attempt {
        place: Place::Event,
        reason: &event.reason,
        message: &event.message,
        at: Some(at),
    })
}

/// What clocks may differ, and what an attempt takes.
const MARGIN_SECONDS: i64 = 20;

/// A refusal, taken apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal<'a> {
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
pub fn read(message: &str) -> Refusal<'_> {
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

/// What follows `denied the request: ` or `denied request: `.
fn why(rest: &str) -> &str {
    let parts = ["denied the request: ", "denied request: "];
    let found = parts.iter().find_map(|words| rest.split_once(words));
    found.map_or("", |(_, why)| why)
}

/// What a `LimitRange`'s `maxLimitRequestRatio` says after the resource (`limitRequestRatioConstraint`).
pub const RATIO: &str = "max limit to request ratio per Container is ";

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

#[cfg(test)]
mod tests {
    use super::{Refusal, read};

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
        }
    }
}
