//! A real node, alone and beside simulated ones. Nothing of it is left: no process, mount, namespace, control group, rule,
//! link or setting.

#![expect(clippy::expect_used, clippy::panic, reason = "a test may end with a panic")]

use std::process::Command;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use tfserve_sandbox::node::NODE;
use tfserve_sandbox::{Error, Options, SIMULATED_TAINT, Sandbox};

/// How many times in CI; twenty by `TFSERVE_NODE_CYCLES=20`.
const CYCLES: u32 = 2;

/// One node at a time: what is left of one is counted on the whole machine.
static TURN: Mutex<()> = Mutex::new(());

/// A node with these options; none where it cannot be, which is said.
fn node(options: &Options) -> Option<Sandbox> {
    match Sandbox::start(options) {
        Ok(sandbox) => Some(sandbox),
        Err(error @ (Error::NodeNeedsRoot | Error::UnsupportedPlatform)) => {
            eprintln!("not run: {error}");
            None
        }
        Err(error) => panic!("the node does not start: {error}"),
    }
}

#[test]
fn simulated_nodes_stand_beside_a_real_one() {
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    let options = Options {
        real_node: true,
        simulated_beside: 3,
        ..Options::default()
    };
    let Some(sandbox) = node(&options) else { return };
    let kubectl = |words: &str| {
        let output = sandbox.kubectl().args(words.split_whitespace()).output();
        String::from_utf8_lossy(&output.expect("kubectl runs").stdout).into_owned()
    };
    assert_eq!(kubectl("get nodes -o name").lines().count(), 4);
    sandbox
        .apply_yaml(&format!(
            r#"
apiVersion: apps/v1
kind: Deployment
metadata: {{name: many, namespace: default}}
spec:
  replicas: 100
  selector: {{matchLabels: {{app: many}}}}
  template:
    metadata: {{labels: {{app: many}}}}
    spec:
      tolerations: [{{key: {SIMULATED_TAINT}, operator: Exists}}]
      affinity:
        nodeAffinity:
          requiredDuringSchedulingIgnoredDuringExecution:
            nodeSelectorTerms: [{{matchExpressions: [{{key: kubernetes.io/hostname, operator: NotIn, values: [{NODE}]}}]}}]
      containers: [{{name: app, image: none}}]
---
apiVersion: v1
kind: Pod
metadata: {{name: real, namespace: default}}
spec:
  containers: [{{name: app, image: "sandbox.tfserve.dev/none:1", imagePullPolicy: Never}}]
"#
        ))
        .expect("the manifests apply");
    let deadline = Instant::now() + Duration::from_secs(120);
    loop {
        let ready = kubectl("get deployment many -o jsonpath={.status.readyReplicas}");
        // The real kubelet has no such image, and says so.
        let real = kubectl(
            "get pod real -o jsonpath={.spec.nodeName}/{.status.containerStatuses[0].state.waiting.reason}",
        );
        if ready == "100" && real == format!("{NODE}/ErrImageNeverPull") {
            break;
        }
        assert!(Instant::now() < deadline, "{ready} of 100, {real}");
        std::thread::sleep(Duration::from_millis(250));
    }
}

#[test]
fn nothing_is_left_of_a_node() {
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    let cycles =
        std::env::var("TFSERVE_NODE_CYCLES").map_or(CYCLES, |number| number.parse().expect("a number"));
    let options = Options {
        real_node: true,
        ..Options::default()
    };
    for cycle in 1..=cycles {
        let before = steady();
        let started = Instant::now();
        let Some(sandbox) = node(&options) else { return };
        eprintln!(
            "cycle {cycle}: ready after {:.1} s",
            started.elapsed().as_secs_f64()
        );
        let during = census();
        assert_ne!(
            before, during,
            "a node that leaves no trace while it runs is not counted rightly"
        );
        drop(sandbox);
        assert_eq!(before, steady(), "cycle {cycle}");
    }
}

/// The census when nothing changes any more: whatever ran before may still be on its way out.
fn steady() -> Vec<String> {
    let mut last = census();
    for _ in 0..20 {
        std::thread::sleep(Duration::from_secs(1));
        let now = census();
        if now == last {
            break;
        }
        last = now;
    }
    last
}

/// What a node may leave behind, sorted and counted by the host's own tools.
fn census() -> Vec<String> {
    let questions = [
        // A zombie is dead; this process has not waited for its children yet.
        "ps -eo stat,args | grep -E '[k]ubelet|[c]ontainerd|[k]ube-proxy|[/]pause' | grep -v '^Z' | wc -l",
        "ls /dev/shm /var/tmp | grep tfserve-sandbox | sort",
        "mount | grep -E 'tfserve-sandbox|kubelet|containerd' | wc -l",
        "ls /run/netns 2>/dev/null | wc -l",
        "find /sys/fs/cgroup -maxdepth 2 -name 'tfserve-sandbox-*' | sort",
        "ip -brief link | cut -d' ' -f1 | sort",
        "iptables-save 2>/dev/null | grep -c KUBE",
        "ls /var/log/containers /var/log/pods /var/lib/kubelet /var/lib/cni /run/containerd 2>/dev/null | wc -l",
        "cat /proc/sys/vm/overcommit_memory /proc/sys/kernel/panic /proc/sys/kernel/panic_on_oops",
    ];
    questions
        .iter()
        .map(|question| {
            let output = Command::new("sh")
                .args(["-c", question])
                .output()
                .expect("sh runs");
            format!("{question}\n{}", String::from_utf8_lossy(&output.stdout))
        })
        .collect()
}
