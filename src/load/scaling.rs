//! What the HPA did while a load ran.

use serde::Serialize;

/// The HPA, its target and the pods at one time.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ScaleSample {
    /// Seconds since the load began.
    pub second: f64,
    /// The replicas that the target is asked for.
    pub wanted: Option<i32>,
    /// The pods that are ready.
    pub ready: Option<i32>,
    /// Usage as a share of the request, in percent, of the metric with a target in percent.
    pub usage_percent: Option<i32>,
    /// What the controller will decide at its next sync, on what was read.
    pub next: Option<i32>,
}

/// An event of the HPA.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ScaleEvent {
    /// Seconds since the load began.
    pub second: f64,
    /// `SuccessfulRescale` and its like.
    pub reason: String,
    /// The controller's words.
    pub message: String,
}

/// A finding of `explain-hpa` that was true for a while.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SeenFinding {
    /// For example `TFS602`.
    pub code: String,
    /// `error`, `warning` or `info`.
    pub severity: &'static str,
    /// Its title when it was seen last.
    pub title: String,
    /// When it was seen first, in seconds since the load began.
    pub first_second: f64,
    /// When it was seen last.
    pub last_second: f64,
}

/// A change of the replicas that the target is asked for.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ReplicaChange {
    /// Seconds since the load began.
    pub second: f64,
    /// Before.
    pub from: i32,
    /// After.
    pub to: i32,
    /// The load's level then: users, or requests a second; zero after its end.
    pub level: u32,
    /// Seconds from the change until so many pods were ready; none where they never were, or where it fell.
    pub ready_after_seconds: Option<f64>,
}

/// All of it.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Scaling {
    /// The namespace.
    pub namespace: String,
    /// The HPA.
    pub hpa: String,
    /// Its target, for example `Deployment/web`.
    pub target: String,
    /// Its minimum.
    pub min_replicas: i32,
    /// Its maximum.
    pub max_replicas: i32,
    /// The resource that its target in percent is of.
    pub resource: Option<String>,
    /// That target.
    pub target_percent: Option<i32>,
    /// How it went.
    pub changes: Vec<ReplicaChange>,
    /// Its events.
    pub events: Vec<ScaleEvent>,
    /// What `explain-hpa` would have said meanwhile.
    pub findings: Vec<SeenFinding>,
    /// Why something is not known.
    pub notes: Vec<String>,
    /// What was seen when.
    pub samples: Vec<ScaleSample>,
}

impl Scaling {
    /// The changes that the samples show.
    pub fn changes(samples: &[ScaleSample], level_at: impl Fn(f64) -> u32) -> Vec<ReplicaChange> {
        let wanted: Vec<(usize, f64, i32)> = samples
            .iter()
            .enumerate()
            .filter_map(|(index, sample)| Some((index, sample.second, sample.wanted?)))
            .collect();
        wanted
            .windows(2)
            .filter_map(|pair| match pair {
                [(_, _, from), (index, second, to)] if from != to => {
                    let later = samples.get(*index..).unwrap_or_default();
                    let ready = later
                        .iter()
                        .find(|sample| to > from && sample.ready.is_some_and(|ready| ready >= *to));
                    Some(ReplicaChange {
                        second: *second,
                        from: *from,
                        to: *to,
                        level: level_at(*second),
                        ready_after_seconds: ready.map(|sample| round(sample.second - second)),
                    })
                }
                _ => None,
            })
            .collect()
    }

    /// When usage first was so far above the target that the controller acts on it (its tolerance is 10%).
    pub fn crossed(&self) -> Option<&ScaleSample> {
        let target = f64::from(self.target_percent?);
        self.samples.iter().find(|sample| {
            sample
                .usage_percent
                .is_some_and(|usage| f64::from(usage) > target * 1.1)
        })
    }
}

fn round(value: f64) -> f64 {
    (value * 1000.0).round() / 1000.0
}
