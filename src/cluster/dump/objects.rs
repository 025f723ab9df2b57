//! The objects of a dump, whatever lists they came in.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde_json::{Value, json};

const HPA: &str = "HorizontalPodAutoscaler";
/// As paths of the API call them.
pub(super) const HPAS: &str = "horizontalpodautoscalers";
const HPA_VERSION: &str = "autoscaling/v2";

/// The fields that tell when something happened. A deletion's time lies ahead.
const TIMES: [&str; 14] = [
    "creationTimestamp",
    "eventTime",
    "finishedAt",
    "firstTimestamp",
    "lastObservedTime",
    "lastScaleTime",
    "lastTimestamp",
    "lastTransitionTime",
    "lastUpdateTime",
    "renewTime",
    "startTime",
    "startedAt",
    "time",
    "timestamp",
];

/// What a dump holds.
#[derive(Default)]
pub(super) struct Objects {
    /// By group and plural, then by namespace, which is empty for cluster-scoped objects.
    resources: BTreeMap<(String, String), BTreeMap<String, Part>>,
    version: Option<String>,
}

/// The objects of a resource in one namespace.
#[derive(Default)]
struct Part {
    by_name: BTreeMap<String, Value>,
    /// Whether they came in a list. An object alone does not tell whether there are others.
    whole: bool,
}

/// What a dump knows of one object.
pub(super) enum Known<'a> {
    /// It is there.
    Object(&'a Value),
    /// Others of its kind are there in a list, and it is not.
    Absent,
    /// Nobody knows.
    Unknown,
}

impl Objects {
    /// Takes single objects, `List`s and lists of one kind.
    pub(super) fn new(documents: Vec<Value>) -> Result<Self, String> {
        let mut objects = Self::default();
        for document in documents {
            objects.add(document)?;
        }
        objects.check_hpas()?;
        Ok(objects)
    }

    fn add(&mut self, mut document: Value) -> Result<(), String> {
        let version = document.pointer("/serverVersion/gitVersion");
        if let Some(version) = version.and_then(Value::as_str) {
            self.version = Some(version.to_owned());
            return Ok(());
        }
        if document.is_null() {
            return Ok(());
        }
        let (api_version, kind) = (text(&document, "apiVersion"), text(&document, "kind"));
        let Some(item_kind) = kind.strip_suffix("List") else {
            return self.put(document, false);
        };
        let Some(Value::Array(items)) = document.get_mut("items").map(Value::take) else {
            return Err(format!("its {kind} has no items"));
        };
        for mut item in items {
            // The items of `kubectl get --raw` do not say what they are.
            if let (false, Some(fields)) = (item_kind.is_empty(), item.as_object_mut()) {
                for (key, value) in [("apiVersion", api_version.as_str()), ("kind", item_kind)] {
                    fields.entry(key).or_insert_with(|| json!(value));
                }
            }
            self.put(item, true)?;
        }
        Ok(())
    }

    fn put(&mut self, mut object: Value, of_list: bool) -> Result<(), String> {
        let (mut api_version, kind) = (text(&object, "apiVersion"), text(&object, "kind"));
        if api_version.is_empty() || kind.is_empty() {
            return Err(
                "it has no `apiVersion` and `kind`: it is neither what `kubectl tfserve explain-hpa --save-facts` \
                 wrote nor what `kubectl get hpa,deployments,pods,events -o yaml` printed"
                    .to_owned(),
            );
        }
        // The older beta has the same fields.
        if kind == HPA && api_version == "autoscaling/v2beta2" {
            HPA_VERSION.clone_into(&mut api_version);
            object["apiVersion"] = json!(HPA_VERSION);
        }
        let group = api_version.split_once('/').map_or("", |(group, _)| group);
        let resource = self.resources.entry((group.to_owned(), plural_of(&kind)));
        let (namespace, name) = (
            text(&object["metadata"], "namespace"),
            text(&object["metadata"], "name"),
        );
        let part = resource.or_default().entry(namespace).or_default();
        part.whole |= of_list;
        // An HPA that was dumped in two versions counts in the one that holds all of it.
        let better = |known: &Value| known["kind"] == HPA && known["apiVersion"] == HPA_VERSION;
        if api_version == HPA_VERSION || !part.by_name.get(&name).is_some_and(better) {
            part.by_name.insert(name, object);
        }
        Ok(())
    }

    /// Every HPA must be there in the version that holds all of it.
    fn check_hpas(&self) -> Result<(), String> {
        const COMMAND: &str = "`kubectl get hpa.v2.autoscaling -o yaml`";
        let hpas = self.everywhere("autoscaling", HPAS);
        if hpas.is_empty() {
            return Err(format!(
                "there is no HorizontalPodAutoscaler in it; add one with {COMMAND}"
            ));
        }
        if let Some(hpa) = hpas.iter().find(|hpa| hpa["apiVersion"] != HPA_VERSION) {
            return Err(format!(
                "its HorizontalPodAutoscaler is of {}, which lacks metrics and conditions; dump it with {COMMAND}",
                text(hpa, "apiVersion")
            ));
        }
        if hpas
            .iter()
            .any(|hpa| text(&hpa["metadata"], "namespace").is_empty())
        {
            return Err(
                "its HorizontalPodAutoscaler has no namespace: it is not what kubectl printed".to_owned(),
            );
        }
        Ok(())
    }

    /// `gitVersion` of the server, from `kubectl version -o yaml`.
    pub(super) fn version(&self) -> Option<&str> {
        self.version.as_deref()
    }

    /// One object of a resource, for example of `apps` and `deployments`.
    pub(super) fn one(&self, group: &str, plural: &str, namespace: &str, name: &str) -> Known<'_> {
        let Some(part) = self.part(group, plural, namespace) else {
            return Known::Unknown;
        };
        match part.by_name.get(name) {
            Some(object) => Known::Object(object),
            None if part.whole => Known::Absent,
            None => Known::Unknown,
        }
    }

    /// All objects of a resource in a namespace; none where nobody knows whether they are all.
    pub(super) fn all(&self, group: &str, plural: &str, namespace: &str) -> Option<Vec<&Value>> {
        let part = self.part(group, plural, namespace)?;
        part.whole.then(|| part.by_name.values().collect())
    }

    /// The objects of a resource in all namespaces of the dump.
    pub(super) fn everywhere(&self, group: &str, plural: &str) -> Vec<&Value> {
        let parts = self.resources.get(&(group.to_owned(), plural.to_owned()));
        let parts = parts.into_iter().flat_map(BTreeMap::values);
        parts.flat_map(|part| part.by_name.values()).collect()
    }

    fn part(&self, group: &str, plural: &str, namespace: &str) -> Option<&Part> {
        self.resources
            .get(&(group.to_owned(), plural.to_owned()))?
            .get(namespace)
    }

    /// The newest time at which something happened.
    pub(super) fn newest_time(&self) -> Option<DateTime<Utc>> {
        let parts = self.resources.values().flat_map(BTreeMap::values);
        let objects = parts.flat_map(|part| part.by_name.values());
        objects.filter_map(newest).max()
    }
}

fn text(object: &Value, field: &str) -> String {
    object
        .get(field)
        .and_then(Value::as_str)
        .unwrap_or_default()
        .to_owned()
}

/// As the API's own resources are called.
fn plural_of(kind: &str) -> String {
    let name = kind.to_lowercase();
    if name == "podmetrics" {
        "pods".to_owned()
    } else if let Some(stem) = name.strip_suffix('y') {
        format!("{stem}ies")
    } else if name.ends_with('s') {
        format!("{name}es")
    } else {
        format!("{name}s")
    }
}

fn newest(value: &Value) -> Option<DateTime<Utc>> {
    match value {
        Value::Object(fields) => fields
            .iter()
            .filter_map(|(key, value)| match value {
                Value::String(text) if TIMES.contains(&key.as_str()) => text.parse().ok(),
                value => newest(value),
            })
            .max(),
        Value::Array(items) => items.iter().filter_map(newest).max(),
        _ => None,
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a failed unwrap fails the test")]
mod tests {
    use super::{Known, Objects, plural_of};
    use serde_json::{Value, json};

    fn object(api_version: &str, kind: &str, name: &str) -> Value {
        json!({"apiVersion": api_version, "kind": kind,
            "metadata": {"name": name, "namespace": "shop", "creationTimestamp": "2026-01-02T03:04:05Z"}})
    }

    fn list(items: &[Value]) -> Value {
        json!({"apiVersion": "v1", "kind": "List", "items": items})
    }

    #[test]
    fn only_a_list_proves_absence() {
        let hpa = object("autoscaling/v2", "HorizontalPodAutoscaler", "web");
        let pod = object("v1", "Pod", "web-1");
        let alone = Objects::new(vec![hpa.clone(), pod.clone()]).unwrap();
        assert!(matches!(alone.one("", "pods", "shop", "web-1"), Known::Object(_)));
        assert!(matches!(alone.one("", "pods", "shop", "web-2"), Known::Unknown));
        assert!(alone.all("", "pods", "shop").is_none());
        let listed = Objects::new(vec![list(&[hpa, pod])]).unwrap();
        assert!(matches!(listed.one("", "pods", "shop", "web-2"), Known::Absent));
        assert!(matches!(listed.one("", "pods", "other", "web-2"), Known::Unknown));
        assert_eq!(listed.all("", "pods", "shop").unwrap().len(), 1);
    }

    #[test]
    fn hpas_count_in_the_version_that_holds_all_of_them() {
        let hpa = |version: &str| {
            object(
                &format!("autoscaling/{version}"),
                "HorizontalPodAutoscaler",
                "web",
            )
        };
        let both = list(&[hpa("v2"), hpa("v1"), hpa("v2beta2")]);
        let both = Objects::new(vec![both]).unwrap();
        assert_eq!(both.everywhere("autoscaling", super::HPAS).len(), 1);
        let old = Objects::new(vec![
            hpa("v2"),
            object("autoscaling/v1", "HorizontalPodAutoscaler", "b"),
        ]);
        let why = old.err().unwrap();
        assert!(why.contains("is of autoscaling/v1"), "{why}");
    }

    #[test]
    fn the_newest_change_is_the_time_of_the_dump() {
        let mut hpa = object("autoscaling/v2", "HorizontalPodAutoscaler", "web");
        hpa["status"] = json!({"conditions": [{"lastTransitionTime": "2026-01-02T04:00:00Z"}]});
        hpa["metadata"]["deletionTimestamp"] = json!("2026-01-03T00:00:00Z");
        let newest = Objects::new(vec![hpa]).unwrap().newest_time();
        assert_eq!(newest, "2026-01-02T04:00:00Z".parse().ok());
    }

    #[test]
    fn plurals_are_those_of_the_api() {
        for (kind, plural) in [
            ("Deployment", "deployments"),
            ("NetworkPolicy", "networkpolicies"),
            ("IngressClass", "ingressclasses"),
            ("PodMetrics", "pods"),
        ] {
            assert_eq!(plural_of(kind), plural);
        }
    }
}
