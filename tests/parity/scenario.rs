//! Random scenarios, the edges on purpose.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};
use kubectl_tfserve::facts::{
    Behavior, Condition, Container, ContainerUsage, Fact, Hpa, HpaFacts, MetricSpec, MetricTarget,
    ObjectReference, Pod, PodMetrics, Quantity, Resources, Scale, ScalingRules,
};
use serde::Serialize;

use crate::outside;
use crate::sequence::Turn;

/// The generator `SplitMix64`: small, seeded, and the same on every machine.
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// Uniform in `from..=to`.
    pub(crate) fn between(&mut self, from: i64, to: i64) -> i64 {
        let width = u64::try_from(to - from).unwrap() + 1;
        from + i64::try_from(self.next() % width).unwrap()
    }

    pub(crate) fn percent(&mut self, chance: i64) -> bool {
        self.between(1, 100) <= chance
    }

    pub(crate) fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[usize::try_from(self.between(0, i64::try_from(from.len()).unwrap() - 1)).unwrap()]
    }
}

/// One scenario, as the oracle reads it.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Scenario {
    pub(crate) tolerance_up: f64,
    pub(crate) tolerance_down: f64,
    /// Whether limits and policies are asked for too.
    pub(crate) limits: bool,
    /// The rescales that the controller remembers.
    pub(crate) changes: Vec<Change>,
    /// Syncs of a controller that begins with an empty memory; none where one sync is asked for.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) turns: Vec<Turn>,
    /// Its flag for the window of scaling down.
    pub(crate) downscale_seconds: i64,
    pub(crate) facts: HpaFacts,
}

/// One rescale; growth is positive.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Change {
    pub(crate) seconds_ago: i64,
    pub(crate) replicas: i32,
}

impl Scenario {
    pub(crate) fn random(random: &mut Random, now: DateTime<Utc>) -> Self {
        if random.percent(40) {
            outside::random(random, now)
        } else {
            Self::of_resource(random, now)
        }
    }

    /// A metric of what the pods use.
    fn of_resource(random: &mut Random, now: DateTime<Utc>) -> Self {
        let tolerances = tolerances(random);
        let resource = random.pick(&["cpu", "cpu", "cpu", "memory"]);
        let container = random.percent(15).then(|| "main".to_owned());
        let replicas = random.between(1, 12);
        let pods: Vec<Pod> = pods(random, resource, replicas, now);
        let metrics = metrics(random, resource, &pods, now);
        let target = if random.percent(70) {
            MetricTarget::AverageUtilization(
                random.pick(&[1, 10, 30, 50, 55, 60, 66, 70, 80, 90, 100, 150, 300]),
            )
        } else {
            MetricTarget::AverageValue(Quantity(format!(
                "{}m",
                random.pick(&[1, 50, 100, 333, 500, 1000, 100_000])
            )))
        };
        let spec = MetricSpec {
            type_: if container.is_some() {
                "ContainerResource"
            } else {
                "Resource"
            }
            .to_owned(),
            name: resource.to_owned(),
            container,
            object: None,
            selector: None,
            target,
        };
        let mut scenario = Self::new(spec, tolerances, i32::try_from(replicas).unwrap(), pods);
        scenario.facts.pod_metrics = Fact::Known(metrics);
        scenario
    }

    /// A scenario without any value.
    pub(crate) fn new(spec: MetricSpec, (up, down): (&str, &str), replicas: i32, pods: Vec<Pod>) -> Self {
        let rules = |tolerance: &str| {
            Some(ScalingRules {
                tolerance: Some(Quantity(tolerance.to_owned())),
                ..ScalingRules::default()
            })
        };
        let hpa = Hpa {
            namespace: "parity".to_owned(),
            name: "web".to_owned(),
            uid: String::new(),
            created_at: None,
            generation: None,
            observed_generation: None,
            target: ObjectReference {
                api_version: "apps/v1".to_owned(),
                kind: "Deployment".to_owned(),
                name: "web".to_owned(),
            },
            min_replicas: Some(1),
            max_replicas: i32::MAX,
            metrics: vec![spec],
            behavior: Some(Behavior {
                scale_up: rules(up),
                scale_down: rules(down),
            }),
            current_replicas: None,
            desired_replicas: 0,
            last_scale_time: None,
            current_metrics: Vec::new(),
            conditions: Vec::new(),
            status_changed_at: None,
            metrics_defaulted: false,
            spec_changed_at: None,
            keeper: None,
            limits_writers: Vec::new(),
            last_applied_limits: None,
            delivered_by: None,
        };
        Self {
            tolerance_up: up.parse().unwrap(),
            tolerance_down: down.parse().unwrap(),
            limits: false,
            changes: Vec::new(),
            turns: Vec::new(),
            downscale_seconds: 0,
            facts: HpaFacts {
                hpa,
                target: Fact::Absent,
                scale: Fact::Known(Scale {
                    spec_replicas: replicas,
                    status_replicas: replicas,
                    selector: "app=web".to_owned(),
                }),
                pods: Fact::Known(pods),
                pod_metrics: Fact::Known(Vec::new()),
                events: Fact::Known(Vec::new()),
                target_events: Fact::default(),
                pending_events: Fact::default(),
                serving_log: Fact::default(),
                same_target: Fact::Known(Vec::new()),
                same_target_keepers: BTreeMap::new(),
                rivals: Vec::new(),
                scaled_object: Fact::default(),
                alternatives: Fact::default(),
                definition: Fact::default(),
                successor: Fact::default(),
                limit_ranges: Fact::default(),
                quotas: Fact::default(),
                missed_object: Fact::default(),
                nodes: Fact::default(),
                unselected_values: Vec::new(),
                metric_values: Vec::new(),
            },
        }
    }

    /// A target that the controller put to sleep.
    pub(crate) fn asleep(mut self) -> Self {
        self.facts.hpa.min_replicas = Some(0);
        self.facts.hpa.conditions = vec![Condition {
            type_: "ScaledToZero".to_owned(),
            status: "True".to_owned(),
            reason: "ScaledToZero".to_owned(),
            message: String::new(),
            last_transition_time: None,
        }];
        self
    }
}

/// Upwards and downwards.
pub(crate) fn tolerances(random: &mut Random) -> (&'static str, &'static str) {
    let some = ["0", "0.01", "0.05", "0.1", "0.1", "0.1", "0.333", "0.5", "2"];
    (random.pick(&some), random.pick(&some[..8]))
}

/// What the pods of one scenario have in common.
#[derive(Clone, Copy)]
struct Nature {
    /// Every counted container has a request.
    complete: bool,
    /// Every pod is old, running and ready.
    calm: bool,
    /// Every pod has pod-level requests.
    pod_level: bool,
}

pub(crate) fn pods(random: &mut Random, resource: &str, replicas: i64, now: DateTime<Utc>) -> Vec<Pod> {
    let count = if random.percent(85) {
        replicas
    } else {
        random.between(0, replicas + 3)
    };
    // Where every pod lacked something now and then, few scenarios would come as far as the arithmetic.
    let complete = random.percent(75);
    let calm = random.percent(40);
    let request = request(random, resource);
    // Not mixed within a scenario: of two pods that fail for different reasons, the controller names whichever
    // its lister returns first.
    let pod_level = random.percent(5);
    (0..count)
        .map(|index| {
            pod(
                random,
                resource,
                index,
                &request,
                Nature {
                    complete,
                    calm,
                    pod_level,
                },
                now,
            )
        })
        .collect()
}

fn request(random: &mut Random, resource: &str) -> String {
    if resource == "cpu" {
        random
            .pick(&["100m", "500m", "0.5", "1", "333m", "1500m", "2", "0"])
            .to_owned()
    } else {
        random
            .pick(&["64Mi", "1Gi", "500M", "1e9", "123456789", "1536Ki"])
            .to_owned()
    }
}

fn pod(
    random: &mut Random,
    resource: &str,
    index: i64,
    request: &str,
    nature: Nature,
    now: DateTime<Utc>,
) -> Pod {
    let Nature {
        complete,
        calm,
        pod_level,
    } = nature;
    let started = if calm {
        3600
    } else {
        random.pick(&[5, 20, 100, 250, 400, 3600, 90_000])
    };
    let start = now - TimeDelta::seconds(started);
    // Boundaries of 30 s and 5 min are tested exactly elsewhere: here the two clocks differ by milliseconds.
    let became = TimeDelta::seconds(if calm {
        4
    } else {
        random.pick(&[0, 3, 12, 29, 30, 31, 80]).min(started)
    });
    let ready = if calm {
        "True"
    } else {
        random.pick(&["True", "True", "True", "False", "Unknown"])
    };
    let mut conditions = Vec::new();
    if calm || random.percent(96) {
        conditions.push(Condition {
            type_: "Ready".to_owned(),
            status: ready.to_owned(),
            reason: String::new(),
            message: String::new(),
            last_transition_time: Some(start + became),
        });
    }
    Pod {
        name: format!("web-{index}"),
        namespace: "parity".to_owned(),
        deleted_at: (!calm && random.percent(6)).then_some(now),
        phase: if calm {
            "Running"
        } else {
            random.pick(&[
                "Running",
                "Running",
                "Running",
                "Running",
                "Running",
                "Pending",
                "Failed",
                "Succeeded",
            ])
        }
        .to_owned(),
        start_time: (calm || random.percent(97)).then_some(start),
        conditions,
        containers: containers(random, resource, request, complete),
        resources: pod_level.then(|| Resources {
            requests: random
                .percent(70)
                .then(|| (resource.to_owned(), Quantity("750m".to_owned())))
                .into_iter()
                .chain([("hugepages-2Mi".to_owned(), Quantity("2Mi".to_owned()))])
                .collect(),
            limits: BTreeMap::new(),
        }),
        ..Pod::default()
    }
}

fn containers(random: &mut Random, resource: &str, request: &str, complete: bool) -> Vec<Container> {
    let mut containers = vec![("main", false, false)];
    if random.percent(30) {
        containers.push(("sidecar", false, false));
    }
    if random.percent(15) {
        containers.push(("setup", true, false));
    }
    if random.percent(15) {
        containers.push(("native-sidecar", true, true));
    }
    containers
        .into_iter()
        .map(|(name, init, restartable)| {
            let has_request = complete && (!init || restartable) || random.percent(85);
            let mut requests = BTreeMap::new();
            if has_request {
                let own = if random.percent(80) {
                    request.to_owned()
                } else {
                    self::request(random, resource)
                };
                requests.insert(resource.to_owned(), Quantity(own));
            }
            Container {
                name: name.to_owned(),
                init,
                restartable,
                resources: Resources {
                    requests,
                    limits: BTreeMap::new(),
                },
                ..Container::default()
            }
        })
        .collect()
}

fn metrics(random: &mut Random, resource: &str, pods: &[Pod], now: DateTime<Utc>) -> Vec<PodMetrics> {
    let all = random.percent(60);
    let level = random.between(0, 4000);
    let mut samples: Vec<PodMetrics> = pods
        .iter()
        .filter_map(|pod| {
            if !all && random.percent(25) {
                return None;
            }
            let containers = pod
                .containers
                .iter()
                .filter(|container| container.counts_for_requests())
                .map(|container| usage(random, resource, &container.name, level))
                .collect();
            Some(PodMetrics {
                name: pod.name.clone(),
                timestamp: now - TimeDelta::seconds(random.pick(&[1, 10, 15, 40, 70, 200])),
                window_millis: random.pick(&[0, 10_000, 15_000, 30_123, 60_000]),
                containers,
            })
        })
        .collect();
    if random.percent(4) {
        samples.push(PodMetrics {
            name: "gone".to_owned(),
            timestamp: now,
            window_millis: 15_000,
            containers: vec![usage(random, resource, "main", level)],
        });
    }
    samples
}

fn usage(random: &mut Random, resource: &str, container: &str, level: i64) -> ContainerUsage {
    let mut usage = BTreeMap::new();
    let value = (level * random.between(50, 150) / 100).max(0);
    if random.percent(98) {
        let text = match (resource, random.between(0, 2)) {
            ("cpu", 0) => format!("{value}m"),
            ("cpu", 1) => format!("{}n", value * 1_000_000 + random.between(0, 999_999)),
            ("cpu", _) => format!("{}u", value * 1000 + random.between(0, 999)),
            (_, 0) => format!("{}Ki", value * 300),
            (_, _) => format!("{}", value * 300_007),
        };
        usage.insert(resource.to_owned(), Quantity(text));
    }
    ContainerUsage {
        name: container.to_owned(),
        usage,
    }
}

/// A metric from outside whose value is the replicas that it wants.
pub(crate) fn queue() -> MetricSpec {
    MetricSpec {
        type_: "External".to_owned(),
        name: "queue".to_owned(),
        container: None,
        object: None,
        selector: None,
        target: MetricTarget::AverageValue(Quantity::from("1")),
    }
}
