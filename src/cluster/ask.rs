//! One request in words: what is asked, and the right that it takes.

use std::fmt;

/// One request to the API server, as errors and missing rights name it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ask<'a> {
    /// The RBAC verb: `get`, `list`, `create`, `patch`, `update` or `delete`.
    pub verb: &'a str,
    /// The resource with its group and subresource, for example `deployments.apps/scale`; a path such as
    /// `/version` for what is no resource.
    pub resource: &'a str,
    /// Its namespace; none for cluster-scoped resources and for all namespaces.
    pub namespace: Option<&'a str>,
    /// Its name; none for lists.
    pub name: Option<&'a str>,
}

impl<'a> Ask<'a> {
    /// A request for one object of a namespace.
    pub fn object(verb: &'a str, resource: &'a str, namespace: &'a str, name: &'a str) -> Self {
        Self {
            verb,
            resource,
            namespace: Some(namespace),
            name: Some(name),
        }
    }

    /// `list` in a namespace, or in all of them.
    pub fn list(resource: &'a str, namespace: Option<&'a str>) -> Self {
        Self {
            verb: "list",
            resource,
            namespace,
            name: None,
        }
    }

    /// `get` of a cluster-scoped object.
    pub fn cluster_scoped(resource: &'a str, name: &'a str) -> Self {
        Self {
            verb: "get",
            resource,
            namespace: None,
            name: Some(name),
        }
    }

    /// `get` of a path that is no resource, such as `/version`.
    pub fn path(path: &'a str) -> Self {
        Self {
            verb: "get",
            resource: path,
            namespace: None,
            name: None,
        }
    }

    /// What is asked for, without the verb: `pods in namespace tf-serving`.
    pub fn subject(&self) -> String {
        match (self.namespace, self.name) {
            (Some(namespace), Some(name)) => format!("{} {namespace}/{name}", self.resource),
            (None, Some(name)) => format!("{} {name}", self.resource),
            (Some(namespace), None) => format!("{} in namespace {namespace}", self.resource),
            (None, None) if self.resource.starts_with('/') => self.resource.to_owned(),
            (None, None) => format!("{} in all namespaces", self.resource),
        }
    }

    /// The right that it takes, in the words of `kubectl auth can-i`: `list pods -n tf-serving`.
    pub fn right(&self) -> String {
        let place = match (self.namespace, self.name) {
            (Some(namespace), _) => format!(" -n {namespace}"),
            (None, None) if !self.resource.starts_with('/') => " -A".to_owned(),
            (None, _) => String::new(),
        };
        let (resource, subresource) = match self.resource.split_once('/') {
            Some((resource, subresource)) if !resource.is_empty() => {
                (resource, format!(" --subresource={subresource}"))
            }
            _ => (self.resource, String::new()),
        };
        format!("{} {resource}{subresource}{place}", self.verb)
    }
}

impl fmt::Display for Ask<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} {}", self.verb, self.subject())
    }
}

#[cfg(test)]
mod tests {
    use super::Ask;

    #[test]
    fn a_request_names_its_subject_and_its_right() {
        let pods = Ask::list("pods", Some("tf-serving"));
        assert_eq!(pods.to_string(), "list pods in namespace tf-serving");
        assert_eq!(pods.right(), "list pods -n tf-serving");

        let everywhere = Ask::list("deployments.apps", None);
        assert_eq!(everywhere.to_string(), "list deployments.apps in all namespaces");
        assert_eq!(everywhere.right(), "list deployments.apps -A");

        let scale = Ask::object("get", "widgets.example.com/scale", "a", "b");
        assert_eq!(scale.to_string(), "get widgets.example.com/scale a/b");
        assert_eq!(scale.right(), "get widgets.example.com --subresource=scale -n a");

        assert_eq!(Ask::path("/version").to_string(), "get /version");
        assert_eq!(Ask::path("/version").right(), "get /version");
    }
}
