//! The names of everything that `up` makes, derived from NAME and the variant.

use std::fmt::Write as _;

/// The `version` label where no variant is given; two Deployments of one app never select the same pods.
pub const DEFAULT_VERSION: &str = "default";

/// A name that Kubernetes or TensorFlow Serving would not take.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct InvalidName(String);

/// The names of one served model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Names {
    /// The Service, and the label `app`.
    pub app: String,
    /// The label `version`.
    pub version: String,
    /// The Deployment, and the container's HPA.
    pub deployment: String,
    /// The `ConfigMap`.
    pub config_map: String,
    /// Where the model is mounted.
    pub mount_path: String,
}

impl Names {
    /// NAME and `--variant`.
    ///
    /// # Errors
    /// One of the names is not valid, or the variant is the reserved word `default`.
    pub fn new(name: &str, variant: Option<&str>) -> Result<Self, InvalidName> {
        service_name(name)?;
        if let Some(variant) = variant {
            label("--variant", variant)?;
            if variant == DEFAULT_VERSION {
                return Err(InvalidName(format!(
                    "--variant `{DEFAULT_VERSION}` is what a model without a variant is labelled with; choose another word"
                )));
            }
        }
        let directory = variant.unwrap_or(name);
        let names = Self {
            app: name.to_owned(),
            version: variant.unwrap_or(DEFAULT_VERSION).to_owned(),
            deployment: variant.map_or_else(|| name.to_owned(), |variant| format!("{name}-{variant}")),
            config_map: format!("{directory}-configs"),
            mount_path: format!("/models/{directory}"),
        };
        label("the Deployment's name", &names.deployment)?;
        Ok(names)
    }
}

/// Checks a model name: it is a segment of a URL and an environment value that a container argument
/// expands.
///
/// # Errors
/// It holds a character that one of them would read as something else.
pub fn model_name(text: &str) -> Result<String, InvalidName> {
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
    if text.is_empty() || !text.chars().all(allowed) {
        return Err(InvalidName(format!(
            "`{text}` is no model name: letters, digits, `_`, `-` and `.` are"
        )));
    }
    Ok(text.to_owned())
}

/// The path of a model in the REST API; the server decodes the name.
pub fn model_path(model: &str) -> String {
    format!("/v1/models/{}", path_segment(model))
}

/// A text as one segment of a path.
pub fn path_segment(text: &str) -> String {
    let mut segment = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
            segment.push(char::from(byte));
        } else {
            let _ = write!(segment, "%{byte:02X}");
        }
    }
    segment
}

/// RFC 1035, for Services before Kubernetes 1.34: a letter comes first.
fn service_name(text: &str) -> Result<(), InvalidName> {
    label("NAME", text)?;
    if text.starts_with(|c: char| c.is_ascii_digit()) {
        return Err(InvalidName(format!(
            "NAME `{text}` starts with a digit; a Service's name starts with a letter"
        )));
    }
    Ok(())
}

/// RFC 1123, `IsDNS1123Label` (`k8s.io/apimachinery/pkg/util/validation`).
fn label(what: &str, text: &str) -> Result<(), InvalidName> {
    let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    let ends_well = !text.starts_with('-') && !text.ends_with('-');
    if text.is_empty() || text.len() > 63 || !ends_well || !text.chars().all(allowed) {
        return Err(InvalidName(format!(
            "{what} `{text}` is not valid: at most 63 lower-case letters, digits and inner `-`"
        )));
    }
    Ok(())
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn a_variant_names_the_deployment() {
        let names = Names::new("image-classifier", Some("resnet101")).unwrap();
        assert_eq!(names.deployment, "image-classifier-resnet101");
        assert_eq!(names.config_map, "resnet101-configs");
        assert_eq!(names.mount_path, "/models/resnet101");
        assert_eq!(
            (names.app.as_str(), names.version.as_str()),
            ("image-classifier", "resnet101")
        );
    }

    #[test]
    fn without_a_variant_everything_is_called_name() {
        let names = Names::new("bert", None).unwrap();
        assert_eq!(
            (names.deployment.as_str(), names.version.as_str()),
            ("bert", "default")
        );
        assert_eq!(names.config_map, "bert-configs");
        assert_eq!(names.mount_path, "/models/bert");
    }

    #[test]
    fn wrong_names_are_refused_with_the_rule() {
        insta::assert_snapshot!(Names::new("Image_Classifier", None).unwrap_err(), @"NAME `Image_Classifier` is not valid: at most 63 lower-case letters, digits and inner `-`");
        insta::assert_snapshot!(Names::new("2bert", None).unwrap_err(), @"NAME `2bert` starts with a digit; a Service's name starts with a letter");
        insta::assert_snapshot!(Names::new("bert", Some("default")).unwrap_err(), @"--variant `default` is what a model without a variant is labelled with; choose another word");
        let long = "a".repeat(60);
        assert!(
            Names::new(&long, Some("large"))
                .unwrap_err()
                .to_string()
                .starts_with("the Deployment's name")
        );
        assert!(model_name("a/b").is_err());
        assert!(model_name("$(X)").is_err());
        assert_eq!(model_name("image_classifier").unwrap(), "image_classifier");
        assert_eq!(model_path("image_classifier"), "/v1/models/image_classifier");
        assert_eq!(model_path("a/b c?:x"), "/v1/models/a%2Fb%20c%3F%3Ax");
    }
}
