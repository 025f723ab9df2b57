//! The story, played on a real control plane: every command is typed as a person would type it and run by
//! the real kubectl, which finds the plugin on its path.

mod model;
mod stage;

use std::path::Path;
use std::process::{Command, ExitCode};
use std::time::Duration;

use model::ModelStandIn;
use stage::Stage;
use tfserve_sandbox::{Component, Error, Load, Options, Result, Sandbox, Usage};

const NAMESPACE: &str = "tf-serving";
const WORKLOAD: &str = "image-classifier-resnet101";
/// Shorter than the controller's five minutes, so that the demo ends in a coffee break.
const WINDOW: &str = "30s";

/// Builds the plugin and plays the story on a fresh control plane that ends with it.
pub(crate) fn run() -> Result<ExitCode> {
    let mut stage = Stage::new();
    let myself =
        std::env::current_exe().map_err(|error| derailed(format!("cannot find this program: {error}")))?;
    // Cargo puts every binary of the workspace into one directory.
    let plugin_directory = myself.parent().unwrap_or(Path::new("."));
    build_plugin(plugin_directory)?;
    stage.chapter(
        "A control plane",
        "etcd, kube-apiserver, kube-controller-manager, kube-scheduler, kwok nodes: no container, no root",
    );
    let sandbox = Sandbox::start(&Options::default())?;
    stage.open(&sandbox, plugin_directory);
    let model = ModelStandIn::start("image_classifier")?;
    sandbox.forward_port(8501, model.address())?;

    deploy(&stage)?;
    autoscale_by_hand(&stage, &sandbox)?;
    repair(&stage)?;
    let load = load(&stage, &sandbox)?;
    drop(load);
    calm(&stage, &sandbox)?;
    stage.chapter("The end", "every process of this cluster ends with this command");
    Ok(ExitCode::SUCCESS)
}

fn build_plugin(directory: &Path) -> Result<()> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut build = Command::new(cargo);
    build
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .args(["build", "--package", "kubectl-tfserve"]);
    if directory.ends_with("release") {
        build.arg("--release");
    }
    match build.status() {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(derailed(format!(
            "the plugin does not build: `cargo build` ended with {status}"
        ))),
        Err(error) => Err(derailed(format!("cannot run `cargo build`: {error}"))),
    }
}

fn deploy(stage: &Stage<'_>) -> Result<()> {
    stage.chapter(
        "Deploy",
        "nodes and pods are simulated by kwok, and a stand-in answers for the model; all else is real",
    );
    stage.succeeds(&format!(
        "kubectl tfserve up image-classifier --variant resnet101 --model-name image_classifier \
         --model hostPath:/home/hoang/Downloads/resnet101 --image tensorflow/serving:2.5.1 --cpu 500m --memory 1Gi \
         --service-type LoadBalancer -n {NAMESPACE} --create-namespace"
    ))?;
    stage.succeeds(&format!("kubectl get deployments,services -n {NAMESPACE}"))
}

fn autoscale_by_hand(stage: &Stage<'_>, sandbox: &Sandbox) -> Result<()> {
    stage.chapter(
        "Autoscale by hand, as the tutorials do",
        "this cluster has no metrics-server",
    );
    stage.succeeds(&format!(
        "kubectl autoscale deployment {WORKLOAD} -n {NAMESPACE} --cpu=60% --min=1 --max=4"
    ))?;
    Stage::until("the controller has spoken", || {
        Ok(hpa(sandbox, "{.status.conditions[?(@.type=='ScalingActive')].status}")? == "False")
    })?;
    stage.succeeds(&format!("kubectl get hpa -n {NAMESPACE}"))?;
    Stage::narrate("<unknown>. Why?");
    stage.finds_a_problem(&format!("kubectl tfserve explain-hpa {WORKLOAD} -n {NAMESPACE}"))?;
    stage.succeeds(&format!("kubectl delete hpa {WORKLOAD} -n {NAMESPACE}"))
}

fn repair(stage: &Stage<'_>) -> Result<()> {
    stage.chapter(
        "Repair",
        "the kubelets of a test cluster sign their certificates themselves",
    );
    let autoscale =
        format!("kubectl tfserve autoscale image-classifier -n {NAMESPACE} --cpu 60% --min 1 --max 4");
    stage.finds_a_problem(&format!("{autoscale} --install-metrics-server --timeout 45s"))?;
    Stage::narrate("This is a test cluster: the flag is acceptable here, and only here.");
    stage.succeeds(&format!(
        "{autoscale} --install-metrics-server --kubelet-insecure-tls"
    ))?;
    stage.succeeds(&format!("kubectl get hpa -n {NAMESPACE}"))?;
    Stage::narrate(&format!(
        "Run again, it converges; the shorter window ({WINDOW}, not 5 minutes) is for this demo."
    ));
    stage.succeeds(&format!("{autoscale} --scale-down-window {WINDOW}"))
}

fn load(stage: &Stage<'_>, sandbox: &Sandbox) -> Result<Load> {
    stage.chapter(
        "Load",
        "the one pod now uses 2130m of its 500m; the controller is held still, so that we see it think",
    );
    sandbox.pause(Component::ControllerManager)?;
    let load = sandbox.load(NAMESPACE, "app=image-classifier", Usage::Shared(2130));
    Stage::until("metrics-server has seen it", || {
        Ok(sandbox
            .run_kubectl(&["top", "pods", "-n", NAMESPACE, "--no-headers"], None)?
            .contains("2130m"))
    })?;
    stage.succeeds(&format!("kubectl tfserve top image-classifier -n {NAMESPACE}"))?;
    stage.succeeds(&format!(
        "kubectl tfserve explain-hpa {WORKLOAD} -n {NAMESPACE} --fail-on error"
    ))?;
    sandbox.resume(Component::ControllerManager)?;
    Stage::until("the controller has decided the same", || {
        Ok(hpa(sandbox, "{.status.desiredReplicas}")? == "4")
    })?;
    stage.succeeds(&format!("kubectl get hpa -n {NAMESPACE}"))?;
    Stage::until("all four pods run", || {
        Ok(deployment(sandbox, "{.status.readyReplicas}")? == "4")
    })?;
    stage.succeeds(&format!("kubectl get deployment {WORKLOAD} -n {NAMESPACE}"))?;
    Ok(load)
}

fn calm(stage: &Stage<'_>, sandbox: &Sandbox) -> Result<()> {
    stage.chapter("Calm", "the load ends");
    sandbox.set_cpu(NAMESPACE, "app=image-classifier", "0m")?;
    Stage::until("the controller holds back", || {
        Ok(hpa(sandbox, "{.status.conditions[?(@.type=='AbleToScale')].reason}")? == "ScaleDownStabilized")
    })?;
    stage.succeeds(&format!("kubectl tfserve explain-hpa {WORKLOAD} -n {NAMESPACE}"))?;
    Stage::until("the window has passed", || {
        Ok(deployment(sandbox, "{.spec.replicas}")? == "1")
    })?;
    stage.succeeds(&format!("kubectl get hpa -n {NAMESPACE}"))?;
    stage.succeeds(&format!("kubectl tfserve explain-hpa {WORKLOAD} -n {NAMESPACE}"))
}

fn hpa(sandbox: &Sandbox, path: &str) -> Result<String> {
    sandbox.run_kubectl(
        &[
            "get",
            "hpa",
            WORKLOAD,
            "-n",
            NAMESPACE,
            "-o",
            &format!("jsonpath={path}"),
        ],
        None,
    )
}

fn deployment(sandbox: &Sandbox, path: &str) -> Result<String> {
    sandbox.run_kubectl(
        &[
            "get",
            "deployment",
            WORKLOAD,
            "-n",
            NAMESPACE,
            "-o",
            &format!("jsonpath={path}"),
        ],
        None,
    )
}

/// How long one step of the story may take.
const PATIENCE: Duration = Duration::from_secs(150);

/// The story went another way.
fn derailed(what: String) -> Error {
    Error::Unexpected(what)
}
