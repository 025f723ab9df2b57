//! What happens while `up` waits, as a tree on standard error: the Deployment, its `ReplicaSet`, the pods, their models.
//! A line for every change where nobody looks at a terminal.

use std::collections::BTreeMap;
use std::time::Duration;

use chrono::{DateTime, Utc};
use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};
use owo_colors::OwoColorize;

use crate::diagnosis::rollout::{self, Mark};
use crate::facts::{Pod, Rollout};
use crate::output::escape;

/// How many pods are shown.
const PODS: usize = 8;
/// How often the spinner turns.
const TICK: Duration = Duration::from_millis(120);

/// What is known of the models of a pod, a line each, by the pod's name.
pub(super) type Models = BTreeMap<String, Vec<(Mark, String)>>;

/// A line of the tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Line {
    depth: usize,
    mark: Mark,
    /// The object as the tree shows it: a pod without the name of its `ReplicaSet`.
    short: String,
    /// The object with its whole name.
    name: String,
    text: String,
}

impl Line {
    /// A line about the whole.
    pub(super) fn top(name: &str, mark: Mark, text: &str) -> Self {
        Self {
            depth: 0,
            mark,
            short: name.to_owned(),
            name: name.to_owned(),
            text: text.to_owned(),
        }
    }
}

/// The tree of a roll-out; `stands` is how far it is.
pub(super) fn lines(rollout: &Rollout, models: &Models, stands: &str, now: DateTime<Utc>) -> Vec<Line> {
    let mark = if rollout.refused.is_some() {
        Mark::Bad
    } else {
        Mark::Busy
    };
    let deployment = format!("Deployment {}", rollout.target.name);
    let mut lines = vec![Line::top(&deployment, mark, stands)];
    let Some(replica_set) = &rollout.replica_set else {
        return lines;
    };
    let mut pods: Vec<(&Pod, (Mark, String))> = rollout
        .current()
        .map(|pod| (pod, rollout::state(rollout, pod, now)))
        .collect();
    let ready = pods.iter().filter(|(_, (mark, _))| *mark == Mark::Good).count();
    let mut text = format!("{ready} of {} ready", rollout.wanted());
    if let Some(why) = rollout.refused.as_ref().filter(|_| pods.is_empty()) {
        text = format!("creates no pod: {why}");
    }
    let name = format!("ReplicaSet {replica_set}");
    lines.push(Line {
        depth: 1,
        mark: if ready == pods.len() && ready > 0 {
            Mark::Good
        } else {
            mark
        },
        short: name.clone(),
        name,
        text,
    });
    // What is in the way is seen first.
    pods.sort_by_key(|(pod, (mark, _))| (rank(*mark), pod.created_at, pod.name.clone()));
    let rest = pods.split_off(pods.len().min(PODS));
    for (pod, (mark, text)) in pods {
        let short = pod
            .name
            .strip_prefix(replica_set.as_str())
            .map_or_else(|| pod.name.clone(), |end| format!("…{end}"));
        lines.push(Line {
            depth: 2,
            mark,
            short: format!("Pod {short}"),
            name: format!("Pod {}", pod.name),
            text,
        });
        for (mark, text) in models.get(&pod.name).into_iter().flatten() {
            lines.push(Line {
                depth: 3,
                mark: *mark,
                short: "model".to_owned(),
                name: format!("Pod {}, model", pod.name),
                text: text.clone(),
            });
        }
    }
    if !rest.is_empty() {
        lines.push(Line {
            depth: 2,
            mark: Mark::Busy,
            short: format!("and {} more", rest.len()),
            name: format!("and {} more pods", rest.len()),
            text: String::new(),
        });
    }
    lines
}

fn rank(mark: Mark) -> u8 {
    match mark {
        Mark::Bad => 0,
        Mark::Busy => 1,
        Mark::Good => 2,
    }
}

/// The tree on standard error.
pub(super) struct Tree {
    all: MultiProgress,
    bars: Vec<ProgressBar>,
    plain: bool,
    colour: bool,
    told: BTreeMap<String, String>,
}

impl Tree {
    /// Starts with nothing.
    pub(super) fn start() -> Self {
        let all = MultiProgress::with_draw_target(ProgressDrawTarget::stderr());
        let choice = anstream::AutoStream::choice(&std::io::stderr());
        Self {
            plain: all.is_hidden(),
            all,
            bars: Vec::new(),
            colour: choice != anstream::ColorChoice::Never,
            told: BTreeMap::new(),
        }
    }

    /// Shows how it is now.
    pub(super) fn show(&mut self, lines: &[Line]) {
        if self.plain {
            self.tell(lines);
        } else {
            self.draw(lines);
        }
    }

    /// Takes it off the screen.
    pub(super) fn clear(&mut self) {
        self.draw(&[]);
    }

    fn tell(&mut self, lines: &[Line]) {
        for line in lines {
            if self.told.get(&line.name) == Some(&line.text) {
                continue;
            }
            self.told.insert(line.name.clone(), line.text.clone());
            let text = if line.text.is_empty() {
                line.name.clone()
            } else {
                format!("{}: {}", line.name, line.text)
            };
            anstream::eprintln!("waiting: {}", escape::line(&text));
        }
    }

    fn draw(&mut self, lines: &[Line]) {
        while self.bars.len() > lines.len() {
            if let Some(bar) = self.bars.pop() {
                bar.finish_and_clear();
                self.all.remove(&bar);
            }
        }
        while self.bars.len() < lines.len() {
            let bar = self.all.add(ProgressBar::new_spinner());
            let template = if self.bars.is_empty() {
                "{spinner} {wide_msg}"
            } else {
                "{wide_msg}"
            };
            if let Ok(style) = ProgressStyle::with_template(template) {
                bar.set_style(style);
            }
            if self.bars.is_empty() {
                bar.enable_steady_tick(TICK);
            }
            self.bars.push(bar);
        }
        for (line, bar) in lines.iter().zip(&self.bars) {
            bar.set_message(drawn(line, self.colour));
            bar.tick();
        }
    }
}

impl Drop for Tree {
    fn drop(&mut self) {
        self.clear();
    }
}

/// `  ✓ Pod …-abcde  ready`.
fn drawn(line: &Line, colour: bool) -> String {
    let symbol = match line.mark {
        Mark::Good => "✓",
        Mark::Busy => "·",
        Mark::Bad => "✗",
    };
    let symbol = match (colour, line.mark) {
        (true, Mark::Good) => symbol.green().to_string(),
        (true, Mark::Bad) => symbol.red().to_string(),
        _ => symbol.to_owned(),
    };
    let (short, text) = (escape::line(&line.short), escape::line(&line.text));
    if line.depth == 0 {
        format!("{short}  {text}")
    } else {
        format!("{}{symbol} {short}  {text}", "  ".repeat(line.depth))
    }
}

#[cfg(test)]
#[path = "tree_test.rs"]
mod tests;
