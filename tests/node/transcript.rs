//! What a person typed and read, and when: the page of the documentation is written by the run itself.

use std::fmt::Write as _;
use std::path::Path;
use std::time::Instant;

use crate::support::{Ran, kubectl};

/// Where the page and the chart of its load are.
const PAGE: &str = "docs/guide/resnet101.md";
const CHART: &str = "docs/guide/resnet101-load.html";

/// A run from its start on.
pub(crate) struct Transcript {
    started: Instant,
    text: String,
    /// What differs from machine to machine, and what the page shows in its place.
    shown: Vec<(String, &'static str)>,
}

impl Transcript {
    pub(crate) fn start(shown: Vec<(String, &'static str)>) -> Self {
        Self {
            started: Instant::now(),
            text: String::new(),
            shown,
        }
    }

    /// A heading, and what it is about.
    pub(crate) fn chapter(&mut self, heading: &str, about: &str) {
        write!(self.text, "\n## {heading}\n\n{about}\n").expect("a String takes all");
    }

    /// Types `kubectl WORDS…`.
    #[track_caller]
    pub(crate) fn types(&mut self, words: &str, code: i32) -> Ran {
        let ran = kubectl(words).expect_code(code);
        self.shows(words, &ran, self.seconds());
        ran
    }

    /// Since the start.
    pub(crate) fn seconds(&self) -> u64 {
        self.started.elapsed().as_secs()
    }

    /// A command that was typed elsewhere, what it printed, and when it had ended.
    pub(crate) fn shows(&mut self, words: &str, ran: &Ran, seconds: u64) {
        eprintln!("{seconds:4} s  kubectl {words}");
        let words = words.split_whitespace().collect::<Vec<_>>().join(" ");
        let printed = match ran.stdout.trim_end() {
            "" => String::new(),
            printed => format!("{printed}\n"),
        };
        let ended = match ran.code {
            0 => String::new(),
            code => format!(", with exit code {code}"),
        };
        write!(
            self.text,
            "\n```console not-run: recorded by a run of the tests\n$ kubectl {words}\n{printed}```\n\nIt ended {seconds} s after the start{ended}.\n",
        )
        .expect("a String takes all");
    }

    /// With `UPDATE_DOCS=1` the page is written anew, and the chart beside it.
    pub(crate) fn publish(&self, introduction: &str, chart: &Path) {
        if std::env::var_os("UPDATE_DOCS").is_none() {
            return;
        }
        let project = Path::new(env!("CARGO_MANIFEST_DIR"));
        let page = self.presentable(&format!("{introduction}{}", self.text));
        std::fs::write(project.join(PAGE), page).expect("the page is written");
        let chart = std::fs::read_to_string(chart).expect("the chart of the load");
        std::fs::write(project.join(CHART), self.presentable(&chart)).expect("the chart is written");
    }

    fn presentable(&self, text: &str) -> String {
        self.shown
            .iter()
            .fold(text.to_owned(), |text, (found, shown)| text.replace(found, shown))
    }
}
