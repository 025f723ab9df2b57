//! Where the model's files come from: `--model`.

use serde_json::{Value, json};

/// The place of a `SavedModel` tree: a directory with one numbered directory a version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ModelSource {
    /// `hostPath:/dir`: a directory of the node.
    HostPath(String),
    /// `pvc:CLAIM[/dir]`: a directory of a `PersistentVolumeClaim`.
    Claim {
        /// The claim's name.
        name: String,
        /// A directory inside it.
        sub_path: Option<String>,
    },
    /// `gs://bucket/dir`: TensorFlow Serving reads it itself.
    CloudStorage(String),
    /// `s3://bucket/dir`: an init container copies it before the server starts.
    ObjectStore(String),
    /// `image:REF[:/dir]`: a directory of an image.
    Image {
        /// The image.
        reference: String,
        /// The directory in it; none is `/models/MODEL`.
        directory: Option<String>,
    },
}

/// A source that cannot be served.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct InvalidSource(String);

const SUPPORTED: &str = "`hostPath:/dir`, `pvc:CLAIM[/dir]`, `gs://bucket/dir`, `s3://bucket/dir` and `image:REF[:/dir]` are supported";

impl std::str::FromStr for ModelSource {
    type Err = InvalidSource;

    fn from_str(text: &str) -> Result<Self, InvalidSource> {
        if let Some(path) = text.strip_prefix("hostPath:") {
            return host_path(path);
        }
        if let Some(claim) = text.strip_prefix("pvc:") {
            return persistent_volume_claim(claim);
        }
        if let Some(image) = text.strip_prefix("image:") {
            return in_image(image);
        }
        let bucket = text.strip_prefix("gs://").or_else(|| text.strip_prefix("s3://"));
        match bucket {
            Some(rest) if rest.starts_with('/') || rest.is_empty() => {
                Err(InvalidSource(format!("`{text}` names no bucket; {SUPPORTED}")))
            }
            Some(_) if text.starts_with("gs") => Ok(Self::CloudStorage(text.to_owned())),
            Some(_) => Ok(Self::ObjectStore(text.to_owned())),
            None => Err(InvalidSource(format!("`{text}` is no model source; {SUPPORTED}"))),
        }
    }
}

impl std::fmt::Display for ModelSource {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::HostPath(path) => write!(formatter, "hostPath:{path}"),
            Self::Claim { name, sub_path: None } => write!(formatter, "pvc:{name}"),
            Self::Claim {
                name,
                sub_path: Some(path),
            } => write!(formatter, "pvc:{name}/{path}"),
            Self::CloudStorage(url) | Self::ObjectStore(url) => formatter.write_str(url),
            Self::Image {
                reference,
                directory: None,
            } => write!(formatter, "image:{reference}"),
            Self::Image {
                reference,
                directory: Some(path),
            } => write!(formatter, "image:{reference}:{path}"),
        }
    }
}

fn climbs(path: &str) -> bool {
    path.split('/').any(|part| part == "..")
}

fn host_path(path: &str) -> Result<ModelSource, InvalidSource> {
    if !path.starts_with('/') || climbs(path) {
        return Err(InvalidSource(format!(
            "`hostPath:{path}` is no absolute directory of the node; write `hostPath:/dir`"
        )));
    }
    Ok(ModelSource::HostPath(path.to_owned()))
}

fn persistent_volume_claim(text: &str) -> Result<ModelSource, InvalidSource> {
    let (name, sub_path) = match text.split_once('/') {
        Some((name, sub_path)) => (name, Some(sub_path.trim_matches('/'))),
        None => (text, None),
    };
    if name.is_empty() || sub_path.is_some_and(climbs) {
        return Err(InvalidSource(format!(
            "`pvc:{text}` names no directory of a claim; write `pvc:CLAIM` or `pvc:CLAIM/dir`"
        )));
    }
    Ok(ModelSource::Claim {
        name: name.to_owned(),
        sub_path: sub_path.filter(|path| !path.is_empty()).map(str::to_owned),
    })
}

/// A reference holds no `:/`: after the colon of a registry's port comes a digit.
fn in_image(text: &str) -> Result<ModelSource, InvalidSource> {
    let (reference, directory) = match text.rsplit_once(":/") {
        Some((reference, directory)) => (reference, Some(format!("/{directory}"))),
        None => (text, None),
    };
    let unfit = reference.is_empty() || reference.contains(char::is_whitespace);
    if unfit || directory.as_deref().is_some_and(climbs) {
        return Err(InvalidSource(format!(
            "`image:{text}` names no image; write `image:REF` or `image:REF:/dir`"
        )));
    }
    Ok(ModelSource::Image {
        reference: reference.to_owned(),
        directory,
    })
}

/// The directory above a path whose last part is a number: such a part is a version, and the server looks
/// for versions below the path that it is given.
pub fn above_version(path: &str) -> Option<&str> {
    let (parent, last) = path.trim_end_matches('/').rsplit_once('/')?;
    let number = !last.is_empty() && last.chars().all(|it| it.is_ascii_digit());
    (number && !parent.is_empty() && !parent.ends_with('/')).then_some(parent)
}

impl ModelSource {
    /// What to write instead, where the source's path ends in a number.
    pub fn without_version(&self) -> Option<String> {
        match self {
            Self::Claim { sub_path: None, .. } | Self::Image { directory: None, .. } => None,
            // The path of a claim and of an image begins after a name that is not a directory of it.
            _ => {
                let text = self.to_string();
                let parent = above_version(&text)?;
                Some(parent.strip_suffix(':').map_or(parent, |image| image).to_owned())
            }
        }
    }

    /// The pod's volume, where the model is mounted.
    pub fn volume(&self, name: &str, image_volume: bool) -> Option<Value> {
        match self {
            Self::HostPath(path) => Some(json!({"name": name, "hostPath": {"path": path}})),
            Self::Claim { name: claim, .. } => {
                Some(json!({"name": name, "persistentVolumeClaim": {"claimName": claim}}))
            }
            Self::ObjectStore(_) => Some(json!({"name": name, "emptyDir": {}})),
            Self::Image { reference, .. } if image_volume => {
                Some(json!({"name": name, "image": {"reference": reference, "pullPolicy": "IfNotPresent"}}))
            }
            Self::CloudStorage(_) | Self::Image { .. } => None,
        }
    }

    /// The container's mount of that volume. It is read-only: the server only reads models.
    pub fn mount(&self, name: &str, mount_path: &str, image_volume: bool) -> Option<Value> {
        self.volume(name, image_volume)?;
        let mut mount = json!({"name": name, "mountPath": mount_path, "readOnly": true});
        if let Self::Claim {
            sub_path: Some(sub_path),
            ..
        } = self
        {
            mount["subPath"] = json!(sub_path);
        }
        Some(mount)
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    fn source(text: &str) -> ModelSource {
        text.parse().unwrap()
    }

    #[test]
    fn every_source_is_read_and_written_back() {
        for text in [
            "hostPath:/m/x",
            "pvc:models",
            "pvc:models/resnet",
            "gs://b/resnet",
            "s3://b",
            "s3://b/resnet",
            "image:registry:5000/team/resnet:v1",
            "image:registry:5000/team/resnet:v1:/models/resnet",
        ] {
            assert_eq!(source(text).to_string(), text);
        }
        assert_eq!(source("pvc:models/resnet/").to_string(), "pvc:models/resnet");
        let image = ModelSource::Image {
            reference: "registry:5000/x@sha256:0a".to_owned(),
            directory: Some("/m".to_owned()),
        };
        assert_eq!(source("image:registry:5000/x@sha256:0a:/m"), image);
    }

    #[test]
    fn a_bucket_is_mounted_where_it_is_copied() {
        assert_eq!(source("gs://b/m").volume("model", false), None);
        assert_eq!(source("gs://b/m").mount("model", "/models/x", false), None);
        let staged = source("s3://b/m").volume("model", false).unwrap();
        assert_eq!(staged, json!({"name": "model", "emptyDir": {}}));
        let image = source("image:team/m:v1");
        assert_eq!(image.volume("model", false), None);
        assert_eq!(
            image.volume("model", true).unwrap()["image"]["reference"],
            "team/m:v1"
        );
    }

    #[test]
    fn the_others_are_refused_with_a_way_out() {
        let refuse = |text: &str| text.parse::<ModelSource>().unwrap_err().to_string();
        insta::assert_snapshot!(refuse("/models/x"), @"`/models/x` is no model source; `hostPath:/dir`, `pvc:CLAIM[/dir]`, `gs://bucket/dir`, `s3://bucket/dir` and `image:REF[:/dir]` are supported");
        insta::assert_snapshot!(refuse("hostPath:models"), @"`hostPath:models` is no absolute directory of the node; write `hostPath:/dir`");
        insta::assert_snapshot!(refuse("pvc:/x"), @"`pvc:/x` names no directory of a claim; write `pvc:CLAIM` or `pvc:CLAIM/dir`");
        insta::assert_snapshot!(refuse("gs://"), @"`gs://` names no bucket; `hostPath:/dir`, `pvc:CLAIM[/dir]`, `gs://bucket/dir`, `s3://bucket/dir` and `image:REF[:/dir]` are supported");
        insta::assert_snapshot!(refuse("image::/models"), @"`image::/models` names no image; write `image:REF` or `image:REF:/dir`");
        assert!(refuse("s3:///m").contains("names no bucket"));
        assert!(refuse("pvc:a/../b").contains("names no directory"));
    }

    #[test]
    fn the_directory_of_a_version_is_seen() {
        let parent = |text: &str| source(text).without_version();
        assert_eq!(parent("hostPath:/m/x/1").as_deref(), Some("hostPath:/m/x"));
        assert_eq!(parent("hostPath:/m/x/1/").as_deref(), Some("hostPath:/m/x"));
        assert_eq!(parent("pvc:models/x/20240101").as_deref(), Some("pvc:models/x"));
        assert_eq!(parent("pvc:models/7").as_deref(), Some("pvc:models"));
        assert_eq!(parent("gs://b/x/1").as_deref(), Some("gs://b/x"));
        assert_eq!(parent("s3://b/1").as_deref(), Some("s3://b"));
        assert_eq!(
            parent("image:team/m:v1:/models/x/2").as_deref(),
            Some("image:team/m:v1:/models/x")
        );
        for fine in [
            "hostPath:/m/x",
            "hostPath:/m/v1",
            "pvc:1",
            "gs://1",
            "image:team/1",
            "image:team/m:1",
        ] {
            assert_eq!(parent(fine), None, "{fine}");
        }
    }
}
