#![expect(clippy::unwrap_used, reason = "a failed unwrap fails the test")]

use super::adapter_rule::named;
use super::behavior::{self, Policies};
use super::metric::{of_adapter, of_resource};
use super::*;
use crate::facts::{ScalingRules, SelectPolicy};

fn autoscaler(metrics: Vec<MetricSpec>) -> Autoscaler {
    Autoscaler {
        namespace: Some("tf-serving".to_owned()),
        name: "image-classifier-resnet101".to_owned(),
        target: ObjectReference {
            api_version: "apps/v1".to_owned(),
            kind: "Deployment".to_owned(),
            name: "image-classifier-resnet101".to_owned(),
        },
        metrics,
        min_replicas: 1,
        max_replicas: 4,
        behavior: None,
    }
}

fn yaml(autoscaler: &Autoscaler) -> String {
    serde_saphyr::to_string(autoscaler.manifest().value()).unwrap()
}

#[test]
fn the_object() {
    let mut autoscaler = autoscaler(vec![
        of_resource("cpu", None, &"60%".parse().unwrap()),
        of_resource("memory", None, &"2Gi".parse().unwrap()),
    ]);
    autoscaler.behavior = behavior::of(
        ScalingRules::default(),
        ScalingRules {
            stabilization_window_seconds: Some(30),
            ..ScalingRules::default()
        },
    );
    insta::assert_snapshot!(yaml(&autoscaler));
}

#[test]
fn every_source_and_every_behavior() {
    let mut autoscaler = autoscaler(vec![
        of_resource("cpu", Some("tf-serving"), &"60%".parse().unwrap()),
        of_adapter("Pods", &named("requests-per-second=50".parse().unwrap())),
        of_adapter("External", &"queue=30,topic=orders,env in (a,b)".parse().unwrap()),
    ]);
    autoscaler.behavior = behavior::of(
        ScalingRules {
            stabilization_window_seconds: Some(0),
            select_policy: Some(SelectPolicy::Min),
            policies: "4pods/15s|100%/15s".parse::<Policies>().unwrap().0,
            tolerance: Some(behavior::tolerance("5%").unwrap()),
        },
        ScalingRules {
            select_policy: Some(SelectPolicy::Disabled),
            ..ScalingRules::default()
        },
    );
    insta::assert_snapshot!(yaml(&autoscaler));
}

#[test]
fn no_behavior_leaves_the_controllers_defaults() {
    assert_eq!(
        behavior::of(ScalingRules::default(), ScalingRules::default()),
        None
    );
}
