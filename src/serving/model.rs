//! The state of a model, as `GET /v1/models/NAME` tells it.
//!
//! The answer is 200 for any known version in any state, so only its body proves anything
//! (`util/json_tensor.cc`, `model_servers/http_rest_api_handler.cc`, TensorFlow Serving 2.16 to 2.20).

use serde::Deserialize;

/// One loaded, loading or failed version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VersionState {
    /// The version: the name of its directory.
    pub version: String,
    /// `START`, `LOADING`, `AVAILABLE`, `UNLOADING` or `END`.
    pub state: String,
    /// The error's code and text, where there is one.
    pub error: Option<String>,
}

/// What a server says of a model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ModelState {
    /// At least one version can be asked.
    Available(Vec<String>),
    /// None can be asked yet.
    Loading(Vec<VersionState>),
    /// None can be asked, and at least one failed.
    Failed(Vec<VersionState>),
    /// The server's own error text, for example that it does not know the model.
    Refused(String),
}

#[derive(Deserialize)]
struct Answer {
    #[serde(default, rename = "model_version_status")]
    versions: Vec<Version>,
    #[serde(default)]
    error: Option<String>,
}

#[derive(Deserialize)]
struct Version {
    #[serde(default, rename = "version")]
    number: String,
    #[serde(default)]
    state: String,
    #[serde(default)]
    status: Status,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Status {
    error_code: String,
    error_message: String,
}

/// Reads the answer's body.
///
/// # Errors
/// The body is no answer of TensorFlow Serving; the text says what it is.
pub fn parse(status: u16, body: &[u8]) -> Result<ModelState, String> {
    let answer: Answer = serde_json::from_slice(body).map_err(|error| {
        format!("HTTP {status}, and the body is no answer of TensorFlow Serving: {error}")
    })?;
    if let Some(error) = answer.error {
        return Ok(ModelState::Refused(error));
    }
    let versions = states(answer.versions);
    if versions.is_empty() {
        return Err(format!("HTTP {status}, and the body names no version"));
    }
    let available: Vec<String> = versions
        .iter()
        .filter(|version| version.state == "AVAILABLE")
        .map(|version| version.version.clone())
        .collect();
    if !available.is_empty() {
        return Ok(ModelState::Available(available));
    }
    let failed = versions.iter().any(|version| version.error.is_some());
    Ok(if failed {
        ModelState::Failed(versions)
    } else {
        ModelState::Loading(versions)
    })
}

/// All versions that an answer names, whatever their state; none where it is no answer about versions.
pub fn versions(body: &[u8]) -> Option<Vec<VersionState>> {
    let answer: Answer = serde_json::from_slice(body).ok()?;
    (!answer.versions.is_empty()).then(|| states(answer.versions))
}

fn states(versions: Vec<Version>) -> Vec<VersionState> {
    versions.into_iter().map(Into::into).collect()
}

impl From<Version> for VersionState {
    fn from(version: Version) -> Self {
        let failed = !matches!(version.status.error_code.as_str(), "" | "OK");
        Self {
            version: version.number,
            state: version.state,
            error: failed.then(|| format!("{}: {}", version.status.error_code, version.status.error_message)),
        }
    }
}

impl std::fmt::Display for ModelState {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Available(versions) => write!(formatter, "version {} AVAILABLE", versions.join(", ")),
            Self::Refused(error) => formatter.write_str(error),
            Self::Loading(versions) | Self::Failed(versions) => {
                for (index, version) in versions.iter().enumerate() {
                    let separator = if index == 0 { "" } else { "; " };
                    write!(
                        formatter,
                        "{separator}version {} {}",
                        version.version, version.state
                    )?;
                    if let Some(error) = &version.error {
                        write!(formatter, " ({error})")?;
                    }
                }
                Ok(())
            }
        }
    }
}

/// Finds in the server's log why it opens no port: it waits for ever for a model that is not where it
/// looks, and no event of Kubernetes tells so
/// (`sources/storage_path/file_system_storage_path_source.cc`, 2.16 to 2.20).
pub fn why_no_port(log: &str) -> Option<&str> {
    log.lines().rev().find_map(|line| {
        ["No versions of servable ", "Could not find base path "]
            .iter()
            .find_map(|text| line.find(text).map(|start| line[start..].trim_end()))
    })
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    fn said(status: u16, body: &str) -> String {
        parse(status, body.as_bytes()).map_or_else(|error| error, |state| state.to_string())
    }

    #[test]
    fn an_available_version_wins() {
        let body = r#"{"model_version_status": [
            {"version": "2", "state": "LOADING", "status": {"error_code": "OK", "error_message": ""}},
            {"version": "1", "state": "AVAILABLE", "status": {"error_code": "OK", "error_message": ""}}]}"#;
        assert_eq!(
            parse(200, body.as_bytes()).unwrap(),
            ModelState::Available(vec!["1".to_owned()])
        );
        insta::assert_snapshot!(said(200, body), @"version 1 AVAILABLE");
    }

    #[test]
    fn a_failed_version_gives_its_reason_although_the_answer_is_200() {
        let body = r#"{"model_version_status": [{"version": "1", "state": "END",
            "status": {"error_code": "NOT_FOUND", "error_message": "Could not find SavedModel .pb"}}]}"#;
        assert!(matches!(parse(200, body.as_bytes()), Ok(ModelState::Failed(_))));
        insta::assert_snapshot!(said(200, body), @"version 1 END (NOT_FOUND: Could not find SavedModel .pb)");
    }

    #[test]
    fn other_answers() {
        let loading = r#"{"model_version_status": [{"version": "1", "state": "LOADING"}]}"#;
        assert!(matches!(
            parse(200, loading.as_bytes()),
            Ok(ModelState::Loading(_))
        ));
        insta::assert_snapshot!(said(404, r#"{"error": "Could not find any versions of model x"}"#), @"Could not find any versions of model x");
        insta::assert_snapshot!(said(200, "{}"), @"HTTP 200, and the body names no version");
        insta::assert_snapshot!(said(502, "<html>"), @"HTTP 502, and the body is no answer of TensorFlow Serving: expected value at line 1 column 1");
    }

    #[test]
    fn the_log_of_a_server_without_a_model() {
        let log = "2026-01-01 x.cc:1] Starting\n2026-01-01 x.cc:375] No versions of servable m found under base path /models/m. Did you forget to name your leaf directory as a number (eg. '/1/')?\n";
        insta::assert_snapshot!(why_no_port(log).unwrap(), @"No versions of servable m found under base path /models/m. Did you forget to name your leaf directory as a number (eg. '/1/')?");
        assert_eq!(why_no_port("loaded\n"), None);
    }
}
