//! A namespace of a test's own.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use k8s_openapi::api::core::v1::{Namespace as KubernetesNamespace, ServiceAccount};
use kube::Api;
use kube::api::{DeleteParams, PostParams};
use serde_json::json;

use crate::error::{Context, Error, Result};
use crate::sandbox::Sandbox;
use crate::wait::{LAST, PATIENCE, until};

/// A namespace that nobody else uses; deleted when it is dropped, without waiting for its end.
#[derive(Debug)]
pub struct Namespace<'a> {
    sandbox: &'a Sandbox,
    name: String,
}

impl Namespace<'_> {
    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }
}

impl std::fmt::Display for Namespace<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.name)
    }
}

impl std::ops::Deref for Namespace<'_> {
    type Target = str;

    fn deref(&self) -> &str {
        &self.name
    }
}

impl Drop for Namespace<'_> {
    fn drop(&mut self) {
        let api: Api<KubernetesNamespace> = Api::all(self.sandbox.client().clone());
        // The cluster may be gone, or be held still by the test.
        let _ = self.sandbox.block_on(async {
            let parameters = DeleteParams::background();
            tokio::time::timeout(LAST, api.delete(&self.name, &parameters)).await
        });
    }
}

impl Sandbox {
    /// A fresh namespace called `PREFIX-NUMBER` in which pods can be created at once.
    pub fn namespace(&self, prefix: &str) -> Result<Namespace<'_>> {
        static NUMBER: AtomicU32 = AtomicU32::new(1);
        let name = format!("{prefix}-{}", NUMBER.fetch_add(1, Ordering::Relaxed));
        self.block_on(async {
            let object = json!({"metadata": {"name": name}});
            let object = serde_json::from_value(object).map_err(|e| Error::Unexpected(e.to_string()))?;
            let api: Api<KubernetesNamespace> = Api::all(self.client().clone());
            api.create(&PostParams::default(), &object)
                .await
                .context(format!("cannot create namespace {name}"))?;
            let accounts: Api<ServiceAccount> = Api::namespaced(self.client().clone(), &name);
            let what = format!("namespace {name} is ready for pods");
            until(&what, PATIENCE, Duration::from_millis(20), async || {
                let found = accounts
                    .get_opt("default")
                    .await
                    .context("cannot read a service account")?;
                Ok(found.map(|_| ()).ok_or_else(|| "no service account".to_owned()))
            })
            .await
        })?;
        Ok(Namespace { sandbox: self, name })
    }
}
