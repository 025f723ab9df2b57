//! What is looked up where a scale target is missing, or is of a kind that somebody defined.

use serde::{Deserialize, Serialize};

use super::ObjectReference;

/// What `scaleTargetRef` may have meant; asked for only where it names nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Alternatives {
    /// The names of the objects of the kind in the HPA's namespace.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub names: Vec<String>,
    /// Objects of the very name in the namespace, of another kind that can be scaled.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub kinds: Vec<ObjectReference>,
    /// Other namespaces that have an object of the kind and name.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub namespaces: Vec<String>,
    /// The kinds that can be scaled, where the cluster does not serve the kind.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub served: Vec<ServedKind>,
}

/// A kind with a scale subresource.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ServedKind {
    /// For example `apps/v1`.
    pub api_version: String,
    /// For example `Deployment`.
    pub kind: String,
}

/// The `CustomResourceDefinition` of a scale target, as far as its scale depends on it; asked for only where the
/// scale or its selector is missing.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Definition {
    /// For example `widgets.example.com`.
    pub name: String,
    /// The place of the version that the HPA reads in `spec.versions`.
    pub version_index: usize,
    /// Whether that version has `subresources` at all.
    pub subresources: bool,
    /// Whether it has `subresources.status`: the status is then written by itself.
    pub status: bool,
    /// `subresources.scale`, where it is declared.
    pub scale: Option<ScalePaths>,
}

/// Where a scale subresource reads its values.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ScalePaths {
    /// `specReplicasPath`.
    pub spec_replicas: String,
    /// `labelSelectorPath`.
    pub label_selector: Option<String>,
}
