//! What stands between the HPA controller and its work: its own state, and the webhooks that it meets.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::{Fact, ServiceReference};

/// Whether the HPA controller runs and has its rights; asked for only where an HPA is not looked after.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct HpaController {
    /// The Lease `kube-system/kube-controller-manager`; `Absent` without leader election.
    pub lease: Fact<Lease>,
    /// Whether the `ClusterRole` `system:controller:horizontal-pod-autoscaler` exists.
    pub role: Fact<bool>,
    /// Whom the `ClusterRoleBinding` of that name binds, for example
    /// `ServiceAccount kube-system/horizontal-pod-autoscaler`.
    pub bound: Fact<Vec<String>>,
}

/// A Lease of leader election.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Lease {
    /// `spec.holderIdentity`.
    pub holder: String,
    /// `spec.renewTime`.
    pub renewed_at: Option<DateTime<Utc>>,
}

/// A webhook that an HPA's messages name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Webhook {
    /// Its name, for example `validate.example.com`.
    pub name: String,
    /// `ValidatingWebhookConfiguration` or `MutatingWebhookConfiguration`.
    pub configuration_kind: String,
    /// The name of the configuration that holds it.
    pub configuration: String,
    /// Its place in `webhooks`.
    pub index: usize,
    /// `clientConfig.service`; none for a URL.
    #[serde(default)]
    pub service: Option<ServiceReference>,
    /// How many `matchConditions` it has.
    #[serde(default)]
    pub match_conditions: usize,
}
