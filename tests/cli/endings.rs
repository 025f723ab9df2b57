//! What `up`, `autoscale` and `down` end with where a cluster says no, as a person reads it.

use std::fmt::Write as _;

use serde_json::{Value, json};

use crate::fixtures::{DEPLOYMENTS, HPAS, REVIEWS, deployment, review, shop};
use crate::mock::{Fault, World};
use crate::run::{Stage, offline};

const NAMESPACES: &str = "/api/v1/namespaces";
const CONFIG_MAPS: &str = "/api/v1/namespaces/shop/configmaps";
const SERVICES: &str = "/api/v1/namespaces/shop/services";
const UP: [&str; 4] = ["up", "m", "--model", "gs://models/m"];

/// One command line after the other, with all that each says.
#[derive(Default)]
struct Transcript(String);

impl Transcript {
    fn run(&mut self, world: World, arguments: &[&str]) {
        let outcome = Stage::new(world).run(arguments);
        let command = arguments.join(" ");
        writeln!(
            self.0,
            "$ kubectl tfserve {command}\n{}--- stderr, exit code {}\n{}",
            outcome.stdout, outcome.code, outcome.stderr
        )
        .unwrap();
    }
}

/// A cluster that lets anybody make namespace `shop`, and has none.
fn new_namespace() -> World {
    let mut world = World::default();
    let mut put = |path: &str, document: Value| world.documents.insert(path.to_owned(), document);
    put(
        "PATCH /api/v1/namespaces/shop",
        json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "shop"}}),
    );
    put(REVIEWS, review(true));
    world.collections.insert(HPAS.to_owned(), Vec::new());
    world
}

fn existing_namespace() -> World {
    let mut world = World::default();
    world.collections.insert(
        NAMESPACES.to_owned(),
        vec![json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "shop"}})],
    );
    world.collections.insert(HPAS.to_owned(), Vec::new());
    world
}

#[test]
fn up_into_a_namespace_that_is_not_there() {
    let mut said = Transcript::default();
    said.run(new_namespace(), &UP);
    let create = [&UP[..], &["--create-namespace"]].concat();
    let mut no_right = new_namespace();
    no_right.documents.insert(REVIEWS.to_owned(), review(false));
    said.run(no_right, &create);
    let mut not_even_the_namespace = new_namespace();
    not_even_the_namespace
        .faults
        .push(("PATCH /api/v1/namespaces/shop", Fault::Refuse(403)));
    said.run(not_even_the_namespace, &create);
    said.run(new_namespace(), &[&create[..], &["--dry-run=server"]].concat());
    let mut refused_later = new_namespace();
    refused_later
        .faults
        .push(("PATCH /apis/apps", Fault::Refuse(422)));
    for (collection, name) in [(CONFIG_MAPS, "m-configs"), (SERVICES, "m")] {
        refused_later.documents.insert(
            format!("PATCH {collection}/{name}"),
            json!({"apiVersion": "v1", "kind": "Any", "metadata": {"name": name}}),
        );
    }
    said.run(refused_later, &create);
    insta::assert_snapshot!("new_namespace", said.0);
}

#[test]
fn up_over_what_is_there() {
    let mut said = Transcript::default();
    let mut foreign = existing_namespace();
    let mut service = json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "m",
        "managedFields": [{"manager": "helm", "operation": "Apply", "time": "2026-01-02T03:04:00Z"}]}});
    foreign
        .collections
        .insert(SERVICES.to_owned(), vec![service.clone()]);
    said.run(foreign, &UP);
    let mut conflict = existing_namespace();
    service["metadata"]["labels"] = json!({"app.kubernetes.io/managed-by": "kubectl-tfserve"});
    conflict.collections.insert(SERVICES.to_owned(), vec![service]);
    conflict.documents.insert(
        format!("PATCH {CONFIG_MAPS}/m-configs"),
        json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "m-configs"}}),
    );
    conflict.documents.insert(
        format!("PATCH {DEPLOYMENTS}/m"),
        json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "m"}}),
    );
    conflict
        .faults
        .push(("PATCH /api/v1/namespaces/shop/services", Fault::Refuse(409)));
    said.run(conflict, &UP);
    let mut no_right = existing_namespace();
    no_right.faults.push(("PATCH", Fault::Refuse(403)));
    said.run(no_right, &UP);
    insta::assert_snapshot!("over_what_is_there", said.0);
}

#[test]
fn autoscale_of_a_target_that_is_not_there() {
    let mut said = Transcript::default();
    let cpu = ["--cpu", "60%", "--max", "4"];
    let autoscale = |target: &'static str| [&["autoscale", target], &cpu[..]].concat();
    said.run(shop(&["web"]), &autoscale("wbe"));
    said.run(shop(&["web"]), &autoscale("rollout.argoproj.io/web"));
    let mut variants = shop(&["web"]);
    for version in ["v1", "v2"] {
        let mut variant = deployment(&format!("model-{version}"));
        variant["metadata"]["labels"] = json!({"app": "model", "version": version,
            "app.kubernetes.io/managed-by": "kubectl-tfserve", "app.kubernetes.io/name": "tensorflow-serving"});
        variants.collections.get_mut(DEPLOYMENTS).unwrap().push(variant);
    }
    said.run(variants, &autoscale("model"));
    let mut taken = shop(&["web", "other"]);
    let hpa = &mut taken.collections.get_mut(HPAS).unwrap()[0];
    hpa["metadata"]["labels"]["app.kubernetes.io/managed-by"] = json!("kubectl-tfserve");
    said.run(
        taken.clone(),
        &[&autoscale("other")[..], &["--name", "web"]].concat(),
    );
    said.run(
        taken,
        &[
            &autoscale("web")[..],
            &["--scale-down-tolerance", "5%", "--force"],
        ]
        .concat(),
    );
    insta::assert_snapshot!("target_not_there", said.0);
}

#[test]
fn down_where_it_cannot_go_on() {
    let mut said = Transcript::default();
    let mut world = shop(&["m"]);
    world.collections.insert(CONFIG_MAPS.to_owned(), Vec::new());
    said.run(world.clone(), &["down", "nothing"]);
    said.run(world.clone(), &["down", "m"]);
    let deployment = &mut world.collections.get_mut(DEPLOYMENTS).unwrap()[0];
    deployment["metadata"]["labels"] =
        json!({"app": "m", "version": "default", "app.kubernetes.io/managed-by": "kubectl-tfserve"});
    said.run(world.clone(), &["down", "m"]);
    let deployment = &mut world.collections.get_mut(DEPLOYMENTS).unwrap()[0];
    deployment["metadata"]["managedFields"][0]["manager"] = json!("kubectl-tfserve");
    deployment["metadata"]["resourceVersion"] = json!("7");
    said.run(world.clone(), &["down", "m"]);
    said.run(world.clone(), &["down", "m", "--dry-run=client"]);
    said.run(
        world.clone(),
        &["down", "m", "--yes", "--timeout", "1s", "--keep-namespace"],
    );
    let mut no_right = world.clone();
    no_right.faults.push(("DELETE", Fault::Refuse(403)));
    said.run(no_right, &["down", "m", "--yes"]);
    let mut no_list = world;
    no_list.faults.push((DEPLOYMENTS, Fault::Refuse(403)));
    said.run(no_list, &["down", "m", "--yes"]);
    let bad = offline(&["down", "a/b"]);
    writeln!(
        said.0,
        "$ kubectl tfserve down a/b\n--- exit code {}\n{}",
        bad.code, bad.stderr
    )
    .unwrap();
    insta::assert_snapshot!("down", said.0);
}
