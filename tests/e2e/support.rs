//! What every test on the cluster needs.

use std::ffi::OsString;
use std::fmt::Write as _;
use std::net::IpAddr;
use std::path::PathBuf;
use std::process::{Command, Output};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use tfserve_sandbox::{MetricsServer, Release, Sandbox};

/// The cluster that all tests of this binary share.
pub(crate) fn sandbox() -> &'static Sandbox {
    Sandbox::shared().unwrap_or_else(|error| panic!("the sandbox does not start: {error}"))
}

/// Whether the cluster is of the release or a newer one; else says loudly what is not tested, and why.
pub(crate) fn since(first: Release, why: &str) -> bool {
    let release = Release::from_environment().expect("a release");
    let is = release >= first;
    if !is {
        eprintln!("SKIPPED on {release:?}: {why}");
    }
    is
}

/// The cluster with its metrics pipeline in a known state, for one test at a time: the state is the whole
/// cluster's.
pub(crate) fn with_metrics_server(state: MetricsServer) -> MutexGuard<'static, ()> {
    static TURN: Mutex<()> = Mutex::new(());
    let turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    // Whatever the test before has left, the product's own metrics-server among it, goes first.
    for state in [MetricsServer::Absent, state] {
        sandbox()
            .metrics_server(state)
            .unwrap_or_else(|error| panic!("metrics-server does not become {state:?}: {error}"));
    }
    turn
}

/// What a command printed, and its exit code.
pub(crate) struct Ran {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Ran {
    /// Its JSON.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.stdout)
            .unwrap_or_else(|error| panic!("no JSON ({error}): {}\n{}", self.stdout, self.stderr))
    }

    /// The first HPA's explanation.
    pub(crate) fn explanation(&self) -> Value {
        self.json()["items"][0].clone()
    }

    /// Everything that it said but what it waited for, which depends on the time.
    pub(crate) fn said(&self) -> String {
        let talk: Vec<&str> = self
            .stderr
            .lines()
            .filter(|line| !line.starts_with("waiting"))
            .collect();
        format!(
            "exit code {}\n{}--- stderr\n{}\n",
            self.code,
            self.stdout,
            talk.join("\n")
        )
    }

    #[track_caller]
    pub(crate) fn expect_code(self, code: i32) -> Self {
        assert_eq!(
            self.code, code,
            "\nstdout:\n{}\nstderr:\n{}",
            self.stdout, self.stderr
        );
        self
    }
}

impl From<Output> for Ran {
    fn from(output: Output) -> Self {
        Self {
            code: output.status.code().unwrap_or(-1),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }
}

/// The path of a person who has kubectl and the plugin.
pub(crate) fn path() -> OsString {
    let plugin = PathBuf::from(env!("CARGO_BIN_EXE_kubectl-tfserve"));
    let directories = [
        plugin.parent().expect("a directory").to_owned(),
        sandbox().kubectl_directory(),
    ];
    let inherited = std::env::var_os("PATH").unwrap_or_default();
    std::env::join_paths(directories.into_iter().chain(std::env::split_paths(&inherited))).unwrap()
}

/// Applies objects.
#[track_caller]
pub(crate) fn apply(objects: &[Value]) {
    let mut manifests = String::new();
    for object in objects {
        write!(manifests, "---\n{object}\n").expect("a String takes all");
    }
    sandbox().apply_yaml(&manifests).expect("the manifests apply");
}

/// Types a repair of a finding as a person would, pipes and all.
#[track_caller]
pub(crate) fn type_fix(finding: &Value, index: usize) {
    let command = finding["fix"][index]["command"]
        .as_str()
        .unwrap_or_else(|| panic!("no command: {finding:#}"));
    let ran: Ran = Command::new("sh")
        .args(["-c", command])
        .env("PATH", path())
        .env("KUBECONFIG", sandbox().kubeconfig())
        .output()
        .expect("sh runs")
        .into();
    ran.expect_code(0);
}

/// Runs `kubectl WORDS…` with the plugin on its path; no argument holds a space.
pub(crate) fn kubectl(words: &str) -> Ran {
    let output = Command::new(sandbox().kubectl_directory().join("kubectl"))
        .args(words.split_whitespace())
        .env("PATH", path())
        .env("KUBECONFIG", sandbox().kubeconfig())
        .output()
        .expect("kubectl runs");
    output.into()
}

/// The explanation of an HPA, as JSON.
pub(crate) fn explain(namespace: &str, name: &str) -> Value {
    kubectl(&format!("tfserve explain-hpa {name} -n {namespace} -o json")).explanation()
}

/// How long anything may take that the cluster does by itself. A busy machine needs several times what a quiet one does,
/// and only a failure waits this long.
pub(crate) const PATIENCE: Duration = Duration::from_secs(300);

/// Waits until a question is answered, and returns the answer.
#[track_caller]
pub(crate) fn until<T>(what: &str, mut ask: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(answer) = ask() {
            return answer;
        }
        assert!(
            Instant::now() < deadline,
            "waited {} s until {what}",
            PATIENCE.as_secs()
        );
        std::thread::sleep(Duration::from_millis(250));
    }
}

/// One field of an object.
pub(crate) fn field(namespace: &str, object: &str, jsonpath: &str) -> String {
    kubectl(&format!("get {object} -n {namespace} -o jsonpath={jsonpath}")).stdout
}

/// The code of the first finding of an explanation.
pub(crate) fn code(explanation: &Value) -> &str {
    explanation["findings"][0]["code"].as_str().unwrap_or("none")
}

/// Waits until so many pods match, all of them are ready, and each has a sample that the controller counts: one whose
/// window began after the pod became ready. What the controller decides by fewer samples is another decision.
#[track_caller]
pub(crate) fn samples_count(namespace: &str, selector: &str, pods: usize) {
    until(
        &format!("{pods} samples of {selector} in {namespace} count"),
        || {
            let found = kubectl(&format!("get pods -n {namespace} -l {selector} -o json")).json();
            let found = found["items"].as_array()?;
            let usage = format!("get --raw /apis/metrics.k8s.io/v1beta1/namespaces/{namespace}/pods");
            let samples = serde_json::from_str::<Value>(&kubectl(&usage).stdout).ok()?;
            let samples = samples["items"].as_array()?;
            let counts = |pod: &&Value| {
                let name = &pod["metadata"]["name"];
                let sample = samples.iter().find(|sample| sample["metadata"]["name"] == *name);
                ready_since(pod)
                    .is_some_and(|since| sample.and_then(window_began).is_some_and(|began| began >= since))
            };
            (found.len() == pods && found.iter().filter(counts).count() == pods).then_some(())
        },
    );
}

fn ready_since(pod: &Value) -> Option<DateTime<Utc>> {
    let mut conditions = pod["status"]["conditions"].as_array()?.iter();
    let ready = conditions.find(|condition| condition["type"] == "Ready" && condition["status"] == "True")?;
    ready["lastTransitionTime"].as_str()?.parse().ok()
}

/// When the window of a sample began.
fn window_began(sample: &Value) -> Option<DateTime<Utc>> {
    let end: DateTime<Utc> = sample["timestamp"].as_str()?.parse().ok()?;
    let window = kubectl_tfserve::duration::parse_duration(sample["window"].as_str()?).ok()?;
    Some(end - window)
}

/// Waits until so many pods have the label `app` and run, and returns their names.
#[track_caller]
pub(crate) fn running(namespace: &str, app: &str, pods: usize) -> Vec<String> {
    until(&format!("{pods} pods of {app} run"), || {
        let phases = kubectl(&format!(
            "get pods -n {namespace} -l app={app} -o jsonpath={{.items[*].status.phase}}"
        ));
        (phases.stdout.matches("Running").count() == pods).then_some(())
    });
    sandbox()
        .pod_names(namespace, &format!("app={app}"))
        .expect("pods")
}

/// Patches the status of a pod, by a patch of `kind`: `json`, `merge` or `strategic`.
#[track_caller]
pub(crate) fn patch_status(namespace: &str, pod: &str, kind: &str, patch: &Value) {
    let (kind, patch) = (format!("--type={kind}"), patch.to_string());
    let words = [
        "patch",
        "pod",
        pod,
        "-n",
        namespace,
        "--subresource=status",
        &kind,
        "-p",
        &patch,
    ];
    sandbox()
        .run_kubectl(&words, None)
        .expect("the status is patched");
}

/// Gives a pod the address of something that really listens there.
#[track_caller]
pub(crate) fn place(namespace: &str, pod: &str, address: IpAddr) {
    let status = json!({"status": {"podIP": address, "podIPs": [{"ip": address}]}});
    patch_status(namespace, pod, "merge", &status);
}

/// A page without its line breaks.
pub(crate) fn unwrapped(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
