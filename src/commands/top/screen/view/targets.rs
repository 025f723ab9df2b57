//! The table of all targets, where there is more than one.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::style::{Modifier, Style};
use ratatui::widgets::TableState;

use super::columns::{Column, table};
use super::{bold, by_target, dim, percent, safe};
use crate::commands::top::screen::model::{Focus, Screen, title};
use crate::commands::top::table::replicas;

/// How many lines it takes: a third of the screen at most, an empty line behind it.
pub(super) fn height(screen: &Screen, whole: u16) -> u16 {
    let count = screen.targets().len();
    if screen.report.items.len() < 2 {
        return 0;
    }
    let wanted = u16::try_from(count).unwrap_or(u16::MAX).saturating_add(2);
    wanted.min((whole / 3).max(4))
}

pub(super) fn draw(frame: &mut Frame<'_>, screen: &Screen, area: Rect) {
    if area.height < 2 {
        return;
    }
    let area = Rect {
        height: area.height - 1,
        ..area
    };
    let targets = screen.targets();
    let plain = |text: String| (safe(&text), Style::new());
    let columns = vec![
        Column::text("HPA", targets.iter().map(|it| plain(title(it))).collect()).keeps_its_end(20),
        Column::text(
            "METRICS",
            targets.iter().map(|it| plain(it.metrics.join("  "))).collect(),
        )
        .worth(2),
        Column::number(
            "TARGET%",
            targets
                .iter()
                .map(|it| {
                    (
                        percent(it.percent_of_target),
                        by_target(screen, it.percent_of_target),
                    )
                })
                .collect(),
        ),
        Column::text("REPLICAS", targets.iter().map(|it| plain(replicas(it))).collect()).worth(3),
        Column::text(
            "VERDICT",
            targets
                .iter()
                .map(|it| {
                    plain(it.verdict.map_or_else(
                        || "no HPA".to_owned(),
                        |verdict| format!("{verdict:?}").to_lowercase(),
                    ))
                })
                .collect(),
        ),
    ];
    let cursor = if screen.focus == Focus::Targets {
        Style::new().add_modifier(Modifier::REVERSED)
    } else {
        bold()
    };
    let widget = table(columns, area.width, dim()).row_highlight_style(cursor);
    let mut state = TableState::new().with_selected(screen.target);
    frame.render_stateful_widget(widget, area, &mut state);
}
