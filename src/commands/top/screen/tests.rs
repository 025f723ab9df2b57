//! The screen as it is drawn, and what keys do to it.

use chrono::TimeDelta;
use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use ratatui::Terminal;
use ratatui::backend::TestBackend;

use super::model::{Action, EventLine, Focus, Overlay, Screen};
use super::view;
use crate::commands::top::report::Report;
use crate::facts::{API_VERSION, ClusterFacts, Facts, HpaFacts, KIND, Owner};
use crate::hpa::replicas::fixtures::{ago, cpu_facts, never_ready, now, pods};
use crate::serving::monitoring::{Rates, parse, rates};

fn facts(hpas: Vec<HpaFacts>) -> Facts {
    Facts {
        api_version: API_VERSION.to_owned(),
        kind: KIND.to_owned(),
        observed_at: now(),
        cluster: ClusterFacts::default(),
        hpas,
    }
}

fn screen(mut hpas: Vec<HpaFacts>) -> Screen {
    for pod in hpas.iter_mut().flat_map(pods) {
        pod.owner = Some(Owner {
            kind: "ReplicaSet".to_owned(),
            name: "web-5f6d".to_owned(),
            is_scale_target: true,
        });
    }
    let mut screen = Screen::new(
        "namespace ns of https://127.0.0.1:6443".to_owned(),
        true,
        Report::of_hpas(&facts(hpas)),
    );
    screen.now = now();
    screen
}

/// Three pods, of which one is above the target, one has no sample and one is not ready.
fn busy() -> Screen {
    let mut hpa = cpu_facts(3, 60, &[900]);
    never_ready(&mut pods(&mut hpa)[2]);
    let mut screen = screen(vec![hpa]);
    screen.events = vec![
        EventLine {
            seen: Some(ago(60)),
            warning: true,
            text: "FailedGetResourceMetric HPA web: no metrics returned (3 times)".to_owned(),
        },
        EventLine {
            seen: Some(ago(5)),
            warning: false,
            text: "SuccessfulRescale HPA web: New size: 3; reason: cpu\u{1b}[31m".to_owned(),
        },
    ];
    screen
}

fn drawn(screen: &Screen, width: u16, height: u16) -> String {
    let mut terminal = Terminal::new(TestBackend::new(width, height)).expect("a backend in memory");
    terminal
        .draw(|frame| view::draw(frame, screen))
        .expect("a backend in memory");
    let buffer = terminal.backend().buffer();
    let lines = (0..height).map(|row| {
        let cells = (0..width).map(|column| buffer[(column, row)].symbol());
        cells.collect::<String>().trim_end().to_owned()
    });
    lines.collect::<Vec<_>>().join("\n")
}

fn serving() -> Rates {
    let body = |requests: u32, failed: u32| {
        format!(
            ":tensorflow:serving:request_count{{status=\"NOT_FOUND\"}} {failed}\n\
             :tensorflow:serving:request_latency_count{{API=\"predict\"}} {requests}\n\
             :tensorflow:serving:request_latency_bucket{{API=\"predict\",le=\"20000\"}} {requests}\n"
        )
    };
    let [before, after] = [body(0, 0), body(100, 10)].map(|body| parse(&body).expect("metrics"));
    rates(&before, &after, std::time::Duration::from_secs(10)).expect("rates")
}

fn press(screen: &mut Screen, code: KeyCode) -> Action {
    screen.key(KeyEvent::new(code, KeyModifiers::NONE))
}

#[test]
fn a_small_terminal_shows_what_matters() {
    insta::assert_snapshot!("small", drawn(&busy(), 80, 24));
}

#[test]
fn a_large_terminal_shows_everything() {
    let mut screen = busy();
    let pod = screen.pods()[0].name.clone();
    screen.serving.insert(("ns".to_owned(), pod), serving());
    insta::assert_snapshot!("large", drawn(&screen, 160, 30));
}

#[test]
fn several_targets_have_a_table_of_their_own() {
    let mut second = cpu_facts(1, 60, &[10]);
    second.hpa.name = "other".to_owned();
    let mut screen = screen(vec![cpu_facts(2, 60, &[90, 90]), second]);
    assert_eq!(press(&mut screen, KeyCode::Down), Action::Nothing);
    insta::assert_snapshot!("several", drawn(&screen, 80, 24));
}

#[test]
fn no_size_is_too_small() {
    let mut screen = busy();
    screen.overlay = Some(Overlay::Help);
    for (width, height) in [(1, 1), (5, 3), (20, 4), (300, 2), (3, 100)] {
        drawn(&screen, width, height);
    }
    screen.overlay = None;
    for (width, height) in [(1, 1), (5, 3), (20, 4), (300, 2), (3, 100)] {
        drawn(&screen, width, height);
    }
}

#[test]
fn nothing_of_the_cluster_moves_the_cursor() {
    let text = drawn(&busy(), 120, 30);
    assert!(text.contains("reason: cpu\\u{1b}[31m"), "{text}");
    assert!(!text.contains('\u{1b}'));
}

#[test]
fn without_colours_there_are_none() {
    let mut screen = busy();
    screen.colours = false;
    let mut terminal = Terminal::new(TestBackend::new(80, 24)).expect("a backend in memory");
    terminal
        .draw(|frame| view::draw(frame, &screen))
        .expect("a backend in memory");
    let colours = |colour| !matches!(colour, ratatui::style::Color::Reset);
    let cells = terminal.backend().buffer().content.iter();
    assert_eq!(
        cells.filter(|cell| colours(cell.fg) || colours(cell.bg)).count(),
        0
    );
}

#[test]
fn a_filter_keeps_names_that_contain_it() {
    let mut screen = busy();
    let all: Vec<String> = screen.pods().iter().map(|pod| pod.name.clone()).collect();
    assert_eq!(all.len(), 3);
    press(&mut screen, KeyCode::Char('/'));
    for character in all[1].chars() {
        press(&mut screen, KeyCode::Char(character));
    }
    assert_eq!(screen.pods().len(), 1, "q and e are letters while one types");
    press(&mut screen, KeyCode::Enter);
    assert!(drawn(&screen, 120, 24).contains("Esc shows all"));
    press(&mut screen, KeyCode::Esc);
    assert_eq!(screen.pods().len(), 3);
}

#[test]
fn keys() {
    let mut screen = busy();
    assert_eq!(screen.focus, Focus::Pods);
    press(&mut screen, KeyCode::End);
    assert_eq!(screen.pod, 2);
    press(&mut screen, KeyCode::Down);
    assert_eq!(screen.pod, 2, "the last one is the last");
    press(&mut screen, KeyCode::Home);
    assert_eq!(screen.pod, 0);
    press(&mut screen, KeyCode::Tab);
    assert_eq!(screen.focus, Focus::Pods, "there is no other table");
    press(&mut screen, KeyCode::Char('?'));
    assert_eq!(screen.overlay, Some(Overlay::Help));
    assert_eq!(
        press(&mut screen, KeyCode::Char('q')),
        Action::Nothing,
        "it closes the help"
    );
    assert_eq!(screen.overlay, None);
    assert_eq!(press(&mut screen, KeyCode::Char('e')), Action::Explain);
    assert_eq!(press(&mut screen, KeyCode::Char('q')), Action::Quit);
    let interrupt = KeyEvent::new(KeyCode::Char('c'), KeyModifiers::CONTROL);
    screen.typing = true;
    assert_eq!(screen.key(interrupt), Action::Quit);
}

#[test]
fn the_cursor_stays_within_a_shorter_report() {
    let mut screen = busy();
    press(&mut screen, KeyCode::End);
    screen.show(Report::of_hpas(&facts(vec![cpu_facts(1, 60, &[10])])));
    assert_eq!(screen.pod, 0);
    screen.show(Report::of_hpas(&facts(Vec::new())));
    assert!(drawn(&screen, 80, 24).contains("no HorizontalPodAutoscalers here"));
}

#[test]
fn the_history_has_a_column_every_five_seconds() {
    let mut screen = screen(vec![cpu_facts(1, 60, &[90])]);
    let later = |seconds| now() + TimeDelta::seconds(seconds);
    let mut second = facts(vec![cpu_facts(1, 60, &[30])]);
    second.observed_at = later(10);
    screen.show(Report::of_hpas(&second));
    let usage = screen.chosen().expect("one");
    let columns = |at| screen.history.columns(usage, 4, at, |moment| moment.percent);
    assert_eq!(columns(later(10)), [None, Some(15), Some(15), Some(5)]);
    assert_eq!(
        columns(later(200)),
        [None; 4],
        "what is old is not shown as if it were new"
    );
}
