//! Which HPAs are meant.

use k8s_openapi::api::autoscaling::v2::HorizontalPodAutoscaler;
use kube::api::ListParams;

use super::by_namespace;
use super::shared::collection;
use crate::cluster::{Ask, Cluster, Error, convert};
use crate::facts::Hpa;

const RESOURCE: &str = "horizontalpodautoscalers.autoscaling";

/// What to look at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scope {
    /// The namespace; none for all of them.
    pub namespace: Option<String>,
    /// Which HPAs in there.
    pub selection: Selection,
    /// Whether the pods' usage is wanted of HPAs too that do not scale by it.
    pub usage: bool,
}

/// Which HPAs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Selection {
    /// All.
    All,
    /// Those with labels, in `kubectl -l`'s language.
    Labels(String),
    /// By name: `NAME` or `hpa/NAME` of an HPA, else `NAME` or `KIND/NAME` of the workload that it scales,
    /// whose name may go on after a dash.
    Names(Vec<String>),
}

/// The HPAs of one namespace.
pub(super) struct Group {
    /// The namespace.
    pub(super) namespace: String,
    /// The HPAs that are meant, by name.
    pub(super) chosen: Vec<Hpa>,
    /// All HPAs of the namespace: who else names a target.
    pub(super) all: Vec<Hpa>,
}

/// Lists the HPAs and picks those that are meant.
pub(super) async fn select(cluster: &Cluster, scope: &Scope) -> Result<Vec<Group>, Error> {
    let namespace = scope.namespace.as_deref();
    let (all, chosen) = match &scope.selection {
        Selection::All => {
            let all = list(cluster, namespace, None).await?;
            (all.clone(), all)
        }
        Selection::Labels(labels) => tokio::try_join!(
            list(cluster, namespace, None),
            list(cluster, namespace, Some(labels))
        )?,
        Selection::Names(names) => {
            let all = list(cluster, namespace, None).await?;
            let chosen = by_name(&all, names, namespace)?;
            (all, chosen)
        }
    };
    let mut all = by_namespace(all, |hpa| &hpa.namespace);
    let chosen = by_namespace(chosen, |hpa| &hpa.namespace);
    Ok(chosen
        .into_iter()
        .map(|(namespace, mut chosen)| {
            chosen.sort_by(|left, right| left.name.cmp(&right.name));
            let all = all.remove(&namespace).unwrap_or_default();
            Group {
                namespace,
                chosen,
                all,
            }
        })
        .collect())
}

/// An HPA that is not written yet, among those that are.
pub(super) async fn planned(cluster: &Cluster, hpa: &Hpa) -> Result<Group, Error> {
    Ok(Group {
        namespace: hpa.namespace.clone(),
        chosen: vec![hpa.clone()],
        all: list(cluster, Some(&hpa.namespace), None).await?,
    })
}

/// All HPAs of a namespace.
pub(in crate::cluster) async fn all(cluster: &Cluster, namespace: &str) -> Result<Vec<Hpa>, Error> {
    list(cluster, Some(namespace), None).await
}

async fn list(
    cluster: &Cluster,
    namespace: Option<&str>,
    labels: Option<&String>,
) -> Result<Vec<Hpa>, Error> {
    let params = labels.map_or_else(ListParams::default, |labels| ListParams::default().labels(labels));
    let path = collection("/apis/autoscaling/v2", namespace, "horizontalpodautoscalers");
    let ask = Ask::list(RESOURCE, namespace);
    cluster
        .list_pages(ask, &path, &params, |object: HorizontalPodAutoscaler| {
            convert::hpa(&object)
        })
        .await
}

/// The HPAs that names mean, as in [`Selection::Names`].
///
/// # Errors
/// A name means none of them; the text lists those that there are.
pub fn by_name(all: &[Hpa], names: &[String], namespace: Option<&str>) -> Result<Vec<Hpa>, Error> {
    let mut chosen: Vec<Hpa> = Vec::new();
    for name in names {
        let found = find(all, name);
        if found.is_empty() {
            return Err(missing(all, name, namespace));
        }
        for hpa in found {
            if !chosen.contains(hpa) {
                chosen.push(hpa.clone());
            }
        }
    }
    Ok(chosen)
}

/// The HPA of a name, else those that scale a workload of that name, else those that scale a variant of it.
fn find<'a>(all: &'a [Hpa], name: &str) -> Vec<&'a Hpa> {
    let (kind, name) = name
        .split_once('/')
        .map_or((None, name), |(kind, name)| (Some(kind), name));
    if kind.is_none_or(is_hpa) {
        let exact: Vec<_> = all.iter().filter(|hpa| hpa.name == name).collect();
        if !exact.is_empty() || kind.is_some() {
            return exact;
        }
    }
    let scales = |hpa: &&Hpa| kind.is_none_or(|kind| names_kind(kind, &hpa.target.kind));
    let exact: Vec<_> = all
        .iter()
        .filter(scales)
        .filter(|hpa| hpa.target.name == name)
        .collect();
    if !exact.is_empty() {
        return exact;
    }
    let variant = |hpa: &&Hpa| {
        hpa.target
            .name
            .strip_prefix(name)
            .is_some_and(|rest| rest.starts_with('-'))
    };
    all.iter().filter(scales).filter(variant).collect()
}

fn is_hpa(kind: &str) -> bool {
    let resource = kind.split('.').next().unwrap_or_default().to_lowercase();
    matches!(
        resource.as_str(),
        "hpa" | "horizontalpodautoscaler" | "horizontalpodautoscalers"
    )
}

/// Whether `deploy`, `deployments.apps` and the like mean a kind.
fn names_kind(given: &str, kind: &str) -> bool {
    let resource = given.split('.').next().unwrap_or_default().to_lowercase();
    let kind = kind.to_lowercase();
    match resource.as_str() {
        "deploy" => kind == "deployment",
        "sts" => kind == "statefulset",
        "rs" => kind == "replicaset",
        "rc" => kind == "replicationcontroller",
        other => other == kind || other.strip_suffix('s') == Some(kind.as_str()),
    }
}

fn missing(all: &[Hpa], name: &str, namespace: Option<&str>) -> Error {
    let mut names: Vec<_> = all.iter().map(|hpa| format!("`{}`", hpa.name)).collect();
    names.sort();
    let existing = if names.is_empty() {
        "the namespace has none; choose another one with `-n`, or look everywhere with `-A`".to_owned()
    } else if namespace.is_some() {
        format!("the namespace has {}", names.join(", "))
    } else {
        format!("there are {}", names.join(", "))
    };
    let place = namespace.map_or_else(String::new, |namespace| format!(" in namespace {namespace}"));
    Error::Request {
        what: format!("cannot find HorizontalPodAutoscaler `{name}`{place}"),
        why: format!("no HPA has that name or scales a workload of that name; {existing}"),
        status: Some(404),
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a failed unwrap fails the test")]
mod tests {
    use super::{by_name, find};
    use crate::facts::Hpa;

    fn hpa(name: &str, kind: &str, target: &str) -> Hpa {
        serde_json::from_value(serde_json::json!({
            "namespace": "shop", "name": name, "maxReplicas": 3,
            "target": {"apiVersion": "apps/v1", "kind": kind, "name": target},
        }))
        .unwrap()
    }

    fn names(all: &[Hpa], name: &str) -> Vec<String> {
        find(all, name).into_iter().map(|hpa| hpa.name.clone()).collect()
    }

    #[test]
    fn the_name_of_the_hpa_comes_first() {
        let all = [
            hpa("web", "Deployment", "cart"),
            hpa("cart", "Deployment", "web"),
            hpa("db", "StatefulSet", "web"),
        ];
        assert_eq!(names(&all, "web"), ["web"]);
        assert_eq!(names(&all, "hpa/web"), ["web"]);
        assert_eq!(names(&all, "HorizontalPodAutoscaler.v2.autoscaling/web"), ["web"]);
        assert_eq!(names(&all, "deploy/web"), ["cart"]);
        assert_eq!(names(&all, "statefulsets.apps/web"), ["db"]);
        assert_eq!(names(&all, "hpa/none"), [""; 0]);
    }

    #[test]
    fn a_workload_or_its_variants_will_do() {
        let all = [
            hpa("a", "Deployment", "classifier-resnet"),
            hpa("b", "Deployment", "classifier-vgg"),
            hpa("c", "Deployment", "classifiers"),
        ];
        assert_eq!(names(&all, "classifier-vgg"), ["b"]);
        assert_eq!(names(&all, "classifier"), ["a", "b"]);
        assert_eq!(names(&all, "class"), [""; 0]);
    }

    #[test]
    fn a_missing_name_is_answered_with_those_that_exist() {
        let all = [hpa("b", "Deployment", "x"), hpa("a", "Deployment", "y")];
        let error = by_name(&all, &["z".to_owned()], Some("shop")).unwrap_err();
        assert_eq!(
            error.to_string(),
            "cannot find HorizontalPodAutoscaler `z` in namespace shop: no HPA has that name or scales a workload \
             of that name; the namespace has `a`, `b`"
        );
    }
}
