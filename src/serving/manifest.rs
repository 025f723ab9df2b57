//! One Kubernetes object as it is sent: JSON, and the few fields that everything needs of it.

use serde_json::Value;

/// An object to apply.
#[derive(Debug, Clone, PartialEq)]
pub struct Manifest(Value);

impl Manifest {
    /// Wraps an object; it has `apiVersion`, `kind` and `metadata.name`.
    pub fn new(object: Value) -> Self {
        Self(object)
    }

    /// For example `apps/v1`.
    pub fn api_version(&self) -> &str {
        self.text("/apiVersion")
    }

    /// The group, empty for the core group.
    pub fn group(&self) -> &str {
        self.api_version().split_once('/').map_or("", |(group, _)| group)
    }

    /// For example `Deployment`.
    pub fn kind(&self) -> &str {
        self.text("/kind")
    }

    /// `metadata.name`.
    pub fn name(&self) -> &str {
        self.text("/metadata/name")
    }

    /// `metadata.namespace`, none for a cluster-scoped object.
    pub fn namespace(&self) -> Option<&str> {
        self.0.pointer("/metadata/namespace").and_then(Value::as_str)
    }

    /// The object.
    pub fn value(&self) -> &Value {
        &self.0
    }

    /// As kubectl prints it: `deployment.apps/x`.
    pub fn resource_name(&self) -> String {
        let kind = self.kind().to_lowercase();
        match self.group() {
            "" => format!("{kind}/{}", self.name()),
            group => format!("{kind}.{group}/{}", self.name()),
        }
    }

    /// As messages name it: `Deployment tf-serving/x`.
    pub fn title(&self) -> String {
        match self.namespace() {
            Some(namespace) => format!("{} {namespace}/{}", self.kind(), self.name()),
            None => format!("{} {}", self.kind(), self.name()),
        }
    }

    fn text(&self, pointer: &str) -> &str {
        self.0.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn names_are_kubectls() {
        let deployment = Manifest::new(
            json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"namespace": "n", "name": "x"}}),
        );
        assert_eq!(deployment.resource_name(), "deployment.apps/x");
        assert_eq!(deployment.title(), "Deployment n/x");
        let namespace =
            Manifest::new(json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "n"}}));
        assert_eq!(namespace.resource_name(), "namespace/n");
        assert_eq!(namespace.title(), "Namespace n");
    }
}
