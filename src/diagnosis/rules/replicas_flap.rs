//! TFS615 replicas-flap
//!
//! ## What it detects
//! The HPA takes replicas away and puts them back again and again, each time because its own metric asks for it: the
//! scale-down window (`stabilizationWindowSeconds`) is 0 or so short that every dip of the metric costs pods which the next
//! peak needs.
//!
//! ## How it is proved
//! The HPA's events hold at least four changes of direction, each by a metric, none by somebody else; their times tell how
//! long one swing takes. Within a swing the metrics ask for the greater number once, so a window that is as long keeps it.
//! Swings of up to five minutes, which the default window outlasts, are proven; up to ten minutes they may be load that
//! comes and goes, and it is *likely*, as it is where the recorder combined the events and their sizes are lost.
//!
//! ## What it is not
//! Once up and once down, or swings of more than ten minutes, is load that the HPA follows, and so is whatever a window of
//! five minutes or more lets through. Where somebody else writes the replicas it is TFS703; where it is the usage of pods that
//! start, TFS507 is the cause and this what follows.
//!
//! ## Fix
//! A window as long as a swing, five minutes at least. Where the replicas go to and fro between neighbours, one more at the
//! minimum does it too; where the metric is one value for all replicas, a value for each (`AverageValue`).
//!
//! ## Source
//! `stabilizeRecommendationWithBehaviors` in `horizontal.go`, Kubernetes v1.37; `tools/record/events_cache.go` of client-go for
//! what the recorder combines and drops.

use chrono::{DateTime, Utc};

use crate::diagnosis::phrase::{ago, count, seconds_since, span};
use crate::diagnosis::rescales::{self, Direction, LEAST_OVERWRITTEN, Rescales, Size};
use crate::diagnosis::rule::{Rule, Stage, documentation};
use crate::diagnosis::{Case, Confidence, Finding, Severity};
use crate::facts::MetricTarget;

pub(in crate::diagnosis) const RULE: Rule = Rule {
    code: "TFS615",
    name: "replicas-flap",
    stage: Stage::Arithmetic,
    source: documentation!("replicas_flap.rs"),
    explains: &["TFS604", "TFS606"],
    needs: &[],
    check,
};

/// How often the direction has changed at least: twice there and back.
const LEAST_TURNS: i32 = 4;

/// The fewest turns that have to be known where the recorder combined the others, and how many it combined.
const LEAST_KNOWN_TURNS: i32 = 2;
const LEAST_COMBINED: i32 = 10;

/// The default window, in seconds. What takes longer is outlasted by nothing that anybody would advise.
const WINDOW_SECONDS: i64 = 300;
const LONGEST_SWING_SECONDS: i64 = 2 * WINDOW_SECONDS;

/// After this long without another rescale it is over; the recorder writes at least one in five minutes.
const RECENT_SECONDS: i64 = 15 * 60;

/// To and fro, as the events tell it.
struct Swings {
    turns: i32,
    /// How long once there and back takes, in seconds.
    seconds: i64,
    proven: bool,
}

fn check(case: &Case<'_>) -> Option<Finding> {
    if case.blocked_by().is_some() {
        return None;
    }
    let rescales = rescales::read(case)?;
    let overwritten = rescales.most_overwritten(case.now);
    if overwritten.is_some_and(|(_, foreign)| foreign >= LEAST_OVERWRITTEN) {
        return None;
    }
    let moves = rescales.by_metrics();
    let swings = swings(&rescales, &moves)?;
    let last = moves.iter().map(|size| size.last).max()?;
    let explicit = case
        .scaling_rules(false)
        .and_then(|rules| rules.stabilization_window_seconds)
        .map(i64::from);
    let outlasted = match explicit {
        Some(window) => window < WINDOW_SECONDS,
        // Then the controller runs with a shorter default.
        None => swings.seconds < case.controller.downscale_stabilization_seconds,
    };
    if !outlasted || swings.seconds > LONGEST_SWING_SECONDS || seconds_since(last, case.now) > RECENT_SECONDS
    {
        return None;
    }
    let proven = swings.proven && swings.seconds <= WINDOW_SECONDS && explicit.is_some();
    let finding = seen(case, &rescales, &moves, &swings, explicit);
    let finding = repaired(case, finding, &moves, swings.seconds, &rescales);
    Some(if proven {
        finding
    } else {
        finding.at_most(Confidence::Likely)
    })
}

/// None where the replicas did not go to and fro often enough.
fn swings(rescales: &Rescales, moves: &[Size]) -> Option<Swings> {
    let known = [by_times(moves), by_returns(moves)]
        .into_iter()
        .flatten()
        .max_by_key(|swings| swings.turns)?;
    if known.turns >= LEAST_TURNS {
        return Some(known);
    }
    let combined = rescales.combined >= LEAST_COMBINED && known.turns >= LEAST_KNOWN_TURNS;
    combined.then_some(Swings {
        proven: false,
        ..known
    })
}

/// The turns between the rescales whose times are known: the first and the last of each size.
fn by_times(moves: &[Size]) -> Option<Swings> {
    let mut times: Vec<(DateTime<Utc>, Direction)> = moves
        .iter()
        .flat_map(|size| [(size.first, size.direction), (size.last, size.direction)])
        .collect();
    times.sort_by_key(|(time, _)| *time);
    times.dedup_by_key(|(_, direction)| *direction);
    let (first, _) = times.first()?;
    let (last, _) = times.last()?;
    made(times.len().saturating_sub(1), *first, *last)
}

/// The turns between the rescales to one size in one direction: from one to the next, the HPA went elsewhere.
fn by_returns(moves: &[Size]) -> Option<Swings> {
    let swings = moves.iter().filter_map(|size| {
        let returns = size.times.saturating_sub(1);
        let returns = usize::try_from(returns.min(opposite(size, moves))).ok()?;
        let mut swings = made(returns.saturating_mul(2), size.first, size.last)?;
        swings.seconds = (size.last - size.first).num_seconds() / i64::from((size.times - 1).max(1));
        Some(swings)
    });
    swings.max_by_key(|swings| swings.turns)
}

/// How often it went the other way.
fn opposite(size: &Size, moves: &[Size]) -> i32 {
    let others = moves.iter().filter(|other| other.direction != size.direction);
    others.map(|other| other.times).fold(0, i32::saturating_add)
}

fn made(turns: usize, first: DateTime<Utc>, last: DateTime<Utc>) -> Option<Swings> {
    let turns = i32::try_from(turns).ok().filter(|turns| *turns > 0)?;
    let seconds = (last - first).num_seconds();
    Some(Swings {
        turns,
        seconds: seconds.saturating_mul(2) / i64::from(turns),
        proven: true,
    })
}

fn seen(
    case: &Case<'_>,
    rescales: &Rescales,
    moves: &[Size],
    swings: &Swings,
    explicit: Option<i64>,
) -> Finding {
    let (low, high) = range(moves);
    let window = explicit.map_or_else(
        || "not set, and the controller's default is shorter than a swing".to_owned(),
        span,
    );
    let why = explicit.map_or_else(
        || "the controller's scale-down window is shorter than a swing of the metric".to_owned(),
        |window| {
            format!(
                "the scale-down window of {} is shorter than a swing of the metric",
                span(window)
            )
        },
    );
    let line = if is_between_neighbours(rescales, low, high) {
        let carried = count(usize::try_from(low).unwrap_or(0), "replica");
        format!(", and usage swings round what {carried} can carry")
    } else {
        String::new()
    };
    let mut finding = case
        .on_hpa(RULE.finding(
            Severity::Warning,
            format!(
                "The HPA scales {} down and up again and again, between {low} and {high} replicas, each time in about {}",
                case.target_label(),
                span(swings.seconds)
            ),
            format!("{why}: each dip takes pods away that the next peak needs{line}"),
        ))
        .saw("scaled up", rescaled(case, moves, Direction::Up), "events of the HPA")
        .saw("scaled down", rescaled(case, moves, Direction::Down), "events of the HPA");
    if rescales.combined > 0 {
        finding = finding.saw(
            "rescales whose sizes are lost",
            format!("{}, combined into one event", rescales.combined),
            "events of the HPA",
        );
    }
    finding.saw("scale-down window", window, "spec.behavior")
}

/// `to 4 and 5, 12 times in 14 min, last 30 s ago`.
fn rescaled(case: &Case<'_>, moves: &[Size], direction: Direction) -> String {
    let there: Vec<&Size> = moves.iter().filter(|size| size.direction == direction).collect();
    let mut sizes: Vec<i32> = there.iter().map(|size| size.replicas).collect();
    sizes.sort_unstable();
    let to = match (sizes.first(), sizes.last()) {
        (Some(low), Some(high)) if low < high => format!("to {low}..{high}"),
        (Some(only), _) => format!("to {only}"),
        _ => return "not known".to_owned(),
    };
    let times = there.iter().map(|size| size.times).fold(0, i32::saturating_add);
    let first = there.iter().map(|size| size.first).min();
    let last = there.iter().map(|size| size.last).max();
    let (Some(first), Some(last)) = (first, last) else {
        return to;
    };
    let number = count(usize::try_from(times).unwrap_or(0), "time");
    let over = span((last - first).num_seconds());
    format!("{to}, {number} in {over}, last {}", ago(last, case.now))
}

fn range(moves: &[Size]) -> (i32, i32) {
    let sizes = moves.iter().map(|size| size.replicas);
    (sizes.clone().min().unwrap_or(0), sizes.max().unwrap_or(0))
}

fn is_between_neighbours(rescales: &Rescales, low: i32, high: i32) -> bool {
    rescales.combined == 0 && high == low.saturating_add(1)
}

fn repaired(case: &Case<'_>, finding: Finding, moves: &[Size], swing: i64, rescales: &Rescales) -> Finding {
    /// Windows are spoken of in minutes.
    const MINUTE: i64 = 60;
    let window = (swing.saturating_add(MINUTE - 1) / MINUTE * MINUTE).max(WINDOW_SECONDS);
    let finding = finding.fix(
        format!("keep for {} what a peak asked for", span(window)),
        case.patch_hpa(&format!(
            r#"{{"behavior":{{"scaleDown":{{"stabilizationWindowSeconds":{window}}}}}}}"#
        )),
        "changes the HPA alone; pods that load no longer needs stay as much longer",
    );
    let (low, high) = range(moves);
    if is_between_neighbours(rescales, low, high) && high <= case.facts.hpa.max_replicas {
        return finding.fix(
            format!("keep {high} at least"),
            case.patch_hpa(&format!(r#"{{"minReplicas":{high}}}"#)),
            "changes the HPA alone; costs one replica",
        );
    }
    let metric = case.deciding_metric();
    let spec = metric.and_then(|metric| case.facts.hpa.metrics.get(metric.index));
    match spec {
        Some(spec) if matches!(spec.target, MetricTarget::Value(_)) => finding.advice(
            format!("give {} a target for each replica (AverageValue)", spec.name),
            "of one value for all replicas each step is a multiple of the replicas that are there",
        ),
        _ => finding,
    }
}
