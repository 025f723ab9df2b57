//! The chosen target: what the HPA sees, decides, and is held back by.

use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::text::{Line, Span};
use ratatui::widgets::{Paragraph, Sparkline};

use super::{bold, by_target, cut, dim, lines, percent, safe, span};
use crate::commands::top::report::TargetUsage;
use crate::commands::top::screen::history::COLUMN;
use crate::commands::top::screen::model::Screen;
use crate::commands::top::table::heading;

/// Lines of text above the sparklines, where there is no more to say: what follows stays in its place.
const TEXT: usize = 4;
/// A sentence takes so many lines at most.
const SENTENCE: usize = 2;
/// The sparklines, and an empty line.
const CHARTS: u16 = 3;

pub(super) fn height(screen: &Screen, width: u16) -> u16 {
    let Some(usage) = screen.chosen() else { return 2 };
    let text = text(screen, usage, width).len();
    if usage.hpa.is_none() {
        return rows(text + 1);
    }
    rows(text.max(TEXT)) + CHARTS
}

fn rows(count: usize) -> u16 {
    u16::try_from(count).unwrap_or(u16::MAX)
}

pub(super) fn draw(frame: &mut Frame<'_>, screen: &Screen, area: Rect) {
    let Some(usage) = screen.chosen() else {
        let text = if screen.filter.is_empty() {
            "no HorizontalPodAutoscalers here"
        } else {
            "nothing has this name"
        };
        frame.render_widget(Line::from(text), area);
        return;
    };
    let words = Paragraph::new(text(screen, usage, area.width));
    if usage.hpa.is_none() {
        frame.render_widget(words, area);
        return;
    }
    let [above, charts] = Layout::vertical([Constraint::Min(1), Constraint::Length(CHARTS)]).areas(area);
    frame.render_widget(words, above);
    draw_charts(frame, screen, usage, charts);
}

fn text(screen: &Screen, usage: &TargetUsage, width: u16) -> Vec<Line<'static>> {
    let mut text = vec![Line::styled(cut(&safe(&heading(usage)), width), bold())];
    if let (Some(verdict), Some(summary)) = (usage.verdict, &usage.summary) {
        let verdict = format!("{verdict:?}: ").to_lowercase();
        let mut told = lines(&format!("{verdict}{summary}"), width, SENTENCE).into_iter();
        let first = told.next().unwrap_or_default();
        let style = by_target(screen, usage.percent_of_target);
        text.push(match first.strip_prefix(&verdict) {
            Some(rest) => Line::from(vec![
                Span::styled(verdict.clone(), style),
                Span::raw(rest.to_owned()),
            ]),
            None => Line::from(first),
        });
        text.extend(told.map(Line::from));
    }
    if let Some(decision) = &usage.decision {
        let held = usage
            .stabilized_until
            .filter(|until| *until > screen.now)
            .map(|until| {
                format!(
                    "; the stabilization window holds for at most {}",
                    span(until - screen.now)
                )
            })
            .unwrap_or_default();
        let decided = format!("next: {decision}{held}");
        text.extend(lines(&decided, width, SENTENCE).into_iter().map(Line::from));
    }
    let notes = usage.notes.iter().take(SENTENCE);
    text.extend(notes.map(|note| Line::from(cut(&safe(note), width))));
    text
}

fn draw_charts(frame: &mut Frame<'_>, screen: &Screen, usage: &TargetUsage, area: Rect) {
    let [left, _, right] =
        Layout::horizontal([Constraint::Fill(2), Constraint::Length(2), Constraint::Fill(1)]).areas(Rect {
            height: area.height.saturating_sub(1),
            ..area
        });
    // The target itself is half of the height at least: what lies above it is seen.
    let share = screen
        .history
        .columns(usage, usize::from(left.width), screen.now, |moment| {
            moment.percent
        });
    let highest = share.iter().flatten().copied().max().unwrap_or(0).max(200);
    chart(
        frame,
        left,
        &format!("share of the target  {}", percent(usage.percent_of_target)),
        Sparkline::default()
            .data(share)
            .max(highest)
            .style(by_target(screen, usage.percent_of_target)),
    );
    let replicas = screen
        .history
        .columns(usage, usize::from(right.width), screen.now, |moment| {
            moment.replicas
        });
    let most = usage.max_replicas.and_then(|max| u64::try_from(max).ok());
    chart(
        frame,
        right,
        &format!("replicas, {}", reach(right.width)),
        Sparkline::default().data(replicas).max(most.unwrap_or(1).max(1)),
    );
}

/// How far back a sparkline goes.
fn reach(width: u16) -> String {
    let seconds = i64::from(width) * COLUMN.num_seconds();
    format!("last {}", span(chrono::TimeDelta::seconds(seconds)))
}

fn chart(frame: &mut Frame<'_>, area: Rect, title: &str, sparkline: Sparkline<'_>) {
    let [head, body] = Layout::vertical([Constraint::Length(1), Constraint::Min(1)]).areas(area);
    frame.render_widget(Line::styled(title.to_owned(), dim()), head);
    frame.render_widget(sparkline, body);
}
