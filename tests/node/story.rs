//! The seed's story: ResNet-101, served, explained, repaired, loaded until the autoscaler has gone 1 → 4, and back.

use std::fs::File;
use std::path::PathBuf;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use crate::node::{saved_server, server, tensorflow, turn};
use crate::support::{Ran, field, kubectl, path, sandbox, until};
use crate::transcript::Transcript;

const NAMESPACE: &str = "tf-serving";
const WORKLOAD: &str = "image-classifier-resnet101";
/// What a person types; the numbers are the seed's.
const AUTOSCALE: &str = "tfserve autoscale image-classifier -n tf-serving --cpu 60% --min 1 --max 4";
/// The load: more users at every step, until four replicas are ready.
const LOAD: &str = "tfserve load image-classifier -n tf-serving -f request.json --users 2..8 --step-every 2m --until-max-replicas --cool-down 6m --report load.html";

#[test]
fn the_story_on_real_cpu() {
    let Some(_turn) = turn() else { return };
    let model = tensorflow().resnet().expect("ResNet-101");
    let directory = sandbox().directory().display().to_string();
    let mut transcript = Transcript::start(vec![
        (model.display().to_string(), "/models/resnet101"),
        (format!("{directory}/"), ""),
    ]);

    transcript.chapter("Serve the model", "The directory above the version, on the node.");
    let up = format!(
        "tfserve up image-classifier --variant resnet101 --model-name image_classifier --model hostPath:{} \
         --image {} --cpu 400m --memory 1Gi --service-type LoadBalancer -n {NAMESPACE} --create-namespace",
        model.display(),
        server()
    );
    let answered = transcript.types(&up, 0);
    assert!(answered.stdout.contains("AVAILABLE"), "{}", answered.said());

    explained_and_repaired(&mut transcript);
    predicted(&mut transcript);
    loaded(&mut transcript);
    transcript.chapter("Clean up", "What `up` and `autoscale` made, and nothing else.");
    transcript.types(&format!("tfserve down image-classifier -n {NAMESPACE} --yes"), 0);
    until("nothing of it is left", || {
        let left = kubectl(&format!(
            "get deployments,services,hpa,configmaps -n {NAMESPACE} -o name"
        ));
        (!left.stdout.contains("image-classifier")).then_some(())
    });
    transcript.publish(&introduction(), &sandbox().directory().join("load.html"));
}

fn introduction() -> String {
    let node = kubectl("get nodes -o json").json()["items"][0]["status"].clone();
    let version = node["nodeInfo"]["kubeletVersion"].as_str().unwrap_or_default();
    let cpus = node["allocatable"]["cpu"].as_str().unwrap_or_default();
    let server = match saved_server() {
        Some(_) => format!("Its server is {}.", server()),
        None => "Its server is real TensorFlow behind the REST interface and the log lines of TensorFlow Serving; \
                 it is not TensorFlow Serving, and its image is the tests' own."
            .to_owned(),
    };
    format!(
        "# ResNet-101, from nothing to 1 → 4 → 1\n\n\
         A recorded run: `UPDATE_DOCS=1 cargo test --test node story` wrote this page. Kubernetes {version} with one real node of {cpus} CPUs; \
         kubelet, containerd and metrics-server as everywhere. The model is ResNet-101 with random weights. {server}\n"
    )
}

fn explained_and_repaired(transcript: &mut Transcript) {
    transcript.chapter(
        "Autoscale it, and be told why that cannot work yet",
        "`kubectl get hpa` would say `<unknown>/60%`, and an event \"missing request for cpu\".",
    );
    let refused = transcript.types(AUTOSCALE, 1);
    assert!(refused.stdout.contains("TFS301"), "{}", refused.said());
    transcript.chapter(
        "Install metrics-server",
        "It runs, and the kubelet's certificate is signed by nobody whom it knows: its own log says so.",
    );
    let refused = transcript.types(&format!("{AUTOSCALE} --install-metrics-server --timeout 60s"), 1);
    assert!(refused.said().contains("TFS303"), "{}", refused.said());
    assert!(refused.said().contains("x509"), "{}", refused.said());
    transcript.chapter(
        "Repair it",
        "`--kubelet-insecure-tls` is for a cluster of one's own; [metrics-server-tls.md](metrics-server-tls.md) is for all others.",
    );
    let repaired =
        format!("{AUTOSCALE} --install-metrics-server --kubelet-insecure-tls --scale-down-window 30s");
    transcript.types(&repaired, 0);
}

fn request() -> PathBuf {
    sandbox().directory().join("request.json")
}

fn predicted(transcript: &mut Transcript) {
    transcript.chapter("Ask it", "The model's signature makes the request.");
    let predict = format!("tfserve predict image-classifier -n {NAMESPACE}");
    let mut example = kubectl(&format!("{predict} --example")).expect_code(0);
    std::fs::write(request(), &example.stdout).expect("the request is written");
    example.stdout.clear();
    let at = transcript.seconds();
    transcript.shows(&format!("{predict} --example > request.json"), &example, at);
    let mut answer = kubectl(&format!("{predict} -f {}", request().display())).expect_code(0);
    let scores = answer.json()["predictions"][0].as_array().map_or(0, Vec::len);
    assert_eq!(scores, 1000, "{}", answer.stderr);
    answer.stdout = format!("{scores}\n");
    let at = transcript.seconds();
    let counted = format!("{predict} -f request.json | jq '.predictions[0] | length'");
    transcript.shows(&counted, &answer, at);
}

fn loaded(transcript: &mut Transcript) {
    transcript.chapter(
        "Load it",
        "In one terminal; [the page that it wrote](resnet101-load.html) has the chart.",
    );
    let load = Load::start();
    until_scaled(4);
    let top = format!("tfserve top image-classifier -n {NAMESPACE}");
    let meanwhile = kubectl(&top).expect_code(0);
    let at_meanwhile = transcript.seconds();
    assert!(meanwhile.stdout.contains(WORKLOAD), "{}", meanwhile.said());
    let report = load.ended();
    let at = transcript.seconds();
    transcript.shows(LOAD, &report, at);
    for words in ["→ 4 at", "back at 1 replica"] {
        assert!(report.stdout.contains(words), "{words}: {}", report.stdout);
    }
    transcript.chapter("Meanwhile, in another", "Once four replicas were wanted:");
    transcript.shows(&top, &meanwhile, at_meanwhile);
    until_scaled(1);
    transcript.chapter(
        "And afterwards",
        "An HPA that is fine is quiet, whatever old events say.",
    );
    transcript.types(&format!("tfserve explain-hpa {WORKLOAD} -n {NAMESPACE}"), 0);
}

fn log(name: &str) -> PathBuf {
    sandbox().directory().join("logs").join(name)
}

/// Users of the model, on the node, where the Service's address answers.
struct Load(Child);

impl Load {
    fn start() -> Self {
        let mut command = sandbox()
            .in_network(env!("CARGO_BIN_EXE_kubectl-tfserve"))
            .expect("a real node");
        let file = |name: &str| File::create(log(name)).expect("a log");
        let child = command
            .args(LOAD.split_whitespace().skip(1))
            .current_dir(sandbox().directory())
            .env("PATH", path())
            .env("KUBECONFIG", sandbox().kubeconfig())
            .stdin(Stdio::null())
            .stdout(file("load.txt"))
            .stderr(file("load.log"))
            .spawn()
            .expect("the load starts");
        Self(child)
    }

    /// Its report.
    fn ended(mut self) -> Ran {
        let code = until_within(Duration::from_secs(600), "the load and its cool-down end", || {
            self.0.try_wait().expect("a child").map(|status| status.code())
        });
        let read = |name| std::fs::read_to_string(log(name)).expect("what the load printed");
        let ran = Ran {
            code: code.unwrap_or(-1),
            stdout: read("load.txt"),
            stderr: read("load.log"),
        };
        ran.expect_code(0)
    }
}

impl Drop for Load {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn until_within<T>(time: Duration, what: &str, mut ask: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + time;
    loop {
        if let Some(answer) = ask() {
            return answer;
        }
        assert!(
            Instant::now() < deadline,
            "waited {} s until {what}\n{}\n{}",
            time.as_secs(),
            kubectl(&format!("tfserve explain-hpa {WORKLOAD} -n {NAMESPACE}")).said(),
            std::fs::read_to_string(log("load.log")).unwrap_or_default()
        );
        std::thread::sleep(Duration::from_secs(1));
    }
}

/// Waits until the autoscaler wants so many replicas.
fn until_scaled(wanted: u32) {
    until_within(
        Duration::from_secs(600),
        &format!("{wanted} replicas are wanted"),
        || {
            let replicas = field(NAMESPACE, &format!("hpa/{WORKLOAD}"), "{.status.desiredReplicas}");
            (replicas == wanted.to_string()).then_some(())
        },
    );
}
