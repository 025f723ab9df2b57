//! `explain-hpa --watch`: a world that changes under it.

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::fixtures::{EVENTS, HPAS, USAGE, hpa, shop};
use crate::mock::{Fault, World};
use crate::run::{Stage, command};

/// How long something may take that happens at once.
const PATIENCE: Duration = Duration::from_secs(120);

/// The running binary, line by line.
struct Watch {
    child: Child,
    stdout: Receiver<String>,
    stderr: Receiver<String>,
}

impl Watch {
    fn start(stage: &Stage, arguments: &[&str]) -> Self {
        let all = [&["explain-hpa", "--watch", "--interval", "100ms"], arguments].concat();
        let mut child = command(&all)
            .env("KUBECONFIG", stage.kubeconfig())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let (stdout, stderr) = (child.stdout.take().unwrap(), child.stderr.take().unwrap());
        Self {
            child,
            stdout: lines(stdout),
            stderr: lines(stderr),
        }
    }

    /// The next line of standard output.
    fn next(&self) -> String {
        self.stdout.recv_timeout(PATIENCE).unwrap()
    }

    /// The next line, whose time is left out.
    fn next_event(&self) -> String {
        without_time(&self.next())
    }

    fn next_json(&self) -> Value {
        serde_json::from_str(&self.next()).unwrap()
    }

    /// The lines up to the first one that contains a text.
    fn until(&self, text: &str) -> String {
        let mut page = String::new();
        while !page.contains(text) {
            page.push_str(&self.next());
            page.push('\n');
        }
        page
    }

    /// Ctrl-C; then what is left on standard output, on standard error, and the exit code.
    fn interrupt(mut self) -> (Vec<String>, Vec<String>, i32) {
        let id = self.child.id().to_string();
        assert!(
            Command::new("kill")
                .args(["-INT", &id])
                .status()
                .unwrap()
                .success()
        );
        let code = self.end();
        (self.stdout.iter().collect(), self.stderr.iter().collect(), code)
    }

    /// The exit code of the binary, which ends now.
    fn end(&mut self) -> i32 {
        let start = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status.code().unwrap_or(-1);
            }
            assert!(start.elapsed() < PATIENCE, "it does not end");
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        // It has ended already, unless the test failed.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn lines(pipe: impl Read + Send + 'static) -> Receiver<String> {
    let (sender, receiver) = channel();
    std::thread::spawn(move || {
        for line in BufReader::new(pipe).lines().map_while(Result::ok) {
            if sender.send(line).is_err() {
                return;
            }
        }
    });
    receiver
}

/// A line without its `08:15:02 UTC  `.
fn without_time(line: &str) -> String {
    let (time, rest) = line
        .split_once(" UTC  ")
        .unwrap_or_else(|| panic!("no time: {line}"));
    assert_eq!(time.len(), "08:15:02".len(), "{line}");
    rest.to_owned()
}

/// A shop of these HPAs whose pods use so much. Worlds differ in what one request reads: the world may change between
/// two requests of a reading.
fn at(names: &[&str], cpu: &str) -> World {
    let mut world = shop(&["cart", "other", "web"]);
    world.collections.insert(EVENTS.to_owned(), Vec::new());
    let hpas = names.iter().map(|name| hpa(name, "apps/v1", "Deployment"));
    world.collections.insert(HPAS.to_owned(), hpas.collect());
    for sample in world.collections.get_mut(USAGE).unwrap() {
        sample["containers"][0]["usage"]["cpu"] = cpu.into();
    }
    world
}

/// A shop whose HPAs scale what does not exist.
fn astray(names: &[&str]) -> World {
    let mut world = at(names, "300m");
    for hpa in world.collections.get_mut(HPAS).unwrap() {
        hpa["spec"]["scaleTargetRef"]["name"] = "nothing".into();
    }
    world
}

#[test]
fn what_changes_is_told_in_a_line_and_a_new_cause_in_full() {
    let stage = Stage::new(at(&["web"], "300m"));
    let watch = Watch::start(&stage, &[]);
    let first = watch.until("✓");
    assert!(first.starts_with("shop/web  Deployment/web"), "{first}");

    // Usage alone is no change, and would be the next line.
    stage.mock.becomes(at(&["web"], "290m"));
    let seen = stage.mock.requests().len();
    wait(|| stage.mock.requests().len() > seen + 20);

    stage.mock.becomes(at(&["web"], "550m"));
    assert_eq!(
        watch.next_event(),
        "shop/web  healthy, 1 → 2 replicas: 110% of 60%: scales up from 1 to 2 now"
    );
    stage.mock.becomes(astray(&["web"]));
    let line = watch.next_event();
    assert!(line.starts_with("shop/web  healthy → broken"), "{line}");
    assert!(line.contains(": TFS"), "{line}");
    let page = watch.until("--code TFS");
    assert!(page.starts_with("\nshop/web  Deployment/nothing"), "{page}");
    assert_eq!(watch.next(), "");

    stage.mock.becomes(at(&["cart", "web"], "300m"));
    assert_eq!(
        watch.next_event(),
        "shop/cart  appeared, healthy: TFS601 60% of 60%: at the minimum of 1"
    );
    assert_eq!(
        watch.next_event(),
        "shop/web  broken → healthy, 1 replica: TFS601 60% of 60%: at the minimum of 1"
    );
    stage.mock.becomes(at(&["web"], "300m"));
    assert_eq!(watch.next_event(), "shop/cart  gone");
    assert_eq!(watch.interrupt(), (Vec::new(), Vec::new(), 0));
}

fn wait(condition: impl Fn() -> bool) {
    let start = Instant::now();
    while !condition() {
        assert!(start.elapsed() < PATIENCE, "it does not happen");
        std::thread::sleep(Duration::from_millis(10));
    }
}

#[test]
fn json_is_a_stream_of_compact_objects() {
    let stage = Stage::new(at(&["web"], "300m"));
    let watch = Watch::start(&stage, &["-o", "json"]);
    let list = watch.next_json();
    assert_eq!(list["kind"], "HpaExplanationList");
    assert_eq!(list["items"][0]["name"], "web");

    stage.mock.becomes(astray(&["web"]));
    let change = watch.next_json();
    assert_eq!(change["apiVersion"], "tfserve.dev/v1");
    assert_eq!(
        (&change["kind"], &change["change"]),
        (&"HpaChange".into(), &"changed".into())
    );
    assert_eq!(change["before"]["verdict"], "healthy");
    assert_eq!(change["before"]["decision"]["desiredReplicas"], 1);
    assert_eq!(change["after"]["verdict"], "broken");
    assert_eq!(
        change["after"]["code"],
        change["explanation"]["findings"][0]["code"]
    );

    // The exit code is that of the last state.
    let (stdout, stderr, code) = watch.interrupt();
    assert_eq!((stdout, stderr, code), (Vec::new(), Vec::new(), 1));
}

#[test]
fn a_name_that_is_gone_leaves_the_others() {
    let stage = Stage::new(at(&["cart", "web"], "300m"));
    let watch = Watch::start(&stage, &["cart", "web", "-o", "json"]);
    assert_eq!(watch.next_json()["items"].as_array().unwrap().len(), 2);
    stage.mock.becomes(at(&["other", "web"], "300m"));
    let change = watch.next_json();
    assert_eq!(
        (&change["name"], &change["change"]),
        (&"cart".into(), &"gone".into())
    );
    assert!(
        change["after"].is_null() && change["explanation"].is_null(),
        "{change}"
    );
    stage.mock.becomes(at(&["other"], "300m"));
    assert_eq!(watch.next_json()["name"], "web");
    stage.mock.becomes(at(&["cart", "other"], "300m"));
    let change = watch.next_json();
    assert_eq!(
        (&change["name"], &change["change"]),
        (&"cart".into(), &"appeared".into())
    );
    assert_eq!(watch.interrupt().2, 0);
}

#[test]
fn a_lost_connection_is_said_once_and_so_is_its_return() {
    let stage = Stage::new(at(&["web"], "300m"));
    let watch = Watch::start(&stage, &["web"]);
    watch.until("✓");
    let mut down = at(&["web"], "300m");
    down.faults.push(("/", Fault::Disconnect));
    stage.mock.becomes(down);
    let lost = without_time(&watch.stderr.recv_timeout(PATIENCE).unwrap());
    assert!(lost.starts_with("cannot list horizontalpodautoscalers"), "{lost}");
    assert!(lost.ends_with("; asking again every 100ms"), "{lost}");
    let seen = stage.mock.requests().len();
    wait(|| stage.mock.requests().len() > seen + 10);

    stage.mock.becomes(at(&["web"], "550m"));
    let back = without_time(&watch.stderr.recv_timeout(PATIENCE).unwrap());
    assert_eq!(back, "the cluster answers again");
    watch.until("1 → 2 replicas");
    assert_eq!(watch.interrupt(), (Vec::new(), Vec::new(), 0));
}

#[test]
fn a_reader_that_leaves_ends_it_quietly() {
    let stage = Stage::new(at(&["web"], "300m"));
    let all = ["explain-hpa", "--watch", "--interval", "100ms", "-o", "json"];
    let mut child = command(&all)
        .env("KUBECONFIG", stage.kubeconfig())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut reader = BufReader::new(child.stdout.take().unwrap());
    reader.read_line(&mut String::new()).unwrap();
    drop(reader);
    stage.mock.becomes(astray(&["web"]));
    let stderr = lines(child.stderr.take().unwrap());
    let mut watch = Watch {
        child,
        stdout: channel().1,
        stderr,
    };
    assert_eq!(watch.end(), 0);
    assert_eq!(watch.stderr.iter().collect::<Vec<_>>(), Vec::<String>::new());
}
