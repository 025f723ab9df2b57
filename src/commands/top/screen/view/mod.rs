//! How the screen looks.

mod columns;
mod events;
mod overlay;
mod pods;
mod target;
mod targets;

use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::{Color, Modifier, Style};
use ratatui::text::{Line, Span};

use super::model::Screen;
use crate::output::escape;
use crate::output::text::wrap;

/// Draws everything.
pub(super) fn draw(frame: &mut Frame<'_>, screen: &Screen) {
    let area = frame.area();
    let targets = targets::height(screen, area.height);
    let target = target::height(screen, area.width);
    let pods = pods::height(screen);
    let left = area.height.saturating_sub(2 + targets + target + pods);
    let events = events::height(screen, area.height, left);
    let [top, list, one, pods, happened, bottom] = Layout::vertical([
        Constraint::Length(1),
        Constraint::Length(targets),
        Constraint::Length(target),
        Constraint::Min(3),
        Constraint::Length(events),
        Constraint::Length(1),
    ])
    .areas(area);
    head(frame, screen, top);
    targets::draw(frame, screen, list);
    target::draw(frame, screen, one);
    pods::draw(frame, screen, pods);
    events::draw(frame, screen, happened);
    foot(frame, screen, bottom);
    overlay::draw(frame, screen, area);
}

fn head(frame: &mut Frame<'_>, screen: &Screen, area: Rect) {
    let clock = format!("{} UTC ", screen.now.format("%H:%M:%S"));
    let place = safe(&format!("kubectl tfserve top  {}", screen.place));
    let room = usize::from(area.width).saturating_sub(clock.len() + 1);
    let place: String = place.chars().take(room).collect();
    let line = format!("{place:room$} {clock}");
    frame.render_widget(
        Line::styled(line, Style::new().add_modifier(Modifier::BOLD)),
        area,
    );
}

fn foot(frame: &mut Frame<'_>, screen: &Screen, area: Rect) {
    let line = if screen.typing {
        Line::from(format!(
            "/{}▏  Enter keeps it, Esc drops it",
            safe(&screen.filter)
        ))
    } else if let Some(trouble) = screen.troubles.first() {
        Line::styled(safe(trouble), colour(screen, Color::Yellow))
    } else {
        let filter = if screen.filter.is_empty() {
            String::new()
        } else {
            format!("  only `{}`, Esc shows all", safe(&screen.filter))
        };
        let keys = "q quit  ↑↓ move  Tab other table  / filter  e explain  ? help";
        Line::from(vec![Span::styled(keys, dim()), Span::raw(filter)])
    };
    frame.render_widget(line, area);
}

/// A text in so many lines at most, broken between words; what is cut off is seen to be.
fn lines(text: &str, width: u16, most: usize) -> Vec<String> {
    let mut lines = wrap(text, width.into());
    if lines.len() > most {
        lines.truncate(most);
        if let Some(last) = lines.last_mut() {
            last.push_str(" …");
            *last = cut(last, width);
        }
    }
    lines
}

/// A line that loses its end where it must.
fn cut(text: &str, width: u16) -> String {
    let width = usize::from(width);
    if text.chars().count() <= width {
        return text.to_owned();
    }
    let kept = width.saturating_sub(1);
    text.chars().take(kept).chain(['…']).collect()
}

/// A text of the cluster.
fn safe(text: &str) -> String {
    escape::line(text).into_owned()
}

/// A colour, where colours are wanted.
fn colour(screen: &Screen, colour: Color) -> Style {
    if screen.colours {
        Style::new().fg(colour)
    } else {
        Style::new()
    }
}

/// Colour by the HPA's target: within its tolerance of a tenth nothing happens, above it the HPA scales up.
fn by_target(screen: &Screen, percent: Option<i64>) -> Style {
    match percent {
        Some(percent) if percent > 200 => colour(screen, Color::Red),
        Some(percent) if percent > 110 => colour(screen, Color::Yellow),
        Some(percent) if percent >= 90 => colour(screen, Color::Green),
        _ => Style::new(),
    }
}

fn dim() -> Style {
    Style::new().add_modifier(Modifier::DIM)
}

fn bold() -> Style {
    Style::new().add_modifier(Modifier::BOLD)
}

/// `426%`, or a dash.
fn percent(value: Option<i64>) -> String {
    value.map_or_else(|| "-".to_owned(), |value| format!("{value}%"))
}

/// Seconds, minutes or hours since a time: `12s`, `3m20s`, `2h05m`.
fn age(screen: &Screen, since: Option<chrono::DateTime<chrono::Utc>>) -> String {
    since.map_or_else(|| "-".to_owned(), |since| span(screen.now - since))
}

fn span(time: chrono::TimeDelta) -> String {
    let seconds = time.num_seconds().max(0);
    match (seconds / 3600, seconds / 60 % 60, seconds % 60) {
        (0, 0, seconds) => format!("{seconds}s"),
        (0, minutes, seconds) => format!("{minutes}m{seconds:02}s"),
        (hours, minutes, _) => format!("{hours}h{minutes:02}m"),
    }
}
