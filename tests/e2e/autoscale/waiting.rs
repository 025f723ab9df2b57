//! No metric comes: it is explained, and what is proven impossible is not waited for.

use std::time::{Duration, Instant};

use serde_json::json;

use super::{autoscale, said, space};
use crate::support::{apply, kubectl, until};
use crate::workloads::{deployment, requested};

pub(super) fn when_no_metric_comes() {
    nothing_is_ready();
    the_target_goes_away();
}

/// A Deployment called web whose pod has no node.
fn homeless(namespace: &str) {
    let mut held = deployment(namespace, "web", &[requested()]);
    held["spec"]["template"]["spec"]["nodeSelector"] = json!({"no": "such"});
    apply(&[held]);
    until("there is a pod", || {
        let pods = kubectl(&format!("get pods -n {namespace} -o name"));
        (!pods.stdout.is_empty()).then_some(())
    });
}

/// The pods may still become ready: it waits as long as it may.
fn nothing_is_ready() {
    let namespace = space("autoscale-unready");
    homeless(namespace);
    let late = autoscale(namespace, "web --cpu 60% --max 4 --timeout 20s").expect_code(1);
    let talk = said(&late);
    assert!(talk.contains("TFS503"), "{talk}");
    assert!(
        talk.ends_with(
            "error: HorizontalPodAutoscaler autoscale-unready/web has no valid metric within `--timeout`, see above; the same command continues\n"
        ),
        "{talk}"
    );
}

/// Somebody deletes the target while it waits.
fn the_target_goes_away() {
    let namespace = space("autoscale-gone");
    homeless(namespace);
    let started = Instant::now();
    let ran = std::thread::scope(|scope| {
        let waits = scope.spawn(|| autoscale(namespace, "web --cpu 60% --max 4 --timeout 5m"));
        until("the HPA is written", || {
            (kubectl(&format!("get hpa web -n {namespace}")).code == 0).then_some(())
        });
        kubectl(&format!("delete deployment web -n {namespace}")).expect_code(0);
        waits.join().expect("it ends")
    });
    let talk = said(&ran.expect_code(1));
    assert!(started.elapsed() < Duration::from_secs(240), "{talk}");
    assert!(talk.contains("TFS101"), "{talk}");
    assert!(
        talk.ends_with(
            "error: HorizontalPodAutoscaler autoscale-gone/web cannot have a metric as things are, see above: no waiting helps\n"
        ),
        "{talk}"
    );
}
