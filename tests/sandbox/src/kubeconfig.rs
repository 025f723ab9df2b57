//! Kubeconfig files: written as JSON, which is YAML.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::certificates::{Identity, write_private};
use crate::error::{Error, Result};

/// The API server as its clients see it.
#[derive(Clone, Debug)]
pub(crate) struct Endpoint {
    /// Its URL.
    pub(crate) url: String,
    /// The certificate of the authority that signed its own, as PEM.
    pub(crate) authority: String,
}

/// Writes a kubeconfig for a client certificate, readable by this user alone.
pub(crate) fn write_for_identity(
    path: &Path,
    endpoint: &Endpoint,
    user: &str,
    identity: &Identity,
) -> Result<()> {
    let credentials = json!({
        "client-certificate-data": base64(identity.certificate.as_bytes()),
        "client-key-data": base64(identity.key.as_bytes()),
    });
    write(path, endpoint, user, &credentials)
}

/// Writes a kubeconfig for a bearer token, readable by this user alone.
pub(crate) fn write_for_token(path: &Path, endpoint: &Endpoint, user: &str, token: &str) -> Result<()> {
    write(path, endpoint, user, &json!({ "token": token }))
}

fn write(path: &Path, endpoint: &Endpoint, user: &str, credentials: &Value) -> Result<()> {
    let config = json!({
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "sandbox", "cluster": {
            "server": endpoint.url,
            "certificate-authority-data": base64(endpoint.authority.as_bytes()),
        }}],
        "users": [{"name": user, "user": credentials}],
        "contexts": [{"name": "sandbox", "context": {"cluster": "sandbox", "user": user}}],
        "current-context": "sandbox",
    });
    write_private(path, &format!("{config:#}\n"))
}

/// A client for a kubeconfig of this sandbox; never through a proxy, never retrying behind one's back.
pub(crate) async fn client(path: PathBuf) -> Result<kube::Client> {
    let failed = |e: &dyn std::fmt::Display| Error::Unexpected(format!("cannot use {}: {e}", path.display()));
    let file = kube::config::Kubeconfig::read_from(&path).map_err(|e| failed(&e))?;
    let options = kube::config::KubeConfigOptions::default();
    let mut config = kube::Config::from_custom_kubeconfig(file, &options)
        .await
        .map_err(|e| failed(&e))?;
    config.proxy_url = None;
    config.default_retry = false;
    kube::Client::try_from(config).map_err(|e| failed(&e))
}

/// A client without credentials that does not verify the server, as a kubelet's probe or a first scrape.
pub(crate) fn unverified_client(base: &str) -> Result<kube::Client> {
    let failed = |e: &dyn std::fmt::Display| Error::Unexpected(format!("cannot use {base}: {e}"));
    let mut config = kube::Config::new(base.parse().map_err(|e: http::uri::InvalidUri| failed(&e))?);
    config.accept_invalid_certs = true;
    config.default_retry = false;
    kube::Client::try_from(config).map_err(|e| failed(&e))
}

/// Base64 with padding, as `*-data` fields want it.
fn base64(bytes: &[u8]) -> String {
    let encoded = serde_json::to_value(k8s_openapi::ByteString(bytes.to_vec()));
    match encoded {
        Ok(Value::String(text)) => text,
        // A ByteString is always a string.
        _ => String::new(),
    }
}
