//! Where requests go and what they say, prepared once.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use http::header::{CONTENT_TYPE, HOST, HeaderName, HeaderValue, USER_AGENT};
use http::{HeaderMap, Method, Request, Uri};
use http_body_util::Full;
use hyper::body::Bytes;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::pki_types::ServerName;

use super::failures;
use super::forwards::Forwards;
use super::stream::Stream;
use crate::Error;
use crate::load::Failure;

/// What every request says of its sender.
const OUR_NAME: &str = concat!("kubectl-tfserve/", env!("CARGO_PKG_VERSION"));

/// Where requests go and what they say.
pub(super) struct Address {
    route: Route,
    /// Rises when connections had better be opened anew.
    generation: AtomicU64,
    method: Method,
    path: Uri,
    /// What the header `Host` says where nobody gives another.
    host: HeaderValue,
    headers: HeaderMap,
    body: Bytes,
}

/// How a connection is opened.
enum Route {
    Sockets {
        addresses: Vec<SocketAddr>,
        tls: Option<(TlsConnector, ServerName<'static>)>,
    },
    Forwards(Box<Forwards>),
}

impl Address {
    /// Understands an URL and finds its host.
    pub(super) async fn prepare(
        url: &Uri,
        headers: &[String],
        body: Option<Bytes>,
        tls: impl FnOnce() -> Result<TlsConnector, Error>,
    ) -> Result<Arc<Self>, Error> {
        let host = url
            .host()
            .ok_or_else(|| Error::Usage(format!("--url {url} names no host")))?;
        let bare = host.trim_matches(['[', ']']);
        let secure = match url.scheme_str() {
            Some("http") => false,
            Some("https") => true,
            _ => {
                return Err(Error::Usage(format!(
                    "--url {url} is neither http:// nor https://"
                )));
            }
        };
        let port = url.port_u16().unwrap_or(if secure { 443 } else { 80 });
        let addresses: Vec<SocketAddr> = tokio::net::lookup_host((bare, port))
            .await
            .map_err(|error| Error::Incomplete(format!("cannot find the address of {bare}: {error}")))?
            .collect();
        let tls = if secure {
            let name = ServerName::try_from(bare.to_owned()).map_err(|_| {
                Error::Usage(format!("--url {url}: `{bare}` is no name that a certificate has"))
            })?;
            Some((tls()?, name))
        } else {
            None
        };
        Self::of(Route::Sockets { addresses, tls }, url, headers, body)
    }

    /// Through port-forwards, to a path.
    pub(super) fn forwarded(
        forwards: Forwards,
        path: &str,
        headers: &[String],
        body: Option<Bytes>,
    ) -> Result<Arc<Self>, Error> {
        let text = format!("http://localhost:{}{path}", forwards.port());
        let url = text
            .parse()
            .map_err(|error| Error::Usage(format!("{text}: {error}")))?;
        Self::of(Route::Forwards(Box::new(forwards)), &url, headers, body)
    }

    fn of(route: Route, url: &Uri, headers: &[String], body: Option<Bytes>) -> Result<Arc<Self>, Error> {
        let path = url.path_and_query().map_or("/", |path| path.as_str());
        let host = host_of(url)?;
        Ok(Arc::new(Self {
            route,
            generation: AtomicU64::new(0),
            method: if body.is_some() { Method::POST } else { Method::GET },
            path: path
                .parse()
                .map_err(|error| Error::Usage(format!("--url {url}: {error}")))?,
            headers: all_headers(&host, headers, body.is_some())?,
            host,
            body: body.unwrap_or_default(),
        }))
    }

    /// Whether all of its addresses are this machine's.
    pub(super) fn is_loopback(&self) -> bool {
        match &self.route {
            Route::Sockets { addresses, .. } => addresses.iter().all(|address| address.ip().is_loopback()),
            Route::Forwards(_) => false,
        }
    }

    /// Other pods are ready now: port-forwards go to them.
    pub(super) fn pods_are(&self, ready: &[String]) {
        if let Route::Forwards(forwards) = &self.route {
            forwards.set(ready);
        }
    }

    /// Lets every connection end before its next request: what is opened then is spread over all pods.
    pub(super) fn renew(&self) {
        self.generation.fetch_add(1, Ordering::Relaxed);
    }

    /// A connection of another generation has had its time.
    pub(super) fn generation(&self) -> u64 {
        self.generation.load(Ordering::Relaxed)
    }

    /// The method.
    pub(super) fn method(&self) -> &Method {
        &self.method
    }

    /// Path and query.
    pub(super) fn path(&self) -> &Uri {
        &self.path
    }

    /// The headers that somebody else who sends this must be told: neither the host's name nor ours.
    pub(super) fn own_headers(&self) -> Vec<(String, String)> {
        let implied = |name: &HeaderName, value: &HeaderValue| {
            (name == HOST && *value == self.host) || (name == USER_AGENT && value == OUR_NAME)
        };
        self.headers
            .iter()
            .filter(|(name, value)| !implied(name, value))
            .map(|(name, value)| {
                (
                    name.to_string(),
                    String::from_utf8_lossy(value.as_bytes()).into_owned(),
                )
            })
            .collect()
    }

    /// The body.
    pub(super) fn body(&self) -> &[u8] {
        &self.body
    }

    /// Bytes of a request's body.
    pub(super) fn body_bytes(&self) -> usize {
        self.body.len()
    }

    /// The next request.
    pub(super) fn request(&self) -> Request<Full<Bytes>> {
        let mut request = Request::new(Full::new(self.body.clone()));
        *request.method_mut() = self.method.clone();
        *request.uri_mut() = self.path.clone();
        *request.headers_mut() = self.headers.clone();
        request
    }

    /// Opens a connection.
    pub(super) async fn connect(&self) -> Result<Stream, Failure> {
        let (addresses, tls) = match &self.route {
            Route::Sockets { addresses, tls } => (addresses, tls),
            Route::Forwards(forwards) => return forwards.open().await.map(Stream::Forwarded),
        };
        let stream = TcpStream::connect(addresses.as_slice())
            .await
            .map_err(|error| failures::of_io(&error))?;
        // Without it the kernel would hold small requests back.
        let _ = stream.set_nodelay(true);
        let Some((connector, name)) = tls else {
            return Ok(Stream::Plain(stream));
        };
        match connector.connect(name.clone(), stream).await {
            Ok(stream) => Ok(Stream::Tls(Box::new(stream))),
            Err(error) => Err(failures::of_handshake(&error)),
        }
    }
}

fn host_of(url: &Uri) -> Result<HeaderValue, Error> {
    let authority = url.authority().map_or("", |authority| authority.as_str());
    // What stands before an @ is for the server's name, not for its log.
    let host = authority.rsplit('@').next().unwrap_or(authority);
    HeaderValue::from_str(host).map_err(|error| Error::Usage(format!("--url {url}: {error}")))
}

fn all_headers(host: &HeaderValue, given: &[String], has_body: bool) -> Result<HeaderMap, Error> {
    let mut headers = HeaderMap::new();
    headers.insert(HOST, host.clone());
    headers.insert(USER_AGENT, HeaderValue::from_static(OUR_NAME));
    if has_body {
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    }
    for header in given {
        let parsed = header.split_once(':').and_then(|(name, value)| {
            let name: HeaderName = name.trim().parse().ok()?;
            Some((name, HeaderValue::from_str(value.trim()).ok()?))
        });
        let (name, value) = parsed
            .ok_or_else(|| Error::Usage(format!("--header `{header}` is not of the form `Name: value`")))?;
        headers.insert(name, value);
    }
    Ok(headers)
}
