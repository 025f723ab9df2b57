//! What kubectl is told while somebody types.

use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::json;

use crate::fixtures::shop;
use crate::mock::{Fault, World};
use crate::run::{Outcome, Stage, command, file, kubeconfig, offline, outcome};

/// The words after `__complete`.
fn typed<'a>(words: &[&'a str]) -> Vec<&'a str> {
    [&["__complete", "--"], words].concat()
}

/// The choices without their help, and the directive.
fn choices(outcome: &Outcome) -> (Vec<&str>, &str) {
    assert_eq!((outcome.code, outcome.stderr.as_str()), (0, ""));
    let mut lines: Vec<&str> = outcome.stdout.lines().collect();
    let directive = lines.pop().unwrap();
    let values = lines.iter().map(|line| line.split('\t').next().unwrap());
    (values.collect(), directive)
}

#[track_caller]
fn expect(outcome: &Outcome, values: &[&str], directive: &str) {
    assert_eq!(choices(outcome), (values.to_vec(), directive));
}

#[test]
fn commands_come_with_what_they_do() {
    let outcome = offline(&typed(&[""]));
    let (values, directive) = choices(&outcome);
    for command in [
        "up",
        "autoscale",
        "predict",
        "down",
        "top",
        "load",
        "explain-hpa",
        "completion",
    ] {
        assert!(values.contains(&command), "{command} is not among {values:?}");
    }
    assert!(!outcome.stdout.contains("__complete"), "{}", outcome.stdout);
    assert!(
        outcome.stdout.contains("down\tRemove what up and autoscale made"),
        "{}",
        outcome.stdout
    );
    assert_eq!(directive, ":4");
    expect(&offline(&typed(&["expl"])), &["explain-hpa"], ":4");
}

#[test]
fn flags_come_when_a_dash_is_there() {
    let outcome = offline(&typed(&["explain-hpa", "--sa"]));
    expect(&outcome, &["--save-facts"], ":4");
    let outcome = offline(&typed(&["explain-hpa", "--name"]));
    expect(&outcome, &["--namespace"], ":4");
    let all = offline(&typed(&["up", "x", "-"]));
    assert!(choices(&all).0.contains(&"-n"), "{}", all.stdout);
    let nothing = offline(&typed(&["explain-hpa", ""]));
    expect(&nothing, &[], ":4");
}

#[test]
fn values_come_where_only_some_are_possible() {
    expect(
        &offline(&typed(&["explain-hpa", "-o", ""])),
        &["text", "json", "yaml"],
        ":4",
    );
    expect(&offline(&typed(&["top", "--output=j"])), &["json"], ":4");
    expect(
        &offline(&typed(&["up", "x", "--service-type", "N"])),
        &["NodePort"],
        ":4",
    );
    let outcome = offline(&typed(&["explain-hpa", "--code", "tfs301"]));
    assert_eq!(outcome.stdout, "TFS301\tmetrics-api-not-registered\n:4\n");
    expect(&offline(&typed(&["up", "x", "--model", "g"])), &["gs://"], ":6");
}

#[test]
fn files_are_left_to_the_shell() {
    expect(&offline(&typed(&["explain-hpa", "--facts", "f"])), &[], ":0");
    expect(&offline(&typed(&["up", "x", "--kustomize=d"])), &[], ":0");
    expect(
        &offline(&typed(&["completion", "install", "--dir", ""])),
        &[],
        ":16",
    );
}

/// The same with patience: this machine may be busy with other tests.
fn patient<'a>(words: &[&'a str]) -> Vec<&'a str> {
    let (command, rest) = words.split_first().unwrap();
    typed(&[&[*command, "--request-timeout", "60s"], rest].concat())
}

#[test]
fn names_are_those_of_the_cluster_that_the_words_mean() {
    let mut world = shop(&["web", "cart"]);
    world.collections.insert(
        "/api/v1/namespaces".to_owned(),
        ["shop", "shop-test", "default"]
            .iter()
            .map(|name| json!({"metadata": {"name": name}}))
            .collect(),
    );
    let stage = Stage::new(world);
    let path = stage.kubeconfig();
    let path = path.to_str().unwrap();
    let completed = |words: &[&str], values: &[&str]| expect(&stage.run(&patient(words)), values, ":4");
    completed(&["explain-hpa", ""], &["cart", "web"]);
    completed(&["explain-hpa", "cart", "w"], &["web"]);
    completed(&["autoscale", "deploy/c"], &["deploy/cart"]);
    completed(&["top", "-n", "sh"], &["shop", "shop-test"]);
    completed(&["top", "--namespace=shop-"], &["shop-test"]);
    completed(&["top", "--context", ""], &["here", "there"]);
    completed(&["top", "--cluster", ""], &["mock"]);
    // The context `there` has another namespace, without HPAs.
    completed(&["explain-hpa", "--context", "there", ""], &[]);
    let elsewhere = patient(&["explain-hpa", "--kubeconfig", path, "-n", "shop", "we"]);
    expect(&offline(&elsewhere), &["web"], ":4");
}

#[test]
fn a_cluster_that_refuses_is_not_waited_for_and_nothing_is_said() {
    for fault in [Fault::Refuse(403), Fault::Refuse(503), Fault::Disconnect] {
        let stage = Stage::new(World {
            faults: vec![("/", fault)],
            ..shop(&["web"])
        });
        let start = Instant::now();
        expect(&stage.run(&patient(&["explain-hpa", ""])), &[], ":4");
        let took = start.elapsed();
        assert!(took < Duration::from_secs(30), "{fault:?} took {took:?}");
    }
}

#[test]
fn a_cluster_that_hangs_costs_a_moment() {
    let stage = Stage::new(World {
        faults: vec![("/", Fault::Hang)],
        ..shop(&["web"])
    });
    let start = Instant::now();
    expect(&stage.run(&typed(&["explain-hpa", ""])), &[], ":4");
    // The server answers after ten seconds.
    assert!(start.elapsed() < Duration::from_secs(9), "{:?}", start.elapsed());
}

#[test]
fn without_a_cluster_nothing_is_waited_for() {
    let directory = tempfile::tempdir().unwrap();
    let nobody = file(
        directory.path(),
        "nobody",
        &kubeconfig("http://127.0.0.1:1", "{}"),
    );
    let broken = file(directory.path(), "broken", "clusters: {");
    for path in [nobody.as_str(), broken.as_str(), "/nonexistent/file"] {
        let start = Instant::now();
        let outcome = outcome(command(&patient(&["explain-hpa", ""])).env("KUBECONFIG", path));
        expect(&outcome, &[], ":4");
        assert!(
            start.elapsed() < Duration::from_secs(30),
            "{path}: {:?}",
            start.elapsed()
        );
    }
}

#[test]
fn a_login_command_that_hangs_does_not_hold_the_shell() {
    let stage = Stage::new(shop(&["web"]));
    let user = "{exec: {apiVersion: client.authentication.k8s.io/v1, command: sleep, args: ['30'], interactiveMode: Never}}";
    let path = file(stage.directory.path(), "exec", &kubeconfig(&stage.mock.url, user));
    let start = Instant::now();
    // A file, not a pipe: the login command inherits what nobody waits for.
    let output = std::fs::File::create(stage.directory.path().join("answer")).unwrap();
    let status = command(&typed(&["explain-hpa", ""]))
        .env("KUBECONFIG", path)
        .stdout(output)
        .stderr(std::process::Stdio::null())
        .status()
        .unwrap();
    assert!(status.success());
    assert!(start.elapsed() < Duration::from_secs(20), "{:?}", start.elapsed());
    let answer = std::fs::read_to_string(stage.directory.path().join("answer")).unwrap();
    assert_eq!(answer, ":4\n");
}

#[test]
fn a_name_that_could_move_the_cursor_is_no_choice() {
    let stage = Stage::new(shop(&["web", "we\u{1b}[2Jb", "we\nb"]));
    expect(&stage.run(&patient(&["explain-hpa", "we"])), &["web"], ":4");
}

#[test]
fn the_script_is_installed_once_and_nobody_elses_is_touched() {
    let directory = tempfile::tempdir().unwrap();
    let install = |path: &Path| {
        outcome(command(&["completion", "install"]).env("PATH", std::env::join_paths([path]).unwrap()))
    };
    let script = directory.path().join("kubectl_complete-tfserve");
    let none = install(directory.path());
    assert_eq!(none.code, 3);
    assert!(none.error().contains("name one with `--dir`"), "{}", none.stderr);

    std::fs::write(directory.path().join("kubectl-tfserve"), "").unwrap();
    for change in ["created", "unchanged"] {
        let outcome = install(directory.path());
        assert_eq!(outcome.stdout, format!("{} {change}\n", script.display()));
    }
    assert_eq!(
        std::fs::read_to_string(&script).unwrap(),
        offline(&["completion", "print"]).stdout
    );
    std::fs::write(
        &script,
        "#!/bin/sh\n# Written by `kubectl tfserve completion`, version 0\n",
    )
    .unwrap();
    assert!(install(directory.path()).stdout.ends_with(" configured\n"));

    std::fs::write(&script, "#!/bin/sh\necho mine\n").unwrap();
    let foreign = install(directory.path());
    assert_eq!(foreign.code, 3);
    assert!(foreign.error().contains("stays: remove it"), "{}", foreign.stderr);
    assert_eq!(
        std::fs::read_to_string(&script).unwrap(),
        "#!/bin/sh\necho mine\n"
    );

    let nowhere = offline(&["completion", "install", "--dir", "/nonexistent/bin"]);
    assert_eq!(nowhere.code, 3);
    assert!(nowhere.error().starts_with("cannot write "), "{}", nowhere.stderr);
}
