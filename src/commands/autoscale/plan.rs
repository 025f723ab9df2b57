//! What the command line asks for, before any cluster is.

use crate::Error;
use crate::cli::{AutoscaleArgs, BehaviorArgs, MetricArgs, Select};
use crate::facts::{Behavior, MetricSpec, ObjectReference, ScalingRules, SelectPolicy};
use crate::serving::autoscaler::Autoscaler;
use crate::serving::autoscaler::adapter_rule::named;
use crate::serving::autoscaler::behavior::{self, Policies};
use crate::serving::autoscaler::metric::{Target, of_adapter, of_resource};
use crate::serving::autoscaler::reference::Reference;

/// The HPA without namespace and target; none where only metrics-server is asked for.
pub(super) fn plan(args: &AutoscaleArgs) -> Result<Option<Autoscaler>, Error> {
    let metrics = metrics(&args.metrics);
    let behavior = behavior(&args.behavior);
    let Some(max_replicas) = args.max.filter(|_| !metrics.is_empty()) else {
        if args.max.is_some() || behavior.is_some() {
            return Err(Error::Usage(
                "there is no HPA to write without a metric: add `--cpu 60% --max 4`, or leave `--max` and the `--scale-…` flags out".to_owned(),
            ));
        }
        return Ok(None);
    };
    if max_replicas < args.min {
        return Err(Error::Usage(format!(
            "`--max {max_replicas}` is less than `--min {}`",
            args.min
        )));
    }
    let name = args.target.as_ref().map_or("", Reference::name);
    Ok(Some(Autoscaler {
        namespace: None,
        name: args.name.as_deref().unwrap_or(name).to_owned(),
        target: ObjectReference {
            api_version: String::new(),
            kind: String::new(),
            name: name.to_owned(),
        },
        metrics,
        min_replicas: args.min,
        max_replicas,
        behavior,
    }))
}

/// In the order of the API's own sources.
fn metrics(args: &MetricArgs) -> Vec<MetricSpec> {
    let cpu = args.cpu.clone().or(args.cpu_percent.map(Target::Utilization));
    let of_pods = [("cpu", &cpu), ("memory", &args.memory)]
        .into_iter()
        .filter_map(|(name, target)| Some(of_resource(name, None, target.as_ref()?)));
    let of_containers = [("cpu", &args.container_cpu), ("memory", &args.container_memory)]
        .into_iter()
        .flat_map(|(name, metrics)| {
            metrics
                .iter()
                .map(move |metric| of_resource(name, Some(&metric.container), &metric.target))
        });
    let custom = args
        .metric
        .iter()
        .map(|metric| of_adapter("Pods", &named(metric.clone())));
    let external = args
        .external_metric
        .iter()
        .map(|metric| of_adapter("External", metric));
    of_pods
        .chain(of_containers)
        .chain(custom)
        .chain(external)
        .collect()
}

fn behavior(args: &BehaviorArgs) -> Option<Behavior> {
    let policies = |all: &[Policies]| all.iter().flat_map(|some| some.0.clone()).collect();
    behavior::of(
        ScalingRules {
            stabilization_window_seconds: args.scale_up_window,
            select_policy: args.scale_up_select.map(select),
            policies: policies(&args.scale_up_policy),
            tolerance: args.scale_up_tolerance.clone(),
        },
        ScalingRules {
            stabilization_window_seconds: args.scale_down_window,
            select_policy: args.scale_down_select.map(select),
            policies: policies(&args.scale_down_policy),
            tolerance: args.scale_down_tolerance.clone(),
        },
    )
}

fn select(select: Select) -> SelectPolicy {
    match select {
        Select::Max => SelectPolicy::Max,
        Select::Min => SelectPolicy::Min,
        Select::Disabled => SelectPolicy::Disabled,
    }
}
