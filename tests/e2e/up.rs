//! `up` from every source, refused before anything is written where it cannot work, and converging.

use serde_json::{Value, json};

use crate::support::{Ran, apply, field, kubectl, sandbox, until, unwrapped};

const POD: &str = "{.spec.template.spec}";

fn up(namespace: &str, words: &str) -> Ran {
    kubectl(&format!("tfserve up {words} -n {namespace}"))
}

fn names(namespace: &str) -> String {
    kubectl(&format!("get configmaps,deployments,services -n {namespace} -o name --selector=app.kubernetes.io/managed-by=kubectl-tfserve")).stdout
}

fn pod_template(namespace: &str, deployment: &str) -> Value {
    let text = field(namespace, &format!("deployment/{deployment}"), POD);
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

pub(crate) fn claim(namespace: &str, name: &str, class: &str) -> Value {
    json!({"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": name, "namespace": namespace},
        "spec": {"accessModes": ["ReadWriteOnce"], "storageClassName": class,
            "resources": {"requests": {"storage": "1Gi"}}}})
}

#[test]
fn a_claim_is_checked_before_anything_is_written() {
    let space = sandbox().namespace("up-claim").expect("a namespace");
    let namespace = space.name();
    let refused = |words: &str, why: &str| {
        let ran = up(namespace, words).expect_code(3);
        assert!(ran.stderr.contains(why), "{}", ran.stderr);
        assert_eq!(names(namespace), "", "nothing is written");
    };
    refused(
        "m --model pvc:models",
        "it does not exist, and the namespace has no other",
    );
    let class = |name: &str, mode: &str| {
        json!({"apiVersion": "storage.k8s.io/v1", "kind": "StorageClass", "metadata": {"name": format!("{namespace}-{name}")},
            "provisioner": "example.com/none", "volumeBindingMode": mode})
    };
    let at_once = format!("{namespace}-at-once");
    apply(&[
        class("at-once", "Immediate"),
        class("later", "WaitForFirstConsumer"),
        claim(namespace, "stuck", &at_once),
        claim(namespace, "waiting", &format!("{namespace}-later")),
    ]);
    refused("m --model pvc:models", "the namespace has stuck, waiting");
    refused(
        "m --model pvc:stuck",
        &format!("it has no volume (phase Pending, StorageClass {at_once})"),
    );
    up(namespace, "m --model pvc:waiting --wait=false").expect_code(0);

    // A volume that is there already.
    let volume = json!({"apiVersion": "v1", "kind": "PersistentVolume", "metadata": {"name": format!("{namespace}-models")},
        "spec": {"capacity": {"storage": "1Gi"}, "accessModes": ["ReadWriteOnce"], "storageClassName": "by-hand",
            "hostPath": {"path": "/srv/models"}}});
    let mut bound = claim(namespace, "models", "by-hand");
    bound["spec"]["volumeName"] = json!(format!("{namespace}-models"));
    apply(&[volume, bound]);
    until("the claim is bound", || {
        (field(namespace, "pvc/models", "{.status.phase}") == "Bound").then_some(())
    });
    let ran = up(namespace, "bert --model pvc:models/bert --replicas 2").expect_code(0);
    assert!(ran.stderr.contains("is for one node at a time"), "{}", ran.stderr);
    let pod = pod_template(namespace, "bert");
    assert_eq!(pod["containers"][0]["volumeMounts"][0]["subPath"], "bert");
    kubectl(&format!(
        "delete storageclass {at_once} {namespace}-later --wait=false"
    ))
    .expect_code(0);
}

#[test]
fn every_other_source_serves() {
    let space = sandbox().namespace("up-sources").expect("a namespace");
    let namespace = space.name();
    let numbered = up(namespace, "host --model hostPath:/srv/models/host/1 --wait=false").expect_code(0);
    for part in [
        "ends in a number",
        "give `--model hostPath:/srv/models/host`",
        "the cluster has several",
    ] {
        assert!(numbered.stderr.contains(part), "{part}: {}", numbered.stderr);
    }
    up(
        namespace,
        "bucket --model gs://models/bert --service-account default",
    )
    .expect_code(0);
    let missing = up(
        namespace,
        "bucket --model gs://models/bert --service-account nobody",
    )
    .expect_code(3);
    assert!(
        missing.stderr.contains("nobody: it does not exist"),
        "{}",
        missing.stderr
    );

    let store = "store --model s3://models/bert --s3-secret s3 --s3-endpoint http://minio:9000";
    let missing = up(namespace, store).expect_code(3);
    assert!(
        missing
            .stderr
            .contains("/s3 does not exist; make it: `kubectl create secret generic s3"),
        "{}",
        missing.stderr
    );
    kubectl(&format!(
        "create secret generic s3 -n {namespace} --from-literal=AWS_ACCESS_KEY_ID=x"
    ))
    .expect_code(0);
    up(namespace, store).expect_code(0);
    let copy = &pod_template(namespace, "store")["initContainers"][0];
    assert_eq!(copy["envFrom"][0]["secretRef"]["name"], "s3");

    // The API server of the sandbox takes images as volumes.
    up(namespace, "image --model image:team/bert:v1:/bert").expect_code(0);
    let pod = pod_template(namespace, "image");
    let newest = pod["volumes"][0]["image"]["reference"] == "team/bert:v1";
    let baked = pod["containers"][0]["image"] == "team/bert:v1";
    let minor: u32 = kubectl("get --raw /version").json()["minor"]
        .as_str()
        .unwrap()
        .parse()
        .unwrap();
    assert_eq!((newest, baked), (minor >= 35, minor < 35), "{pod:#}");
    up(
        namespace,
        "image --model image:team/bert:v1:/bert --image-volume=false",
    )
    .expect_code(0);
    assert_eq!(
        pod_template(namespace, "image")["containers"][0]["image"],
        "team/bert:v1"
    );
}

#[test]
fn several_models_and_a_gpu() {
    let space = sandbox().namespace("up-several").expect("a namespace");
    let namespace = space.name();
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("models.config");
    let text = "model_config_list {\n config { name: 'a' base_path: 'gs://m/a' model_platform: 'tensorflow' }\n \
                config { name: 'b' base_path: 'gs://m/b' model_platform: 'tensorflow' }\n}\n";
    std::fs::write(&file, text).unwrap();
    let words = format!("all --models-config {}", file.display());
    up(namespace, &words).expect_code(0);
    assert_eq!(
        field(namespace, "configmap/all-configs", "{.data.MODELS_CONFIG}"),
        text
    );
    let before = field(namespace, "deployment/all", "{.metadata.generation}");
    up(namespace, &words).expect_code(0);
    assert_eq!(
        field(namespace, "deployment/all", "{.metadata.generation}"),
        before,
        "nothing changes"
    );
    std::fs::write(&file, text.replace("gs://m/b", "gs://m/c")).unwrap();
    up(namespace, &words).expect_code(0);
    assert_ne!(
        field(namespace, "deployment/all", "{.metadata.generation}"),
        before,
        "the pods get the new file"
    );
    std::fs::write(&file, text.replace("base_path", "path")).unwrap();
    let refused = up(namespace, &words).expect_code(2);
    assert!(
        refused.stderr.contains("line 2: `path` is not known here"),
        "{}",
        refused.stderr
    );

    up(
        namespace,
        "gpu --model gs://m/a --gpu 1 --batching=max_batch_size=64 --wait=false",
    )
    .expect_code(0);
    let pod = pod_template(namespace, "gpu");
    assert_eq!(pod["containers"][0]["image"], "tensorflow/serving:2.20.0-gpu");
    assert_eq!(pod["containers"][0]["resources"]["limits"]["nvidia.com/gpu"], "1");
}

#[test]
fn a_change_is_shown_before_and_refused_as_a_whole() {
    let space = sandbox().namespace("up-diff").expect("a namespace");
    let namespace = space.name();
    let shown = up(namespace, "m --model gs://m/a --dry-run=server").expect_code(0);
    assert!(shown.stdout.contains("+kind: Deployment"), "{}", shown.stdout);
    assert_eq!(names(namespace), "");
    up(namespace, "m --model gs://m/a").expect_code(0);
    let shown = up(namespace, "m --model gs://m/b --cpu 1 --dry-run=server").expect_code(0);
    for line in [
        "-  MODEL_PATH: gs://m/a",
        "+  MODEL_PATH: gs://m/b",
        "+            cpu: \"1\"",
        "service/m unchanged (server dry run)",
    ] {
        assert!(shown.stdout.contains(line), "{line}: {}", shown.stdout);
    }
    assert!(!shown.stdout.contains("resourceVersion"), "{}", shown.stdout);
    let same = up(namespace, "m --model gs://m/a --dry-run=server").expect_code(0);
    assert_eq!(same.stdout.lines().count(), 3, "{}", same.stdout);

    // Somebody else sets the image: the ConfigMap, which comes first, stays as it is too.
    kubectl(&format!(
        "set image -n {namespace} deployment/m tf-serving=mine:1 --field-manager=jane"
    ))
    .expect_code(0);
    let refused = up(namespace, "m --model gs://m/b").expect_code(3);
    assert!(
        refused.stderr.contains("conflict with \"jane\""),
        "{}",
        refused.stderr
    );
    assert_eq!(
        field(namespace, "configmap/m-configs", "{.data.MODEL_PATH}"),
        "gs://m/a"
    );
    up(namespace, "m --model gs://m/b --force-conflicts").expect_code(0);
    assert_eq!(
        field(namespace, "configmap/m-configs", "{.data.MODEL_PATH}"),
        "gs://m/b"
    );
}

#[test]
fn two_versions_behind_one_service() {
    let space = sandbox().namespace("up-variants").expect("a namespace");
    let namespace = space.name();
    up(namespace, "m --variant v1 --model gs://m/v1").expect_code(0);
    up(namespace, "m --variant v2 --model gs://m/v2").expect_code(0);
    let again = up(namespace, "m --variant v1 --model gs://m/v1").expect_code(0);
    assert!(again.stdout.contains("service/m unchanged"), "{}", again.stdout);
    assert!(
        again.stdout.contains("deployment.apps/m-v1 unchanged"),
        "{}",
        again.stdout
    );
    let behind = until("both answer behind the Service", || {
        let slices = format!(
            "get endpointslices -n {namespace} -l kubernetes.io/service-name=m -o jsonpath={{.items[*].endpoints[*].targetRef.name}}"
        );
        let pods = kubectl(&slices).stdout;
        (pods.contains("m-v1-") && pods.contains("m-v2-")).then_some(pods)
    });
    assert_eq!(behind.split_whitespace().count(), 2, "{behind}");
}

#[test]
fn a_kustomization_applies() {
    let space = sandbox().namespace("up-kustomize").expect("a namespace");
    let namespace = space.name();
    let directory = tempfile::tempdir().unwrap();
    let place = directory.path().join("m");
    let words = format!("m --model gs://m/a --kustomize {}", place.display());
    up(namespace, &words).expect_code(0);
    kubectl(&format!("apply -k {}", place.display())).expect_code(0);
    until("it is ready", || {
        (field(namespace, "deployment/m", "{.status.readyReplicas}") == "1").then_some(())
    });
}

#[test]
fn who_refuses_the_pods_is_said() {
    let space = sandbox().namespace("up-refused").expect("a namespace");
    let namespace = space.name();
    apply(&[
        json!({"apiVersion": "v1", "kind": "LimitRange", "metadata": {"name": "small", "namespace": namespace},
        "spec": {"limits": [{"type": "Container", "max": {"memory": "512Mi"}}]}}),
    ]);
    let refused = up(namespace, "m --model gs://m/a --timeout 60s").expect_code(3);
    // The API server gives the container the maximum as its limit, and the request of 1Gi is above it.
    let why = "Deployment/m cannot create its pods: their memory request is above the limit of 512Mi that a LimitRange gives them";
    assert!(unwrapped(&refused.stdout).contains(why), "{}", refused.stdout);
    kubectl(&format!("delete limitrange small -n {namespace}")).expect_code(0);
    kubectl(&format!("create quota none -n {namespace} --hard=pods=0")).expect_code(0);
    until("the quota is counted", || {
        (field(namespace, "quota/none", "{.status.hard.pods}") == "0").then_some(())
    });
    let refused = up(namespace, "n --model gs://m/a --timeout 60s").expect_code(3);
    let why = "Deployment/n cannot create its pods: ResourceQuota none is used up";
    assert!(unwrapped(&refused.stdout).contains(why), "{}", refused.stdout);
}
