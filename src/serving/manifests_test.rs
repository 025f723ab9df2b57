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
        model_name: "image_classifier".to_owned(),
        source: "hostPath:/home/hoang/Downloads/resnet101".parse().unwrap(),
        image: "tensorflow/serving:2.5.1".to_owned(),
        resources: Resources {
            requests: requests
                .map(|(name, value)| (name.to_owned(), Quantity::from(value)))
                .into(),
            limits: BTreeMap::new(),
        },
        service_type: "LoadBalancer".to_owned(),
    }
}

fn all() -> Vec<Manifest> {
    std::iter::once(namespace("tf-serving"))
        .chain(serving().manifests(Some(1)))
        .collect()
}

/// Collects the fields of `expected` that `actual` does not hold; list entries are matched by name, else
/// by position, and quantities by value.
fn missing(path: &str, expected: &Value, actual: Option<&Value>, found: &mut Vec<String>) {
    let Some(actual) = actual else {
        found.push(format!("{path}: missing"));
        return;
    };
    match (expected, actual) {
        (Value::Object(fields), _) => {
            for (name, value) in fields {
                missing(&format!("{path}.{name}"), value, actual.get(name), found);
            }
        }
        (Value::Array(entries), Value::Array(candidates)) => {
            if entries.len() != candidates.len() {
                found.push(format!(
                    "{path}: {} entries, expected {}",
                    candidates.len(),
                    entries.len()
                ));
            }
            for (index, entry) in entries.iter().enumerate() {
                let by_name = entry.get("name").and_then(|name| {
                    candidates
                        .iter()
                        .find(|candidate| candidate.get("name") == Some(name))
                });
                missing(
                    &format!("{path}[{index}]"),
                    entry,
                    by_name.or(candidates.get(index)),
                    found,
                );
            }
        }
        (Value::String(expected), Value::String(actual)) if path.contains(".resources.") => {
            let value = |text: &str| Quantity::from(text).milli_value().unwrap();
            if value(expected) != value(actual) {
                found.push(format!("{path}: {actual}, expected {expected}"));
            }
        }
        _ if expected != actual => found.push(format!("{path}: {actual}, expected {expected}")),
        _ => {}
    }
}

#[test]
fn every_field_of_the_hand_written_manifests_is_there() {
    let expected: Vec<Value> = serde_saphyr::from_multiple(BY_HAND).unwrap();
    let actual = all();
    assert_eq!(expected.len(), actual.len());
    let mut found = Vec::new();
    for (expected, actual) in expected.iter().zip(&actual) {
        missing(&actual.title(), expected, Some(actual.value()), &mut found);
    }
    assert_eq!(found, Vec::<String>::new());
}

#[test]
fn the_comparison_sees_a_difference() {
    let mut found = Vec::new();
    let expected = json!({"resources": {"requests": {"cpu": "1"}}, "list": [{"name": "a", "x": 1}], "y": 1});
    let actual = json!({"resources": {"requests": {"cpu": "500m"}}, "list": [{"name": "a", "x": 2}]});
    missing("o", &expected, Some(&actual), &mut found);
    assert_eq!(found.len(), 3, "{found:?}");
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
    serving.source = "gs://bucket/resnet".parse().unwrap();
    serving
        .resources
        .limits
        .insert("cpu".to_owned(), Quantity::from("2"));
    let manifests = serving.manifests(None);
    assert_eq!(
        manifests[0].value().pointer("/data/MODEL_PATH"),
        Some(&json!("gs://bucket/resnet"))
    );
    let pod = manifests[1].value().pointer("/spec/template/spec").unwrap();
    assert_eq!(pod.get("volumes"), None);
    assert_eq!(pod.pointer("/containers/0/volumeMounts"), None);
    assert_eq!(
        pod.pointer("/containers/0/resources/limits"),
        Some(&json!({"cpu": "2"}))
    );
}

#[test]
fn a_cpu_limit_sizes_the_thread_pools() {
    let mut serving = serving();
    let arguments = |serving: &Serving| serving.arguments().split_off(2);
    assert!(arguments(&serving).is_empty());
    for (limit, cores) in [("2", 2), ("1500m", 2), ("200m", 1)] {
        serving.resources.limits = BTreeMap::from([("cpu".to_owned(), Quantity::from(limit))]);
        assert_eq!(
            arguments(&serving),
            [
                format!("--tensorflow_intra_op_parallelism={cores}"),
                format!("--tensorflow_inter_op_parallelism={cores}"),
            ]
        );
    }
}
