//! Help and explanations, over everything else.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::Line;
use ratatui::widgets::{Block, Clear, Paragraph, Wrap};

use crate::commands::top::screen::model::{Overlay, Screen};

const HELP: [&str; 14] = [
    "↑ ↓ PgUp PgDn   move; Tab changes the table",
    "e or Enter      explain the chosen HPA",
    "/               show only names that contain a text",
    "q or Ctrl-C     quit",
    "",
    "TARGET%   100% is where the HPA wants its metric: within a tenth of it",
    "          it does nothing, above it it scales up, below it down",
    "REQUEST%  usage of the pod in percent of its request",
    "SAMPLE    how old the usage is",
    "COUNTED   whether the HPA counts the pod, and why it does not",
    "next      what the controller decides at its next sync, as things are",
    "REQ/S P50 P95 P99 ERR/S BATCH WAIT   TensorFlow Serving's own numbers",
    "          of the last seconds, where its monitoring is on; without",
    "          probes and status requests",
];

pub(super) fn draw(frame: &mut Frame<'_>, screen: &Screen, area: Rect) {
    let (title, lines, scrolled): (_, Vec<Line<'_>>, _) = match &screen.overlay {
        None => return,
        Some(Overlay::Help) => (" help ", HELP.into_iter().map(Line::from).collect(), 0),
        Some(Overlay::Explanation { lines, scrolled }) => (
            " explain-hpa ",
            lines.iter().map(|line| Line::from(line.as_str())).collect(),
            *scrolled,
        ),
    };
    let inner = usize::from(area.width.saturating_sub(2)).max(1);
    let rows: usize = lines.iter().map(|line| line.width().div_ceil(inner).max(1)).sum();
    let wanted = u16::try_from(rows).unwrap_or(u16::MAX).saturating_add(2);
    let area = Rect {
        y: area.y + 1,
        height: wanted.min(area.height.saturating_sub(2)),
        ..area
    };
    let block = Block::bordered()
        .title(title)
        .title_bottom(" ↑↓ scroll  any other key closes ");
    let shown: Vec<Line<'_>> = lines.into_iter().skip(scrolled).collect();
    frame.render_widget(Clear, area);
    // A command is one line, however long: what is cut off cannot be typed.
    let text = Paragraph::new(shown).wrap(Wrap { trim: false });
    frame.render_widget(text.block(block), area);
}
