//! The kubeconfig: found, merged and narrowed down to one context, as kubectl does it.

use std::path::{Path, PathBuf};

use kube::config::{AuthInfo, Cluster, Context, Kubeconfig, NamedContext};

use super::{ConnectOptions, Error};

/// What the flags select of a kubeconfig.
pub(super) struct Selection {
    /// The context's name, where one is in use.
    pub(super) context: Option<String>,
    /// The user's name, where the context or `--user` names one.
    pub(super) user: Option<String>,
    /// The kubeconfig, narrowed down: its current context is the selected one.
    pub(super) kubeconfig: Kubeconfig,
    /// The cluster's entry.
    pub(super) cluster: Cluster,
    /// The user's entry.
    pub(super) auth: AuthInfo,
}

/// Reads the kubeconfig: `--kubeconfig`, else the files of `KUBECONFIG`, else `~/.kube/config`. None where
/// there is no file at all and no flag asks for one: a pod's own service account may still do.
///
/// As in kubectl, a file of `KUBECONFIG` that does not exist is passed over, and an empty `current-context`
/// is none (`clientcmd/loader.go`, v1.37).
pub(super) fn read(explicit: Option<&Path>) -> Result<Option<Kubeconfig>, Error> {
    if let Some(path) = explicit {
        return read_file(path).map(Some);
    }
    let mut merged: Option<Kubeconfig> = None;
    for path in default_paths().iter().filter(|path| path.exists()) {
        let next = read_file(path)?;
        merged = Some(match merged {
            None => next,
            Some(first) => first.merge(next).map_err(|error| {
                Error::Configuration(format!("cannot merge the kubeconfig {}: {error}", path.display()))
            })?,
        });
    }
    Ok(merged)
}

/// Where a kubeconfig is looked for when no flag names one.
pub(super) fn default_paths() -> Vec<PathBuf> {
    let listed: Vec<PathBuf> = std::env::var_os("KUBECONFIG")
        .map(|value| {
            std::env::split_paths(&value)
                .filter(|path| !path.as_os_str().is_empty())
                .collect()
        })
        .unwrap_or_default();
    if listed.is_empty() {
        std::env::home_dir()
            .map(|home| home.join(".kube").join("config"))
            .into_iter()
            .collect()
    } else {
        listed
    }
}

fn read_file(path: &Path) -> Result<Kubeconfig, Error> {
    let mut kubeconfig = Kubeconfig::read_from(path).map_err(|error| {
        Error::Configuration(format!(
            "cannot read the kubeconfig {}: {}",
            path.display(),
            super::error::innermost(&error)
        ))
    })?;
    kubeconfig.current_context = kubeconfig.current_context.filter(|name| !name.is_empty());
    Ok(kubeconfig)
}

/// Applies `--context`, `--cluster` and `--user`, and refuses names that are not there.
pub(super) fn select(mut kubeconfig: Kubeconfig, options: &ConnectOptions) -> Result<Selection, Error> {
    let name = options
        .context
        .clone()
        .or_else(|| kubeconfig.current_context.clone());
    let mut context = match &name {
        Some(name) => find_context(&kubeconfig, name)?,
        None if options.cluster.is_some() => Context::default(),
        None => {
            return Err(Error::Configuration(format!(
                "the kubeconfig has no current context; choose one with `--context` ({})",
                existing(
                    "contexts",
                    kubeconfig.contexts.iter().map(|entry| entry.name.as_str())
                )
            )));
        }
    };
    if let Some(cluster) = &options.cluster {
        context.cluster.clone_from(cluster);
    }
    if let Some(user) = &options.user {
        context.user = Some(user.clone());
    }
    let user = context.user.clone().filter(|user| !user.is_empty());
    let cluster = find_cluster(&kubeconfig, &context.cluster)?;
    let auth = user
        .as_deref()
        .map(|user| find_user(&kubeconfig, user))
        .transpose()?
        .unwrap_or_default();

    let selected = name.clone().unwrap_or_default();
    kubeconfig.contexts.retain(|entry| entry.name != selected);
    kubeconfig.contexts.push(NamedContext {
        name: selected.clone(),
        context: Some(context),
        ..NamedContext::default()
    });
    kubeconfig.current_context = Some(selected);
    Ok(Selection {
        context: name,
        user,
        kubeconfig,
        cluster,
        auth,
    })
}

fn find_context(kubeconfig: &Kubeconfig, name: &str) -> Result<Context, Error> {
    kubeconfig
        .contexts
        .iter()
        .find(|entry| entry.name == name)
        .and_then(|entry| entry.context.clone())
        .ok_or_else(|| {
            let names = kubeconfig.contexts.iter().map(|entry| entry.name.as_str());
            not_there("context", name, &existing("contexts", names))
        })
}

fn find_cluster(kubeconfig: &Kubeconfig, name: &str) -> Result<Cluster, Error> {
    kubeconfig
        .clusters
        .iter()
        .find(|entry| entry.name == name)
        .and_then(|entry| entry.cluster.clone())
        .ok_or_else(|| {
            let names = kubeconfig.clusters.iter().map(|entry| entry.name.as_str());
            not_there("cluster", name, &existing("clusters", names))
        })
}

fn find_user(kubeconfig: &Kubeconfig, name: &str) -> Result<AuthInfo, Error> {
    kubeconfig
        .auth_infos
        .iter()
        .find(|entry| entry.name == name)
        .map(|entry| entry.auth_info.clone().unwrap_or_default())
        .ok_or_else(|| {
            let names = kubeconfig.auth_infos.iter().map(|entry| entry.name.as_str());
            not_there("user", name, &existing("users", names))
        })
}

fn not_there(kind: &str, name: &str, existing: &str) -> Error {
    Error::Configuration(format!("the kubeconfig has no {kind} `{name}`; {existing}"))
}

fn existing<'a>(kind: &str, names: impl Iterator<Item = &'a str>) -> String {
    let mut names: Vec<_> = names.map(|name| format!("`{name}`")).collect();
    names.sort();
    if names.is_empty() {
        format!("it has no {kind}")
    } else {
        format!("its {kind}: {}", names.join(", "))
    }
}
