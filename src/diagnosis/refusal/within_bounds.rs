//! Changes of the target's pod template that keep the pods inside of what the namespace allows.

use super::{RATIO, without_parentheses};
use crate::diagnosis::Case;
use crate::diagnosis::offenders::starting_value;
use crate::diagnosis::phrase::{amount, rounded_up, word};
use crate::diagnosis::template_change::{self, Setting};
use crate::facts::{Container, PodTemplate, Quantity};

/// The change for each container that a quota demands something of.
pub(super) fn demanded(case: &Case<'_>, what: &str) -> Option<String> {
    let mut wanted: Vec<Setting<'_>> = Vec::new();
    for part in what.split("; ") {
        let (resources, containers) = part.split_once(" for: ")?;
        for container in containers.split(',') {
            let place = wanted.iter().position(|setting| setting.container == container);
            let place = place.unwrap_or_else(|| {
                wanted.push(Setting {
                    container,
                    ..Setting::default()
                });
                wanted.len() - 1
            });
            let setting = wanted.get_mut(place)?;
            for resource in resources.split(',') {
                let (kind, name) = resource.split_once('.').unwrap_or(("requests", resource));
                let value = starting_value(case, container, name).value;
                let list = if kind == "limits" {
                    &mut setting.limits
                } else {
                    &mut setting.requests
                };
                list.push((name.to_owned(), value));
            }
        }
    }
    template_change::command(case, &wanted)
}

fn template<'a>(case: &Case<'a>) -> Option<&'a PodTemplate> {
    case.target()?.template.as_ref()
}

pub(super) fn container_at<'a>(case: &Case<'a>, index: usize) -> Option<&'a str> {
    let regular = template(case)?
        .containers
        .iter()
        .filter(|container| !container.init);
    regular.map(|container| container.name.as_str()).nth(index)
}

/// The container that a `LimitRange` refuses, set to its bound; none where it is not certain which one.
pub(super) fn within(case: &Case<'_>, sentence: &str) -> Option<String> {
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
    let template = template(case)?;
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
    let setting = vec![(resource.to_owned(), value.to_owned())];
    let needs_limit = limit.map_or(bound == "maximum", outside);
    let needs_request = request.map_or(bound == "minimum", outside);
    let limits = if needs_limit { setting.clone() } else { Vec::new() };
    let requests = if needs_request { setting } else { Vec::new() };
    let setting = Setting {
        container: &container.name,
        requests,
        limits,
    };
    (needs_limit || needs_request)
        .then(|| template_change::command(case, &[setting]))
        .flatten()
}

/// The containers whose limit is more than so many times their request, with the least request that is allowed.
pub(super) fn in_ratio(case: &Case<'_>, sentence: &str) -> Option<String> {
    let (resource, rest) = sentence.split_once(' ')?;
    let ratio = rest.strip_prefix(RATIO)?.split(',').next()?;
    let ratio = Quantity(ratio.to_owned()).milli_value().ok()?;
    let template = template(case)?;
    let milli = |quantity: Option<&Quantity>| quantity.and_then(|it| it.milli_value().ok());
    let settings: Vec<Setting<'_>> = template
        .containers
        .iter()
        .filter_map(|container| {
            let request = milli(container.resources.requests.get(resource))?;
            let limit = milli(container.resources.limits.get(resource))?;
            let least = limit.checked_mul(1000)?.checked_add(ratio.checked_sub(1)?)?;
            let least = rounded_up(resource, least.checked_div(ratio)?);
            (request < least).then(|| Setting::request(&container.name, resource, &amount(resource, least)))
        })
        .collect();
    template_change::command(case, &settings)
}

/// The settings that the level `restricted` asks of every container, where nothing else is violated.
pub(super) fn restricted(case: &Case<'_>, violations: &str) -> Option<String> {
    const KNOWN: [&str; 4] = [
        "allowPrivilegeEscalation != false",
        "unrestricted capabilities",
        "runAsNonRoot != true",
        "seccompProfile",
    ];
    let bare = without_parentheses(violations);
    let known = |name: &str| name.is_empty() || KNOWN.contains(&name);
    if !bare.split(',').map(str::trim).all(known) || !template_change::is_known_to_kubectl(case) {
        return None;
    }
    let template = template(case)?;
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
