//! An API server on loopback that answers from objects and injects faults.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures::stream::{Pending, pending};
use http::{HeaderMap, Method, Request, Response, StatusCode};
use http_body_util::{BodyExt, Either, Full, StreamBody};
use hyper::body::{Bytes, Frame, Incoming};
use serde_json::{Value, json};

use crate::listener::Listener;

/// A document, or a watch that tells nothing.
type Body = Either<Full<Bytes>, StreamBody<Pending<Result<Frame<Bytes>, Infallible>>>>;

/// What happens to requests instead of an answer.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Fault {
    /// A `Status` with this code.
    Refuse(u16),
    /// The answer comes after ten seconds.
    Hang,
    /// The connection is closed.
    Disconnect,
}

/// What the server knows.
#[derive(Debug, Clone, Default)]
pub(crate) struct World {
    /// Objects by the path of their collection.
    pub(crate) collections: BTreeMap<String, Vec<Value>>,
    /// Other documents by path: `/version`, discovery, a scale, a log; with `PATCH ` before it for one method alone.
    pub(crate) documents: BTreeMap<String, Value>,
    /// Faults by the text that method and path contain, as `PATCH /api`; the first one wins.
    pub(crate) faults: Vec<(&'static str, Fault)>,
    /// Whether what is applied is kept, and what is deleted is gone.
    pub(crate) keeps: bool,
    /// Objects that appear in a collection when what owns them is applied.
    pub(crate) appears: Vec<(&'static str, Value)>,
}

/// A request as it arrived.
#[derive(Debug, Clone)]
pub(crate) struct Seen {
    /// Path and query.
    pub(crate) target: String,
    /// Headers.
    pub(crate) headers: HeaderMap,
}

/// A running server; it ends with the value.
pub(crate) struct Mock {
    /// For example `http://127.0.0.1:43210`.
    pub(crate) url: String,
    world: Arc<Mutex<Arc<World>>>,
    seen: Arc<Mutex<Vec<Seen>>>,
    _listener: Listener,
}

impl Mock {
    /// Starts a server.
    pub(crate) fn start(world: World) -> Self {
        let seen = Arc::<Mutex<Vec<Seen>>>::default();
        let world = Arc::new(Mutex::new(Arc::new(world)));
        let (current, log) = (Arc::clone(&world), Arc::clone(&seen));
        let listener =
            Listener::start(move |request| answer(request, Arc::clone(&current), Arc::clone(&log)));
        Self {
            url: listener.url.clone(),
            world,
            seen,
            _listener: listener,
        }
    }

    /// From now on the server knows another world.
    pub(crate) fn becomes(&self, world: World) {
        *self.world.lock().unwrap() = Arc::new(world);
    }

    /// What it knows now.
    pub(crate) fn world(&self) -> Arc<World> {
        Arc::clone(&self.world.lock().unwrap())
    }

    /// All requests so far.
    pub(crate) fn requests(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }
}

/// The error that closes a connection.
#[derive(Debug)]
struct Closed;

impl std::fmt::Display for Closed {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("closed")
    }
}

impl std::error::Error for Closed {}

impl From<Infallible> for Closed {
    fn from(never: Infallible) -> Self {
        match never {}
    }
}

async fn answer(
    request: Request<Incoming>,
    current: Arc<Mutex<Arc<World>>>,
    log: Arc<Mutex<Vec<Seen>>>,
) -> Result<Response<Body>, Closed> {
    let world = Arc::clone(&current.lock().unwrap());
    let path = request.uri().path().to_owned();
    let query = request.uri().query().unwrap_or_default().to_owned();
    log.lock().unwrap().push(Seen {
        target: request.uri().to_string(),
        headers: request.headers().clone(),
    });
    let asked = format!("{} {path}", request.method());
    match world.faults.iter().find(|(part, _)| asked.contains(part)) {
        Some((_, Fault::Refuse(code))) => return Ok(refusal(*code, &path)),
        Some((_, Fault::Disconnect)) => return Err(Closed),
        Some((_, Fault::Hang)) => tokio::time::sleep(Duration::from_secs(10)).await,
        None => {}
    }
    if query.contains("watch=true") {
        return Ok(Response::new(Either::Right(StreamBody::new(pending()))));
    }
    let document = match *request.method() {
        Method::PATCH if world.keeps => {
            let body = request.into_body().collect().await.map_err(|_| Closed)?;
            Arc::make_mut(&mut current.lock().unwrap()).apply(&path, &query, &body.to_bytes())
        }
        Method::DELETE if world.keeps => Arc::make_mut(&mut current.lock().unwrap()).delete(&path),
        _ => world.find(&asked, &path, &query),
    };
    Ok(match document {
        Some(Value::String(text)) => respond(StatusCode::OK, text),
        Some(document) => respond(StatusCode::OK, document.to_string()),
        None => refusal(404, &path),
    })
}

fn respond(status: StatusCode, body: String) -> Response<Body> {
    Response::builder()
        .status(status)
        .body(Either::Left(Full::new(Bytes::from(body))))
        .unwrap()
}

fn refusal(code: u16, path: &str) -> Response<Body> {
    let status = StatusCode::from_u16(code).unwrap();
    let last = path.rsplit('/').next().unwrap_or_default();
    let (reason, message) = match code {
        401 => ("Unauthorized", "Unauthorized".to_owned()),
        403 => (
            "Forbidden",
            format!("{last} is forbidden: User \"jane\" cannot read it"),
        ),
        404 => ("NotFound", format!("\"{last}\" not found")),
        409 => ("Conflict", status.to_string()),
        422 => ("Invalid", status.to_string()),
        503 => (
            "ServiceUnavailable",
            "the server is currently unable to handle the request".to_owned(),
        ),
        _ => ("", status.to_string()),
    };
    let body = json!({"kind": "Status", "apiVersion": "v1", "status": "Failure", "message": message,
        "reason": reason, "code": code});
    respond(status, body.to_string())
}

impl World {
    fn find(&self, asked: &str, path: &str, query: &str) -> Option<Value> {
        if let Some(document) = self.documents.get(asked).or_else(|| self.documents.get(path)) {
            return Some(document.clone());
        }
        if let Some(items) = self.collections.get(path) {
            return Some(list(items.iter(), query));
        }
        let (collection, name) = path.rsplit_once('/')?;
        if let Some(items) = self.collections.get(collection) {
            return items
                .iter()
                .find(|item| item["metadata"]["name"] == name)
                .cloned();
        }
        // `/apis/apps/v1/deployments`: the same collection of all namespaces.
        let everywhere = self.collections.iter().filter(|(key, _)| {
            key.split_once("/namespaces/").is_some_and(|(group, rest)| {
                group == collection && rest.split_once('/').is_some_and(|(_, plural)| plural == name)
            })
        });
        let items: Vec<&Value> = everywhere.flat_map(|(_, items)| items).collect();
        (path.starts_with("/api") && !items.is_empty()).then(|| list(items.into_iter(), query))
    }
}

/// The items that the selectors of a query match, a page of them; only equality is known.
fn list<'a>(items: impl Iterator<Item = &'a Value>, query: &str) -> Value {
    let decoded = query.replace("%3D", "=").replace("%2C", ",").replace("%2F", "/");
    let part = |name: &str| {
        decoded
            .split('&')
            .find_map(|pair| pair.strip_prefix(name).and_then(|rest| rest.strip_prefix('=')))
            .unwrap_or_default()
            .to_owned()
    };
    let (labels, fields) = (part("labelSelector"), part("fieldSelector"));
    let matches = |item: &&Value| {
        let label = |(key, value): (&str, &str)| item["metadata"]["labels"][key] == value;
        let field = |(key, value): (&str, &str)| {
            item.pointer(&format!("/{}", key.replace('.', "/")))
                .is_some_and(|found| found == value)
        };
        labels
            .split(',')
            .filter_map(|pair| pair.split_once('='))
            .all(label)
            && fields
                .split(',')
                .filter_map(|pair| pair.split_once('='))
                .all(field)
    };
    let all: Vec<&Value> = items.filter(matches).collect();
    let first: usize = part("continue").parse().unwrap_or(0);
    let size: usize = part("limit").parse().unwrap_or(usize::MAX);
    let page: Vec<_> = all.iter().skip(first).take(size).collect();
    let next = first + page.len();
    let next = if next < all.len() {
        next.to_string()
    } else {
        String::new()
    };
    let metadata = json!({"continue": next, "resourceVersion": "1"});
    json!({"kind": "List", "apiVersion": "v1", "metadata": metadata, "items": page})
}
