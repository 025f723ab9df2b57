//! The command `load`.

mod address;
mod aim;
mod consent;
mod cool_down;
mod cpu;
mod distributed;
mod engine;
mod failures;
mod files;
mod forwards;
mod hpa;
mod live;
mod locustfile;
mod pace;
mod plan;
mod record;
mod run;
mod stream;
mod tls;
mod watch;
mod wire;
mod worker;

use std::sync::Arc;
use std::thread::available_parallelism;

use chrono::Utc;

use super::print::{print, say};
use crate::cli::{GlobalArgs, LoadArgs, OutputFormat};
use crate::load::report::Parts;
use crate::load::{Answer, LoadReport};
use crate::output::{self, structured};
use crate::{Error, exit};
use hpa::Watched;
use live::Live;
use run::Means;

/// Runs it; the value is the exit code.
pub(super) async fn run(global: &GlobalArgs, args: &LoadArgs) -> Result<u8, Error> {
    let plan = Arc::new(plan::of(&args.plan, global.request_timeout)?);
    files::check(&args.result)?;
    let mut aim = match aim::take(global, args).await? {
        Ok(aim) => aim,
        Err(code) => return Ok(code),
    };
    if args.locustfile {
        locustfile::write(&plan, &aim)?;
        return Ok(exit::OK);
    }
    let distributed = match args.distributed {
        Some(workers) => {
            Some(distributed::Distributed::prepare(&plan, &mut aim, workers, &args.locust_image).await?)
        }
        None => None,
    };
    let load = format!("{} {}", plan.highest(), plan::unit(&plan));
    consent::ask(aim.foreign.as_ref(), &load, args.yes)?;
    if let Some(named) = &aim.named
        && let Some(code) = named.try_once().await?
    {
        return Ok(code);
    }
    let (watch, not_watched) = match hpa::watch(global, args, &aim).await? {
        Watched::Hpa(watch) => (Some(*watch), None),
        Watched::Nothing(why) => (None, Some(why)),
        Watched::NotAsked => (None, None),
    };
    say(&format!(
        "loading {}: {}, {} s; from {}; Ctrl-C ends it and writes the report",
        aim.title,
        plan::levels(&plan),
        plan.length().as_secs_f64(),
        aim.target.measured_from
    ));
    let means = Means {
        threads: threads(args.plan.threads),
        connections: args.plan.connections,
        stop_on: args.plan.stop_on_error_rate,
        until_max: args.plan.until_max_replicas,
        cool_down: args.plan.cool_down,
    };
    let started_at = Utc::now();
    let mut live = Live::new();
    let outcome = match &distributed {
        Some(distributed) => Box::pin(distributed.run(&plan, &aim.address, &means, watch, &mut live)).await?,
        None => run::run(&plan, &aim.address, &means, watch, &mut live).await?,
    };
    let mut report = LoadReport::new(Parts {
        started_at,
        target: aim.target,
        plan: &plan,
        ended: outcome.ended,
        timeline: &outcome.timeline,
        client: outcome.client,
        scaling: outcome.scaling,
    });
    if let Some(why) = not_watched {
        let question = "scaled";
        let answer = format!("not watched: {why}");
        report.answers.insert(0, Answer { question, answer });
    }
    files::write(&args.result, &report)?;
    print(&match args.result.output {
        OutputFormat::Text => output::load::text(&report, output::terminal_width_or_any()),
        OutputFormat::Json => structured::json(&report)?,
        OutputFormat::Yaml => structured::yaml(&report)?,
    })?;
    Ok(exit_code(&report))
}

/// A load that failed, or that its errors stopped, is a problem that was found; one that Locust did not finish is none
/// of the server's.
fn exit_code(report: &LoadReport) -> u8 {
    if report.ended.reason == "failed" {
        return exit::FAILED;
    }
    let nothing_worked = report.total.requests > 0 && report.total.requests == report.total.failed;
    if report.ended.reason == "errorRate" || nothing_worked {
        exit::PROBLEM
    } else {
        exit::OK
    }
}

/// The other half of the cores is for the server, where it is here, and for whatever else this machine does.
fn threads(wanted: Option<u16>) -> usize {
    wanted.map_or_else(
        || available_parallelism().map_or(1, |cores| (cores.get() / 2).clamp(1, 8)),
        usize::from,
    )
}
