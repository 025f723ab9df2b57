//! Usage of pods that comes from somebody else than metrics-server, and does not fit the pods.

use std::time::Duration;

use tfserve_sandbox::MetricsGroup::Resource;
use tfserve_sandbox::{Answer, MetricsServer};

use super::{adapter, alone, deploy, namespaces, recovered, said};
use crate::fixtures::first;
use crate::support::{sandbox, type_fix, with_metrics_server};
use crate::workloads::cpu;

#[test]
fn another_server_of_usage_does_not_know_the_pods() {
    let _metrics_server = with_metrics_server(MetricsServer::Absent);
    let _turn = alone();
    let [gone] = namespaces(["gone"]);
    let adapter = adapter(&gone, &[Resource]);
    let old = vec![("web-of-last-week".to_owned(), "60m".to_owned())];
    adapter.answer(Resource, "pods", Answer::Values(old));
    deploy(&gone, &cpu(60));
    // What has just started has no sample yet.
    sandbox()
        .set_age(&gone, "app=web", Duration::from_secs(600))
        .expect("they are old");
    said(&gone, &["no metrics returned matched known pods"]);
    let finding = first(&gone, "web", "TFS304");
    assert_eq!(finding["severity"], "error", "{finding:#}");
    let proof = finding["evidence"].to_string();
    assert!(proof.contains("web-of-last-week"), "{finding:#}");
    assert!(
        finding["objects"].to_string().contains("prometheus-adapter"),
        "what serves them: {finding:#}"
    );
    type_fix(&finding, 0);

    adapter.answer(Resource, "pods", Answer::Value("60m".to_owned()));
    recovered(&gone);
}
