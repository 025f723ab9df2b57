//! Nothing of a node is left: no process, mount, namespace, control group, rule, link or setting.

#![expect(clippy::expect_used, clippy::panic, reason = "a test may end with a panic")]

use std::process::Command;
use std::time::Duration;

use tfserve_sandbox::{Error, Options, Sandbox};

/// How many times in CI; twenty by `TFSERVE_NODE_CYCLES=20`.
const CYCLES: u32 = 2;

#[test]
fn nothing_is_left_of_a_node() {
    let cycles =
        std::env::var("TFSERVE_NODE_CYCLES").map_or(CYCLES, |number| number.parse().expect("a number"));
    let options = Options {
        real_node: true,
        ..Options::default()
    };
    for cycle in 1..=cycles {
        let before = steady();
        let started = std::time::Instant::now();
        let sandbox = match Sandbox::start(&options) {
            Ok(sandbox) => sandbox,
            Err(error @ (Error::NodeNeedsRoot | Error::UnsupportedPlatform)) => {
                eprintln!("not run: {error}");
                return;
            }
            Err(error) => panic!("the node does not start: {error}"),
        };
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
        "ls /dev/shm | grep tfserve-sandbox | sort",
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
