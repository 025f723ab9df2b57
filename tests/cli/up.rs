//! What `up` says and writes without a cluster.

use std::fmt::Write as _;
use std::path::Path;

use crate::run::{file, offline};

const CONFIG: &str =
    "model_config_list {\n config { name: 'a' base_path: '/models/m/a/3' model_platform: 'tensorflow' }\n}\n";

fn up(arguments: &[&str]) -> crate::run::Outcome {
    offline(&[&["up", "m"], arguments].concat())
}

/// Every message of the command line, one after the other.
#[test]
fn what_cannot_be_served_is_said_at_once() {
    let directory = tempfile::tempdir().unwrap();
    let config = file(directory.path(), "models.config", CONFIG);
    let broken = file(
        directory.path(),
        "broken.config",
        "model_config_list {\n config { nam: 'a' }\n}\n",
    );
    let cases: [&[&str]; 17] = [
        &[],
        &["--model", "/models/m"],
        &["--model", "gs://b/m", "--variant", "default"],
        &["--model", "gs://b/m", "--model-name", "a/b"],
        &["--model", "gs://b/m", "--s3-secret", "s3"],
        &["--model", "gs://b/m", "--image-volume"],
        &["--model", "gs://b/m", "--cpu", "0"],
        &["--model", "gs://b/m", "--cpu", "2", "--cpu-limit", "1"],
        &["--model", "gs://b/m", "--gpu", "0"],
        &["--model", "gs://b/m", "--batching=max_batch=3"],
        &[
            "--model",
            "gs://b/m",
            "--models-config",
            &config,
            "--model-name",
            "x",
        ],
        &[
            "--model",
            "image:team/m:v1",
            "--image",
            "tensorflow/serving:2.19.1",
        ],
        &["--model", "image:team/m:v1", "--models-config", &config],
        &["--models-config", &config],
        &["--models-config", &broken],
        &["--models-config", "/nonexistent"],
        &["--model", "gs://b/m", "--kustomize", "x", "--dry-run=server"],
    ];
    let mut said = String::new();
    for arguments in cases {
        let outcome = up(arguments);
        assert_eq!(outcome.code, 2, "{arguments:?}: {}", outcome.stdout);
        writeln!(said, "$ up m {}\n{}", arguments.join(" "), outcome.stderr).unwrap();
    }
    insta::assert_snapshot!(said.replace(&directory.path().display().to_string(), "DIR"));
}

#[test]
fn what_is_doubtful_is_said_and_done() {
    let directory = tempfile::tempdir().unwrap();
    let config = file(directory.path(), "models.config", CONFIG);
    let dry = ["--dry-run=client", "-o", "yaml"];
    let outcome = up(&[&["--model", "hostPath:/models/m/1"][..], &dry].concat());
    assert_eq!(outcome.code, 0);
    insta::assert_snapshot!(outcome.stderr, @"note: `--model hostPath:/models/m/1` ends in a number; TensorFlow Serving serves the numbered directories inside of it: if it is a version itself, give `--model hostPath:/models/m`");
    let outcome = up(&[&["--model", "pvc:m", "--models-config", &config][..], &dry].concat());
    assert_eq!(outcome.code, 0, "{}", outcome.stderr);
    insta::assert_snapshot!(outcome.stderr, @r#"note: base_path "/models/m/a/3" of model a ends in a number; TensorFlow Serving serves the numbered directories inside of it: if it is a version itself, give "/models/m/a""#);
    let outcome = up(&[&["--model", "image:team/m:v1", "--image-volume"][..], &dry].concat());
    assert!(
        outcome.stdout.contains("reference: team/m:v1"),
        "{}",
        outcome.stdout
    );
    assert!(outcome.stderr.is_empty(), "{}", outcome.stderr);
}

#[test]
fn a_kustomization_converges_and_spares_what_is_not_its_own() {
    let directory = tempfile::tempdir().unwrap();
    let place = directory.path().join("deploy");
    let target = place.display().to_string();
    let write = |arguments: &[&str]| {
        let all = [
            &["--model", "gs://b/m", "--kustomize", &target, "-n", "shop"],
            arguments,
        ]
        .concat();
        let outcome = up(&all);
        let said = outcome.stdout.replace(&target, "deploy");
        (outcome.code, said, outcome.stderr.replace(&target, "deploy"))
    };
    let text = |name: &str| std::fs::read_to_string(place.join(name)).unwrap();
    let (code, said, _) = write(&["--create-namespace"]);
    assert_eq!(code, 0);
    insta::assert_snapshot!(said);
    insta::assert_snapshot!("kustomization", text("kustomization.yaml"));
    let (_, said, _) = write(&["--create-namespace"]);
    assert_eq!(said.matches("unchanged").count(), said.lines().count(), "{said}");
    let (_, said, _) = write(&["--variant", "v2"]);
    assert!(said.contains("deployment-m-v2.yaml created"), "{said}");
    let both = text("kustomization.yaml");
    assert!(
        both.contains("deployment-m.yaml") && both.contains("deployment-m-v2.yaml"),
        "{both}"
    );

    let before = text("service-m.yaml");
    std::fs::write(place.join("service-m.yaml"), "kind: Service\n").unwrap();
    let (code, said, error) = write(&["--service-type", "NodePort", "--cpu", "2"]);
    assert_eq!((code, said.as_str()), (2, ""));
    insta::assert_snapshot!(error, @"error: cannot write deploy/service-m.yaml: it was not written by this command; choose a directory of its own, and name that in your `resources`");
    assert!(
        !text("deployment-m.yaml").contains("cpu: '2'"),
        "nothing is written by halves"
    );
    std::fs::write(place.join("service-m.yaml"), before).unwrap();
    std::fs::write(place.join("kustomization.yaml"), "resources: []\n").unwrap();
    assert_eq!(write(&[]).0, 2);
    assert_eq!(names(&place).len(), 7);
}

fn names(place: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(place).unwrap();
    entries
        .map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned())
        .collect()
}
