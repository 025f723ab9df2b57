//! Checks, then writes: nothing is written that could not work, and nothing over somebody else's.

use super::super::findings::{self, Answer};
use super::super::objects::{self, Report};
use crate::Error;
use crate::cli::AutoscaleArgs;
use crate::cluster::Cluster;
use crate::cluster::apply::{self, ApplyOptions, LiveObject};
use crate::facts::{Hpa, ObjectReference, ScalingRules};
use crate::output::escape;
use crate::serving::autoscaler::{Autoscaler, adapter_rule};
use crate::serving::manifest::Manifest;

/// Whether the HPA was written.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Written {
    /// And nothing keeps it from working.
    Yes,
    /// And some of its metrics have no value as things are.
    InPart,
    /// It cannot have a metric as things are.
    Hopeless,
    /// It could not work.
    Refused,
}

pub(super) async fn write(
    cluster: &Cluster,
    args: &AutoscaleArgs,
    autoscaler: &Autoscaler,
    planned: &Hpa,
    report: &mut Report,
) -> Result<Written, Error> {
    let options = objects::options(&args.apply);
    let manifest = autoscaler.manifest();
    let live = apply::read(cluster, &manifest).await?;
    apply::refuse_foreign(&manifest, live.as_ref(), &options)?;
    refuse_another_target(&manifest, live.as_ref(), &autoscaler.target)?;
    let answer = findings::of_planned(cluster, planned).await?;
    let possible = answer.obstacles() == 0;
    let title = escape::line(&manifest.title()).into_owned();
    if !possible && !args.force {
        answer.print(report)?;
        tell_adapter_rule(autoscaler, &answer);
        anstream::eprintln!(
            "error: {title} was not written: it could not work, see above; repair that and repeat the command, or write it anyway with `--force`"
        );
        return Ok(Written::Refused);
    }
    refuse_dropped_tolerance(cluster, autoscaler, live.as_ref(), &options).await?;
    let applied = apply::apply(cluster, &manifest, live.as_ref(), &options).await?;
    report.applied(&manifest, &applied)?;
    if answer.warnings() > 0 {
        answer.tell();
        tell_adapter_rule(autoscaler, &answer);
    } else {
        answer.tell_unchecked();
    }
    if possible && !answer.is_scaled_to_zero() {
        let complete = !answer.lacks_a_metric();
        return Ok(if complete { Written::Yes } else { Written::InPart });
    }
    if !options.dry_run {
        anstream::eprintln!(
            "error: {title} is written and cannot have a metric yet, see above: no waiting helps; repair that and repeat the command"
        );
    }
    Ok(Written::Hopeless)
}

/// Our own HPA of this name may scale something else: to take it away from there is more than was asked for.
fn refuse_another_target(
    manifest: &Manifest,
    live: Option<&LiveObject>,
    target: &ObjectReference,
) -> Result<(), Error> {
    let reference = live.and_then(|live| live.data.pointer("/spec/scaleTargetRef"));
    let Some(scaled) = reference.and_then(|it| serde_json::from_value::<ObjectReference>(it.clone()).ok())
    else {
        return Ok(());
    };
    if scaled.is_same(target) {
        return Ok(());
    }
    Err(Error::Incomplete(format!(
        "cannot apply {}: it scales {}/{} already, and not {}/{}; give this one another name with `--name`, or delete the other",
        manifest.title(),
        scaled.kind,
        scaled.name,
        target.kind,
        target.name
    )))
}

/// What the adapter lacks can be pasted.
fn tell_adapter_rule(autoscaler: &Autoscaler, answer: &Answer) {
    let asked = autoscaler
        .metrics
        .iter()
        .any(|metric| metric.name == adapter_rule::METRIC);
    if asked && answer.adapter_lacks_a_metric() {
        anstream::eprintln!(
            "note: {} needs this in the configuration of prometheus-adapter (`kubectl tfserve autoscale --print-adapter-rule`):\n\n{}",
            adapter_rule::REQUESTS_PER_SECOND,
            adapter_rule::RULE
        );
    }
}

/// An API server that does not know `tolerance`, or has it switched off, drops it without a word.
async fn refuse_dropped_tolerance(
    cluster: &Cluster,
    autoscaler: &Autoscaler,
    live: Option<&LiveObject>,
    options: &ApplyOptions,
) -> Result<(), Error> {
    let behavior = autoscaler.behavior.clone().unwrap_or_default();
    let asked = |rules: &Option<ScalingRules>| rules.as_ref().is_some_and(|it| it.tolerance.is_some());
    let flag = match (asked(&behavior.scale_up), asked(&behavior.scale_down)) {
        (true, _) => "scale-up-tolerance",
        (false, true) => "scale-down-tolerance",
        (false, false) => return Ok(()),
    };
    let direction = if flag == "scale-up-tolerance" {
        "scaleUp"
    } else {
        "scaleDown"
    };
    let manifest = autoscaler.manifest();
    let dry = ApplyOptions {
        dry_run: true,
        ..options.clone()
    };
    let kept = match apply::apply(cluster, &manifest, live, &dry).await {
        Ok(applied) => applied
            .object
            .pointer(&format!("/spec/behavior/{direction}/tolerance"))
            .is_some(),
        // Before 1.33 the field is not in the schema.
        Err(error) if error.why().contains("tolerance: field not declared in schema") => false,
        Err(error) => return Err(error.into()),
    };
    if kept {
        return Ok(());
    }
    Err(Error::Incomplete(format!(
        "cannot apply {}: the API server does not keep `--{flag}`: it takes Kubernetes 1.35, or 1.33 with the feature gate HPAConfigurableTolerance; leave the flag out",
        manifest.title()
    )))
}
