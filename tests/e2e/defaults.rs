//! An HPA of which nobody wrote a metric: the API server made it one of cpu.

use serde_json::{Value, json};
use tfserve_sandbox::MetricsServer;

use crate::fixtures::{deployment, first, hpa, says};
use crate::support::{kubectl, sandbox, type_fix, with_metrics_server};

/// Writes an object as a person would, with these arguments of kubectl.
fn write(object: &Value, arguments: &str) {
    let file = tempfile::NamedTempFile::new().expect("a file");
    std::fs::write(&file, object.to_string()).expect("a file can be written");
    kubectl(&format!("{arguments} -f {}", file.path().display())).expect_code(0);
}

#[test]
fn nobody_wrote_a_metric() {
    let _turn = with_metrics_server(MetricsServer::Ready);
    let ways = [
        ("default-ssa", "apply --server-side", true, true),
        ("default-csa", "apply", true, true),
        // What was created holds its defaults as if they had been written.
        ("default-create", "create", true, false),
        ("written-80", "apply --server-side", false, false),
    ];
    let spaces = ways.map(|(name, ..)| sandbox().namespace(name).expect("a namespace"));
    for ((_, arguments, bare, _), space) in ways.iter().zip(&spaces) {
        let mut web = deployment(space.name(), "web", &json!({"app": "web"}));
        web["spec"]["template"]["spec"]["containers"][0]["resources"] = json!({});
        let mut object = hpa(space.name(), "web");
        object["spec"]["metrics"][0]["resource"]["target"]["averageUtilization"] = json!(80);
        if *bare {
            object["spec"].as_object_mut().unwrap().remove("metrics");
        }
        sandbox()
            .apply_yaml(&web.to_string())
            .expect("the Deployment applies");
        write(&object, arguments);
    }
    for ((name, _, _, told), space) in ways.iter().zip(&spaces) {
        says(space.name(), "web", "FailedGetResourceMetric");
        let finding = first(space.name(), "web", "TFS401");
        let proof = finding["evidence"].to_string();
        assert_eq!(
            proof.contains("nobody wrote a metric"),
            *told,
            "{name}: {finding:#}"
        );
        type_fix(&finding, 0);
    }
    for space in &spaces {
        says(space.name(), "web", "ValidMetricFound");
    }
}
