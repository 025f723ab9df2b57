//! Server-side apply: one object at a time, never over somebody else's.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ManagedFieldsEntry, ObjectMeta};
use kube::api::{Api, ApiResource, GroupVersionKind, Patch, PatchParams};
use serde_json::Value;

use super::{Ask, Cluster, Error};
use crate::serving::manifest::Manifest;
use crate::serving::{MANAGED_BY, MANAGER};

/// An object as the API server has it.
pub use kube::api::DynamicObject as LiveObject;

/// How to apply.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApplyOptions {
    /// `--field-manager`.
    pub field_manager: String,
    /// `--force-conflicts`: take over fields, and objects, of others.
    pub force: bool,
    /// `--dry-run=server`: the API server answers as if, and writes nothing.
    pub dry_run: bool,
}

/// What an apply did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// The object is new.
    Created,
    /// Something in it changed.
    Configured,
    /// It was as it should be.
    Unchanged,
}

impl std::fmt::Display for Outcome {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(match self {
            Self::Created => "created",
            Self::Configured => "configured",
            Self::Unchanged => "unchanged",
        })
    }
}

/// An object after its apply.
#[derive(Debug, Clone, PartialEq)]
pub struct Applied {
    /// What happened.
    pub outcome: Outcome,
    /// The object before, in the same form; none where it is new.
    pub before: Option<Value>,
    /// As the API server returned it, without `managedFields`.
    pub object: Value,
}

impl Applied {
    /// `metadata.generation`; 0 for a kind that has none.
    pub fn generation(&self) -> i64 {
        self.object
            .pointer("/metadata/generation")
            .and_then(Value::as_i64)
            .unwrap_or(0)
    }
}

/// Reads the object that a manifest names; none where it does not exist.
///
/// # Errors
/// It could not be read.
pub async fn read(cluster: &Cluster, manifest: &Manifest) -> Result<Option<LiveObject>, Error> {
    let resource = resource(manifest);
    let ask = ask("get", &resource.0, manifest);
    let found = cluster
        .ask(ask, api(cluster, manifest, &resource.1).get_opt(manifest.name()))
        .await;
    match found {
        // A kind that is not served has no object.
        Err(error) if error.is_not_found() => Ok(None),
        other => other,
    }
}

/// Refuses an object that exists and that this program did not make.
///
/// # Errors
/// It is somebody else's and `--force-conflicts` was not given.
pub fn refuse_foreign(
    manifest: &Manifest,
    live: Option<&LiveObject>,
    options: &ApplyOptions,
) -> Result<(), Error> {
    let Some(live) = live.filter(|live| !options.force && !is_ours(live, &options.field_manager)) else {
        return Ok(());
    };
    let writers = writers(&live.metadata);
    let made_by = if writers.is_empty() {
        String::new()
    } else {
        format!(" (written by {writers})")
    };
    Err(Error::Request {
        what: format!("cannot apply {}", manifest.title()),
        why: format!(
            "it exists already and {MANAGER} did not make it{made_by}; choose another name, or take it over with `--force-conflicts`"
        ),
        status: Some(409),
    })
}

/// Whether the object carries our label, or our apply.
pub fn is_ours(live: &LiveObject, field_manager: &str) -> bool {
    let labelled = live
        .metadata
        .labels
        .as_ref()
        .and_then(|labels| labels.get(MANAGED_BY))
        .is_some_and(|value| value == MANAGER);
    labelled || applied_entry(&live.metadata, field_manager).is_some()
}

/// Whether our apply owns a field, by its path in `fieldsV1`, for example `["f:spec", "f:replicas"]`.
pub fn owns_field(live: &LiveObject, field_manager: &str, path: &[&str]) -> bool {
    let Some(entry) = applied_entry(&live.metadata, field_manager) else {
        return false;
    };
    let fields = entry.fields_v1.as_ref().map(|fields| &fields.0);
    path.iter()
        .try_fold(fields, |at, name| at.map(|value| value.get(name)))
        .flatten()
        .is_some()
}

/// Applies one manifest. `live` is what [`read`] found.
///
/// # Errors
/// The API server refused it; a conflict names the other managers.
pub async fn apply(
    cluster: &Cluster,
    manifest: &Manifest,
    live: Option<&LiveObject>,
    options: &ApplyOptions,
) -> Result<Applied, Error> {
    let resource = resource(manifest);
    let api = api(cluster, manifest, &resource.1);
    let parameters = PatchParams {
        dry_run: options.dry_run,
        force: options.force,
        field_manager: Some(options.field_manager.clone()),
        ..PatchParams::default()
    };
    let patch = Patch::Apply(manifest.value());
    let request = async {
        match api.patch(manifest.name(), &parameters, &patch).await {
            Err(kube::Error::Api(status)) if status.code == 409 => Ok(Err(status)),
            other => other.map(Ok),
        }
    };
    let object = cluster
        .ask(ask("patch", &resource.0, manifest), request)
        .await?
        .map_err(|status| conflict(manifest, &status))?;
    let outcome = outcome(live, &object);
    Ok(Applied {
        outcome,
        before: live.cloned().map(printable),
        object: printable(object),
    })
}

/// The entry of a field manager's applies.
pub(super) fn applied_entry<'a>(
    metadata: &'a ObjectMeta,
    field_manager: &str,
) -> Option<&'a ManagedFieldsEntry> {
    metadata.managed_fields.iter().flatten().find(|entry| {
        entry.manager.as_deref() == Some(field_manager) && entry.operation.as_deref() == Some("Apply")
    })
}

/// Who wrote anything but the status, by name; empty where nobody left one.
pub(super) fn writers(metadata: &ObjectMeta) -> String {
    let mut managers: Vec<&str> = metadata
        .managed_fields
        .iter()
        .flatten()
        .filter(|entry| entry.subresource.is_none())
        .filter_map(|entry| entry.manager.as_deref())
        .collect();
    managers.sort_unstable();
    managers.dedup();
    managers.join(", ")
}

fn conflict(manifest: &Manifest, status: &kube::core::Status) -> Error {
    let causes = status
        .details
        .as_ref()
        .map(|details| details.causes.as_slice())
        .unwrap_or_default();
    let fields: Vec<String> = causes
        .iter()
        .map(|cause| format!("{}: {}", cause.field, cause.message))
        .collect();
    let why = if fields.is_empty() {
        status.message.clone()
    } else {
        fields.join("; ")
    };
    Error::Request {
        what: format!("cannot apply {}", manifest.title()),
        why: format!(
            "{why}; take these fields over with `--force-conflicts`, or let the other manager drop them"
        ),
        status: Some(409),
    }
}

fn outcome(live: Option<&LiveObject>, now: &LiveObject) -> Outcome {
    let Some(live) = live else { return Outcome::Created };
    // A new resource version alone may be a controller's, and a dry run gives out none.
    if content(live) == content(now) {
        Outcome::Unchanged
    } else {
        Outcome::Configured
    }
}

/// What an apply of ours can change: neither the status nor what the API server and controllers note down.
fn content(object: &LiveObject) -> LiveObject {
    let mut content = object.clone();
    content.metadata.managed_fields = None;
    content.metadata.resource_version = None;
    content.metadata.generation = None;
    content.metadata.annotations = None;
    if let Some(data) = content.data.as_object_mut() {
        data.remove("status");
    }
    content
}

fn printable(mut object: LiveObject) -> Value {
    object.metadata.managed_fields = None;
    serde_json::to_value(object).unwrap_or_default()
}

/// The resource with its group, for messages, and as kube needs it.
pub(super) fn resource(manifest: &Manifest) -> (String, ApiResource) {
    let version = manifest.api_version().rsplit('/').next().unwrap_or_default();
    let kind = GroupVersionKind::gvk(manifest.group(), version, manifest.kind());
    let resource = ApiResource::from_gvk(&kind);
    let name = match manifest.group() {
        "" => resource.plural.clone(),
        group => format!("{}.{group}", resource.plural),
    };
    (name, resource)
}

pub(super) fn ask<'a>(verb: &'a str, resource: &'a str, manifest: &'a Manifest) -> Ask<'a> {
    Ask {
        verb,
        resource,
        namespace: manifest.namespace(),
        name: Some(manifest.name()),
    }
}

fn api(cluster: &Cluster, manifest: &Manifest, resource: &ApiResource) -> Api<LiveObject> {
    match manifest.namespace() {
        Some(namespace) => Api::namespaced_with(cluster.client.clone(), namespace, resource),
        None => Api::all_with(cluster.client.clone(), resource),
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use serde_json::json;

    use super::*;

    fn live(object: Value) -> LiveObject {
        serde_json::from_value(object).unwrap()
    }

    fn manifest() -> Manifest {
        Manifest::new(json!({"apiVersion": "apps/v1", "kind": "Deployment",
            "metadata": {"namespace": "n", "name": "x"}}))
    }

    fn options(force: bool) -> ApplyOptions {
        ApplyOptions {
            field_manager: MANAGER.to_owned(),
            force,
            dry_run: false,
        }
    }

    fn foreign() -> LiveObject {
        live(json!({"apiVersion": "apps/v1", "kind": "Deployment",
            "metadata": {"name": "x", "managedFields": [
                {"manager": "kubectl-client-side-apply", "operation": "Update"},
                {"manager": "kube-controller-manager", "operation": "Update", "subresource": "status"}]}}))
    }

    #[test]
    fn somebody_elses_object_is_refused_unless_forced() {
        let foreign = foreign();
        let refused = refuse_foreign(&manifest(), Some(&foreign), &options(false)).unwrap_err();
        insta::assert_snapshot!(refused, @"cannot apply Deployment n/x: it exists already and kubectl-tfserve did not make it (written by kubectl-client-side-apply); choose another name, or take it over with `--force-conflicts`");
        assert!(refuse_foreign(&manifest(), Some(&foreign), &options(true)).is_ok());
        assert!(refuse_foreign(&manifest(), None, &options(false)).is_ok());
    }

    #[test]
    fn our_label_or_our_apply_is_ours() {
        let labelled = live(json!({"metadata": {"name": "x", "labels": {MANAGED_BY: MANAGER}}}));
        assert!(is_ours(&labelled, MANAGER));
        let applied = live(json!({"metadata": {"name": "x", "managedFields": [
            {"manager": MANAGER, "operation": "Apply", "fieldsV1": {"f:spec": {"f:replicas": {}}}}]}}));
        assert!(is_ours(&applied, MANAGER));
        assert!(owns_field(&applied, MANAGER, &["f:spec", "f:replicas"]));
        assert!(!owns_field(&applied, MANAGER, &["f:spec", "f:paused"]));
        assert!(!owns_field(&applied, "other", &["f:spec", "f:replicas"]));
    }

    #[test]
    fn a_conflict_names_fields_and_managers() {
        let status: kube::core::Status = serde_json::from_value(json!({
            "status": "Failure", "code": 409, "reason": "Conflict", "message": "Apply failed with 1 conflict",
            "details": {"causes": [{"reason": "FieldManagerConflict", "field": ".spec.replicas",
                "message": "conflict with \"kubectl\" using apps/v1"}]}}))
        .unwrap();
        insta::assert_snapshot!(conflict(&manifest(), &status), @r#"cannot apply Deployment n/x: .spec.replicas: conflict with "kubectl" using apps/v1; take these fields over with `--force-conflicts`, or let the other manager drop them"#);
    }

    #[test]
    fn the_outcome_is_what_this_apply_changed() {
        let at = |version: &str, image: &str| {
            live(json!({"metadata": {"name": "x", "resourceVersion": version},
                "spec": {"image": image}, "status": {"seen": version}}))
        };
        assert_eq!(outcome(None, &at("1", "a")), Outcome::Created);
        assert_eq!(outcome(Some(&at("1", "a")), &at("1", "a")), Outcome::Unchanged);
        assert_eq!(outcome(Some(&at("1", "a")), &at("2", "b")), Outcome::Configured);
        // A controller wrote in between.
        assert_eq!(outcome(Some(&at("1", "a")), &at("2", "a")), Outcome::Unchanged);
        // A dry run.
        assert_eq!(outcome(Some(&at("1", "a")), &at("1", "b")), Outcome::Configured);
    }

    #[test]
    fn every_kind_that_is_applied_has_its_plural() {
        let plural = |api_version: &str, kind: &str| {
            resource(&Manifest::new(
                json!({"apiVersion": api_version, "kind": kind, "metadata": {"name": "x"}}),
            ))
            .0
        };
        assert_eq!(plural("v1", "ConfigMap"), "configmaps");
        assert_eq!(plural("v1", "Namespace"), "namespaces");
        assert_eq!(plural("v1", "ServiceAccount"), "serviceaccounts");
        assert_eq!(plural("apps/v1", "Deployment"), "deployments.apps");
        assert_eq!(
            plural("autoscaling/v2", "HorizontalPodAutoscaler"),
            "horizontalpodautoscalers.autoscaling"
        );
        assert_eq!(
            plural("apiregistration.k8s.io/v1", "APIService"),
            "apiservices.apiregistration.k8s.io"
        );
        assert_eq!(
            plural("rbac.authorization.k8s.io/v1", "ClusterRoleBinding"),
            "clusterrolebindings.rbac.authorization.k8s.io"
        );
    }
}
