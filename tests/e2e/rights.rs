//! People with few rights, on the roles that the documentation offers.

use std::path::Path;

use serde_json::{Value, json};
use tfserve_sandbox::MetricsServer;

use crate::support::{Ran, apply, explain, field, kubectl, sandbox, until, unwrapped, with_metrics_server};
use crate::workloads::{container, cpu, deployment, hpa, requested};

fn role(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/rbac").join(name);
    path.display().to_string()
}

fn bind(user: &str, roles: &[&str]) {
    for role in roles {
        kubectl(&format!(
            "create clusterrolebinding {user}-{role} --clusterrole={role} --user={user}"
        ))
        .expect_code(0);
    }
}

fn ask(namespace: &str, user: &str, arguments: &str) -> Ran {
    kubectl(&format!(
        "tfserve explain-hpa {arguments} -n {namespace} --as {user} -o json --fail-on never"
    ))
    .expect_code(0)
}

fn missing(answer: &Value) -> Vec<String> {
    let facts = answer["notReadable"].as_array().into_iter().flatten();
    facts
        .filter_map(|fact| Some(fact["needs"].as_str()?.to_owned()))
        .collect()
}

#[test]
fn each_documented_role_does_what_it_says() {
    let space = sandbox().namespace("rights").expect("a namespace");
    let namespace = space.name();
    let _turn = with_metrics_server(MetricsServer::Absent);
    let files = ["minimal.yaml", "namespace.yaml", "cluster.yaml"].map(role);
    kubectl(&format!("apply -f {}", files.join(" -f "))).expect_code(0);
    bind("rights-none", &["kubectl-tfserve-minimal"]);
    bind("rights-team", &["kubectl-tfserve-namespace"]);
    bind(
        "rights-all",
        &["kubectl-tfserve-namespace", "kubectl-tfserve-cluster"],
    );
    apply(&[
        deployment(namespace, "web", &[requested()]),
        hpa(namespace, "Deployment", "web", &cpu(60)),
    ]);
    until("the controller misses the metrics API", || {
        let reason = "{.status.conditions[?(@.type=='ScalingActive')].reason}";
        (field(namespace, "hpa/web", reason) == "FailedGetResourceMetric").then_some(())
    });

    let all = ask(namespace, "rights-all", "web").json();
    let first = &all["items"][0]["findings"][0];
    assert_eq!(first["code"], "TFS301", "{all:#}");
    assert_eq!(first["confidence"], "proven", "{all:#}");
    assert_eq!(all["notReadable"], json!([]), "{all:#}");
    // What other tests break or remove meanwhile cannot be read by anybody; a right is never missing.
    let everywhere = kubectl("tfserve explain-hpa -A --as rights-all -o json --fail-on never").expect_code(0);
    assert_eq!(missing(&everywhere.json()), [""; 0], "{}", everywhere.stdout);

    // Pods and usage, and nothing of the cluster: the usage itself is a 404, which proves nothing more.
    let team = ask(namespace, "rights-team", "web").json();
    assert_eq!(team["items"][0]["findings"][0]["code"], "TFS301", "{team:#}");
    assert_ne!(
        team["items"][0]["findings"][0]["confidence"], "proven",
        "{team:#}"
    );
    assert_eq!(
        missing(&team),
        ["get apiservices.apiregistration.k8s.io"],
        "{team:#}"
    );

    let none = ask(namespace, "rights-none", "web").json();
    assert_eq!(none["items"][0]["findings"][0]["code"], "TFS301", "{none:#}");
    assert_eq!(
        none["items"][0]["findings"][0]["confidence"], "likely",
        "{none:#}"
    );
    let rights = missing(&none).join("\n");
    for right in ["get apiservices", "get deployments.apps", "list events"] {
        assert!(rights.contains(right), "{right} is not asked for in {rights}");
    }

    // Whoever may not even list the HPAs gets one clear error.
    let refused = kubectl(&format!(
        "tfserve explain-hpa web -n {namespace} --as rights-nobody"
    ));
    let refused = refused.expect_code(3);
    assert!(
        refused.stderr.contains("list horizontalpodautoscalers"),
        "{}",
        refused.stderr
    );
}

fn bind_in(namespace: &str, user: &str, roles: &[&str]) {
    for role in roles {
        kubectl(&format!(
            "create rolebinding {user}-{role} -n {namespace} --clusterrole={role} --user={user}"
        ))
        .expect_code(0);
    }
}

/// What the checks of `autoscale` may not read is said, and blocks nothing.
#[test]
fn each_role_of_autoscale_does_what_it_says() {
    let space = sandbox().namespace("rights-scale").expect("a namespace");
    let namespace = space.name();
    let _turn = with_metrics_server(MetricsServer::Ready);
    let files = ["namespace.yaml", "cluster.yaml", "autoscale.yaml"].map(role);
    kubectl(&format!("apply -f {}", files.join(" -f "))).expect_code(0);
    let (team, scale) = ("kubectl-tfserve-namespace", "kubectl-tfserve-autoscale");
    bind_in(namespace, "rights-reader", &[team]);
    bind_in(namespace, "rights-scaler", &[team, scale]);
    bind_in(namespace, "rights-planner", &[team, scale]);
    bind(
        "rights-planner",
        &["kubectl-tfserve-room", "kubectl-tfserve-cluster"],
    );
    apply(&[deployment(namespace, "web", &[requested()])]);
    let autoscale = |user: &str, max: u32| {
        let ran = kubectl(&format!(
            "tfserve autoscale web --cpu 60% --max {max} -n {namespace} --as {user} --wait=false"
        ));
        (ran.code, ran.stderr.replace(namespace, "NAMESPACE"))
    };

    let (code, said) = autoscale("rights-reader", 4);
    assert_eq!(code, 3, "{said}");
    insta::assert_snapshot!("may_not_write_the_hpa", said);

    let (code, said) = autoscale("rights-scaler", 4);
    assert_eq!(code, 0, "{said}");
    insta::assert_snapshot!("may_not_list_nodes", said);

    let (code, said) = autoscale("rights-planner", 4);
    assert_eq!((code, said.as_str()), (0, ""), "all of it was checked");
    let (code, said) = autoscale("rights-planner", 100_000);
    assert_eq!(code, 0, "{said}");
    assert!(said.contains("TFS710") && !said.contains("not checked"), "{said}");
}

/// The quotas are of the namespace, and their right is in the same role: whoever has none of it is told so.
#[test]
fn quotas_that_may_not_be_listed_are_said_to_be_unchecked() {
    let space = sandbox().namespace("rights-quota").expect("a namespace");
    let namespace = space.name();
    let _turn = with_metrics_server(MetricsServer::Ready);
    // The documented role without the right to list quotas.
    let documented = std::fs::read_to_string(role("namespace.yaml")).expect("the documented role");
    let poorer = documented
        .replace(", resourcequotas]", "]")
        .replace("kubectl-tfserve-namespace", "rights-without-quotas");
    assert!(!poorer.contains("resourcequotas"), "{poorer}");
    sandbox().apply_yaml(&poorer).expect("a role");
    bind_in(namespace, "rights-writer", &["rights-without-quotas"]);
    kubectl(&format!(
        "create role writer -n {namespace} --verb=get,create,patch --resource=horizontalpodautoscalers.autoscaling"
    ))
    .expect_code(0);
    kubectl(&format!(
        "create rolebinding writer -n {namespace} --role=writer --user=rights-writer"
    ))
    .expect_code(0);
    apply(&[deployment(namespace, "web", &[requested()])]);
    let ran = kubectl(&format!(
        "tfserve autoscale web --cpu 60% --max 4 -n {namespace} --as rights-writer --wait=false"
    ))
    .expect_code(0);
    insta::assert_snapshot!("may_not_list_quotas", ran.stderr.replace(namespace, "NAMESPACE"));
}

#[test]
fn up_does_with_its_role_what_the_documentation_says() {
    let space = sandbox().namespace("rights-up").expect("a namespace");
    let namespace = space.name();
    kubectl(&format!("apply -f {}", role("up.yaml"))).expect_code(0);
    kubectl(&format!(
        "create rolebinding up -n {namespace} --clusterrole=kubectl-tfserve-up --user={namespace}"
    ))
    .expect_code(0);
    let up = |words: &str| kubectl(&format!("tfserve up {words} -n {namespace} --as {namespace}"));
    let served = up("m --model gs://m/a --service-account default").expect_code(0);
    assert!(served.stdout.contains("pods     1 ready"), "{}", served.stdout);
    for missing in ["not checked", "forbidden"] {
        assert!(!served.stderr.contains(missing), "{}", served.stderr);
        assert!(!served.stdout.contains(missing), "{}", served.stdout);
    }
    let large = "m --model gs://m/a --cpu 1000 --timeout 20s";
    let blind = up(large).expect_code(3);
    assert!(
        unwrapped(&blind.stdout).contains("nodes not readable: needs list nodes"),
        "{}",
        blind.stdout
    );
    kubectl(&format!(
        "create clusterrolebinding {namespace} --clusterrole=kubectl-tfserve-up-cluster --user={namespace}"
    ))
    .expect_code(0);
    let seeing = up(large).expect_code(3);
    assert!(
        unwrapped(&seeing.stdout).contains("it asks for 1000, and the most that is free on one node is"),
        "{}",
        seeing.stdout
    );
    let made = kubectl(&format!(
        "tfserve up m --model gs://m/a --create-namespace --wait=false -n {namespace}-new --as {namespace}"
    ));
    // It may make the namespace, and not write into it.
    assert!(made.stderr.contains("nothing was written"), "{}", made.stderr);
    kubectl(&format!("delete clusterrolebinding {namespace}")).expect_code(0);
}

/// The controller names a request that is missing, and whoever asks may not look at the pods.
#[test]
fn a_cause_that_one_may_not_see_is_called_hidden() {
    let space = sandbox().namespace("rights-blind").expect("a namespace");
    let namespace = space.name();
    let _turn = with_metrics_server(MetricsServer::Ready);
    kubectl(&format!("apply -f {}", role("minimal.yaml"))).expect_code(0);
    bind("rights-blind", &["kubectl-tfserve-minimal"]);
    apply(&[
        deployment(namespace, "web", &[container("app", &json!({}))]),
        hpa(namespace, "Deployment", "web", &cpu(60)),
    ]);
    until("the controller misses the request", || {
        let message = "{.status.conditions[?(@.type=='ScalingActive')].message}";
        field(namespace, "hpa/web", message)
            .contains("missing request for cpu")
            .then_some(())
    });
    let blind = ask(namespace, "rights-blind", "web").json();
    let first = &blind["items"][0]["findings"][0];
    assert_eq!(first["code"], "TFS901", "{blind:#}");
    assert_eq!(blind["items"][0]["verdict"], "unknown", "{blind:#}");
    assert!(
        first["fix"].to_string().contains("get deployments.apps"),
        "{first:#}"
    );
    let seen = explain(namespace, "web")["findings"][0].clone();
    assert_eq!(seen["code"], "TFS401", "{seen:#}");
}
