//! What a model takes and gives, as `GET /v1/models/NAME/metadata` tells it, and a request made from it.

use std::collections::BTreeMap;
use std::fmt;

use serde::Deserialize;
use serde_json::{Map, Value, json};

/// The signature that is asked where none is named.
pub const DEFAULT_SIGNATURE: &str = "serving_default";
/// What `SavedModel` keeps under the same roof and nobody can ask.
const INTERNAL: &str = "__saved_model_init_op";
/// `example`, as base64.
const EXAMPLE_BYTES: &str = "ZXhhbXBsZQ==";
/// How many values an example may hold: about 40 MB of JSON.
const MOST_VALUES: i64 = 10_000_000;

/// The signatures of one version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Metadata {
    /// The version.
    pub version: String,
    /// By name.
    pub signatures: BTreeMap<String, Signature>,
}

/// One signature.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signature {
    /// By name.
    pub inputs: BTreeMap<String, Tensor>,
    /// By name.
    pub outputs: BTreeMap<String, Tensor>,
}

/// A tensor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tensor {
    /// For example `DT_FLOAT`.
    pub dtype: String,
    /// Its sizes, -1 where any will do; none where even their number is open.
    pub shape: Option<Vec<i64>>,
}

#[derive(Deserialize)]
struct Answer {
    model_spec: Spec,
    metadata: Parts,
}

#[derive(Deserialize)]
struct Spec {
    #[serde(default)]
    version: String,
}

#[derive(Deserialize)]
struct Parts {
    signature_def: Definitions,
}

#[derive(Deserialize)]
struct Definitions {
    signature_def: BTreeMap<String, Definition>,
}

#[derive(Deserialize)]
struct Definition {
    #[serde(default)]
    inputs: BTreeMap<String, Info>,
    #[serde(default)]
    outputs: BTreeMap<String, Info>,
}

#[derive(Deserialize)]
struct Info {
    dtype: String,
    #[serde(default)]
    tensor_shape: Shape,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Shape {
    dim: Vec<Dimension>,
    unknown_rank: bool,
}

#[derive(Deserialize)]
struct Dimension {
    /// A 64-bit integer, which protobuf writes as a string.
    size: Value,
}

/// Reads the answer's body.
///
/// # Errors
/// It is no answer of TensorFlow Serving.
pub fn parse(body: &[u8]) -> Result<Metadata, String> {
    let answer: Answer = serde_json::from_slice(body)
        .map_err(|error| format!("the answer is no metadata of TensorFlow Serving: {error}"))?;
    let signatures = answer.metadata.signature_def.signature_def;
    Ok(Metadata {
        version: answer.model_spec.version,
        signatures: signatures
            .into_iter()
            .filter(|(name, _)| name != INTERNAL)
            .map(|(name, definition)| {
                let signature = Signature {
                    inputs: tensors(definition.inputs),
                    outputs: tensors(definition.outputs),
                };
                (name, signature)
            })
            .collect(),
    })
}

fn tensors(infos: BTreeMap<String, Info>) -> BTreeMap<String, Tensor> {
    let size = |dimension: &Dimension| match &dimension.size {
        Value::String(text) => text.parse().unwrap_or(-1),
        other => other.as_i64().unwrap_or(-1),
    };
    infos
        .into_iter()
        .map(|(name, info)| {
            let tensor = Tensor {
                dtype: info.dtype,
                shape: (!info.tensor_shape.unknown_rank)
                    .then(|| info.tensor_shape.dim.iter().map(size).collect()),
            };
            (name, tensor)
        })
        .collect()
}

impl Metadata {
    /// The signature of a name; without one the default, else the only one.
    ///
    /// # Errors
    /// There is none; the text names those that are there.
    pub fn signature(&self, name: Option<&str>) -> Result<(&str, &Signature), String> {
        let wanted = name.unwrap_or(DEFAULT_SIGNATURE);
        if let Some((name, signature)) = self.signatures.get_key_value(wanted) {
            return Ok((name, signature));
        }
        let mut all = self.signatures.iter();
        if let (None, Some((name, signature)), None) = (name, all.next(), all.next()) {
            return Ok((name, signature));
        }
        let names: Vec<&str> = self.signatures.keys().map(String::as_str).collect();
        Err(format!(
            "version {} has no signature {wanted}; its signatures: {}",
            self.version,
            if names.is_empty() {
                "none".to_owned()
            } else {
                names.join(", ")
            }
        ))
    }
}

impl fmt::Display for Tensor {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sizes = match &self.shape {
            None => "of any shape".to_owned(),
            Some(sizes) => {
                let sizes: Vec<String> = sizes.iter().map(ToString::to_string).collect();
                format!("[{}]", sizes.join(", "))
            }
        };
        write!(formatter, "{} {sizes}", self.dtype)
    }
}

impl fmt::Display for Signature {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let list = |tensors: &BTreeMap<String, Tensor>| {
            let all: Vec<String> = tensors
                .iter()
                .map(|(name, tensor)| format!("{name} {tensor}"))
                .collect();
            if all.is_empty() {
                "nothing".to_owned()
            } else {
                all.join(", ")
            }
        };
        write!(formatter, "{} -> {}", list(&self.inputs), list(&self.outputs))
    }
}

/// A request that the signature takes: one row of zeros, of `false`, of the bytes `example`.
///
/// # Errors
/// An input cannot be written in JSON, or would be too large.
pub fn example(name: &str, signature: &Signature) -> Result<Value, String> {
    let mut request = Map::new();
    if name != DEFAULT_SIGNATURE {
        request.insert("signature_name".to_owned(), json!(name));
    }
    // Rows need a first size that they may vary in, and every input must have it.
    let in_rows = !signature.inputs.is_empty()
        && signature
            .inputs
            .values()
            .all(|tensor| tensor.shape.as_ref().and_then(|sizes| sizes.first()) == Some(&-1));
    let mut values = Map::new();
    for (input, tensor) in &signature.inputs {
        let sizes = tensor.shape.clone().unwrap_or_else(|| vec![1]);
        let sizes = if in_rows { &sizes[1..] } else { &sizes[..] };
        values.insert(input.clone(), value(input, &tensor.dtype, sizes)?);
    }
    let only = if values.len() == 1 {
        values.values().next().cloned()
    } else {
        None
    };
    let row = only.unwrap_or(Value::Object(values));
    if in_rows {
        request.insert("instances".to_owned(), json!([row]));
    } else {
        request.insert("inputs".to_owned(), row);
    }
    Ok(Value::Object(request))
}

fn value(input: &str, dtype: &str, sizes: &[i64]) -> Result<Value, String> {
    let one = match dtype {
        "DT_FLOAT" | "DT_DOUBLE" | "DT_HALF" | "DT_BFLOAT16" => json!(0.0),
        "DT_INT8" | "DT_INT16" | "DT_INT32" | "DT_INT64" | "DT_UINT8" | "DT_UINT16" | "DT_UINT32"
        | "DT_UINT64" => json!(0),
        "DT_BOOL" => json!(false),
        "DT_STRING" => json!({"b64": EXAMPLE_BYTES}),
        other => return Err(format!("input {input} is {other}, which has no form in JSON")),
    };
    let count = sizes
        .iter()
        .try_fold(1_i64, |count, size| count.checked_mul((*size).max(1)))
        .filter(|count| *count <= MOST_VALUES)
        .ok_or_else(|| format!("input {input} is too large for an example: {sizes:?}"))?;
    debug_assert!(count > 0);
    Ok(sizes.iter().rev().fold(one, |inner, size| match *size {
        0 => json!([]),
        size => Value::Array(vec![inner; usize::try_from(size).unwrap_or(1)]),
    }))
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    fn metadata(inputs: &Value) -> Metadata {
        let body = json!({"model_spec": {"name": "m", "signature_name": "", "version": "7"},
            "metadata": {"signature_def": {"signature_def": {
                "s": {"inputs": inputs, "outputs": {"y": {"dtype": "DT_FLOAT", "tensor_shape": {"dim": [], "unknown_rank": true}}}},
                INTERNAL: {"inputs": {}, "outputs": {}}}}}});
        parse(body.to_string().as_bytes()).unwrap()
    }

    fn tensor(dtype: &str, sizes: &[i64]) -> Value {
        let sizes: Vec<Value> = sizes
            .iter()
            .map(|size| json!({"size": size.to_string(), "name": ""}))
            .collect();
        json!({"dtype": dtype, "tensor_shape": {"dim": sizes, "unknown_rank": false}, "name": "x:0"})
    }

    fn said(inputs: &Value) -> String {
        let metadata = metadata(inputs);
        let (name, signature) = metadata.signature(None).unwrap();
        let example = example(name, signature).map_or_else(|error| error, |example| example.to_string());
        format!("{signature}\n{example}")
    }

    #[test]
    fn a_request_is_made_from_a_signature() {
        insta::assert_snapshot!("one_input", said(&json!({"x": tensor("DT_FLOAT", &[-1, 2, 3])})));
        insta::assert_snapshot!("scalars_in_rows", said(&json!({"x": tensor("DT_INT64", &[-1])})));
        insta::assert_snapshot!(
            "two_inputs",
            said(&json!({"image_bytes": tensor("DT_STRING", &[-1]), "on": tensor("DT_BOOL", &[-1, -1])}))
        );
        insta::assert_snapshot!(
            "no_rows",
            said(&json!({"a": tensor("DT_FLOAT", &[]), "b": tensor("DT_FLOAT", &[2])}))
        );
        insta::assert_snapshot!("not_in_json", said(&json!({"x": tensor("DT_COMPLEX64", &[-1])})));
        insta::assert_snapshot!(
            "too_large",
            said(&json!({"x": tensor("DT_FLOAT", &[-1, 100_000, 100_000])}))
        );
    }

    #[test]
    fn a_signature_that_is_not_there() {
        let metadata = metadata(&json!({"x": tensor("DT_FLOAT", &[-1])}));
        insta::assert_snapshot!(metadata.signature(Some("t")).unwrap_err(), @"version 7 has no signature t; its signatures: s");
        assert!(metadata.signature(Some("s")).is_ok());
        assert!(metadata.signature(Some(INTERNAL)).is_err());
        assert!(parse(b"{}").is_err());
    }
}
