//! A load while it runs, on standard error: one line in place on a terminal, a line now and then elsewhere.

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::load::{Mode, Plan, Timeline};
use crate::output::load::live_line;

/// Without a terminal, a line comes with each step, and in between after so many seconds.
const LINE_EVERY_SECONDS: f64 = 10.0;

/// The line.
pub(super) struct Live {
    bar: ProgressBar,
    plain: bool,
    said: Option<(u32, f64)>,
}

impl Live {
    /// Shows nothing yet.
    pub(super) fn new() -> Self {
        let bar = ProgressBar::new_spinner();
        bar.set_draw_target(ProgressDrawTarget::stderr());
        if let Ok(style) = ProgressStyle::with_template("{wide_msg}") {
            bar.set_style(style);
        }
        let plain = bar.is_hidden();
        Self {
            bar,
            plain,
            said: None,
        }
    }

    /// Shows how it stands.
    pub(super) fn show(&mut self, plan: &Plan, timeline: &Timeline) {
        let Some(point) = timeline.last() else { return };
        let unit = match plan.mode {
            Mode::Users => "users",
            Mode::Rate => "req/s due",
        };
        let line = live_line(point, unit, timeline.total(), "");
        if !self.plain {
            self.bar.set_message(line);
            self.bar.tick();
            return;
        }
        let due = self.said.is_none_or(|(level, second)| {
            level != point.level || point.second - second >= LINE_EVERY_SECONDS
        });
        if due {
            self.said = Some((point.level, point.second));
            anstream::eprintln!("{line}");
        }
    }

    /// Shows nothing any more.
    pub(super) fn finish(&self) {
        self.bar.finish_and_clear();
    }
}
