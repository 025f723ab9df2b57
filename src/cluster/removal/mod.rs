//! What `up` and `autoscale` made for a name, what of it goes, and what stays and why.

mod contents;
mod delete;
mod find;
mod load;
mod owner;

use kube::api::ApiResource;

pub use contents::{Namespace, namespace};
pub use delete::{Gone, delete, is_gone, is_ours, pods_of};
pub use find::{Wanted, find};
pub use load::{load, pods_of_load};
pub(super) use owner::why_foreign;

/// An object that goes.
#[derive(Debug, Clone)]
pub struct Item {
    resource: ApiResource,
    /// None for a Namespace.
    pub namespace: Option<String>,
    /// Its name.
    pub name: String,
    uid: String,
    version: String,
    /// Whether it was told to go already.
    pub going: bool,
    /// The pods of a Deployment: their labels, and how long they may take to end, seconds.
    pub pods: Option<(String, i64)>,
    field_manager: String,
}

impl Item {
    /// As kubectl prints it: `deployment.apps/x`.
    pub fn resource_name(&self) -> String {
        resource_name(&self.resource, &self.name)
    }

    /// As messages name it: `Deployment tf-serving/x`.
    pub fn title(&self) -> String {
        match &self.namespace {
            Some(namespace) => format!("{} {namespace}/{}", self.resource.kind, self.name),
            None => format!("{} {}", self.resource.kind, self.name),
        }
    }

    /// The resource with its group, as rights name it.
    fn plural(&self) -> String {
        plural(&self.resource)
    }
}

/// An object that stays although the name speaks for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Left {
    /// As kubectl prints it.
    pub resource_name: String,
    /// Why it stays.
    pub why: String,
}

/// All that was found, in the order in which it goes: the Deployment is last, because it leads to the rest.
#[derive(Debug, Clone, Default)]
pub struct Found {
    /// What goes.
    pub remove: Vec<Item>,
    /// What stays.
    pub left: Vec<Left>,
}

fn resource_name(resource: &ApiResource, name: &str) -> String {
    let kind = resource.kind.to_lowercase();
    match resource.group.as_str() {
        "" => format!("{kind}/{name}"),
        group => format!("{kind}.{group}/{name}"),
    }
}

fn plural(resource: &ApiResource) -> String {
    match resource.group.as_str() {
        "" => resource.plural.clone(),
        group => format!("{}.{group}", resource.plural),
    }
}
