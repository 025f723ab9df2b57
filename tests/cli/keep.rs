//! Objects that are applied and deleted: as an API server keeps them, and as its garbage collector follows.

use serde_json::{Value, json};

use crate::mock::World;

impl World {
    /// Keeps an object that is applied, with what the API server adds; none where nothing of that path is kept.
    pub(crate) fn apply(&mut self, path: &str, query: &str, body: &[u8]) -> Option<Value> {
        let (collection, name) = path.rsplit_once('/')?;
        let manager = query
            .split('&')
            .find_map(|pair| pair.strip_prefix("fieldManager="))?;
        let mut object: Value = serde_json::from_slice(body).ok()?;
        let metadata = object.get_mut("metadata")?.as_object_mut()?;
        for (key, value) in [
            ("uid", json!(format!("uid-{name}"))),
            ("resourceVersion", json!("1")),
            ("creationTimestamp", json!("2026-01-02T03:04:05Z")),
            (
                "managedFields",
                json!([{"manager": manager, "operation": "Apply"}]),
            ),
        ] {
            metadata.insert(key.to_owned(), value);
        }
        let kept = self.collections.entry(collection.to_owned()).or_default();
        kept.retain(|other| other["metadata"]["name"] != name);
        kept.push(object.clone());
        for (collection, other) in &self.appears {
            if is_owned_by(other, &object["metadata"]["uid"]) {
                let kept = self.collections.entry((*collection).to_owned()).or_default();
                kept.push(other.clone());
            }
        }
        Some(object)
    }

    /// Forgets an object and what it owns; none where it is not there.
    pub(crate) fn delete(&mut self, path: &str) -> Option<Value> {
        let (collection, name) = path.rsplit_once('/')?;
        let kept = self.collections.get_mut(collection)?;
        let index = kept
            .iter()
            .position(|object| object["metadata"]["name"] == name)?;
        let gone = kept.remove(index);
        self.forget_owned_by(&gone["metadata"]["uid"]);
        Some(gone)
    }

    fn forget_owned_by(&mut self, owner: &Value) {
        let mut gone = Vec::new();
        for objects in self.collections.values_mut() {
            objects.retain(|object| {
                let goes = is_owned_by(object, owner);
                if goes {
                    gone.push(object["metadata"]["uid"].clone());
                }
                !goes
            });
        }
        for uid in gone.iter().filter(|uid| uid.is_string()) {
            self.forget_owned_by(uid);
        }
    }

    /// The names of what carries a label, by kind.
    pub(crate) fn labelled(&self, label: &str) -> Vec<String> {
        let all = self.collections.iter().flat_map(|(collection, objects)| {
            let plural = collection.rsplit('/').next().unwrap_or_default();
            objects.iter().map(move |object| (plural, &object["metadata"]))
        });
        all.filter(|(_, metadata)| metadata["labels"][label].is_string())
            .map(|(plural, metadata)| format!("{plural}/{}", metadata["name"].as_str().unwrap_or_default()))
            .collect()
    }
}

fn is_owned_by(object: &Value, owner: &Value) -> bool {
    let references = object["metadata"]["ownerReferences"].as_array();
    references.is_some_and(|all| all.iter().any(|reference| &reference["uid"] == owner))
}
