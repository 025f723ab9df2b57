//! `--models-config FILE`: the server's `--model_config_file`, checked before it reaches a server that would
//! only tell in its log.
//!
//! Fields are those of `config/model_server_config.proto` and
//! `sources/storage_path/file_system_storage_path_source.proto`, 2.16 to 2.20.

mod lenient;
mod text_proto;

pub use self::lenient::names;
use self::text_proto::{Field, Value};
use super::{names, source};

/// What one `ConfigMap` may hold beside it (`pkg/apis/core/validation`, `MaxSecretSize`).
const LARGEST: usize = 900 << 10;

/// The models of one server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModelsConfig {
    /// The file as it is.
    pub text: String,
    /// The models, in its order.
    pub models: Vec<Model>,
    /// Whether labels are given to versions: the server refuses that at its start unless it is told to allow it.
    pub labels: bool,
}

/// One of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Model {
    /// The name in the API.
    pub name: String,
    /// Where its versions are.
    pub base_path: String,
    line: usize,
}

impl ModelsConfig {
    /// Reads the file.
    ///
    /// # Errors
    /// The server would not start with it; the text names the line.
    pub fn parse(text: &str) -> Result<Self, String> {
        if text.len() > LARGEST {
            return Err(format!(
                "it has {} bytes, and a ConfigMap holds 1 MiB",
                text.len()
            ));
        }
        let mut models: Vec<Model> = Vec::new();
        let mut labels = false;
        for list in text_proto::parse(text)? {
            expect(&list, &["model_config_list"])?;
            for config in message(&list)? {
                expect(config, &["config"])?;
                let model = model(config)?;
                if models.iter().any(|other| other.name == model.name) {
                    return Err(format!(
                        "line {}: model {} is there twice",
                        model.line, model.name
                    ));
                }
                labels |= message(config)?
                    .iter()
                    .any(|field| field.name == "version_labels");
                models.push(model);
            }
        }
        if models.is_empty() {
            return Err("it names no model: `model_config_list { config { name: … base_path: … model_platform: \"tensorflow\" } }` does".to_owned());
        }
        Ok(Self {
            text: text.to_owned(),
            models,
            labels,
        })
    }

    /// Checks that every base path is somewhere: in a bucket, or below where `--model` is mounted.
    ///
    /// # Errors
    /// One is not.
    pub fn check_paths(&self, mounted: Option<&str>) -> Result<(), String> {
        for model in &self.models {
            let path = model.base_path.as_str();
            if path.starts_with("gs://") {
                continue;
            }
            let below = |mount: &str| {
                path == mount || path.strip_prefix(mount).is_some_and(|rest| rest.starts_with('/'))
            };
            if mounted.is_some_and(below) {
                continue;
            }
            let line = model.line;
            return Err(match mounted {
                _ if path.starts_with("s3://") => format!(
                    "line {line}: base_path \"{path}\": since 2.7 TensorFlow Serving has no s3 file system; copy the models with `--model s3://…`, and name them below where they are copied to"
                ),
                Some(mount) => format!(
                    "line {line}: base_path \"{path}\" is not below {mount}, where `--model` is mounted"
                ),
                None => format!(
                    "line {line}: base_path \"{path}\" is nowhere: name the volume that holds it with `--model`"
                ),
            });
        }
        Ok(())
    }

    /// Models whose base path ends in a number, with the path above it.
    pub fn version_paths(&self) -> impl Iterator<Item = (&Model, &str)> {
        self.models
            .iter()
            .filter_map(|model| Some((model, source::above_version(&model.base_path)?)))
    }
}

fn model(config: &Field) -> Result<Model, String> {
    let line = config.line;
    let (mut name, mut base_path, mut platform) = (None, None, false);
    for field in message(config)? {
        expect(
            field,
            &[
                "name",
                "base_path",
                "model_platform",
                "model_type",
                "model_version_policy",
                "version_labels",
                "logging_config",
            ],
        )?;
        match field.name.as_str() {
            "name" => name = Some(text(field)?),
            "base_path" => base_path = Some(text(field)?),
            "model_platform" => {
                let given = text(field)?;
                if given != "tensorflow" {
                    return Err(format!(
                        "line {}: model_platform \"{given}\" is not served: \"tensorflow\" is",
                        field.line
                    ));
                }
                platform = true;
            }
            "model_type" => platform = true,
            "model_version_policy" => policy(field)?,
            "version_labels" => label(field)?,
            _ => {}
        }
    }
    let name = name.ok_or_else(|| format!("line {line}: a model has no name"))?;
    names::model_name(&name).map_err(|error| format!("line {line}: {error}"))?;
    let base_path = base_path.ok_or_else(|| format!("line {line}: model {name} has no base_path"))?;
    if !platform {
        return Err(format!(
            "line {line}: model {name} has no model_platform, and the server would not start; add `model_platform: \"tensorflow\"`"
        ));
    }
    Ok(Model {
        name,
        base_path,
        line,
    })
}

fn policy(field: &Field) -> Result<(), String> {
    for choice in message(field)? {
        expect(choice, &["latest", "all", "specific"])?;
        for number in message(choice)? {
            match choice.name.as_str() {
                "latest" => expect(number, &["num_versions"])?,
                "specific" => expect(number, &["versions"])?,
                _ => return Err(format!("line {}: `all` has no fields", number.line)),
            }
            whole(number)?;
        }
    }
    Ok(())
}

fn label(field: &Field) -> Result<(), String> {
    let (mut key, mut value) = (false, false);
    for part in message(field)? {
        expect(part, &["key", "value"])?;
        if part.name == "key" {
            text(part)?;
            key = true;
        } else {
            whole(part)?;
            value = true;
        }
    }
    if key && value {
        Ok(())
    } else {
        Err(format!(
            "line {}: a version label has a key and a value",
            field.line
        ))
    }
}

fn expect(field: &Field, known: &[&str]) -> Result<(), String> {
    if known.contains(&field.name.as_str()) {
        return Ok(());
    }
    Err(format!(
        "line {}: `{}` is not known here; {} {}",
        field.line,
        field.name,
        known
            .iter()
            .map(|name| format!("`{name}`"))
            .collect::<Vec<_>>()
            .join(", "),
        if known.len() == 1 { "is" } else { "are" },
    ))
}

fn message(field: &Field) -> Result<&[Field], String> {
    match &field.value {
        Value::Message(fields) => Ok(fields),
        _ => Err(format!(
            "line {}: {} is a message: `{{ … }}`",
            field.line, field.name
        )),
    }
}

fn text(field: &Field) -> Result<String, String> {
    match &field.value {
        Value::Text(text) if !text.is_empty() => Ok(text.clone()),
        _ => Err(format!("line {}: {} is a text in quotes", field.line, field.name)),
    }
}

fn whole(field: &Field) -> Result<(), String> {
    match &field.value {
        Value::Word(word) if word.parse::<u64>().is_ok() => Ok(()),
        _ => Err(format!("line {}: {} is a whole number", field.line, field.name)),
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    const TWO: &str = r#"
model_config_list {
  config {
    name: "resnet"
    base_path: "/models/all/resnet"
    model_platform: "tensorflow"
    model_version_policy { specific { versions: 1 versions: 2 } }
    version_labels { key: "stable" value: 1 }
  }
  config { name: "bert" base_path: "gs://b/bert" model_platform: "tensorflow" }
}
"#;

    #[test]
    fn the_models_are_found() {
        let config = ModelsConfig::parse(TWO).unwrap();
        let names: Vec<&str> = config.models.iter().map(|model| model.name.as_str()).collect();
        assert_eq!(names, ["resnet", "bert"]);
        assert!(config.labels);
        assert_eq!(config.check_paths(Some("/models/all")), Ok(()));
        let refuse = |mounted| config.check_paths(mounted).unwrap_err();
        insta::assert_snapshot!(refuse(None), @r#"line 3: base_path "/models/all/resnet" is nowhere: name the volume that holds it with `--model`"#);
        insta::assert_snapshot!(refuse(Some("/models/al")), @r#"line 3: base_path "/models/all/resnet" is not below /models/al, where `--model` is mounted"#);
        let in_s3 = ModelsConfig::parse(&TWO.replace("gs://", "s3://")).unwrap();
        insta::assert_snapshot!(in_s3.check_paths(Some("/models/all")).unwrap_err(), @r#"line 10: base_path "s3://b/bert": since 2.7 TensorFlow Serving has no s3 file system; copy the models with `--model s3://…`, and name them below where they are copied to"#);
    }

    #[test]
    fn the_directory_of_a_version_is_seen() {
        let config = ModelsConfig::parse(&TWO.replace("b/bert", "b/bert/3")).unwrap();
        let found: Vec<(&str, &str)> = config
            .version_paths()
            .map(|(model, above)| (model.name.as_str(), above))
            .collect();
        assert_eq!(found, [("bert", "gs://b/bert")]);
    }

    #[test]
    fn what_the_server_would_not_take_is_refused() {
        let with = |from: &str, to: &str| ModelsConfig::parse(&TWO.replacen(from, to, 1)).unwrap_err();
        insta::assert_snapshot!(with("base_path", "path"), @"line 5: `path` is not known here; `name`, `base_path`, `model_platform`, `model_type`, `model_version_policy`, `version_labels`, `logging_config` are");
        insta::assert_snapshot!(with("\"bert\"", "\"resnet\""), @"line 10: model resnet is there twice");
        insta::assert_snapshot!(with("model_platform: \"tensorflow\"", ""), @r#"line 3: model resnet has no model_platform, and the server would not start; add `model_platform: "tensorflow"`"#);
        insta::assert_snapshot!(with("\"tensorflow\"", "\"pytorch\""), @r#"line 6: model_platform "pytorch" is not served: "tensorflow" is"#);
        insta::assert_snapshot!(with("versions: 1", "versions: one"), @"line 7: versions is a whole number");
        insta::assert_snapshot!(with("value: 1", ""), @"line 8: a version label has a key and a value");
        insta::assert_snapshot!(with("\"resnet\"", "\"res/net\""), @"line 3: `res/net` is no model name: letters, digits, `_`, `-` and `.` are");
        insta::assert_snapshot!(with("model_config_list", "models"), @"line 2: `models` is not known here; `model_config_list` is");
        insta::assert_snapshot!(ModelsConfig::parse("# nothing\n").unwrap_err(), @r#"it names no model: `model_config_list { config { name: … base_path: … model_platform: "tensorflow" } }` does"#);
    }
}
