//! `spec.behavior`: every flag arrives, and a flag that is left out goes back to the controller's default.

use serde_json::{Value, json};
use tfserve_sandbox::Release;

use super::{autoscale, said, space, spec, web};

const CPU: &str = "web --cpu 60% --max 4";

pub(super) fn how_fast_it_scales() {
    let namespace = space("autoscale-behavior");
    web(namespace);

    let all = autoscale(
        namespace,
        &format!(
            "{CPU} --scale-up-policy 2pods/30s|50%/1m --scale-up-select min --scale-up-window 20s --scale-down-policy 1pod/1m --scale-down-window 10m --scale-down-select disabled"
        ),
    );
    let all = all.expect_code(0);
    insta::assert_snapshot!("written", said(&all));
    let policy = |type_: &str, value: i32, seconds: i32| json!({"type": type_, "value": value, "periodSeconds": seconds});
    assert_eq!(
        spec(namespace, "web")["behavior"],
        json!({
            "scaleUp": {"selectPolicy": "Min", "stabilizationWindowSeconds": 20,
                "policies": [policy("Pods", 2, 30), policy("Percent", 50, 60)]},
            "scaleDown": {"selectPolicy": "Disabled", "stabilizationWindowSeconds": 600,
                "policies": [policy("Pods", 1, 60)]},
        })
    );

    autoscale(namespace, &format!("{CPU} --scale-up-window 20s")).expect_code(0);
    let defaults = [policy("Pods", 4, 15), policy("Percent", 100, 15)];
    assert_eq!(
        spec(namespace, "web")["behavior"],
        json!({
            "scaleUp": {"selectPolicy": "Max", "stabilizationWindowSeconds": 20, "policies": defaults},
            "scaleDown": {"selectPolicy": "Max", "policies": [policy("Percent", 100, 15)]},
        })
    );

    autoscale(namespace, CPU).expect_code(0);
    assert_eq!(spec(namespace, "web")["behavior"], Value::Null);
    let again = autoscale(namespace, CPU).expect_code(0);
    assert!(
        again.stdout.contains("autoscaling/web unchanged"),
        "{}",
        again.stdout
    );
    tolerance(namespace);
}

/// An API server that does not keep it would do without a word what was not asked for.
fn tolerance(namespace: &str) {
    let words = format!("{CPU} --scale-up-tolerance 5%");
    let ran = autoscale(namespace, &words);
    if Release::from_environment().expect("a release") == Release::V1_34 {
        insta::assert_snapshot!("tolerance_not_kept", said(&ran.expect_code(3)));
        assert_eq!(spec(namespace, "web")["behavior"], Value::Null);
    } else {
        ran.expect_code(0);
        assert_eq!(spec(namespace, "web")["behavior"]["scaleUp"]["tolerance"], "50m");
        autoscale(namespace, CPU).expect_code(0);
        assert_eq!(spec(namespace, "web")["behavior"], Value::Null);
    }
}
