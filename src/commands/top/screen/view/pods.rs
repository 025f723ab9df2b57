//! The pods of the chosen target.

use std::time::Duration;

use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::{Color, Modifier, Style};
use ratatui::text::Line;
use ratatui::widgets::TableState;

use super::columns::{Column, table};
use super::{age, by_target, colour, dim, percent, safe};
use crate::commands::top::report::PodUsage;
use crate::commands::top::screen::model::{Focus, Screen};
use crate::commands::top::table::{counted, resource};
use crate::serving::monitoring::Rates;

/// How many lines it wants: the pods, a heading, and a line below for a note or for the eye.
pub(super) fn height(screen: &Screen) -> u16 {
    u16::try_from(screen.pods().len())
        .unwrap_or(u16::MAX)
        .saturating_add(2)
}

pub(super) fn draw(frame: &mut Frame<'_>, screen: &Screen, area: Rect) {
    let pods = screen.pods();
    let area = note(frame, screen, area, pods.len());
    if pods.is_empty() {
        frame.render_widget(Line::styled("no pods to show", dim()), area);
        return;
    }
    let cursor = if screen.focus == Focus::Pods {
        Style::new().add_modifier(Modifier::REVERSED)
    } else {
        Style::new()
    };
    let widget = table(columns(screen, &pods), area.width, dim()).row_highlight_style(cursor);
    let mut state = TableState::new().with_selected(screen.pod);
    frame.render_stateful_widget(widget, area, &mut state);
}

/// A note below the pods, where there is room for it; the value is what is left.
fn note(frame: &mut Frame<'_>, screen: &Screen, area: Rect, pods: usize) -> Rect {
    let Some(note) = &screen.note else { return area };
    if usize::from(area.height) < pods + 2 {
        return area;
    }
    let [rest, below] = Layout::vertical([Constraint::Min(1), Constraint::Length(1)]).areas(area);
    frame.render_widget(Line::styled(safe(note), dim()), below);
    rest
}

fn columns(screen: &Screen, pods: &[&PodUsage]) -> Vec<Column> {
    let each = |cell: &dyn Fn(&PodUsage) -> (String, Style)| pods.iter().map(|pod| cell(pod)).collect();
    let plain = |text: String| (text, Style::new());
    let or_dash = |text: &Option<String>| text.as_ref().map_or_else(|| "-".to_owned(), |it| safe(it));
    let one = pods.windows(2).all(|pair| resource(pair[0]) == resource(pair[1]));
    let mut columns = vec![Column::text("POD", each(&|pod| plain(safe(&pod.name)))).keeps_its_end(20)];
    if !one || pods.first().is_some_and(|pod| resource(pod) != "cpu") {
        columns.push(Column::text("RESOURCE", each(&|pod| plain(safe(&resource(pod))))));
    }
    let usage = if columns.len() == 1 { "CPU" } else { "USAGE" };
    columns.extend([
        Column::number(usage, each(&|pod| plain(or_dash(&pod.usage)))),
        Column::number("REQUEST", each(&|pod| plain(or_dash(&pod.request)))).worth(4),
        Column::number("REQUEST%", each(&|pod| plain(percent(pod.percent_of_request)))).worth(5),
        Column::number(
            "TARGET%",
            each(&|pod| {
                (
                    percent(pod.percent_of_target),
                    by_target(screen, pod.percent_of_target),
                )
            }),
        ),
        Column::text(
            "READY",
            each(&|pod| {
                if pod.ready {
                    plain("yes".to_owned())
                } else {
                    ("no".to_owned(), colour(screen, Color::Yellow))
                }
            }),
        )
        .worth(6),
        Column::number("SAMPLE", each(&|pod| plain(age(screen, pod.sampled_at)))).worth(3),
    ]);
    columns.extend(serving(screen, pods));
    columns.push(Column::text("COUNTED", each(&|pod| plain(safe(&counted(pod))))).keeps_its_beginning(20));
    columns
}

/// TensorFlow Serving's own numbers, where a pod gives some.
fn serving(screen: &Screen, pods: &[&PodUsage]) -> Vec<Column> {
    let namespace = screen
        .chosen()
        .map(|usage| usage.namespace.clone())
        .unwrap_or_default();
    let rates: Vec<Option<&Rates>> = pods
        .iter()
        .map(|pod| screen.serving.get(&(namespace.clone(), pod.name.clone())))
        .collect();
    if rates.iter().all(Option::is_none) {
        return Vec::new();
    }
    let column = |header, value: &dyn Fn(&Rates) -> Option<String>| {
        let cells = rates.iter().map(|rates| {
            let text = rates.and_then(value);
            (text.unwrap_or_else(|| "-".to_owned()), Style::new())
        });
        Column::number(header, cells.collect())
    };
    let failing = rates.iter().flatten().any(|rates| rates.errors_per_second > 0.0);
    let queued = rates.iter().flatten().any(|rates| rates.batch_wait.is_some());
    let mut columns = vec![column("REQ/S", &|rates| {
        Some(format!("{:.1}", rates.requests_per_second))
    })];
    if failing {
        columns.push(column("ERR/S", &|rates| {
            Some(format!("{:.1}", rates.errors_per_second))
        }));
    }
    columns.extend([
        column("P50", &|rates| rates.p50.map(shown)).worth(2),
        column("P95", &|rates| rates.p95.map(shown)).worth(1),
        column("P99", &|rates| rates.p99.map(shown)).worth(7),
    ]);
    if queued {
        columns.push(column("BATCH WAIT", &|rates| rates.batch_wait.map(shown)).worth(0));
    }
    columns
}

/// Milliseconds, or seconds from ten of them on.
fn shown(latency: Duration) -> String {
    let millis = latency.as_secs_f64() * 1000.0;
    match millis {
        millis if millis < 10.0 => format!("{millis:.1}ms"),
        millis if millis < 10_000.0 => format!("{millis:.0}ms"),
        millis => format!("{:.1}s", millis / 1000.0),
    }
}
