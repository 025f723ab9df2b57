//! Events as they come, the newest at the bottom.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::style::{Color, Style};
use ratatui::text::{Line, Span};
use ratatui::widgets::Paragraph;

use super::{colour, cut, dim, safe};
use crate::commands::top::screen::model::Screen;

/// A fifth of the screen or what the pods leave, with the heading.
pub(super) fn height(screen: &Screen, whole: u16, left: u16) -> u16 {
    let wanted = u16::try_from(screen.events.len()).unwrap_or(u16::MAX);
    if wanted == 0 {
        return 0;
    }
    wanted.saturating_add(1).min((whole / 5).max(3).max(left))
}

pub(super) fn draw(frame: &mut Frame<'_>, screen: &Screen, area: Rect) {
    let room = usize::from(area.height.saturating_sub(1));
    let newest = screen.events.len().saturating_sub(room);
    let lines = screen.events.iter().skip(newest).map(|event| {
        let seen = event.seen.map_or_else(
            || "--:--:--".to_owned(),
            |seen| seen.format("%H:%M:%S").to_string(),
        );
        let time = format!("{seen}  ");
        let room = area.width.saturating_sub(10);
        let style = if event.warning {
            colour(screen, Color::Yellow)
        } else {
            Style::new()
        };
        Line::from(vec![
            Span::styled(time, dim()),
            Span::styled(cut(&safe(&event.text), room), style),
        ])
    });
    let all: Vec<Line<'_>> = [Line::styled("EVENTS", dim())].into_iter().chain(lines).collect();
    if area.height > 0 {
        frame.render_widget(Paragraph::new(all), area);
    }
}
