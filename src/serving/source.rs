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
}

/// A source that cannot be served.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct InvalidSource(String);

const SUPPORTED: &str = "`hostPath:/dir`, `pvc:CLAIM[/dir]` and `gs://bucket/dir` are supported";

impl std::str::FromStr for ModelSource {
    type Err = InvalidSource;

    fn from_str(text: &str) -> Result<Self, InvalidSource> {
        if let Some(path) = text.strip_prefix("hostPath:") {
            return host_path(path);
        }
        if let Some(claim) = text.strip_prefix("pvc:") {
            return persistent_volume_claim(claim);
        }
        if let Some(rest) = text.strip_prefix("gs://") {
            return if rest.trim_matches('/').is_empty() {
                Err(InvalidSource(format!("`{text}` names no bucket; {SUPPORTED}")))
            } else {
                Ok(Self::CloudStorage(text.to_owned()))
            };
        }
        if text.starts_with("s3://") {
            return Err(InvalidSource(format!(
                "`{text}` cannot be served: since 2.7 TensorFlow Serving has no s3 file system (tensorflow/serving#1963); copy the model to a PersistentVolumeClaim and use `pvc:CLAIM[/dir]`"
            )));
        }
        Err(InvalidSource(format!("`{text}` is no model source; {SUPPORTED}")))
    }
}

fn host_path(path: &str) -> Result<ModelSource, InvalidSource> {
    if !path.starts_with('/') || path.split('/').any(|part| part == "..") {
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
    let climbs = sub_path.is_some_and(|path| path.split('/').any(|part| part == ".."));
    if name.is_empty() || climbs {
        return Err(InvalidSource(format!(
            "`pvc:{text}` names no directory of a claim; write `pvc:CLAIM` or `pvc:CLAIM/dir`"
        )));
    }
    Ok(ModelSource::Claim {
        name: name.to_owned(),
        sub_path: sub_path.filter(|path| !path.is_empty()).map(str::to_owned),
    })
}

impl ModelSource {
    /// What `--model_base_path` is set to.
    pub fn base_path<'a>(&'a self, mount_path: &'a str) -> &'a str {
        match self {
            Self::HostPath(_) | Self::Claim { .. } => mount_path,
            Self::CloudStorage(url) => url,
        }
    }

    /// The pod's volume, where the model is mounted.
    pub fn volume(&self, name: &str) -> Option<Value> {
        match self {
            Self::HostPath(path) => Some(json!({"name": name, "hostPath": {"path": path}})),
            Self::Claim { name: claim, .. } => {
                Some(json!({"name": name, "persistentVolumeClaim": {"claimName": claim}}))
            }
            Self::CloudStorage(_) => None,
        }
    }

    /// The container's mount of that volume. It is read-only: the server only reads models.
    pub fn mount(&self, name: &str, mount_path: &str) -> Option<Value> {
        let mut mount = json!({"name": name, "mountPath": mount_path, "readOnly": true});
        match self {
            Self::HostPath(_) => {}
            Self::Claim { sub_path, .. } => {
                if let Some(sub_path) = sub_path {
                    mount["subPath"] = json!(sub_path);
                }
            }
            Self::CloudStorage(_) => return None,
        }
        Some(mount)
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn the_three_sources() {
        assert_eq!("hostPath:/m/x".parse(), Ok(ModelSource::HostPath("/m/x".to_owned())));
        let claim = |sub_path: Option<&str>| ModelSource::Claim {
            name: "models".to_owned(),
            sub_path: sub_path.map(str::to_owned),
        };
        assert_eq!("pvc:models".parse(), Ok(claim(None)));
        assert_eq!("pvc:models/resnet/".parse(), Ok(claim(Some("resnet"))));
        let bucket: ModelSource = "gs://b/resnet".parse().unwrap();
        assert_eq!(bucket.base_path("/models/x"), "gs://b/resnet");
        assert_eq!(bucket.volume("model"), None);
        assert_eq!(bucket.mount("model", "/models/x"), None);
    }

    #[test]
    fn the_others_are_refused_with_a_way_out() {
        let refuse = |text: &str| text.parse::<ModelSource>().unwrap_err().to_string();
        insta::assert_snapshot!(refuse("s3://b/m"), @"`s3://b/m` cannot be served: since 2.7 TensorFlow Serving has no s3 file system (tensorflow/serving#1963); copy the model to a PersistentVolumeClaim and use `pvc:CLAIM[/dir]`");
        insta::assert_snapshot!(refuse("/models/x"), @"`/models/x` is no model source; `hostPath:/dir`, `pvc:CLAIM[/dir]` and `gs://bucket/dir` are supported");
        insta::assert_snapshot!(refuse("hostPath:models"), @"`hostPath:models` is no absolute directory of the node; write `hostPath:/dir`");
        insta::assert_snapshot!(refuse("pvc:/x"), @"`pvc:/x` names no directory of a claim; write `pvc:CLAIM` or `pvc:CLAIM/dir`");
        insta::assert_snapshot!(refuse("gs://"), @"`gs://` names no bucket; `hostPath:/dir`, `pvc:CLAIM[/dir]` and `gs://bucket/dir` are supported");
    }
}
