//! A load as one HTML page: it needs no script, and loads nothing from anywhere.

mod hpa;

use std::fmt::Write as _;

use super::chart::{Mark, Panel, Series, svg};
use super::load::{cells, client, columns, heading, label, number};
use crate::load::report::LoadReport;
use crate::load::{Point, Quantiles};

const STYLE: &str = include_str!("report.css");

/// The page.
pub fn page(report: &LoadReport) -> String {
    let title = format!("Load of {}", escape(&report.target.url));
    let mut body = String::new();
    let _ = writeln!(
        body,
        "<header><h1>{title}</h1>\n<p>{}</p>\n<p>{}, {} after {} s: {}</p></header>",
        escape(&heading(report)),
        report.started_at.format("%Y-%m-%d %H:%M:%S UTC"),
        report.ended.reason,
        number(report.ended.second),
        escape(&report.ended.why)
    );
    answers(&mut body, report);
    let _ = writeln!(body, "<div class=\"wide\">{}</div>", chart(report));
    let numbers = if report
        .scaling
        .as_ref()
        .is_some_and(|scaling| !scaling.events.is_empty())
    {
        " Numbers: what the HPA said, below."
    } else {
        ""
    };
    let _ = writeln!(
        body,
        "<p class=\"note\">Shaded: warm-up, and what came after the load.{numbers}</p>"
    );
    hpa::events(&mut body, report.scaling.as_ref());
    hpa::findings(&mut body, report.scaling.as_ref());
    steps(&mut body, report);
    failures(&mut body, report);
    let _ = writeln!(
        body,
        "<p class=\"note\">{}. Latencies are those of requests that were answered with 2xx{}.</p>",
        escape(&client(report)),
        if report.plan.mode == "rate" {
            ", from the time at which each was due"
        } else {
            ""
        }
    );
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"color-scheme\" content=\"light dark\">\n<title>{title}</title>\n<style>\n{STYLE}</style>\n</head>\n\
         <body>\n<main>\n{body}</main>\n</body>\n</html>\n"
    )
}

/// Text that is no markup, and no control of a terminal either.
pub(super) fn escape(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for character in super::escape::line(text).chars() {
        match character {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            other => safe.push(other),
        }
    }
    safe
}

fn answers(body: &mut String, report: &LoadReport) {
    body.push_str("<dl>\n");
    for answer in &report.answers {
        let _ = writeln!(
            body,
            "<dt>{}</dt><dd>{}</dd>",
            escape(label(answer.question)),
            escape(&answer.answer)
        );
    }
    for note in report.scaling.iter().flat_map(|scaling| &scaling.notes) {
        let _ = writeln!(body, "<dt>not known</dt><dd>{}</dd>", escape(note));
    }
    body.push_str("</dl>\n");
}

fn chart(report: &LoadReport) -> String {
    let points = &report.timeline;
    let (level, name) = if report.plan.mode == "users" {
        ("Users", "users")
    } else {
        ("Requests due a second", "due")
    };
    let mut panels = vec![
        Panel {
            title: level.to_owned(),
            series: vec![levels(report, name)],
            reference: None,
            whole: true,
        },
        Panel {
            title: "Requests a second".to_owned(),
            series: throughput(report),
            reference: None,
            whole: false,
        },
        Panel {
            title: "Latency in ms".to_owned(),
            series: vec![
                latency("p50", "low", points, |it| it.p50),
                latency("p95", "middle", points, |it| it.p95),
                latency("p99", "high", points, |it| it.p99),
            ],
            reference: None,
            whole: false,
        },
    ];
    let mut end = points.last().map_or(0.0, |point| point.second + point.seconds);
    let mut marks = Vec::new();
    if let Some(scaling) = &report.scaling {
        panels.extend(hpa::panels(scaling));
        end = scaling
            .samples
            .last()
            .map_or(end, |sample| end.max(sample.second));
        marks = (1..)
            .zip(&scaling.events)
            .map(|(number, event)| Mark {
                second: event.second,
                sign: number.to_string(),
                title: format!("{}: {}", event.reason, event.message),
            })
            .collect();
    }
    svg(
        &panels,
        &marks,
        report.plan.warm_up_seconds,
        report.ended.second,
        end,
    )
}

fn throughput(report: &LoadReport) -> Vec<Series> {
    let points = &report.timeline;
    let mut lines = vec![series("answered", "ok", points, |point| {
        Some((point.requests_per_second - failed_per_second(point)).max(0.0))
    })];
    if report.total.failed > 0 {
        lines.push(series("failed", "bad", points, |point| {
            Some(failed_per_second(point))
        }));
    }
    lines
}

fn failed_per_second(point: &Point) -> f64 {
    let failed = f64::from(u32::try_from(point.failed).unwrap_or(u32::MAX));
    if point.seconds > 0.0 {
        failed / point.seconds
    } else {
        0.0
    }
}

/// The level holds from a slice's begin until the load's end.
fn levels(report: &LoadReport, name: &'static str) -> Series {
    let end = report.ended.second;
    let during = report.timeline.iter().filter(|point| point.second < end);
    let mut points: Vec<_> = during
        .map(|point| (point.second, Some(f64::from(point.level))))
        .collect();
    if let Some(last) = points.last().copied() {
        points.push((end, last.1));
    }
    Series {
        name,
        class: "low",
        points,
        stepped: true,
    }
}

fn latency(
    name: &'static str,
    class: &'static str,
    points: &[Point],
    value: fn(&Quantiles) -> f64,
) -> Series {
    // A slow model answers nothing in many a slice: the line goes on over it, and breaks where requests failed.
    let said: Vec<Point> = points
        .iter()
        .filter(|point| point.latency_ms.is_some() || point.failed > 0)
        .cloned()
        .collect();
    series(name, class, &said, |point| point.latency_ms.as_ref().map(value))
}

fn series(
    name: &'static str,
    class: &'static str,
    points: &[Point],
    value: impl Fn(&Point) -> Option<f64>,
) -> Series {
    Series {
        name,
        class,
        points: points
            .iter()
            .map(|point| (point.second + point.seconds / 2.0, value(point)))
            .collect(),
        stepped: false,
    }
}

fn steps(body: &mut String, report: &LoadReport) {
    body.push_str("<h2>Steps</h2>\n<div class=\"wide\"><table>\n");
    row(body, "th", &columns(report.unit()));
    for step in &report.steps {
        row(body, "td", &cells(&step.level.to_string(), &step.summary));
    }
    row(body, "td", &cells("all", &report.total));
    body.push_str("</table></div>\n");
}

fn row(body: &mut String, tag: &str, cells: &[String]) {
    body.push_str("<tr>");
    for cell in cells {
        let _ = write!(body, "<{tag}>{}</{tag}>", escape(cell));
    }
    body.push_str("</tr>\n");
}

fn failures(body: &mut String, report: &LoadReport) {
    if report.failures.is_empty() {
        return;
    }
    body.push_str("<h2>Failures</h2>\n<table>\n");
    for failure in &report.failures {
        row(body, "td", &[failure.count.to_string(), failure.what.clone()]);
    }
    body.push_str("</table>\n");
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{Point, escape, latency};
    use crate::load::Tally;

    #[test]
    fn the_latency_line_breaks_where_requests_failed_and_not_where_none_was_answered() {
        let of = |milliseconds: u64| {
            let mut tally = Tally::default();
            tally.answered(Duration::from_millis(milliseconds), 0);
            tally.latencies.quantiles()
        };
        let point = |second, latency_ms, failed| Point {
            second,
            seconds: 1.0,
            level: 1,
            requests_per_second: 0.0,
            failed,
            latency_ms,
            warm_up: false,
        };
        let points = [
            point(0.0, of(900), 0),
            point(1.0, None, 0),
            point(2.0, of(950), 0),
            point(3.0, None, 2),
        ];
        let line = latency("p50", "low", &points, |it| it.p50);
        let drawn: Vec<_> = line
            .points
            .iter()
            .map(|(second, value)| (*second, value.map(f64::round)))
            .collect();
        assert_eq!(drawn, [(0.5, Some(900.0)), (2.5, Some(950.0)), (3.5, None)]);
    }

    #[test]
    fn what_others_wrote_is_no_markup() {
        assert_eq!(
            escape("<script>'a' & \"b\"\u{1b}[2J"),
            "&lt;script&gt;&#39;a&#39; &amp; &quot;b&quot;\\u{1b}[2J"
        );
    }
}
