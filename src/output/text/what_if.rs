//! `--what-if`: the decision before and after, metric by metric and pod by pod.

use super::finding;
use super::layout::Page;
use crate::diagnosis::{Explanation, Explanations, MetricReport, PodReport, RecommendationReport, WhatIf};
use crate::diagnosis::{Severity, phrase::count};

/// How many pods are listed; JSON has them all.
const LISTED: usize = 8;

/// Renders what would be under the assumptions of `--what-if`.
pub fn what_if(all: &Explanations, width: usize) -> String {
    let mut page = Page::new(width);
    for item in &all.items {
        if let Some(assumed) = &item.what_if {
            page.gap();
            one(&mut page, item, assumed);
        }
    }
    page.finish()
}

fn one(page: &mut Page, item: &Explanation, assumed: &WhatIf) {
    super::heading(page, item);
    let (now, then) = (item.recommendation.as_ref(), assumed.recommendation.as_ref());
    page.row("what if", &assumed.assumptions.join("  "));
    page.row("now", &decision(now));
    page.row("then", &decision(then));
    let header = ["", "NOW", "THEN"].map(str::to_owned).to_vec();
    let mut rows = vec![header, replicas(now, then)];
    rows.extend(limits(item, assumed));
    rows.extend(metrics(now, then));
    page.gap();
    page.table("", &rows);
    if let Some((before, after)) = deciding(now, then) {
        pods(page, before, after);
    }
    // What is wrong now is wrong whatever is assumed.
    for first in item
        .findings
        .iter()
        .take(1)
        .filter(|it| it.severity > Severity::Info)
    {
        page.gap();
        finding::title(page, first);
        finding::more(page, first);
    }
}

fn decision(recommendation: Option<&RecommendationReport>) -> String {
    let Some(it) = recommendation else {
        return "no decision can be computed: the scale or the pods were not read".to_owned();
    };
    match it.desired_replicas.map(usize::try_from) {
        Some(Ok(replicas)) => format!("{}: {}", count(replicas, "replica"), it.sentence),
        _ => it.sentence.clone(),
    }
}

fn replicas(now: Option<&RecommendationReport>, then: Option<&RecommendationReport>) -> Vec<String> {
    let cell = |it: Option<&RecommendationReport>| {
        let desired = it.and_then(|it| it.desired_replicas);
        let current = it.map_or_else(|| "?".to_owned(), |it| it.current_replicas.to_string());
        format!("{current} → {}", or_dash(desired.as_ref()))
    };
    vec!["replicas".to_owned(), cell(now), cell(then)]
}

fn limits(item: &Explanation, assumed: &WhatIf) -> Option<Vec<String>> {
    let before = format!("{}..{}", item.min_replicas, item.max_replicas);
    let after = format!("{}..{}", assumed.min_replicas, assumed.max_replicas);
    (before != after).then(|| vec!["limits".to_owned(), before, after])
}

fn metrics(now: Option<&RecommendationReport>, then: Option<&RecommendationReport>) -> Vec<Vec<String>> {
    let of = |it: Option<&RecommendationReport>| it.map(|it| it.metrics.clone()).unwrap_or_default();
    let (before, after) = (of(now), of(then));
    (0..before.len().max(after.len()))
        .filter_map(|index| {
            let (before, after) = (before.get(index), after.get(index));
            let name = before.or(after)?.name.clone();
            Some(vec![name, metric(before), metric(after)])
        })
        .collect()
}

fn metric(metric: Option<&MetricReport>) -> String {
    metric.map_or_else(
        || "-".to_owned(),
        |metric| {
            let current = metric.current.as_deref().unwrap_or("<unknown>");
            let wants = or_dash(metric.proposal.as_ref());
            format!("{current}/{} wants {wants}", metric.target)
        },
    )
}

fn or_dash<T: ToString>(value: Option<&T>) -> String {
    value.map_or_else(|| "-".to_owned(), ToString::to_string)
}

/// The metric that wants most afterwards, before and after.
fn deciding<'a>(
    now: Option<&'a RecommendationReport>,
    then: Option<&'a RecommendationReport>,
) -> Option<(Option<&'a MetricReport>, &'a MetricReport)> {
    let (index, after) = then?
        .metrics
        .iter()
        .enumerate()
        .filter(|(_, metric)| !metric.pods.is_empty())
        .max_by_key(|(_, metric)| metric.proposal)?;
    Some((now.and_then(|it| it.metrics.get(index)), after))
}

fn pods(page: &mut Page, before: Option<&MetricReport>, after: &MetricReport) {
    let old: &[PodReport] = before.map_or(&[], |metric| &metric.pods);
    if old == after.pods {
        return;
    }
    let header = ["POD", "USAGE", "REQUEST", "COUNTED"].map(str::to_owned).to_vec();
    let find = |pods: &[PodReport], name: &str| pods.iter().find(|pod| pod.name == name).cloned();
    let mut rows: Vec<Vec<String>> = old
        .iter()
        .map(|pod| row(&pod.name, Some(pod), find(&after.pods, &pod.name).as_ref()))
        .collect();
    let new = after.pods.iter().filter(|pod| find(old, &pod.name).is_none());
    rows.extend(new.map(|pod| row(&pod.name, None, Some(pod))));
    let rest = rows.len().saturating_sub(LISTED);
    rows.truncate(LISTED);
    rows.insert(0, header);
    page.gap();
    page.table("", &rows);
    if rest > 0 {
        page.row("", &format!("and {rest} more, see -o json"));
    }
}

/// One pod: a value where it stays, `old → new` where it changes.
fn row(name: &str, before: Option<&PodReport>, after: Option<&PodReport>) -> Vec<String> {
    let change = |of: fn(&PodReport) -> String| match (before.map(of), after.map(of)) {
        (Some(before), Some(after)) if before != after => format!("{before} → {after}"),
        (Some(before), None) => format!("{before} → gone"),
        (None | Some(_), Some(after)) => after,
        (None, None) => String::new(),
    };
    vec![
        name.to_owned(),
        change(|pod| or_dash(pod.usage.as_ref())),
        change(|pod| or_dash(pod.request.as_ref())),
        change(|pod| {
            if pod.counted == "counted" {
                "yes".to_owned()
            } else {
                pod.counted.to_owned()
            }
        }),
    ]
}
