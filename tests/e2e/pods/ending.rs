//! A pod that should be gone and is held, and no other that takes its place.

use serde_json::json;

use super::{Incident, prove, recovered};
use crate::support::{apply, field, kubectl, until};
use crate::workloads::{cpu, hpa, requested, template, workload};

/// The only pod of a `StatefulSet` is told to end, and somebody's finalizer keeps it.
pub(super) fn begin(namespace: &str) {
    apply(&[
        workload(
            namespace,
            "StatefulSet",
            "kept",
            &template("kept", &[requested()], &json!({})),
        ),
        hpa(namespace, "StatefulSet", "kept", &cpu(60)),
    ]);
    until("the pod runs", || {
        (field(namespace, "pod/kept-0", "{.status.phase}") == "Running").then_some(())
    });
    let finalizer = r#"{"metadata":{"finalizers":["example.com/backup"]}}"#;
    kubectl(&format!(
        "patch pod kept-0 -n {namespace} --type=merge -p {finalizer}"
    ))
    .expect_code(0);
    kubectl(&format!(
        "delete pod kept-0 -n {namespace} --grace-period=1 --wait=false"
    ))
    .expect_code(0);
}

/// The controller speaks of metrics; the pod is named, and let go as the repair says.
pub(super) fn told(namespace: &str) {
    let incident = Incident {
        name: "kept",
        objects: Vec::new(),
        says: "the HPA was unable to compute the replica count",
        code: "TFS509",
        at_fault: "\"kept-0\"",
        recovers: true,
    };
    prove(namespace, &incident);
    recovered(namespace, &incident);
}
