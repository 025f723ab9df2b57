#![expect(clippy::unwrap_used, reason = "tests")]

use super::*;

/// The hand-written manifests that `up` replaces; every field of them must be in what it applies.
const BY_HAND: &str = r#"
apiVersion: v1
kind: Namespace
metadata:
  name: tf-serving
---
apiVersion: v1
kind: ConfigMap
metadata:
  name: resnet101-configs
  namespace: tf-serving
data:
  MODEL_NAME: image_classifier
  MODEL_PATH: /models/resnet101
---
apiVersion: apps/v1
kind: Deployment
metadata:
  name: image-classifier-resnet101
  namespace: tf-serving
  labels:
    app: image-classifier
    version: resnet101
spec:
  replicas: 1
  selector:
    matchLabels:
      app: image-classifier
      version: resnet101
  template:
    metadata:
      labels:
        app: image-classifier
        version: resnet101
    spec:
      containers:
      - name: tf-serving
        image: "tensorflow/serving:2.5.1"
        args:
        - "--model_name=$(MODEL_NAME)"
        - "--model_base_path=$(MODEL_PATH)"
        envFrom:
        - configMapRef:
            name: resnet101-configs
        imagePullPolicy: IfNotPresent
        readinessProbe:
          tcpSocket:
            port: 8500
          initialDelaySeconds: 10
          periodSeconds: 5
          failureThreshold: 10
        ports:
        - name: http
          containerPort: 8501
          protocol: TCP
        - name: grpc
          containerPort: 8500
          protocol: TCP
        resources:
          requests:
            cpu: "0.5"
            memory: 1Gi
        volumeMounts:
        - name: model
          mountPath: /models/resnet101
      volumes:
      - name: model
        hostPath:
          path: /home/hoang/Downloads/resnet101
---
apiVersion: v1
kind: Service
metadata:
  name: image-classifier
  namespace: tf-serving
  labels:
    app: image-classifier
spec:
  type: LoadBalancer
  ports:
  - port: 8500
    protocol: TCP
    name: tf-serving-grpc
  - port: 8501
    protocol: TCP
    name: tf-serving-http
  selector:
    app: image-classifier
"#;

fn serving() -> Serving {
    let requests = [("cpu", "500m"), ("memory", "1Gi")];
    Serving {
        namespace: Some("tf-serving".to_owned()),
        names: Names::new("image-classifier", Some("resnet101")).unwrap(),
        models: Models::One("image_classifier".to_owned()),
        source: Some("hostPath:/home/hoang/Downloads/resnet101".parse().unwrap()),
        image_volume: false,
        image: "tensorflow/serving:2.5.1".to_owned(),
        resources: Resources {
            requests: requests
                .map(|(name, value)| (name.to_owned(), Quantity::from(value)))
                .into(),
            limits: BTreeMap::new(),
        },
        staging: Staging {
            image: STAGING_IMAGE.to_owned(),
            secret: None,
            endpoint: None,
        },
        batching: None,
        grace_period: 40,
        load_timeout: 600,
        run_as_user: None,
        service_account: None,
        service_type: "LoadBalancer".to_owned(),
    }
}

fn pod(serving: &Serving) -> Value {
    serving.manifests(None)[1].value()["spec"]["template"]["spec"].clone()
}

fn yaml(value: &Value) -> String {
    serde_saphyr::to_string(value).unwrap()
}

fn all() -> Vec<Manifest> {
    std::iter::once(namespace("tf-serving"))
        .chain(serving().manifests(Some(1)))
        .collect()
}

/// Every addition to the hand-written manifests, as docs/up.md explains it: fields, and how many entries a
/// list has more. Labels of the recommended scheme are told apart by their prefix.
const ADDED: [&str; 13] = [
    "ConfigMap.data.MONITORING_CONFIG",
    "Deployment.spec.template.metadata.annotations",
    "Deployment.spec.template.spec.containers[0].args[2]",
    "Deployment.spec.template.spec.containers[0].securityContext",
    "Deployment.spec.template.spec.containers[0].startupProbe",
    "Deployment.spec.template.spec.containers[0].volumeMounts[0].readOnly",
    "Deployment.spec.template.spec.containers[0].volumeMounts[1]",
    "Deployment.spec.template.spec.terminationGracePeriodSeconds",
    "Deployment.spec.template.spec.volumes[1]",
    "labels.app.kubernetes.io/instance",
    "labels.app.kubernetes.io/managed-by",
    "labels.app.kubernetes.io/name",
    "labels.app.kubernetes.io/part-of",
];

/// Collects where `actual` differs from `expected`: `-` is missing, `+` is more, `~` is another value. List
/// entries are matched by position, and quantities by value.
fn compare(path: &str, expected: &Value, actual: &Value, found: &mut Vec<String>) {
    match (expected, actual) {
        (Value::Object(fields), Value::Object(others)) => {
            for (name, value) in fields {
                match others.get(name) {
                    Some(other) => compare(&format!("{path}.{name}"), value, other, found),
                    None => found.push(format!("- {path}.{name}")),
                }
            }
            let more = others.keys().filter(|name| !fields.contains_key(*name));
            found.extend(more.map(|name| format!("+ {path}.{name}")));
        }
        (Value::Array(entries), Value::Array(others)) => {
            for index in 0..entries.len().max(others.len()) {
                let place = format!("{path}[{index}]");
                match (entries.get(index), others.get(index)) {
                    (Some(entry), Some(other)) => compare(&place, entry, other, found),
                    (Some(_), None) => found.push(format!("- {place}")),
                    _ => found.push(format!("+ {place}")),
                }
            }
        }
        (Value::String(expected), Value::String(actual)) if path.contains(".resources.") => {
            let value = |text: &str| Quantity::from(text).milli_value().unwrap();
            if value(expected) != value(actual) {
                found.push(format!("~ {path}: {actual}, expected {expected}"));
            }
        }
        _ if expected != actual => found.push(format!("~ {path}: {actual}, expected {expected}")),
        _ => {}
    }
}

#[test]
fn the_hand_written_manifests_are_there_field_by_field_but_for_what_is_documented() {
    let expected: Vec<Value> = serde_saphyr::from_multiple(BY_HAND).unwrap();
    let actual = all();
    assert_eq!(expected.len(), actual.len());
    let mut found = Vec::new();
    for (expected, actual) in expected.iter().zip(&actual) {
        compare(actual.kind(), expected, actual.value(), &mut found);
    }
    let documented = |difference: &String| {
        ADDED.iter().any(|added| match added.strip_prefix("labels.") {
            Some(label) => difference.starts_with("+ ") && difference.ends_with(&format!("labels.{label}")),
            None => *difference == format!("+ {added}"),
        })
    };
    // Namespaces by hand have no metadata beside their name.
    let namespace = "+ Namespace.metadata.labels".to_owned();
    let config = "+ ConfigMap.metadata.labels".to_owned();
    found.retain(|difference| !documented(difference) && *difference != namespace && *difference != config);
    assert_eq!(found, Vec::<String>::new());
    let docs = include_str!("../../../docs/up.md");
    for added in ADDED {
        let name = added
            .rsplit(['.', '/'])
            .next()
            .unwrap()
            .split('[')
            .next()
            .unwrap();
        assert!(docs.contains(name), "docs/up.md does not explain {added}");
    }
}

#[test]
fn the_comparison_sees_a_difference() {
    let mut found = Vec::new();
    let expected = json!({"resources": {"requests": {"cpu": "1"}}, "list": [{"x": 1}], "y": 1});
    let actual = json!({"resources": {"requests": {"cpu": "500m"}}, "list": [{"x": 2}, {}], "z": 1});
    compare("o", &expected, &actual, &mut found);
    assert_eq!(found.len(), 5, "{found:?}");
}

#[test]
fn what_is_added_on_purpose() {
    let documents: Vec<String> = all()
        .iter()
        .map(|manifest| serde_saphyr::to_string(manifest.value()).unwrap())
        .collect();
    insta::assert_snapshot!(documents.join("---\n"));
}

#[test]
fn replicas_are_left_out_where_somebody_else_decides() {
    let manifests = serving().manifests(None);
    let deployment = manifests
        .iter()
        .find(|manifest| manifest.kind() == "Deployment")
        .unwrap();
    assert_eq!(deployment.value().pointer("/spec/replicas"), None);
}

#[test]
fn a_bucket_needs_no_volume_and_limits_are_sent() {
    let mut serving = serving();
    serving.source = Some("gs://bucket/resnet".parse().unwrap());
    serving
        .resources
        .limits
        .insert("cpu".to_owned(), Quantity::from("2"));
    let manifests = serving.manifests(None);
    assert_eq!(
        manifests[0].value().pointer("/data/MODEL_PATH"),
        Some(&json!("gs://bucket/resnet"))
    );
    let pod = pod(&serving);
    let names = |place: &str| {
        let all = pod.pointer(place).and_then(Value::as_array).unwrap();
        all.iter().map(|one| one["name"].clone()).collect::<Vec<_>>()
    };
    assert_eq!(names("/volumes"), ["config"]);
    assert_eq!(names("/containers/0/volumeMounts"), ["config"]);
    assert_eq!(pod["containers"][0]["resources"]["limits"], json!({"cpu": "2"}));
    let security = &pod["containers"][0]["securityContext"];
    assert_eq!(
        (&security["runAsUser"], &security["runAsNonRoot"]),
        (&json!(1000), &json!(true))
    );
    assert_eq!(
        pod["topologySpreadConstraints"][0]["whenUnsatisfiable"],
        "ScheduleAnyway"
    );
}

#[test]
fn a_cpu_limit_sizes_the_thread_pools() {
    let mut serving = serving();
    let arguments = |serving: &Serving| serving.arguments().split_off(3);
    assert!(arguments(&serving).is_empty());
    for (limit, cores, threads) in [("2", 2, 8), ("1500m", 2, 8), ("200m", 1, 4)] {
        serving.resources.limits = BTreeMap::from([("cpu".to_owned(), Quantity::from(limit))]);
        assert_eq!(
            arguments(&serving),
            [
                format!("--tensorflow_intra_op_parallelism={cores}"),
                format!("--tensorflow_inter_op_parallelism={cores}"),
                format!("--rest_api_num_threads={threads}"),
                format!("--grpc_max_threads={threads}"),
            ]
        );
    }
}

#[test]
fn a_model_in_s3_is_copied_before_the_server_starts() {
    let mut serving = serving();
    serving.source = Some("s3://bucket/resnet".parse().unwrap());
    serving.staging.secret = Some("s3".to_owned());
    serving.staging.endpoint = Some("http://minio.storage:9000".to_owned());
    serving.service_account = Some("reader".to_owned());
    assert_eq!(serving.base_path(), "/models/resnet101");
    insta::assert_snapshot!(yaml(&pod(&serving)));
}

#[test]
fn a_model_in_an_image_is_its_server_or_a_volume() {
    let mut serving = serving();
    serving.source = Some("image:team/resnet:v1".parse().unwrap());
    let baked = pod(&serving);
    assert_eq!(baked["containers"][0]["image"], "team/resnet:v1");
    assert_eq!(serving.base_path(), "/models/image_classifier");
    serving.image_volume = true;
    let beside = pod(&serving);
    assert_eq!(beside["containers"][0]["image"], "tensorflow/serving:2.5.1");
    assert_eq!(beside["volumes"][0]["image"]["reference"], "team/resnet:v1");
    assert_eq!(serving.base_path(), "/models/resnet101/models/image_classifier");
    serving.source = Some("image:team/resnet:v1:/".parse().unwrap());
    assert_eq!(serving.base_path(), "/models/resnet101");
}

#[test]
fn several_models_come_from_a_file() {
    let text = "model_config_list { config { name: 'a' base_path: '/models/resnet101/a' model_platform: 'tensorflow'\n\
                version_labels { key: 'stable' value: 1 } } }\n";
    let mut serving = serving();
    serving.source = Some("pvc:models".parse().unwrap());
    serving.models = Models::File(ModelsConfig::parse(text).unwrap());
    let container = pod(&serving)["containers"][0].clone();
    assert_eq!(container["envFrom"], Value::Null);
    assert_eq!(
        container["args"],
        json!([
            "--model_config_file=/etc/tf-serving/models.config",
            "--allow_version_labels_for_unavailable_models=true",
            "--monitoring_config_file=/etc/tf-serving/monitoring.config",
        ])
    );
    assert_eq!(serving.manifests(None)[0].value()["data"]["MODELS_CONFIG"], text);
    let before = serving.settings();
    serving.models = Models::File(ModelsConfig::parse(&text.replace("value: 1", "value: 2")).unwrap());
    assert_ne!(before, serving.settings(), "a changed file restarts the pods");
}

#[test]
fn a_gpu_and_batching() {
    let mut serving = serving();
    serving
        .resources
        .limits
        .insert(GPU.to_owned(), Quantity::from("1"));
    serving.batching = Some("max_batch_size=64".parse().unwrap());
    let pod = pod(&serving);
    assert_eq!(pod["containers"][0]["resources"]["limits"], json!({GPU: "1"}));
    assert_eq!(pod["tolerations"][0]["key"], GPU);
    let arguments = pod["containers"][0]["args"].to_string();
    assert!(arguments.contains("--enable_batching=true"), "{arguments}");
    let data = serving.manifests(None)[0].value()["data"]["BATCHING_CONFIG"].to_string();
    assert!(data.contains("max_batch_size { value: 64 }"), "{data}");
}

#[test]
fn a_user_may_be_chosen() {
    let mut serving = serving();
    let security = |serving: &Serving| pod(serving)["containers"][0]["securityContext"].clone();
    assert_eq!(security(&serving)["capabilities"]["add"], json!(["DAC_OVERRIDE"]));
    serving.run_as_user = Some(0);
    assert_eq!(security(&serving)["runAsNonRoot"], false);
    assert_eq!(security(&serving)["capabilities"], json!({"drop": ["ALL"]}));
}
