//! Somebody else's fields and objects are never taken without `--force-conflicts`.

use serde_json::json;

use super::{autoscale, said, space, spec, web};
use crate::support::kubectl;

const CPU: &str = "web --cpu 60% --max 4";

pub(super) fn what_belongs_to_others() {
    let namespace = space("autoscale-owners");
    web(namespace);
    somebody_elses_hpa(namespace);
    somebody_elses_field(namespace);
    our_hpa_of_another_target(namespace);
    another_hpa_of_the_target(namespace);
}

fn somebody_elses_hpa(namespace: &str) {
    kubectl(&format!(
        "autoscale deployment web -n {namespace} --cpu=80% --max=3"
    ))
    .expect_code(0);
    let refused = autoscale(namespace, CPU).expect_code(3);
    insta::assert_snapshot!("foreign_object", said(&refused));
    assert_eq!(spec(namespace, "web")["maxReplicas"], 3);
    autoscale(namespace, &format!("{CPU} --force-conflicts")).expect_code(0);
    assert_eq!(spec(namespace, "web")["maxReplicas"], 4);
}

fn somebody_elses_field(namespace: &str) {
    let patch = json!({"spec": {"maxReplicas": 7}});
    kubectl(&format!(
        "patch hpa web -n {namespace} --type=merge --field-manager=jane -p {patch}"
    ))
    .expect_code(0);
    let refused = autoscale(namespace, CPU).expect_code(3);
    insta::assert_snapshot!("foreign_field", said(&refused));
    assert_eq!(spec(namespace, "web")["maxReplicas"], 7);
    autoscale(namespace, &format!("{CPU} --force-conflicts")).expect_code(0);
    assert_eq!(spec(namespace, "web")["maxReplicas"], 4);
}

fn our_hpa_of_another_target(namespace: &str) {
    let refused = autoscale(namespace, "statefulset/web --cpu 60% --max 4").expect_code(3);
    insta::assert_snapshot!("another_target", said(&refused));
    assert_eq!(spec(namespace, "web")["scaleTargetRef"]["kind"], "Deployment");
}

fn another_hpa_of_the_target(namespace: &str) {
    let refused = autoscale(namespace, &format!("{CPU} --name second")).expect_code(1);
    insta::assert_snapshot!("another_hpa", said(&refused));
}
