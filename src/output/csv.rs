//! The time line of a load as CSV (RFC 4180): one row a slice, the last thing known of the HPA beside it.

use std::fmt::Write as _;

use crate::load::report::LoadReport;
use crate::load::{Quantiles, ScaleSample};

/// The columns; new ones come at the end.
const HEADER: &str = "second,seconds,level,requests_per_second,failed,p50_ms,p90_ms,p95_ms,p99_ms,max_ms,warm_up,\
    usage_percent,target_percent,replicas_wanted,replicas_ready,replicas_next";

/// The table. It holds numbers alone, so that nothing needs a quote. After the load, a row a sample of the HPA.
pub fn timeline(report: &LoadReport) -> String {
    let mut text = format!("{HEADER}\n");
    let scaling = report.scaling.as_ref();
    let samples = scaling.map_or(&[][..], |scaling| &scaling.samples);
    let target = scaling.and_then(|scaling| scaling.target_percent);
    let mut end = 0.0;
    for point in &report.timeline {
        let latency = |value: fn(&Quantiles) -> f64| shown(point.latency_ms.as_ref().map(value));
        end = point.second + point.seconds;
        let _ = writeln!(
            text,
            "{},{},{},{},{},{},{},{},{},{},{},{}",
            point.second,
            point.seconds,
            point.level,
            point.requests_per_second,
            point.failed,
            latency(|it| it.p50),
            latency(|it| it.p90),
            latency(|it| it.p95),
            latency(|it| it.p99),
            latency(|it| it.max),
            point.warm_up,
            of_the_hpa(latest(samples, end), target),
        );
    }
    for sample in samples.iter().filter(|sample| sample.second > end) {
        let _ = writeln!(
            text,
            "{},,0,0,0,,,,,,false,{}",
            sample.second,
            of_the_hpa(Some(sample), target)
        );
    }
    text
}

fn of_the_hpa(sample: Option<&ScaleSample>, target: Option<i32>) -> String {
    let value = |of: fn(&ScaleSample) -> Option<i32>| shown(sample.and_then(of));
    format!(
        "{},{},{},{},{}",
        value(|it| it.usage_percent),
        shown(target.filter(|_| sample.is_some())),
        value(|it| it.wanted),
        value(|it| it.ready),
        value(|it| it.next)
    )
}

fn latest(samples: &[ScaleSample], second: f64) -> Option<&ScaleSample> {
    samples.iter().rev().find(|sample| sample.second <= second)
}

fn shown<T: ToString>(value: Option<T>) -> String {
    value.map_or_else(String::new, |value| value.to_string())
}
