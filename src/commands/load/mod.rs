//! The command `load`.

mod address;
mod consent;
mod cpu;
mod engine;
mod failures;
mod files;
mod live;
mod locustfile;
mod pace;
mod plan;
mod run;
mod stream;
mod tls;
mod wire;
mod worker;

use std::sync::Arc;
use std::thread::available_parallelism;

use chrono::Utc;
use http::Uri;

use super::print::print;
use crate::cli::{GlobalArgs, LoadArgs, OutputFormat};
use crate::load::LoadReport;
use crate::load::report::{Parts, Target};
use crate::output::{self, structured};
use crate::{Error, exit};
use address::Address;
use live::Live;
use run::Means;

/// Runs it; the value is the exit code.
pub(super) async fn run(global: &GlobalArgs, args: &LoadArgs) -> Result<u8, Error> {
    let plan = Arc::new(plan::of(&args.plan, global.request_timeout)?);
    files::check(&args.result)?;
    let body = files::body(args.filename.as_deref())?;
    let url = url(args)?;
    let address = Address::prepare(&url, &args.headers, body, || {
        tls::connector(args.ca_file.as_deref())
    })
    .await?;
    if args.locustfile {
        locustfile::write(&plan, &url, &address)?;
        return Ok(exit::OK);
    }
    let unit = plan::unit(&plan);
    consent::ask(
        &url,
        address.is_loopback(),
        &format!("{} {unit}", plan.highest()),
        args.yes,
    )?;
    anstream::eprintln!(
        "loading {} from this machine: {} {unit}, {:.0} s; Ctrl-C ends it and writes the report",
        output::escape::line(&url.to_string()),
        plan::levels(&plan),
        plan.length().as_secs_f64()
    );
    let means = Means {
        threads: threads(args.plan.threads),
        connections: args.plan.connections,
        stop_on: args.plan.stop_on_error_rate,
    };
    let started_at = Utc::now();
    let outcome = run::run(&plan, &address, &means, &mut Live::new()).await?;
    let report = LoadReport::new(Parts {
        started_at,
        target: Target {
            url: url.to_string(),
            method: address.method().to_string(),
            body_bytes: address.body_bytes(),
            measured_from: "this machine, directly".to_owned(),
        },
        plan: &plan,
        ended: outcome.ended,
        timeline: &outcome.timeline,
        client: outcome.client,
        scaling: None,
    });
    files::write(&args.result, &report)?;
    print(&match args.result.output {
        OutputFormat::Text => output::load::text(&report),
        OutputFormat::Json => structured::json(&report)?,
        OutputFormat::Yaml => structured::yaml(&report)?,
    })?;
    Ok(exit_code(&report))
}

fn url(args: &LoadArgs) -> Result<Uri, Error> {
    let text = args.url.as_deref().unwrap_or_default();
    text.parse()
        .map_err(|error| Error::Usage(format!("--url {text}: {error}")))
}

/// A load that failed, or that its errors stopped, is a problem that was found.
fn exit_code(report: &LoadReport) -> u8 {
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
