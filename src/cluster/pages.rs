//! LISTs in pages: each page becomes facts and is dropped while the next one is on its way.

use kube::api::ListParams;
use kube::core::Request;
use serde::Deserialize;
use serde::de::{DeserializeOwned, Error as _};
use tokio::task::JoinHandle;

use super::{Ask, Cluster, Error};

/// How many objects one request may return.
const PAGE: u32 = 500;

/// What a page says of the next one; the objects are skipped.
#[derive(Debug, Default, Deserialize)]
struct Head {
    #[serde(default)]
    metadata: Metadata,
}

#[derive(Debug, Default, Deserialize)]
struct Metadata {
    #[serde(default, rename = "continue")]
    next: String,
}

#[derive(Debug, Deserialize)]
#[serde(bound = "K: DeserializeOwned")]
struct Page<K> {
    #[serde(default = "Vec::new")]
    items: Vec<K>,
}

impl Cluster {
    /// All objects of a collection, for example `/api/v1/pods`, each made into something smaller at once.
    ///
    /// # Errors
    /// A page cannot be read. A list that expires on the way is begun anew, in one piece.
    pub(super) async fn list_pages<K, T>(
        &self,
        ask: Ask<'_>,
        path: &str,
        params: &ListParams,
        convert: impl Fn(K) -> T + Clone + Send + 'static,
    ) -> Result<Vec<T>, Error>
    where
        K: DeserializeOwned + 'static,
        T: Send + 'static,
    {
        let mut params = params.clone().limit(PAGE);
        let mut found = Vec::new();
        let mut parsing: Option<JoinHandle<serde_json::Result<Vec<T>>>> = None;
        loop {
            let text = match self.text(ask, path, &params).await {
                Err(error) if error.status() == Some(410) && params.continue_token.is_some() => {
                    found.clear();
                    parsing = None;
                    params.limit = None;
                    params.continue_token = None;
                    continue;
                }
                other => other?,
            };
            let head: Head = serde_json::from_str(&text).map_err(|it| self.unreadable(ask, it))?;
            if let Some(page) = parsing.take() {
                self.finish(ask, page, &mut found).await?;
            }
            let convert = convert.clone();
            parsing = Some(tokio::task::spawn_blocking(move || {
                let page: Page<K> = serde_json::from_str(&text)?;
                Ok(page.items.into_iter().map(convert).collect())
            }));
            if head.metadata.next.is_empty() {
                break;
            }
            params.continue_token = Some(head.metadata.next);
        }
        if let Some(page) = parsing {
            self.finish(ask, page, &mut found).await?;
        }
        Ok(found)
    }

    async fn text(&self, ask: Ask<'_>, path: &str, params: &ListParams) -> Result<String, Error> {
        self.ask(ask, async {
            let request = Request::new(path)
                .list(params)
                .map_err(kube::Error::BuildRequest)?;
            self.client.request_text(request).await
        })
        .await
    }

    async fn finish<T>(
        &self,
        ask: Ask<'_>,
        page: JoinHandle<serde_json::Result<Vec<T>>>,
        found: &mut Vec<T>,
    ) -> Result<(), Error> {
        let items = page
            .await
            .unwrap_or_else(|panic| Err(serde_json::Error::custom(panic)));
        found.extend(items.map_err(|error| self.unreadable(ask, error))?);
        Ok(())
    }

    fn unreadable(&self, ask: Ask<'_>, error: serde_json::Error) -> Error {
        self.explain(&ask, &kube::Error::SerdeError(error))
    }
}
