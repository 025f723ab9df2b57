//! What the page shows of an HPA.

use std::fmt::Write as _;

use super::{escape, row};
use crate::load::{ScaleSample, Scaling};
use crate::output::chart::{Panel, Series};
use crate::output::load::number;

/// Usage against its target, and replicas against their maximum.
pub(super) fn panels(scaling: &Scaling) -> Vec<Panel> {
    let mut panels = Vec::new();
    if let (Some(resource), Some(target)) = (&scaling.resource, scaling.target_percent) {
        panels.push(Panel {
            title: format!("{resource} in % of the request"),
            series: vec![samples("used", "ok", scaling, |it| it.usage_percent)],
            reference: Some((f64::from(target), format!("target {target}%"))),
            whole: false,
        });
    }
    panels.push(Panel {
        title: "Replicas".to_owned(),
        series: vec![
            samples("next", "low", scaling, |it| it.next),
            samples("wanted", "middle", scaling, |it| it.wanted),
            samples("ready", "ok", scaling, |it| it.ready),
        ],
        reference: Some((
            f64::from(scaling.max_replicas),
            format!("maxReplicas {}", scaling.max_replicas),
        )),
        whole: true,
    });
    panels
}

fn samples(
    name: &'static str,
    class: &'static str,
    scaling: &Scaling,
    value: impl Fn(&ScaleSample) -> Option<i32>,
) -> Series {
    Series {
        name,
        class,
        points: scaling
            .samples
            .iter()
            .map(|sample| (sample.second, value(sample).map(f64::from)))
            .collect(),
        stepped: true,
    }
}

/// What the controller said, as the marks number it.
pub(super) fn events(body: &mut String, scaling: Option<&Scaling>) {
    let Some(scaling) = scaling.filter(|scaling| !scaling.events.is_empty()) else {
        return;
    };
    body.push_str("<h2>What the HPA said</h2>\n<ol>\n");
    for event in &scaling.events {
        let _ = writeln!(
            body,
            "<li>{} s: {}: {}</li>",
            number(event.second),
            escape(&event.reason),
            escape(&event.message)
        );
    }
    body.push_str("</ol>\n");
}

/// What was wrong, or limited, and when.
pub(super) fn findings(body: &mut String, scaling: Option<&Scaling>) {
    let Some(scaling) = scaling.filter(|scaling| !scaling.findings.is_empty()) else {
        return;
    };
    body.push_str("<h2>What explain-hpa saw</h2>\n<table class=\"words\">\n");
    row(
        body,
        "th",
        &["FIRST SEEN", "LAST SEEN", "CODE", "FINDING"].map(str::to_owned),
    );
    for finding in &scaling.findings {
        let seconds = |second| format!("{} s", number(second));
        let cells = [
            seconds(finding.first_second),
            seconds(finding.last_second),
            finding.code.clone(),
            finding.title.clone(),
        ];
        row(body, "td", &cells);
    }
    body.push_str("</table>\n");
}
