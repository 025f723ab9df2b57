//! `explain-hpa --facts` on what kubectl printed.

use serde_json::{Value, json};

use crate::fixtures::{DEPLOYMENTS, EVENTS, HPAS, PODS, USAGE, shop};
use crate::mock::World;
use crate::run::{Outcome, Stage, file, offline};

const API_SERVICES: &str = "/apis/apiregistration.k8s.io/v1/apiservices";
const ALL: [(&str, &str, &str); 6] = [
    (HPAS, "autoscaling/v2", "HorizontalPodAutoscaler"),
    (DEPLOYMENTS, "apps/v1", "Deployment"),
    (PODS, "v1", "Pod"),
    (EVENTS, "v1", "Event"),
    (USAGE, "metrics.k8s.io/v1beta1", "PodMetrics"),
    (API_SERVICES, "apiregistration.k8s.io/v1", "APIService"),
];

/// A `List` of some kinds, as kubectl prints it.
fn dump(world: &World, kinds: &[&str]) -> Value {
    let mut items = Vec::new();
    for (path, api_version, kind) in ALL.iter().filter(|(_, _, kind)| kinds.contains(kind)) {
        for object in &world.collections[*path] {
            let mut object = object.clone();
            object["apiVersion"] = json!(api_version);
            object["kind"] = json!(kind);
            items.push(object);
        }
    }
    json!({"apiVersion": "v1", "kind": "List", "metadata": {"resourceVersion": ""}, "items": items})
}

fn explain(texts: &[String], arguments: &[&str]) -> Outcome {
    let directory = tempfile::tempdir().unwrap();
    let mut words = vec!["explain-hpa".to_owned()];
    for (index, text) in texts.iter().enumerate() {
        words.push("--facts".to_owned());
        words.push(file(directory.path(), &format!("{index}.txt"), text));
    }
    let words: Vec<&str> = words
        .iter()
        .map(String::as_str)
        .chain(arguments.iter().copied())
        .collect();
    offline(&words)
}

#[test]
fn a_whole_dump_says_what_the_cluster_says() {
    let world = shop(&["cart", "web"]);
    let online = Stage::new(world.clone())
        .run(&["explain-hpa", "-o", "json"])
        .json();
    let kinds: Vec<&str> = ALL.iter().map(|(_, _, kind)| *kind).collect();
    let version = json!({"serverVersion": {"gitVersion": "v1.37.2"}}).to_string();
    let offline = explain(&[dump(&world, &kinds).to_string(), version], &["-o", "json"]).json();
    assert_eq!(offline["items"], online["items"]);
    assert_eq!(offline["cluster"]["version"], "v1.37.2");
    assert_eq!(
        offline["observedAt"], "2026-01-02T03:10:00Z",
        "the newest time in it"
    );
}

#[test]
fn what_the_dump_lacks_is_named_with_its_command() {
    let text = dump(&shop(&["web"]), &["HorizontalPodAutoscaler", "Deployment"]).to_string();
    let answer = explain(&[text], &["-o", "json"]).json();
    let needs: Vec<&str> = answer["notReadable"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|fact| fact["needs"].as_str())
        .collect();
    for command in [
        "`kubectl get pods -n shop -o yaml` in the dump",
        "`kubectl get pods.metrics.k8s.io -n shop -o yaml` in the dump",
        "`kubectl get apiservices.apiregistration.k8s.io -o yaml` in the dump",
    ] {
        assert!(needs.contains(&command), "{command} in {needs:?}");
    }
}

#[test]
fn a_target_is_gone_only_where_its_kind_was_dumped() {
    let mut world = shop(&["cart", "web"]);
    world
        .collections
        .get_mut(DEPLOYMENTS)
        .unwrap()
        .retain(|it| it["metadata"]["name"] == "cart");
    let first = |kinds: &[&str]| {
        explain(&[dump(&world, kinds).to_string()], &["web", "-o", "json"]).json()["items"][0]["findings"][0]
            ["code"]
            .clone()
    };
    assert_eq!(first(&["HorizontalPodAutoscaler", "Deployment"]), "TFS101");
    assert_ne!(first(&["HorizontalPodAutoscaler"]), "TFS101");
}

#[test]
fn several_files_documents_and_lists_of_one_kind_are_one_dump() {
    let world = shop(&["web"]);
    let part = |kind: &str| dump(&world, &[kind]).to_string();
    let yaml = format!(
        "---\n{}\n---\n{}\n",
        part("HorizontalPodAutoscaler"),
        part("Deployment")
    );
    let raw = json!({"apiVersion": "metrics.k8s.io/v1beta1", "kind": "PodMetricsList",
        "items": world.collections[USAGE]});
    let answer = explain(&[yaml, raw.to_string(), part("Pod")], &["-o", "json"]).json();
    let current = &answer["items"][0]["recommendation"]["metrics"][0]["current"];
    assert_eq!(current, "426%", "{answer:#}");
}

#[test]
fn what_cannot_be_used_is_one_error() {
    let hpa =
        |version: &str| json!({"apiVersion": version, "kind": "HorizontalPodAutoscaler", "metadata": {}});
    for (text, why) in [
        (
            hpa("autoscaling/v1").to_string(),
            "kubectl get hpa.v2.autoscaling -o yaml",
        ),
        (
            json!({"apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler", "metadata": {"name": "web"}})
                .to_string(),
            "has no namespace",
        ),
        (
            json!({"apiVersion": "v1", "kind": "PodList"}).to_string(),
            "its PodList has no items",
        ),
        (
            json!({"apiVersion": "v1", "kind": "Pod"}).to_string(),
            "there is no HorizontalPodAutoscaler in it",
        ),
        ("[1, 2]".to_owned(), "neither what `kubectl tfserve explain-hpa --save-facts` wrote nor"),
        ("just words".to_owned(), "neither what `kubectl tfserve explain-hpa --save-facts` wrote nor"),
    ] {
        let outcome = explain(&[text], &[]);
        assert_eq!(outcome.code, 2, "{}", outcome.stderr);
        assert_eq!(outcome.stderr.lines().count(), 1, "{}", outcome.stderr);
        assert!(outcome.error().contains(why), "{}", outcome.stderr);
    }
}

#[test]
fn the_older_beta_is_read_as_v2_and_a_broken_object_is_an_error() {
    let mut text = dump(
        &shop(&["web"]),
        &["HorizontalPodAutoscaler", "Deployment", "Pod", "PodMetrics"],
    );
    let v2 = explain(&[text.to_string()], &["-o", "json"]);
    text["items"][0]["apiVersion"] = json!("autoscaling/v2beta2");
    assert_eq!(explain(&[text.to_string()], &["-o", "json"]).stdout, v2.stdout);
    text["items"][0]["spec"] = json!("words");
    let broken = explain(&[text.to_string()], &[]);
    assert_eq!(broken.code, 2, "{}", broken.stderr);
    assert_eq!(broken.stderr.trim().lines().count(), 1, "{}", broken.stderr);
}

#[test]
fn less_in_the_dump_accuses_nobody_else() {
    let world = shop(&["cart", "web"]);
    let codes = |outcome: &Outcome| -> Vec<String> {
        let answer = outcome.json();
        let items = answer["items"].as_array().unwrap().iter();
        let findings = items.flat_map(|item| item["findings"].as_array().unwrap());
        let serious = findings.filter(|finding| finding["severity"] != "info");
        serious
            .map(|finding| finding["code"].as_str().unwrap().to_owned())
            .collect()
    };
    let online = codes(&Stage::new(world.clone()).run(&["explain-hpa", "-o", "json"]));
    for subset in 0..1_u32 << (ALL.len() - 1) {
        let kept = |(index, kind): (usize, &(&'static str, &str, &'static str))| {
            (index == 0 || subset >> (index - 1) & 1 == 1).then_some(kind.2)
        };
        let kinds: Vec<&str> = ALL.iter().enumerate().filter_map(kept).collect();
        let mut text = dump(&world, &kinds);
        for item in text["items"].as_array_mut().unwrap() {
            item["metadata"].as_object_mut().unwrap().remove("managedFields");
        }
        let outcome = explain(&[text.to_string()], &["-o", "json"]);
        for code in codes(&outcome) {
            assert!(online.contains(&code), "{code} of {kinds:?}: {}", outcome.stdout);
        }
    }
}
