//! The plan that a command line means.

use std::time::Duration;

use crate::Error;
use crate::cli::PlanArgs;
use crate::cluster::DEFAULT_DEADLINE;
use crate::load::{Mode, Plan};

/// The plan.
///
/// # Errors
/// It goes beyond what is allowed, or nothing of it counts.
pub(super) fn of(args: &PlanArgs, timeout: Option<Duration>) -> Result<Plan, Error> {
    let (mode, levels) = match &args.rate {
        Some(rate) => (Mode::Rate, rate),
        None => (Mode::Users, &args.users),
    };
    let plan = Plan {
        mode,
        steps: Plan::steps(levels, args.step_every, args.warm_up, args.max_time),
        warm_up: args.warm_up,
        think: args.think,
        timeout: Some(timeout.unwrap_or(DEFAULT_DEADLINE)).filter(|timeout| !timeout.is_zero()),
        keep_alive: !args.no_keep_alive,
    };
    if levels.highest() > args.limit {
        return Err(Error::Usage(format!(
            "{} {} are more than the limit of {}; with --limit {} they are allowed",
            levels.highest(),
            unit(&plan),
            args.limit,
            levels.highest()
        )));
    }
    if plan.length() <= plan.warm_up {
        return Err(Error::Usage(
            "nothing is left of --max-time after --warm-up; raise one or lower the other".to_owned(),
        ));
    }
    Ok(plan)
}

/// What its levels count.
pub(super) fn unit(plan: &Plan) -> &'static str {
    match plan.mode {
        Mode::Users => "users",
        Mode::Rate => "requests a second",
    }
}

/// Its levels in a few words.
pub(super) fn levels(plan: &Plan) -> String {
    match (plan.steps.as_slice(), plan.mode) {
        ([], _) => format!("no {}", unit(plan)),
        ([only], Mode::Users) if only.level == 1 => "1 user".to_owned(),
        ([only], _) => format!("{} {}", only.level, unit(plan)),
        ([first, .., last], _) => format!("{} to {} {}", first.level, last.level, unit(plan)),
    }
}
