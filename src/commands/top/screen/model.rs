//! What the screen shows, and what keys do to it. No terminal and no cluster.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use crossterm::event::{KeyCode, KeyEvent, KeyEventKind, KeyModifiers};

use super::history::History;
use crate::commands::top::report::{PodUsage, Report, TargetUsage};
use crate::serving::monitoring::Rates;

/// An event as it is shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct EventLine {
    pub(super) seen: Option<DateTime<Utc>>,
    pub(super) warning: bool,
    /// Reason, object and message.
    pub(super) text: String,
}

/// What lies over the tables.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Overlay {
    Help,
    /// The lines of an explanation, and how many are scrolled away.
    Explanation {
        lines: Vec<String>,
        scrolled: usize,
    },
}

/// What a key asks of the cluster or the terminal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Action {
    Nothing,
    Quit,
    Explain,
}

/// Which table the arrows move in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Focus {
    Targets,
    Pods,
}

/// Everything on the screen.
pub(super) struct Screen {
    /// The cluster and the namespace.
    pub(super) place: String,
    pub(super) colours: bool,
    pub(super) now: DateTime<Utc>,
    pub(super) report: Report,
    pub(super) events: Vec<EventLine>,
    pub(super) troubles: Vec<String>,
    /// What a person might miss.
    pub(super) note: Option<String>,
    pub(super) history: History,
    /// TensorFlow Serving's own numbers, by namespace and pod.
    pub(super) serving: BTreeMap<(String, String), Rates>,
    pub(super) focus: Focus,
    /// The target whose pods are shown, among those that pass the filter.
    pub(super) target: usize,
    /// The pod at the cursor, among those that pass the filter.
    pub(super) pod: usize,
    pub(super) filter: String,
    /// Whether keys go into the filter.
    pub(super) typing: bool,
    pub(super) overlay: Option<Overlay>,
}

/// A page of the arrows' big siblings.
const PAGE: usize = 10;

impl Screen {
    /// A screen that shows a first report.
    pub(super) fn new(place: String, colours: bool, report: Report) -> Self {
        let mut history = History::default();
        history.note(&report);
        Self {
            place,
            colours,
            now: report.observed_at(),
            focus: if report.items.len() > 1 {
                Focus::Targets
            } else {
                Focus::Pods
            },
            report,
            events: Vec::new(),
            troubles: Vec::new(),
            note: None,
            history,
            serving: BTreeMap::new(),
            target: 0,
            pod: 0,
            filter: String::new(),
            typing: false,
            overlay: None,
        }
    }

    /// The targets that pass the filter: by their own name, or by a pod of theirs.
    pub(super) fn targets(&self) -> Vec<&TargetUsage> {
        let passes = |usage: &&TargetUsage| {
            self.passes(&title(usage)) || usage.pods.iter().any(|pod| self.passes(&pod.name))
        };
        self.report.items.iter().filter(passes).collect()
    }

    /// The target whose pods are shown.
    pub(super) fn chosen(&self) -> Option<&TargetUsage> {
        let targets = self.targets();
        targets
            .get(self.target.min(targets.len().saturating_sub(1)))
            .copied()
    }

    /// Its pods that pass the filter; all where the filter speaks of the target itself.
    pub(super) fn pods(&self) -> Vec<&PodUsage> {
        let Some(usage) = self.chosen() else {
            return Vec::new();
        };
        let all = self.passes(&title(usage));
        usage
            .pods
            .iter()
            .filter(|pod| all || self.passes(&pod.name))
            .collect()
    }

    fn passes(&self, name: &str) -> bool {
        name.contains(&self.filter)
    }

    /// What a key does.
    pub(super) fn key(&mut self, key: KeyEvent) -> Action {
        if key.kind == KeyEventKind::Release {
            return Action::Nothing;
        }
        if key.modifiers.contains(KeyModifiers::CONTROL) && key.code == KeyCode::Char('c') {
            return Action::Quit;
        }
        if self.typing {
            self.type_filter(key.code);
            return Action::Nothing;
        }
        match (&mut self.overlay, key.code) {
            (Some(Overlay::Explanation { lines, scrolled }), code) if scroll(code).is_some() => {
                *scrolled = moved(*scrolled, code, lines.len());
            }
            (Some(_), _) => self.overlay = None,
            (None, KeyCode::Char('q')) => return Action::Quit,
            (None, KeyCode::Char('e') | KeyCode::Enter) => return Action::Explain,
            (None, KeyCode::Char('?' | 'h')) => self.overlay = Some(Overlay::Help),
            (None, KeyCode::Char('/')) => self.typing = true,
            (None, KeyCode::Esc) => self.filter.clear(),
            (None, KeyCode::Tab | KeyCode::BackTab) => {
                self.focus = match self.focus {
                    Focus::Pods if self.targets().len() > 1 => Focus::Targets,
                    _ => Focus::Pods,
                };
            }
            (None, code) => self.move_cursor(code),
        }
        Action::Nothing
    }

    fn type_filter(&mut self, code: KeyCode) {
        match code {
            KeyCode::Char(character) => self.filter.push(character),
            KeyCode::Backspace => {
                self.filter.pop();
            }
            KeyCode::Esc => {
                self.filter.clear();
                self.typing = false;
            }
            KeyCode::Enter => self.typing = false,
            _ => return,
        }
        (self.target, self.pod) = (0, 0);
    }

    fn move_cursor(&mut self, code: KeyCode) {
        match self.focus {
            Focus::Targets => {
                let before = self.target;
                self.target = moved(self.target, code, self.targets().len());
                if self.target != before {
                    self.pod = 0;
                }
            }
            Focus::Pods => self.pod = moved(self.pod, code, self.pods().len()),
        }
    }

    /// Shows a new report; the cursor stays within it.
    pub(super) fn show(&mut self, report: Report) {
        self.history.note(&report);
        self.report = report;
        self.target = self.target.min(self.targets().len().saturating_sub(1));
        self.pod = self.pod.min(self.pods().len().saturating_sub(1));
    }
}

/// `namespace/name`.
pub(super) fn title(usage: &TargetUsage) -> String {
    let name = usage.hpa.as_ref().unwrap_or(&usage.target.name);
    format!("{}/{name}", usage.namespace)
}

/// How far a key moves; none where it does not move at all.
fn scroll(code: KeyCode) -> Option<isize> {
    let page = PAGE.cast_signed();
    match code {
        KeyCode::Up | KeyCode::Char('k') => Some(-1),
        KeyCode::Down | KeyCode::Char('j') => Some(1),
        KeyCode::PageUp => Some(-page),
        KeyCode::PageDown | KeyCode::Char(' ') => Some(page),
        KeyCode::Home | KeyCode::Char('g') => Some(isize::MIN),
        KeyCode::End | KeyCode::Char('G') => Some(isize::MAX),
        _ => None,
    }
}

fn moved(from: usize, code: KeyCode, length: usize) -> usize {
    let last = length.saturating_sub(1);
    let by = scroll(code).unwrap_or_default();
    from.saturating_add_signed(by).min(last)
}
