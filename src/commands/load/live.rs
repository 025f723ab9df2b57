//! A load while it runs, on standard error: one line in place on a terminal, a line now and then elsewhere.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::record::Record;
use crate::commands::print::say;
use crate::load::{Mode, Plan, Timeline};
use crate::output::escape;
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
        if let Ok(style) = ProgressStyle::with_template("{msg}") {
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
    pub(super) fn show(&mut self, plan: &Plan, timeline: &Timeline, hpa: Option<&Record>) {
        let Some(point) = timeline.last() else { return };
        let unit = match plan.mode {
            Mode::Users => "users",
            Mode::Rate => "req/s due",
        };
        let behind = hpa.map(Record::line).unwrap_or_default();
        if !self.plain {
            self.draw(live_line(point, unit, timeline.total(), ""), hpa);
            return;
        }
        let line = live_line(point, unit, timeline.total(), &behind);
        let due = self.said.is_none_or(|(level, second)| {
            level != point.level || point.second - second >= LINE_EVERY_SECONDS
        });
        if due {
            self.said = Some((point.level, point.second));
            anstream::eprintln!("{line}");
        }
    }

    /// Says what is waited for after the load.
    pub(super) fn begin_cool_down(&mut self, hpa: &Record, most: Duration) {
        let line = format!(
            "the load is over; watching the HPA until it is back at its minimum, {} s at most; Ctrl-C ends that  {}",
            most.as_secs(),
            hpa.line()
        );
        self.say(&line);
        self.said = None;
    }

    /// Says something once.
    pub(super) fn say(&self, line: &str) {
        self.bar.suspend(|| say(line));
    }

    /// Shows how the HPA stands after the load.
    pub(super) fn show_cool_down(&mut self, since: Duration, hpa: &Record) {
        let seconds = since.as_secs_f64();
        let line = format!("cool-down {seconds:.0} s");
        if !self.plain {
            self.draw(line, Some(hpa));
            return;
        }
        let due = self
            .said
            .is_none_or(|(_, second)| seconds - second >= LINE_EVERY_SECONDS);
        if due {
            self.said = Some((0, seconds));
            anstream::eprintln!("{line}  {}", escape::line(&hpa.line()));
        }
    }

    /// A line of the load, one of the HPA, one of its next decision.
    fn draw(&self, mut text: String, hpa: Option<&Record>) {
        for more in hpa.iter().flat_map(|hpa| [hpa.line(), hpa.sentence().to_owned()]) {
            text.push('\n');
            text.push_str(&escape::line(&more));
        }
        self.bar.set_message(text);
        self.bar.tick();
    }

    /// Shows nothing any more.
    pub(super) fn finish(&self) {
        self.bar.finish_and_clear();
    }
}
