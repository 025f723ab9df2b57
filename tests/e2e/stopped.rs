//! The controller stops, or loses its rights, under an HPA that it has looked after: on a cluster of its own, with leader
//! election, as most clusters have it.

use chrono::{DateTime, Utc};
use serde_json::json;
use tfserve_sandbox::{CPU_ANNOTATION, Component, MetricsServer, Options};

use crate::fixtures::{deployment, hpa};
use crate::own::Own;
use crate::support::until;

impl Own {
    /// How much of its request of 100m the pod uses from now on.
    fn uses(&self, percent: i32) {
        let note = format!("{CPU_ANNOTATION}={percent}m");
        self.sh(&format!("kubectl annotate pods -l app=web --overwrite {note}"))
            .expect_code(0);
        until("the metrics API tells the usage", || {
            let metric = &self.explain("web")["recommendation"]["metrics"][0]["current"];
            about(metric.as_str()?.strip_suffix('%')?, percent).then_some(())
        });
    }

    fn shows(&self) -> String {
        self.field(
            "hpa/web",
            "{.status.currentMetrics[0].resource.current.averageUtilization}",
        )
    }

    fn wait_until_it_shows(&self, percent: i32) {
        until(&format!("the HPA shows {percent}%"), || {
            about(&self.shows(), percent).then_some(())
        });
    }

    /// The conditions are those of a healthy HPA, and the usage is that of a while ago.
    fn looks_healthy_and_shows(&self, percent: i32) {
        let reason = |type_: &str| {
            self.field(
                "hpa/web",
                &format!("{{.status.conditions[?(@.type=='{type_}')].reason}}"),
            )
        };
        assert_eq!(reason("ScalingActive"), "ValidMetricFound");
        assert_eq!(reason("AbleToScale"), "ReadyForNewScale");
        assert!(about(&self.shows(), percent), "{}%", self.shows());
    }
}

/// Usage is measured over time: it may be off by one.
fn about(shown: &str, percent: i32) -> bool {
    shown.parse().is_ok_and(|shown: i32| (shown - percent).abs() <= 1)
}

#[test]
fn the_controller_stops_under_a_healthy_hpa() {
    let own = Own::start(&Options {
        leader_election: true,
        ..Options::default()
    });
    own.0
        .metrics_server(MetricsServer::Ready)
        .expect("metrics-server");
    let mut web = deployment("default", "web", &json!({"app": "web"}));
    web["spec"]["template"]["metadata"]["annotations"] = json!({ CPU_ANNOTATION: "50m" });
    own.apply(&[web, hpa("default", "web")]);
    own.wait_until_it_shows(50);
    assert_eq!(own.explain("web")["verdict"], "healthy");

    may_not_read_metrics(&own);
    loses_its_rights(&own);
    stops(&own);
}

/// The right to read the metrics API is taken out of the controller's role.
fn may_not_read_metrics(own: &Own) {
    let role = "clusterrole system:controller:horizontal-pod-autoscaler";
    let rules = own.sh(&format!("kubectl get {role} -o json")).json()["rules"].clone();
    let index = rules
        .as_array()
        .into_iter()
        .flatten()
        .position(|rule| rule["apiGroups"].to_string().contains("\"metrics.k8s.io\""))
        .expect("the rule for metrics");
    own.sh(&format!(
        r#"kubectl patch {role} --type=json -p '[{{"op":"remove","path":"/rules/{index}"}}]'"#
    ))
    .expect_code(0);
    own.says("web", "ScalingActive", "forbidden");
    let finding = own.first("web", "TFS306");
    assert_eq!(finding["confidence"], "proven", "{finding:#}");
    own.type_fix(&finding, 0);
    own.computes("web");
}

fn loses_its_rights(own: &Own) {
    let role = "system:controller:horizontal-pod-autoscaler";
    own.sh(&format!("kubectl delete clusterrolebinding {role}"))
        .expect_code(0);
    own.uses(56);
    own.looks_healthy_and_shows(50);
    let finding = own.first("web", "TFS609");
    assert_eq!(finding["confidence"], "proven", "{finding:#}");
    assert_eq!(finding["objects"][1]["kind"], "ClusterRoleBinding", "{finding:#}");
    own.looks_healthy_and_shows(50);
    own.type_fix(&finding, 0);
    own.wait_until_it_shows(56);
    assert_eq!(own.explain("web")["verdict"], "healthy");
}

/// A controller that is held longer than its lease ends as soon as it goes on: it is not let go on.
fn stops(own: &Own) {
    own.0.pause(Component::ControllerManager).expect("it is held");
    own.uses(60);
    own.looks_healthy_and_shows(56);
    until("the lease is old", || {
        let renewed = own.field(
            "lease/kube-controller-manager -n kube-system",
            "{.spec.renewTime}",
        );
        let renewed: DateTime<Utc> = renewed.parse().ok()?;
        ((Utc::now() - renewed).num_seconds() > 60).then_some(())
    });
    let finding = own.first("web", "TFS609");
    assert_eq!(finding["confidence"], "proven", "{finding:#}");
    assert!(
        finding["evidence"]
            .to_string()
            .contains("lease kube-system/kube-controller-manager"),
        "{finding:#}"
    );
    own.looks_healthy_and_shows(56);
    let text = own
        .sh("kubectl tfserve explain-hpa web -n default")
        .expect_code(1)
        .stdout;
    assert!(text.contains("kube-controller-manager does not run"), "{text}");
}
