//! Facts on disk: the bug report that is saved, and the input that needs no cluster.

use std::io::{Read, Write};
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::print::print;
use crate::Error;
use crate::cluster::facts_of_dump;
use crate::facts::{API_VERSION, Facts, KIND};
use crate::output::structured;

/// What files hold.
#[derive(Debug, PartialEq)]
enum Content {
    /// What `--save-facts` wrote.
    Saved(Box<Facts>),
    /// What kubectl printed.
    Dump(Vec<Value>),
}

/// Reads facts, or what kubectl printed, JSON or YAML, from files or from stdin (`-`).
pub(super) fn read(paths: &[PathBuf]) -> Result<Facts, Error> {
    let mut dump = Vec::new();
    for path in paths {
        let unusable = |why: String| unusable(&path.display().to_string(), &why);
        let text = text(path)
            .map_err(|error| Error::Usage(format!("cannot read the facts {}: {error}", path.display())))?;
        match parse(&text).map_err(unusable)? {
            Content::Saved(facts) if paths.len() == 1 => return Ok(*facts),
            Content::Saved(_) => {
                return Err(unusable("facts that were saved stand alone".to_owned()));
            }
            Content::Dump(documents) => dump.extend(documents),
        }
    }
    let names: Vec<String> = paths.iter().map(|path| path.display().to_string()).collect();
    super::runtime()?
        .block_on(facts_of_dump(dump))
        .map_err(|why| unusable(&names.join(", "), &why))
}

fn unusable(names: &str, why: &str) -> Error {
    Error::Usage(format!("cannot use {names} as facts: {why}"))
}

fn text(path: &Path) -> std::io::Result<String> {
    if path != Path::new("-") {
        return std::fs::read_to_string(path);
    }
    let mut text = String::new();
    std::io::stdin().read_to_string(&mut text)?;
    Ok(text)
}

fn parse(text: &str) -> Result<Content, String> {
    let documents = documents(text)?;
    let field = |name: &str| {
        documents
            .iter()
            .find_map(|it| it.get(name)?.as_str())
            .unwrap_or_default()
    };
    let (kind, api_version) = (field("kind"), field("apiVersion"));
    if kind != KIND {
        return Ok(Content::Dump(documents));
    }
    if api_version != API_VERSION {
        return Err(format!(
            "its apiVersion is `{api_version}`, this version reads {API_VERSION}"
        ));
    }
    let [document] = &documents[..] else {
        return Err("facts that were saved stand alone".to_owned());
    };
    // Both forms are read by way of a `Value`: a reader of YAML made for every type of the facts takes a megabyte of the
    // binary. The path tells a place as well as a line does.
    serde_path_to_error::deserialize(document)
        .map(Content::Saved)
        .map_err(|error| format!("{}: {}", error.path(), error.inner()))
}

/// All documents of a text: JSON values behind each other, or YAML documents.
fn documents(text: &str) -> Result<Vec<Value>, String> {
    let documents: Vec<Value> = if is_json(text) {
        let values = serde_json::Deserializer::from_str(text).into_iter();
        values
            .collect::<Result<_, _>>()
            .map_err(|error| error.to_string())?
    } else {
        // A dump of a large namespace is larger than what the parser takes from strangers.
        let budget = serde_saphyr::budget! {
            max_events: 50_000_000,
            max_nodes: 50_000_000,
            max_total_scalar_bytes: 1 << 30,
        };
        let options = serde_saphyr::options! { budget: budget };
        serde_saphyr::from_multiple_with_options(text, options).map_err(|error| first_line(&error))?
    };
    if documents.iter().all(Value::is_null) {
        return Err("it is empty".to_owned());
    }
    Ok(documents)
}

fn is_json(text: &str) -> bool {
    text.trim_start().starts_with('{')
}

/// The first line says what and where; the rest quotes the file.
fn first_line(error: &serde_saphyr::Error) -> String {
    error
        .to_string()
        .lines()
        .next()
        .unwrap_or("it is not YAML")
        .to_owned()
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
    use super::{Content, parse, structured};
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
                pending_events: Fact::default(),
                serving_log: Fact::default(),
                same_target: Fact::Known(Vec::new()),
                same_target_keepers: std::collections::BTreeMap::new(),
                rivals: Vec::new(),
                scaled_object: Fact::default(),
                alternatives: Fact::default(),
                definition: Fact::default(),
                successor: Fact::default(),
                limit_ranges: Fact::default(),
                quotas: Fact::default(),
                missed_object: Fact::default(),
                nodes: Fact::default(),
                metric_values: Vec::new(),
                unselected_values: Vec::new(),
            }],
        }
    }

    #[test]
    fn facts_survive_json_and_yaml() {
        let facts = Content::Saved(Box::new(facts()));
        let Content::Saved(saved) = &facts else {
            unreachable!()
        };
        assert_eq!(parse(&structured::json(saved).unwrap()).unwrap(), facts);
        assert_eq!(parse(&structured::yaml(saved).unwrap()).unwrap(), facts);
    }

    #[test]
    fn documents_behind_each_other_are_one_dump() {
        for text in ["kind: A\n---\nkind: B\n", "{\"kind\": \"A\"}\n{\"kind\": \"B\"}"] {
            let Content::Dump(documents) = parse(text).unwrap() else {
                unreachable!()
            };
            assert_eq!(documents.len(), 2, "{text}");
        }
    }

    #[test]
    fn what_is_not_facts_is_named() {
        assert_eq!(
            parse("apiVersion: tfserve.dev/v9\nkind: HpaFacts").unwrap_err(),
            "its apiVersion is `tfserve.dev/v9`, this version reads tfserve.dev/v1"
        );
        assert_eq!(parse("").unwrap_err(), "it is empty");
        assert_eq!(
            parse("apiVersion: tfserve.dev/v1\nkind: HpaFacts\nobservedAt: '2026-01-02T03:04:05Z'\ncluster: {}\nhpas: [{hpa: {namespace: 7}}]").unwrap_err(),
            "hpas[0].hpa.namespace: invalid type: integer `7`, expected a string"
        );
        assert!(parse("{\"kind\": ").unwrap_err().contains("EOF"));
        assert!(!parse("\u{0}\u{1}[").unwrap_err().contains('\n'));
    }
}
