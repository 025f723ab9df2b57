//! Requests and limits of the target's pod template, set by one command: one rollout, and not one for each container.

use chrono::SecondsFormat;
use serde_json::{Map, Value, json};

use super::phrase::word;
use super::{Case, Finding};
use crate::facts::Container;

/// What a container of the template is to request, and what limits it: pairs of a resource and its quantity.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Setting<'a> {
    /// The container's name.
    pub(super) container: &'a str,
    /// `resources.requests`.
    pub(super) requests: Vec<(String, String)>,
    /// `resources.limits`.
    pub(super) limits: Vec<(String, String)>,
}

impl<'a> Setting<'a> {
    /// One request.
    pub(super) fn request(container: &'a str, resource: &str, quantity: &str) -> Self {
        Self {
            container,
            requests: vec![(resource.to_owned(), quantity.to_owned())],
            limits: Vec::new(),
        }
    }

    /// One limit.
    pub(super) fn limit(container: &'a str, resource: &str, quantity: &str) -> Self {
        Self {
            container,
            requests: Vec::new(),
            limits: vec![(resource.to_owned(), quantity.to_owned())],
        }
    }

    fn fields(&self) -> impl Iterator<Item = (&'static str, &[(String, String)])> {
        [("requests", &self.requests[..]), ("limits", &self.limits[..])]
            .into_iter()
            .filter(|(_, pairs)| !pairs.is_empty())
    }
}

/// The command; none for a kind that kubectl does not know and whose template has no such container.
pub(super) fn command(case: &Case<'_>, settings: &[Setting<'_>]) -> Option<String> {
    match settings {
        [] => None,
        several if !is_known_to_kubectl(case) => patched_by_position(case, several),
        [only] if !is_init(case, only.container) => Some(set_resources(case, only)),
        several => Some(patched_by_name(case, several)),
    }
}

/// Whether kubectl knows the template of the target's kind: it has no `set`, and no strategic merge, for the others.
pub(super) fn is_known_to_kubectl(case: &Case<'_>) -> bool {
    let kind = case.facts.hpa.target.kind.to_lowercase();
    matches!(
        kind.as_str(),
        "deployment" | "statefulset" | "replicaset" | "replicationcontroller"
    )
}

/// What replaces all pods of the target: `kubectl rollout restart`, or what that writes, for kinds that it does not know.
pub(super) fn restart(case: &Case<'_>) -> String {
    let arguments = case.target_arguments();
    if is_known_to_kubectl(case) {
        return format!("kubectl rollout restart {arguments}");
    }
    let time = case.now.to_rfc3339_opts(SecondsFormat::Secs, true);
    let patch = json!({"spec": {"template": {"metadata": {"annotations": {"kubectl.kubernetes.io/restartedAt": time}}}}});
    format!(
        "kubectl patch {arguments} --type=merge -p {}",
        word(&patch.to_string())
    )
}

/// Adds the change to a finding; `more` follows what it does to the pods that are there.
pub(super) fn proposed(
    case: &Case<'_>,
    finding: Finding,
    title: impl Into<String>,
    settings: &[Setting<'_>],
    more: &str,
) -> Finding {
    let title = title.into();
    let label = case.target_label();
    let rolls = format!("rolls the pods of {label}{more}");
    let Some(command) = command(case, settings) else {
        return finding.advice(format!("{title} in the spec of {label}"), rolls);
    };
    let kind = case.facts.hpa.target.kind.as_str();
    let selector = case.scale().map_or("", |scale| &scale.selector);
    if !matches!(kind, "ReplicaSet" | "ReplicationController") || selector.is_empty() {
        return finding.fix(title, command, rolls);
    }
    finding.fix(
        title,
        format!(
            "{command} && kubectl delete pod -n {} -l {}",
            case.namespace(),
            word(selector)
        ),
        format!("{label} makes new pods from its template; the old ones are gone for a moment{more}"),
    )
}

fn containers<'a>(case: &Case<'a>) -> &'a [Container] {
    let template = case.target().and_then(|target| target.template.as_ref());
    template.map_or(&[], |template| &template.containers)
}

fn is_init(case: &Case<'_>, name: &str) -> bool {
    containers(case).iter().any(|it| it.name == name && it.init)
}

/// `kubectl set resources` knows regular containers alone.
fn set_resources(case: &Case<'_>, setting: &Setting<'_>) -> String {
    let mut command = format!(
        "kubectl set resources {} -c {}",
        case.target_arguments(),
        word(setting.container)
    );
    for (field, pairs) in setting.fields() {
        let values: Vec<String> = pairs
            .iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        command = format!("{command} --{field}={}", word(&values.join(",")));
    }
    command
}

/// A strategic merge patch: the containers of a list are told apart by their names.
fn patched_by_name(case: &Case<'_>, settings: &[Setting<'_>]) -> String {
    let mut spec = Map::new();
    for (field, init) in [("containers", false), ("initContainers", true)] {
        let of_kind = settings
            .iter()
            .filter(|setting| is_init(case, setting.container) == init);
        let entries: Vec<Value> = of_kind
            .map(|setting| json!({"name": setting.container, "resources": resources(setting)}))
            .collect();
        if !entries.is_empty() {
            spec.insert(field.to_owned(), Value::Array(entries));
        }
    }
    let patch = json!({"spec": {"template": {"spec": spec}}});
    format!(
        "kubectl patch {} -p {}",
        case.target_arguments(),
        word(&patch.to_string())
    )
}

/// A JSON patch, for custom kinds: their lists are not merged. Each position is tested for the container's name.
fn patched_by_position(case: &Case<'_>, settings: &[Setting<'_>]) -> Option<String> {
    let operations: Vec<Value> = settings
        .iter()
        .map(|setting| operations(containers(case), setting))
        .collect::<Option<Vec<_>>>()?
        .concat();
    Some(format!(
        "kubectl patch {} --type=json -p {}",
        case.target_arguments(),
        word(&Value::Array(operations).to_string())
    ))
}

fn operations(containers: &[Container], setting: &Setting<'_>) -> Option<Vec<Value>> {
    let container = containers.iter().find(|it| it.name == setting.container)?;
    let mut of_kind = containers.iter().filter(|it| it.init == container.init);
    let position = of_kind.position(|it| it.name == container.name)?;
    let list = if container.init {
        "initContainers"
    } else {
        "containers"
    };
    let place = format!("/spec/template/spec/{list}/{position}");
    let add = |path: String, value: Value| json!({"op": "add", "path": path, "value": value});
    let mut operations =
        vec![json!({"op": "test", "path": format!("{place}/name"), "value": container.name})];
    let there = &container.resources;
    if there.requests.is_empty() && there.limits.is_empty() {
        operations.push(add(format!("{place}/resources"), resources(setting)));
        return Some(operations);
    }
    for (field, pairs) in setting.fields() {
        let present = if field == "limits" {
            &there.limits
        } else {
            &there.requests
        };
        let parent = format!("{place}/resources/{field}");
        if present.is_empty() {
            operations.push(add(parent, quantities(pairs)));
            continue;
        }
        for (name, value) in pairs {
            operations.push(add(format!("{parent}/{}", escaped(name)), json!(value)));
        }
    }
    Some(operations)
}

/// A name as a reference token of a JSON pointer (RFC 6901).
fn escaped(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}

fn resources(setting: &Setting<'_>) -> Value {
    let fields = setting.fields();
    Value::Object(
        fields
            .map(|(field, pairs)| (field.to_owned(), quantities(pairs)))
            .collect(),
    )
}

fn quantities(pairs: &[(String, String)]) -> Value {
    let pairs = pairs.iter();
    Value::Object(pairs.map(|(name, value)| (name.clone(), json!(value))).collect())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::{Container, Setting, operations};
    use crate::facts::Quantity;
    use serde_json::json;

    #[test]
    fn a_position_counts_the_containers_of_its_own_list() {
        let plain = |name: &str, init: bool| Container {
            name: name.to_owned(),
            init,
            ..Container::default()
        };
        let mut app = plain("app", false);
        app.resources.requests = BTreeMap::from([("cpu".to_owned(), Quantity("1".to_owned()))]);
        let containers = [plain("setup", true), plain("proxy", true), app];
        let setting = Setting {
            container: "app",
            requests: vec![("example.com/gpu".to_owned(), "1".to_owned())],
            limits: vec![("cpu".to_owned(), "2".to_owned())],
        };
        assert_eq!(
            operations(&containers, &setting),
            Some(vec![
                json!({"op": "test", "path": "/spec/template/spec/containers/0/name", "value": "app"}),
                json!({"op": "add", "path": "/spec/template/spec/containers/0/resources/requests/example.com~1gpu", "value": "1"}),
                json!({"op": "add", "path": "/spec/template/spec/containers/0/resources/limits", "value": {"cpu": "2"}}),
            ])
        );
        assert_eq!(
            operations(&containers, &Setting::request("proxy", "cpu", "50m")),
            Some(vec![
                json!({"op": "test", "path": "/spec/template/spec/initContainers/1/name", "value": "proxy"}),
                json!({"op": "add", "path": "/spec/template/spec/initContainers/1/resources", "value": {"requests": {"cpu": "50m"}}}),
            ])
        );
        assert_eq!(
            operations(&containers, &Setting::request("gone", "cpu", "50m")),
            None
        );
    }
}
