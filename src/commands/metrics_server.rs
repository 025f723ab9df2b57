//! `--install-metrics-server`.

use tokio::time::{Duration, Instant};

use super::findings;
use super::objects::{self, Report};
use super::progress::Progress;
use crate::cli::AutoscaleArgs;
use crate::cluster::install::{self, Answer, Installed};
use crate::cluster::{Cluster, apply};
use crate::facts::Hpa;
use crate::output::escape;
use crate::serving::metrics_server::{INSECURE_TLS, NAME, NAMESPACE, manifests};
use crate::{Error, exit};

/// How often the API is asked.
const TICK: Duration = Duration::from_secs(2);
/// How often the cause is looked for while it does not answer.
const LOOK: Duration = Duration::from_secs(10);
/// Causes that no waiting removes: the kubelets' certificates are refused.
const HOPELESS: [&str; 1] = ["TFS303"];

/// What `--kubelet-insecure-tls` gives up, and what to do instead.
const WARNING: &str = "warning: with `--kubelet-insecure-tls` metrics-server accepts any certificate of a kubelet: whoever can answer \
on a node's address can send it false usage and read its token; for test clusters only. In production set `serverTLSBootstrap: true` in \
the kubelets' configuration and approve their requests with `kubectl certificate approve`, or give metrics-server `--kubelet-certificate-authority`";

/// Installs metrics-server and waits until it has data. The value is an exit code where the command is to
/// end, with everything told.
pub(super) async fn install(
    cluster: &Cluster,
    args: &AutoscaleArgs,
    planned: &Hpa,
    report: &mut Report,
) -> Result<Option<u8>, Error> {
    let options = objects::options(&args.apply);
    let mut wanted_tls = args.metrics_server.kubelet_insecure_tls;
    match install::installed(cluster, &options.field_manager).await? {
        Installed::Foreign(what) if !options.force => return foreign(cluster, args, &what).await,
        // Without the flag a re-apply would take away the argument that an earlier run added.
        Installed::Ours if !wanted_tls => wanted_tls = has_insecure_tls(cluster).await?,
        Installed::Foreign(_) | Installed::Ours | Installed::No => {}
    }
    if args.metrics_server.kubelet_insecure_tls {
        anstream::eprintln!("{WARNING}");
    }
    let manifests = manifests(wanted_tls);
    let mut live = Vec::new();
    for manifest in &manifests {
        let found = apply::read(cluster, manifest).await?;
        apply::refuse_foreign(manifest, found.as_ref(), &options)?;
        live.push(found);
    }
    for (manifest, live) in manifests.iter().zip(&live) {
        let applied = apply::apply(cluster, manifest, live.as_ref(), &options).await?;
        report.applied(manifest, &applied)?;
    }
    if options.dry_run || !args.wait {
        return Ok(None);
    }
    wait(cluster, args, planned, report).await
}

/// Somebody else's metrics-server is never overwritten; one that works is all that is needed.
async fn foreign(cluster: &Cluster, args: &AutoscaleArgs, what: &str) -> Result<Option<u8>, Error> {
    let missing = match install::answer(cluster).await? {
        Answer::Nodes(_) => {
            anstream::eprintln!(
                "note: nothing to install: {} is there already, and metrics.k8s.io answers",
                escape::line(what)
            );
            return Ok(None);
        }
        Answer::NotYet(missing) => missing,
    };
    Err(not_ours(what, &missing, args.metrics_server.kubelet_insecure_tls))
}

fn not_ours(what: &str, missing: &str, insecure_tls: bool) -> Error {
    let by_hand = if insecure_tls {
        format!(
            "add the argument by hand: `kubectl patch deployment {NAME} -n {NAMESPACE} --type=json -p '[{{\"op\": \"add\", \"path\": \"/spec/template/spec/containers/0/args/-\", \"value\": \"{INSECURE_TLS}\"}}]'`"
        )
    } else {
        "repair it where it was installed, or take it over with `--force-conflicts`".to_owned()
    };
    Error::Incomplete(format!(
        "cannot install metrics-server: {what} exists and somebody else installed it; still missing: {missing}; {by_hand}"
    ))
}

async fn has_insecure_tls(cluster: &Cluster) -> Result<bool, Error> {
    let Some(deployment) = manifests(false)
        .into_iter()
        .find(|manifest| manifest.kind() == "Deployment")
    else {
        return Ok(false);
    };
    let live = apply::read(cluster, &deployment).await?;
    let args = live
        .as_ref()
        .and_then(|live| live.data.pointer("/spec/template/spec/containers/0/args"));
    Ok(args
        .and_then(|args| args.as_array())
        .is_some_and(|args| args.iter().any(|arg| arg == INSECURE_TLS)))
}

async fn wait(
    cluster: &Cluster,
    args: &AutoscaleArgs,
    planned: &Hpa,
    report: &Report,
) -> Result<Option<u8>, Error> {
    let deadline = Instant::now() + args.timeout;
    let mut next_look = Instant::now() + LOOK;
    let mut progress = Progress::start();
    loop {
        let missing = match install::answer(cluster).await? {
            Answer::Nodes(count) => {
                drop(progress);
                anstream::eprintln!("metrics.k8s.io answers with the usage of {count} nodes");
                return Ok(None);
            }
            Answer::NotYet(missing) => missing,
        };
        progress.say(&missing);
        let over = Instant::now() >= deadline;
        if over || Instant::now() >= next_look {
            next_look = Instant::now() + LOOK;
            let answer = findings::of_planned(cluster, planned).await?;
            let hopeless = answer.findings().any(|finding| HOPELESS.contains(&finding.code));
            if over || hopeless {
                drop(progress);
                answer.print(report)?;
                let time = if over { " within `--timeout`" } else { "" };
                anstream::eprintln!(
                    "error: metrics-server is installed and has no data{time}: still waiting for {}",
                    escape::line(&missing)
                );
                return Ok(Some(exit::PROBLEM));
            }
        }
        tokio::time::sleep(TICK).await;
    }
}

#[cfg(test)]
mod tests {
    use super::not_ours;

    #[test]
    fn a_metrics_server_of_somebody_else_that_does_not_answer() {
        let said = |insecure_tls| {
            not_ours(
                "Deployment kube-system/metrics-server",
                "an answer of metrics.k8s.io",
                insecure_tls,
            )
            .to_string()
        };
        insta::assert_snapshot!(said(false), @"cannot install metrics-server: Deployment kube-system/metrics-server exists and somebody else installed it; still missing: an answer of metrics.k8s.io; repair it where it was installed, or take it over with `--force-conflicts`");
        insta::assert_snapshot!(said(true), @r#"cannot install metrics-server: Deployment kube-system/metrics-server exists and somebody else installed it; still missing: an answer of metrics.k8s.io; add the argument by hand: `kubectl patch deployment metrics-server -n kube-system --type=json -p '[{"op": "add", "path": "/spec/template/spec/containers/0/args/-", "value": "--kubelet-insecure-tls"}]'`"#);
    }
}
