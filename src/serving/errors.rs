//! Why a server of models refused a request: its own words, and what they most likely mean here
//! (`model_servers/http_rest_api_handler.cc`, `util/status_util.cc`, 2.16 to 2.20).

use serde_json::Value;

use super::model::VersionState;
use super::request;
use super::signature::Metadata;

/// How much of an answer that is no JSON is shown.
const SHOWN: usize = 300;

/// What a request asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Asked<'a> {
    /// The model.
    pub model: &'a str,
    /// `--version`.
    pub version: Option<u64>,
    /// `--label`.
    pub label: Option<&'a str>,
    /// `--signature`.
    pub signature: Option<&'a str>,
    /// The body.
    pub body: &'a [u8],
}

/// What was found out after the error.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Found {
    /// The models that the pods were told to serve.
    pub models: Vec<String>,
    /// The versions of the model that was asked; none where the server has no such model.
    pub versions: Option<Vec<VersionState>>,
    /// The model's signatures.
    pub metadata: Option<Metadata>,
}

/// What an error is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Topic {
    /// The model, its version or its label.
    Name,
    /// The body.
    Input,
    /// The server has no room, or not yet.
    Busy,
    /// The server gave up.
    Slow,
    /// Something else.
    Other,
}

/// What an error is about.
pub fn topic(status: u16, text: &str) -> Topic {
    match status {
        404 => Topic::Name,
        // A label that no version has is an invalid argument to the server.
        400 if text.contains("version label") => Topic::Name,
        400 => Topic::Input,
        429 | 503 => Topic::Busy,
        504 => Topic::Slow,
        _ => Topic::Other,
    }
}

/// The server's own text: `error` of its JSON, else the beginning of the body.
pub fn text(body: &[u8]) -> String {
    if let Ok(Value::Object(answer)) = request::parse(body)
        && let Some(Value::String(error)) = answer.get("error")
    {
        return error.trim().to_owned();
    }
    let all = String::from_utf8_lossy(body);
    let mut start: String = all.trim().chars().take(SHOWN).collect();
    if start.is_empty() {
        start.push_str("an empty body");
    }
    start
}

/// What the error means here, a line each, and what to do next.
pub fn explain(status: u16, text: &str, asked: Asked<'_>, found: &Found) -> Vec<String> {
    match topic(status, text) {
        Topic::Name => name(asked, found),
        Topic::Input => input(asked, found),
        Topic::Busy => vec![busy(text, asked, found)],
        Topic::Slow => vec![
            "cause    the model took longer than the server allows: `--rest_api_timeout_in_ms` of its arguments, 30 s where nothing is said".to_owned(),
        ],
        Topic::Other => other(status, text),
    }
}

fn other(status: u16, text: &str) -> Vec<String> {
    let line = if text.trim_start().starts_with('<') {
        "cause    what answered is no server of models, but something before it: a load balancer or a proxy"
    } else if status >= 500 {
        "next     the server's log says more: `kubectl logs` of its pod"
    } else {
        return Vec::new();
    };
    vec![line.to_owned()]
}

fn name(asked: Asked<'_>, found: &Found) -> Vec<String> {
    let model = asked.model;
    let Some(versions) = &found.versions else {
        let told = found.models.join(", ");
        return if found.models.iter().any(|known| known == model) {
            vec![format!(
                "cause    the server was told to serve {model} and has no version of it: look for the reason in its log"
            )]
        } else if found.models.is_empty() {
            vec![format!(
                "cause    the server has no model {model}; the name is the one in `--model_name`, or in the models' configuration, of the server's arguments"
            )]
        } else {
            vec![
                format!("cause    the server has no model {model}; the pods were told to serve {told}"),
                format!("next     the same command with `--model {}`", found.models[0]),
            ]
        };
    };
    let available: Vec<&str> = versions
        .iter()
        .filter(|version| version.state == "AVAILABLE")
        .map(|version| version.version.as_str())
        .collect();
    let mut lines = Vec::new();
    if let Some(label) = asked.label {
        lines.push(format!(
            "cause    no version of model {model} has the label {label}; labels are given by `version_labels` in the server's `--model_config_file`"
        ));
    } else if let Some(wanted) = asked.version {
        let known = versions
            .iter()
            .find(|version| version.version == wanted.to_string());
        lines.push(match known {
            Some(known) => format!("cause    version {wanted} of model {model} is {}", state(known)),
            None => format!("cause    the server has no version {wanted} of model {model}"),
        });
    } else {
        let states: Vec<String> = versions
            .iter()
            .map(|version| format!("version {} {}", version.version, state(version)))
            .collect();
        lines.push(format!(
            "cause    no version of model {model} can be asked: {}",
            states.join("; ")
        ));
    }
    lines.push(if available.is_empty() {
        "next     no version is AVAILABLE: wait for one that is loading, or read the server's log".to_owned()
    } else {
        format!(
            "next     `--version` with one that is AVAILABLE: {}",
            available.join(", ")
        )
    });
    lines
}

fn state(version: &VersionState) -> String {
    match &version.error {
        Some(error) => format!("{} ({error})", version.state),
        None => version.state.clone(),
    }
}

fn input(asked: Asked<'_>, found: &Found) -> Vec<String> {
    let mut lines = Vec::new();
    // A name in the body goes before the default, as it does in the server.
    let in_body = request::parse(asked.body)
        .ok()
        .and_then(|body| body.get("signature_name")?.as_str().map(str::to_owned));
    match found.metadata.as_ref() {
        None => {}
        Some(metadata) => match metadata.signature(asked.signature.or(in_body.as_deref())) {
            Ok((name, signature)) => lines.push(format!("expects  {name}: {signature}")),
            Err(why) => lines.push(format!("cause    {why}")),
        },
    }
    lines.extend(
        request::describe(asked.body)
            .into_iter()
            .map(|part| format!("sent     {part}")),
    );
    lines.push("next     the same command with `--example` in the place of the request prints one that this model takes".to_owned());
    lines
}

fn busy(text: &str, asked: Asked<'_>, found: &Found) -> String {
    let loading = found
        .versions
        .iter()
        .flatten()
        .find(|version| matches!(version.state.as_str(), "START" | "LOADING"));
    if let Some(version) = loading {
        return format!(
            "cause    version {} of model {} is {}: ask again when it is AVAILABLE",
            version.version, asked.model, version.state
        );
    }
    if text.contains("queue") {
        return "cause    the server's batch queue is full: send fewer requests at a time, add pods, or raise `max_enqueued_batches` of its batching parameters".to_owned();
    }
    "cause    the server has no room for the request now: send fewer at a time, or add pods".to_owned()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::serving::signature;

    const BODY: &[u8] = br#"{"instances": [[1, 2]]}"#;

    fn version(number: &str, state: &str) -> VersionState {
        VersionState {
            version: number.to_owned(),
            state: state.to_owned(),
            error: (state == "END").then(|| "NOT_FOUND: no graph".to_owned()),
        }
    }

    fn said(status: u16, error: &str, change: impl FnOnce(&mut Asked<'_>, &mut Found)) -> String {
        let mut asked = Asked {
            model: "resnet",
            version: None,
            label: None,
            signature: None,
            body: BODY,
        };
        let mut found = Found::default();
        change(&mut asked, &mut found);
        explain(status, error, asked, &found).join("\n")
    }

    #[test]
    fn names_that_the_server_does_not_know() {
        let missing = "Servable not found for request: Latest(resnet)";
        insta::assert_snapshot!("model_unknown", said(404, missing, |_, _| {}));
        insta::assert_snapshot!(
            "model_other",
            said(404, missing, |_, found| found.models =
                vec!["image_classifier".to_owned(), "bert".to_owned()])
        );
        insta::assert_snapshot!(
            "model_without_version",
            said(404, missing, |_, found| found.models = vec!["resnet".to_owned()])
        );
        insta::assert_snapshot!(
            "model_loading",
            said(404, missing, |_, found| found.versions =
                Some(vec![version("1", "LOADING")]))
        );
        insta::assert_snapshot!(
            "model_failed",
            said(404, missing, |_, found| found.versions =
                Some(vec![version("1", "END")]))
        );
    }

    #[test]
    fn versions_and_labels_that_the_server_does_not_have() {
        let missing = "Servable not found for request: Specific(resnet, 9)";
        let versions = || {
            Some(vec![
                version("1", "AVAILABLE"),
                version("2", "AVAILABLE"),
                version("3", "LOADING"),
            ])
        };
        insta::assert_snapshot!(
            "version_unknown",
            said(404, missing, |asked, found| {
                asked.version = Some(9);
                found.versions = versions();
            })
        );
        insta::assert_snapshot!(
            "version_loading",
            said(404, missing, |asked, found| {
                asked.version = Some(3);
                found.versions = versions();
            })
        );
        insta::assert_snapshot!(
            "label_unknown",
            said(
                400,
                "Unrecognized servable version label: canary",
                |asked, found| {
                    asked.label = Some("canary");
                    found.versions = versions();
                }
            )
        );
    }

    #[test]
    fn inputs_that_the_model_does_not_take() {
        let metadata = json!({"model_spec": {"version": "1"}, "metadata": {"signature_def": {"signature_def": {
            "serving_default": {"inputs": {"x": {"dtype": "DT_FLOAT", "tensor_shape": {"dim": [{"size": "-1"}, {"size": "3"}]}}},
                "outputs": {"y": {"dtype": "DT_FLOAT", "tensor_shape": {"dim": [{"size": "-1"}]}}}}}}}});
        let metadata = || signature::parse(metadata.to_string().as_bytes()).ok();
        insta::assert_snapshot!(
            "input",
            said(400, "Incompatible shapes", |_, found| found.metadata = metadata())
        );
        insta::assert_snapshot!(
            "input_without_metadata",
            said(400, "Incompatible shapes", |_, _| {})
        );
        insta::assert_snapshot!(
            "signature_unknown",
            said(
                400,
                "Serving signature name: \"z\" not found in signature def",
                |asked, found| {
                    asked.signature = Some("z");
                    found.metadata = metadata();
                }
            )
        );
        insta::assert_snapshot!(
            "signature_unknown_in_body",
            said(
                400,
                "Serving signature name: \"z\" not found in signature def",
                |asked, found| {
                    asked.body = br#"{"signature_name": "z", "inputs": 1}"#;
                    found.metadata = metadata();
                }
            )
        );
    }

    #[test]
    fn servers_without_room_or_time() {
        let full = "The batch scheduling queue to which this task was submitted is full";
        insta::assert_snapshot!("queue_full", said(503, full, |_, _| {}));
        insta::assert_snapshot!("no_room", said(429, "Resource exhausted", |_, _| {}));
        insta::assert_snapshot!(
            "still_loading",
            said(503, "Unavailable", |_, found| found.versions =
                Some(vec![version("1", "LOADING")]))
        );
        insta::assert_snapshot!("slow", said(504, "Timed out", |_, _| {}));
        insta::assert_snapshot!(said(500, "internal", |_, _| {}), @"next     the server's log says more: `kubectl logs` of its pod");
        insta::assert_snapshot!(said(502, "<html>", |_, _| {}), @"cause    what answered is no server of models, but something before it: a load balancer or a proxy");
        assert_eq!(said(403, "no", |_, _| {}), "");
    }

    #[test]
    fn the_servers_own_text() {
        assert_eq!(text(br#"{"error": "a \u0007 b"}"#), "a \u{7} b");
        assert_eq!(text(b"<html>no</html>"), "<html>no</html>");
        assert_eq!(text(b""), "an empty body");
        assert_eq!(text(&[b'x'; 1000]).len(), SHOWN);
    }
}
