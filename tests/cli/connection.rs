//! What is between this machine and the API server, and what is said when it fails.

use std::time::{Duration, Instant};

use crate::fixtures::shop;
use crate::mock::{Fault, World};
use crate::run::{Stage, command, file, kubeconfig, offline, outcome};

#[test]
fn without_a_kubeconfig_it_says_where_it_looked() {
    let outcome = offline(&["explain-hpa", "web"]);
    assert_eq!(outcome.code, 3);
    assert_eq!(
        outcome.error(),
        "there is no kubeconfig; looked for /nonexistent/.kube/config; set `KUBECONFIG` or give `--kubeconfig`"
    );
}

#[test]
fn a_kubeconfig_that_is_named_must_exist() {
    let outcome = offline(&["explain-hpa", "--kubeconfig", "/nonexistent/file"]);
    assert_eq!(outcome.code, 3);
    assert!(
        outcome
            .error()
            .starts_with("cannot read the kubeconfig /nonexistent/file: "),
        "{}",
        outcome.stderr
    );
}

#[test]
fn a_wrong_context_is_answered_with_those_that_exist() {
    let stage = Stage::new(shop(&["web"]));
    let outcome = stage.run(&["explain-hpa", "--context", "nowhere"]);
    assert_eq!(outcome.code, 3);
    assert_eq!(
        outcome.error(),
        "the kubeconfig has no context `nowhere`; its contexts: `here`, `there`"
    );
    for (flag, kind, existing) in [
        ("--cluster", "cluster", "clusters: `mock`"),
        ("--user", "user", "users: `jane`"),
    ] {
        let outcome = stage.run(&["top", flag, "nowhere"]);
        assert_eq!(
            outcome.error(),
            format!("the kubeconfig has no {kind} `nowhere`; its {existing}")
        );
    }
}

#[test]
fn a_missing_login_command_shows_the_install_hint() {
    let stage = Stage::new(World::default());
    let user = "{exec: {apiVersion: client.authentication.k8s.io/v1, command: no-such-login, interactiveMode: Never, \
                installHint: 'install it with: pipx install no-such-login'}}";
    let path = file(stage.directory.path(), "exec", &kubeconfig(&stage.mock.url, user));
    let outcome = offline(&["explain-hpa", "--kubeconfig", &path]);
    assert_eq!(outcome.code, 3);
    assert_eq!(
        outcome.error(),
        "cannot run the login command of user `jane`: No such file or directory (os error 2); \
         install it with: pipx install no-such-login"
    );
}

#[test]
fn files_of_kubeconfig_are_merged_and_missing_ones_passed_over() {
    let stage = Stage::new(shop(&["web"]));
    let first = file(
        stage.directory.path(),
        "first",
        "apiVersion: v1\nkind: Config\ncurrent-context: ''\n",
    );
    let paths = std::env::join_paths([
        "/nonexistent/x",
        &first,
        &stage.kubeconfig().display().to_string(),
    ])
    .unwrap();
    let outcome = outcome(command(&["explain-hpa", "--fail-on=never"]).env("KUBECONFIG", paths));
    assert_eq!(outcome.code, 0, "{}", outcome.stderr);
}

#[test]
fn a_server_that_is_not_there_is_named() {
    let directory = tempfile::tempdir().unwrap();
    let path = file(
        directory.path(),
        "kubeconfig",
        &kubeconfig("http://127.0.0.1:1", "{}"),
    );
    let outcome = offline(&["explain-hpa", "--kubeconfig", &path]);
    assert_eq!(outcome.code, 3);
    assert_eq!(
        outcome.error(),
        "cannot list horizontalpodautoscalers.autoscaling in namespace shop: http://127.0.0.1:1 cannot be reached: \
         Connection refused (os error 111); check that the cluster runs and that context `here` is the right one"
    );
}

#[test]
fn a_server_that_speaks_no_tls_is_told_apart() {
    let stage = Stage::new(World::default());
    let url = stage.mock.url.replace("http:", "https:");
    let path = file(stage.directory.path(), "tls", &kubeconfig(&url, "{}"));
    let outcome = offline(&["explain-hpa", "--kubeconfig", &path]);
    assert_eq!(outcome.code, 3);
    assert!(
        outcome.error().contains(&format!("{url} does not speak TLS")),
        "{}",
        outcome.stderr
    );
}

#[test]
fn credentials_that_are_refused_end_it() {
    let mut world = shop(&["web"]);
    world.faults.push(("/", Fault::Refuse(401)));
    let outcome = Stage::new(world).run(&["explain-hpa"]);
    assert_eq!(outcome.code, 3);
    assert!(
        outcome
            .error()
            .contains("does not accept the credentials of user `jane` (401 Unauthorized)")
    );
}

#[test]
fn hpas_that_may_not_be_listed_end_it_with_the_missing_right() {
    let mut world = shop(&["web"]);
    world.faults.push(("/", Fault::Refuse(403)));
    let outcome = Stage::new(world).run(&["explain-hpa", "web"]);
    assert_eq!(outcome.code, 3);
    assert!(
        outcome
            .error()
            .ends_with("`kubectl auth can-i list horizontalpodautoscalers.autoscaling -n shop`"),
        "{}",
        outcome.stderr
    );
}

#[test]
fn a_slow_server_is_given_up_in_time() {
    let mut world = shop(&["web"]);
    world.faults.push(("horizontalpodautoscalers", Fault::Hang));
    let start = Instant::now();
    let outcome = Stage::new(world).run(&["explain-hpa", "--request-timeout", "300ms"]);
    assert_eq!(outcome.code, 3);
    assert!(outcome.error().contains("within 300ms"), "{}", outcome.stderr);
    // The server answers after ten seconds.
    assert!(start.elapsed() < Duration::from_secs(9));
}

#[test]
fn a_server_that_goes_away_midway_is_no_diagnosis() {
    let mut world = shop(&["web"]);
    for part in ["/pods", "/deployments", "/events"] {
        world.faults.push((part, Fault::Disconnect));
    }
    let outcome = Stage::new(world).run(&["explain-hpa"]);
    assert_eq!(outcome.code, 3);
    assert!(
        outcome.error().contains("cannot be reached"),
        "{}",
        outcome.stderr
    );
}

#[test]
fn impersonation_and_the_user_agent_arrive() {
    let stage = Stage::new(shop(&["web"]));
    let arguments = [
        "--as",
        "bob",
        "--as-group",
        "a",
        "--as-group",
        "b",
        "--as-uid",
        "7",
        "--fail-on",
        "never",
    ];
    let outcome = stage.run(&[&["explain-hpa"], &arguments[..]].concat());
    assert_eq!(outcome.code, 0, "{}", outcome.stderr);
    for seen in stage.mock.requests() {
        let header = |name: &str| {
            seen.headers
                .get_all(name)
                .iter()
                .map(|value| value.to_str().unwrap())
                .collect::<Vec<_>>()
                .join("+")
        };
        assert_eq!(header("impersonate-user"), "bob");
        assert_eq!(header("impersonate-group"), "a+b");
        assert_eq!(header("impersonate-uid"), "7");
        assert_eq!(
            header("user-agent"),
            concat!("kubectl-tfserve/", env!("CARGO_PKG_VERSION"))
        );
        assert_eq!(header("accept-encoding"), "gzip");
    }
    assert_eq!(stage.run(&["top", "--as-group", "a"]).code, 3);
}
