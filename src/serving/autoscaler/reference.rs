//! The object to scale, as it is typed on the command line: `NAME` or `KIND/NAME`, as for kubectl.

use std::str::FromStr;

use crate::facts::ObjectReference;

/// What the words say of it; the cluster knows the rest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reference {
    /// A Deployment, or the NAME of `up`.
    Name(String),
    /// Everything is said: a kind that every cluster has, or `Kind.version.group`.
    Complete(ObjectReference),
    /// `KIND.GROUP/NAME`: only the cluster knows the version, and how the kind is spelled.
    OfGroup {
        /// The kind or resource, in any spelling that the cluster's discovery has.
        kind: String,
        /// The group.
        group: String,
        /// The name.
        name: String,
    },
}

/// A text that names no object, and why.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct InvalidReference(String);

impl Reference {
    /// The object's name.
    pub fn name(&self) -> &str {
        match self {
            Self::Name(name) | Self::OfGroup { name, .. } => name,
            Self::Complete(reference) => &reference.name,
        }
    }
}

impl FromStr for Reference {
    type Err = InvalidReference;

    fn from_str(text: &str) -> Result<Self, InvalidReference> {
        let (kind, name) = match text.split_once('/') {
            None => (None, text),
            Some((kind, name)) => (Some(kind), name),
        };
        if name.is_empty() || name.contains('/') {
            return Err(InvalidReference(format!(
                "`{text}` names no object: write NAME or KIND/NAME, for example `deployment/web`"
            )));
        }
        let Some(kind) = kind else {
            return Ok(Self::Name(name.to_owned()));
        };
        let (word, group) = kind.split_once('.').unwrap_or((kind, ""));
        if let Some((api_version, kind)) = built_in(word, group) {
            return Ok(Self::Complete(reference(api_version, kind, name)));
        }
        if word.is_empty() || group.is_empty() {
            return Err(InvalidReference(format!(
                "`{word}` is no kind that every cluster has: write KIND.GROUP/NAME, for example `rollout.argoproj.io/web`; `kubectl api-resources` lists the groups"
            )));
        }
        let spelled = word.starts_with(|letter: char| letter.is_ascii_uppercase());
        if let Some((version, group)) = group.split_once('.').filter(|(version, _)| is_version(version)) {
            if spelled {
                return Ok(Self::Complete(reference(
                    &format!("{group}/{version}"),
                    word,
                    name,
                )));
            }
            return Ok(of_group(word, group, name));
        }
        Ok(of_group(word, group, name))
    }
}

fn of_group(kind: &str, group: &str, name: &str) -> Reference {
    Reference::OfGroup {
        kind: kind.to_owned(),
        group: group.to_owned(),
        name: name.to_owned(),
    }
}

fn reference(api_version: &str, kind: &str, name: &str) -> ObjectReference {
    ObjectReference {
        api_version: api_version.to_owned(),
        kind: kind.to_owned(),
        name: name.to_owned(),
    }
}

/// The kinds with a scale that every cluster has.
fn built_in(word: &str, group: &str) -> Option<(&'static str, &'static str)> {
    let (api_version, kind) = match word.to_lowercase().as_str() {
        "deployment" | "deployments" | "deploy" => ("apps/v1", "Deployment"),
        "statefulset" | "statefulsets" | "sts" => ("apps/v1", "StatefulSet"),
        "replicaset" | "replicasets" | "rs" => ("apps/v1", "ReplicaSet"),
        "replicationcontroller" | "replicationcontrollers" | "rc" => ("v1", "ReplicationController"),
        _ => return None,
    };
    let of_apps = api_version == "apps/v1" && matches!(group, "apps" | "v1.apps");
    (group.is_empty() || of_apps).then_some((api_version, kind))
}

/// `v1`, `v1beta2`: what a version of an API looks like.
fn is_version(text: &str) -> bool {
    let mut rest = text.strip_prefix('v').unwrap_or_default();
    for part in ["", "alpha", "beta"] {
        rest = rest.strip_prefix(part).unwrap_or(rest);
        let digits = rest
            .find(|letter: char| !letter.is_ascii_digit())
            .unwrap_or(rest.len());
        if part.is_empty() && digits == 0 {
            return false;
        }
        rest = &rest[digits..];
    }
    rest.is_empty()
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a failed unwrap fails the test")]
mod tests {
    use super::*;

    fn complete(api_version: &str, kind: &str) -> Reference {
        Reference::Complete(reference(api_version, kind, "web"))
    }

    #[test]
    fn kinds_are_spelled_as_for_kubectl() {
        assert_eq!("web".parse(), Ok(Reference::Name("web".to_owned())));
        for text in [
            "deployment/web",
            "deploy/web",
            "Deployment/web",
            "deployments.apps/web",
            "deployment.v1.apps/web",
        ] {
            assert_eq!(text.parse(), Ok(complete("apps/v1", "Deployment")), "{text}");
        }
        assert_eq!("sts/web".parse(), Ok(complete("apps/v1", "StatefulSet")));
        assert_eq!("rc/web".parse(), Ok(complete("v1", "ReplicationController")));
        assert_eq!(
            "Rollout.v1alpha1.argoproj.io/web".parse(),
            Ok(complete("argoproj.io/v1alpha1", "Rollout"))
        );
        for text in ["rollout.argoproj.io/web", "rollout.v1alpha1.argoproj.io/web"] {
            assert_eq!(
                text.parse(),
                Ok(of_group("rollout", "argoproj.io", "web")),
                "{text}"
            );
        }
    }

    #[test]
    fn what_names_nothing() {
        let wrong = |text: &str| text.parse::<Reference>().unwrap_err().to_string();
        insta::assert_snapshot!(wrong("deployment/"), @"`deployment/` names no object: write NAME or KIND/NAME, for example `deployment/web`");
        insta::assert_snapshot!(wrong("a/b/c"), @"`a/b/c` names no object: write NAME or KIND/NAME, for example `deployment/web`");
        insta::assert_snapshot!(wrong("rollout/web"), @"`rollout` is no kind that every cluster has: write KIND.GROUP/NAME, for example `rollout.argoproj.io/web`; `kubectl api-resources` lists the groups");
        assert!("".parse::<Reference>().is_err());
    }

    #[test]
    fn versions() {
        for version in ["v1", "v2beta1", "v1alpha10"] {
            assert!(is_version(version), "{version}");
        }
        for other in ["", "v", "argoproj", "v1x", "1", "vbeta1"] {
            assert!(!is_version(other), "{other}");
        }
    }
}
