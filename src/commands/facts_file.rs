//! Facts on disk: the bug report that is saved, and the input that needs no cluster.

use std::io::{Read, Write};
use std::path::Path;

use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::print::print;
use crate::Error;
use crate::facts::{API_VERSION, Facts, KIND};
use crate::output::structured;

/// What marks a file of ours.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Header {
    #[serde(default)]
    api_version: String,
    #[serde(default)]
    kind: String,
}

/// Reads facts, JSON or YAML, from a file or from stdin (`-`).
pub(super) fn read(path: &Path) -> Result<Facts, Error> {
    let text = text(path)
        .map_err(|error| Error::Usage(format!("cannot read the facts {}: {error}", path.display())))?;
    parse(&text).map_err(|why| {
        Error::Usage(format!(
            "cannot use {} as facts: {why}; `kubectl tfserve explain-hpa --save-facts` writes them",
            path.display()
        ))
    })
}

fn text(path: &Path) -> std::io::Result<String> {
    if path != Path::new("-") {
        return std::fs::read_to_string(path);
    }
    let mut text = String::new();
    std::io::stdin().read_to_string(&mut text)?;
    Ok(text)
}

fn parse(text: &str) -> Result<Facts, String> {
    let header: Header = decode(text)?;
    if header.kind != KIND {
        return Err(match header.kind.as_str() {
            "" => format!("it has no `kind`, which should be {KIND}"),
            kind => format!("it is a {kind} and not {KIND}"),
        });
    }
    if header.api_version != API_VERSION {
        return Err(format!(
            "its apiVersion is `{}`, this version reads {API_VERSION}",
            header.api_version
        ));
    }
    decode(text)
}

fn decode<T: DeserializeOwned>(text: &str) -> Result<T, String> {
    if text.trim_start().starts_with('{') {
        serde_json::from_str(text).map_err(|error| error.to_string())
    } else {
        serde_saphyr::from_str(text).map_err(|error| {
            // The first line says what and where; the rest quotes the file.
            error
                .to_string()
                .lines()
                .next()
                .unwrap_or("it is not YAML")
                .to_owned()
        })
    }
}

/// Writes facts to a file, whole or not at all, or to stdout (`-`).
pub(super) fn write(path: &Path, facts: &Facts) -> Result<(), Error> {
    let is_json = path
        .extension()
        .is_some_and(|extension| extension.eq_ignore_ascii_case("json"));
    let text = if is_json {
        structured::json(facts)?
    } else {
        structured::yaml(facts)?
    };
    if path == Path::new("-") {
        return print(&text);
    }
    replace(path, &text)
        .map_err(|error| Error::Incomplete(format!("cannot save the facts to {}: {error}", path.display())))
}

fn replace(path: &Path, text: &str) -> std::io::Result<()> {
    let directory = path
        .parent()
        .filter(|parent| !parent.as_os_str().is_empty())
        .unwrap_or(Path::new("."));
    let mut file = tempfile::NamedTempFile::new_in(directory)?;
    file.write_all(text.as_bytes())?;
    file.as_file().sync_all()?;
    file.persist(path)?;
    Ok(())
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a failed unwrap fails the test")]
mod tests {
    use super::{parse, structured};
    use crate::facts::{ClusterFacts, Fact, Facts, HpaFacts, NotReadable};

    fn facts() -> Facts {
        let hpa = serde_json::json!({
            "namespace": "shop", "name": "web", "maxReplicas": 3,
            "target": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"},
            "metrics": [{"type": "Resource", "name": "cpu", "target": {"averageUtilization": 60}}],
        });
        Facts {
            api_version: super::API_VERSION.to_owned(),
            kind: super::KIND.to_owned(),
            observed_at: "2026-01-02T03:04:05Z".parse().unwrap(),
            cluster: ClusterFacts {
                version: Fact::Known("v1.37.2".to_owned()),
                resource_metrics_api: Fact::Absent,
                ..ClusterFacts::default()
            },
            hpas: vec![HpaFacts {
                hpa: serde_json::from_value(hpa).unwrap(),
                target: Fact::Absent,
                scale: Fact::default(),
                pods: Fact::NotReadable(NotReadable {
                    what: "pods in namespace shop".to_owned(),
                    why: "pods is forbidden".to_owned(),
                    needs: Some("list pods -n shop".to_owned()),
                }),
                pod_metrics: Fact::Known(Vec::new()),
                events: Fact::Known(Vec::new()),
                target_events: Fact::default(),
                serving_log: Fact::default(),
                same_target: Fact::Known(Vec::new()),
                same_target_keepers: std::collections::BTreeMap::new(),
                rivals: Vec::new(),
                scaled_object: Fact::default(),
                alternatives: Fact::default(),
                definition: Fact::default(),
                limit_ranges: Fact::default(),
                metric_values: Vec::new(),
            }],
        }
    }

    #[test]
    fn facts_survive_json_and_yaml() {
        let facts = facts();
        assert_eq!(parse(&structured::json(&facts).unwrap()).unwrap(), facts);
        assert_eq!(parse(&structured::yaml(&facts).unwrap()).unwrap(), facts);
    }

    #[test]
    fn what_is_not_facts_is_named() {
        assert_eq!(parse("kind: List").unwrap_err(), "it is a List and not HpaFacts");
        assert_eq!(
            parse("{}").unwrap_err(),
            "it has no `kind`, which should be HpaFacts"
        );
        assert_eq!(
            parse("apiVersion: tfserve.dev/v9\nkind: HpaFacts").unwrap_err(),
            "its apiVersion is `tfserve.dev/v9`, this version reads tfserve.dev/v1"
        );
        assert!(parse("{\"kind\": ").unwrap_err().contains("EOF"));
        assert!(!parse("\u{0}\u{1}[").unwrap_err().contains('\n'));
    }
}
