//! After an error: asks the server and the cluster what explains it.

use super::Served;
use crate::cluster::served;
use crate::serving::errors::{self, Asked, Found, Topic};
use crate::serving::{model, names, signature};

impl Served {
    /// The lines under the server's own text.
    pub(super) async fn explain(&self, status: u16, text: &str, body: &[u8]) -> Vec<String> {
        let mut found = Found::default();
        match errors::topic(status, text) {
            Topic::Name => {
                found.versions = self.versions().await;
                found.models.clone_from(&self.models);
                if let (None, true, Some(cluster), Some(target)) = (
                    &found.versions,
                    found.models.is_empty(),
                    &self.cluster,
                    &self.reach.target,
                ) {
                    found.models = served::models(cluster, target).await.unwrap_or_default();
                }
            }
            Topic::Busy => found.versions = self.versions().await,
            Topic::Input => {
                let answer = self.body_of(format!("{}/metadata", self.path())).await;
                found.metadata = answer.and_then(|body| signature::parse(&body).ok());
            }
            Topic::Slow | Topic::Other => {}
        }
        let asked = Asked {
            model: &self.model,
            version: self.asked.version,
            label: self.asked.label.as_deref(),
            signature: self.asked.signature.as_deref(),
            body,
        };
        errors::explain(status, text, asked, &found)
    }

    async fn versions(&self) -> Option<Vec<model::VersionState>> {
        model::versions(&self.body_of(names::model_path(&self.model)).await?)
    }

    /// What explains an error is worth asking for; without it the server's own text stands alone.
    async fn body_of(&self, path: String) -> Option<Vec<u8>> {
        let reply = self.reach.send(&self.get(path)).await.ok()?;
        Some(reply.body.to_vec())
    }
}
