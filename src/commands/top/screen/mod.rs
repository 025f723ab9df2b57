//! The live screen.

mod history;
mod model;
mod source;
mod view;

use std::time::Duration;

use anstream::adapter::strip_str;
use chrono::Utc;
use crossterm::event::{Event, EventStream};
use futures::StreamExt;
use ratatui::DefaultTerminal;
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, MissedTickBehavior};

use self::model::{Action, Overlay, Screen, title};
use self::source::Source;
use crate::cli::{GlobalArgs, TopArgs};
use crate::cluster::{Cluster, monitoring};
use crate::diagnosis;
use crate::facts::Facts;
use crate::output::text;
use crate::{Error, exit};

/// Ages grow by the second.
const TICK: Duration = Duration::from_secs(1);
/// Changes are gathered for so long at least.
const GATHER: Duration = Duration::from_millis(300);
/// Of the time that a report takes to make, so many times as long passes before the next one: a twentieth of a core.
const REST: u32 = 20;

/// Runs it; the value is the exit code.
pub(super) async fn run(global: &GlobalArgs, args: &TopArgs, cluster: &Cluster) -> Result<u8, Error> {
    let mut source = Source::start(args, cluster).await?;
    let place = match &args.all_namespaces {
        true => format!("all namespaces of {}", cluster.server()),
        false => format!("namespace {} of {}", cluster.namespace, cluster.server()),
    };
    let colours = std::env::var_os("NO_COLOR").is_none_or(|it| it.is_empty());
    let screen = Screen::new(place, colours, source.report(Utc::now()));
    let started = Instant::now();
    let terminal = ratatui::try_init()?;
    let outcome = show(terminal, screen, &mut source, cluster).await;
    ratatui::try_restore()?;
    if global.verbosity > 0 {
        anstream::eprintln!(
            "{} API requests to {}, {} s",
            cluster.requests(),
            cluster.server(),
            started.elapsed().as_secs()
        );
    }
    outcome
}

async fn show(
    mut terminal: DefaultTerminal,
    mut screen: Screen,
    source: &mut Source,
    cluster: &Cluster,
) -> Result<u8, Error> {
    let (wanted, wishes) = watch::channel(Vec::new());
    let (rounds, mut answers) = mpsc::channel(1);
    let monitoring = monitoring::follow(cluster.clone(), wishes, rounds);
    tokio::pin!(monitoring);
    let mut keys = EventStream::new();
    let mut ended = Ended::listen()?;
    let mut tick = tokio::time::interval(TICK);
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut due: Option<Instant> = Some(Instant::now());
    let mut not_before = Instant::now();
    let mut serving_trouble = None;
    loop {
        tokio::select! {
            event = keys.next() => match event {
                Some(Ok(Event::Key(key))) => match screen.key(key) {
                    Action::Quit => return Ok(exit::OK),
                    Action::Explain => explain(&mut screen, source, terminal.size()?.width),
                    Action::Nothing => {}
                },
                Some(Ok(_)) => {}
                Some(Err(error)) => return Err(error.into()),
                // Whoever typed is gone, and with them whoever looked.
                None => return Ok(exit::OK),
            },
            () = ended.heard() => return Ok(exit::OK),
            () = source.changed() => due = due.or(Some(not_before.max(Instant::now() + GATHER))),
            round = answers.recv() => if let Some(round) = round {
                screen.serving = round.rates;
                serving_trouble = round.trouble;
            },
            () = &mut monitoring => {}
            () = at(due) => {
                let started = Instant::now();
                refresh(&mut screen, source);
                not_before = Instant::now() + started.elapsed() * REST;
                due = None;
            }
            _ = tick.tick() => {}
        }
        screen.now = Utc::now();
        screen.troubles = source.troubles();
        let (servers, note) = source.servers(screen.chosen(), &screen.pods());
        screen.note = serving_trouble.clone().filter(|_| !servers.is_empty()).or(note);
        wanted.send_if_modified(|before| {
            let changed = *before != servers;
            *before = servers;
            changed
        });
        terminal.draw(|frame| view::draw(frame, &screen))?;
    }
}

fn refresh(screen: &mut Screen, source: &mut Source) {
    screen.show(source.report(Utc::now()));
    screen.events = source.events();
}

/// At a time; never where there is none.
async fn at(due: Option<Instant>) {
    match due {
        Some(due) => tokio::time::sleep_until(due).await,
        None => std::future::pending().await,
    }
}

/// Lays the explanation of the chosen HPA over the screen.
fn explain(screen: &mut Screen, source: &mut Source, width: u16) {
    let Some(chosen) = screen.chosen().map(title) else {
        return;
    };
    let lines = match source.facts(Utc::now()) {
        Some(facts) => explanation(facts, &chosen, usize::from(width).saturating_sub(2)),
        None => vec!["no HPA scales this Deployment: there is nothing to explain".to_owned()],
    };
    screen.overlay = Some(Overlay::Explanation { lines, scrolled: 0 });
}

fn explanation(facts: &Facts, chosen: &str, width: usize) -> Vec<String> {
    let mut explanations = diagnosis::diagnose(facts);
    explanations
        .items
        .retain(|item| format!("{}/{}", item.namespace, item.name) == chosen);
    let text = text::explanations(&explanations, width);
    strip_str(&text).to_string().lines().map(str::to_owned).collect()
}

/// The signals that ask a program to end; in raw mode Ctrl-C is a key.
struct Ended {
    #[cfg(unix)]
    terminate: tokio::signal::unix::Signal,
}

impl Ended {
    fn listen() -> Result<Self, Error> {
        Ok(Self {
            #[cfg(unix)]
            terminate: tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())?,
        })
    }

    async fn heard(&mut self) {
        #[cfg(unix)]
        let _ = self.terminate.recv().await;
        #[cfg(not(unix))]
        let _ = tokio::signal::ctrl_c().await;
    }
}

#[cfg(test)]
#[expect(clippy::expect_used, reason = "a failed expectation fails the test")]
mod tests;
