//! What a command waits for, on standard error: a spinner on a terminal, a line for every change elsewhere.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget};

use crate::output::escape;

/// A running wait.
pub(super) struct Progress {
    spinner: ProgressBar,
    plain: bool,
    last: String,
}

impl Progress {
    /// Starts to show something.
    pub(super) fn start() -> Self {
        let spinner = ProgressBar::new_spinner();
        spinner.set_draw_target(ProgressDrawTarget::stderr());
        let plain = spinner.is_hidden();
        if !plain {
            spinner.enable_steady_tick(Duration::from_millis(120));
        }
        Self { spinner, plain, last: String::new() }
    }

    /// Says what is waited for now.
    pub(super) fn say(&mut self, what: &str) {
        if what == self.last {
            return;
        }
        what.clone_into(&mut self.last);
        let what = escape::line(what);
        if self.plain {
            anstream::eprintln!("waiting for {what}");
        } else {
            self.spinner.set_message(format!("waiting for {what}"));
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.spinner.finish_and_clear();
    }
}
