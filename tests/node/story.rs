//! The seed's story: ResNet-101, served, explained, repaired, loaded until the autoscaler has gone 1 → 4, and back.

use std::fs::File;
use std::path::PathBuf;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use crate::node::{SERVER, tensorflow, turn};
use crate::support::{field, kubectl, path, sandbox, until};

const NAMESPACE: &str = "tf-serving";
const WORKLOAD: &str = "image-classifier-resnet101";
/// What a person types; the numbers are the seed's.
const AUTOSCALE: &str = "tfserve autoscale image-classifier -n tf-serving --cpu 60% --min 1 --max 4";

#[test]
fn the_story_on_real_cpu() {
    let Some(_turn) = turn() else { return };
    let model = tensorflow().resnet().expect("ResNet-101");
    let started = Instant::now();
    let tell = |what: &str| eprintln!("{:5.1} s  {what}", started.elapsed().as_secs_f64());

    let up = format!(
        "tfserve up image-classifier --variant resnet101 --model-name image_classifier --model hostPath:{} \
         --image {SERVER} --cpu 400m --memory 1Gi --service-type LoadBalancer -n {NAMESPACE} --create-namespace",
        model.display()
    );
    let answered = kubectl(&up).expect_code(0);
    assert!(answered.stdout.contains("AVAILABLE"), "{}", answered.said());
    tell("the model is served");

    explained_and_repaired();
    tell("metrics arrive");
    predicted();
    tell("the model answers");
    let load = Load::start();
    let replicas = until_scaled(4);
    tell(&format!("{replicas} replicas are wanted"));
    let top = kubectl(&format!("tfserve top image-classifier -n {NAMESPACE}")).expect_code(0);
    assert!(top.stdout.contains(WORKLOAD), "{}", top.said());
    eprintln!("{}", top.stdout);
    drop(load);
    tell("the load ends");
    until_scaled(1);
    tell("one replica is wanted");
    kubectl(&format!("tfserve explain-hpa {WORKLOAD} -n {NAMESPACE}")).expect_code(0);
    kubectl(&format!("tfserve down image-classifier -n {NAMESPACE} --yes")).expect_code(0);
    until("nothing of it is left", || {
        let left = kubectl(&format!(
            "get deployments,services,hpa,configmaps -n {NAMESPACE} -o name"
        ));
        (!left.stdout.contains("image-classifier")).then_some(())
    });
    tell("the end");
}

fn explained_and_repaired() {
    let refused = kubectl(AUTOSCALE).expect_code(1);
    assert!(refused.stdout.contains("TFS301"), "{}", refused.said());
    let refused = kubectl(&format!("{AUTOSCALE} --install-metrics-server --timeout 60s")).expect_code(1);
    // The kubelet signed its certificate itself, and metrics-server's own log says that it will not have it.
    assert!(refused.said().contains("TFS303"), "{}", refused.said());
    assert!(refused.said().contains("x509"), "{}", refused.said());
    let repaired =
        format!("{AUTOSCALE} --install-metrics-server --kubelet-insecure-tls --scale-down-window 30s");
    kubectl(&repaired).expect_code(0);
}

fn request() -> PathBuf {
    let file = sandbox().directory().join("request.json");
    let example = kubectl(&format!(
        "tfserve predict image-classifier -n {NAMESPACE} --example"
    ))
    .expect_code(0);
    std::fs::write(&file, example.stdout).expect("the request is written");
    file
}

fn predicted() {
    let file = request();
    let answer = kubectl(&format!(
        "tfserve predict image-classifier -n {NAMESPACE} -f {}",
        file.display()
    ));
    let answer = answer.expect_code(0);
    let scores = answer.json()["predictions"][0].as_array().map_or(0, Vec::len);
    assert_eq!(scores, 1000, "{}", answer.stderr);
}

fn log(name: &str) -> File {
    File::create(sandbox().directory().join("logs").join(name)).expect("a log")
}

/// Users of the model, on the node, where the Service's address answers.
struct Load(Child);

impl Load {
    fn start() -> Self {
        let address = field(NAMESPACE, "service/image-classifier", "{.spec.clusterIP}");
        let file = sandbox().directory().join("request.json");
        let mut command = sandbox()
            .in_network(env!("CARGO_BIN_EXE_kubectl-tfserve"))
            .expect("a real node");
        let child = command
            .args(["load", "--yes", "--users", "3", "--step-every", "6m", "--url"])
            .arg(format!(
                "http://{address}:8501/v1/models/image_classifier:predict"
            ))
            .arg("-f")
            .arg(&file)
            .env("PATH", path())
            .env("KUBECONFIG", sandbox().kubeconfig())
            .stdin(Stdio::null())
            .stdout(log("load.txt"))
            .stderr(log("load.log"))
            .spawn()
            .expect("the load starts");
        Self(child)
    }
}

impl Drop for Load {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Waits until the autoscaler wants so many replicas.
fn until_scaled(wanted: u32) -> u32 {
    let deadline = Instant::now() + Duration::from_secs(300);
    loop {
        let replicas = field(NAMESPACE, &format!("hpa/{WORKLOAD}"), "{.status.desiredReplicas}");
        if replicas == wanted.to_string() {
            return wanted;
        }
        assert!(
            Instant::now() < deadline,
            "{replicas} replicas are wanted\n{}\n{}",
            kubectl(&format!("tfserve explain-hpa {WORKLOAD} -n {NAMESPACE}")).said(),
            std::fs::read_to_string(sandbox().directory().join("logs/load.log")).unwrap_or_default()
        );
        std::thread::sleep(Duration::from_secs(1));
    }
}
