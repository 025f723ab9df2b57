//! A stand-in for a server of models: fixed answers by method and path.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;

/// What it answers, and what it was asked.
#[derive(Default)]
struct State {
    answers: BTreeMap<String, (u16, Vec<u8>)>,
    bodies: Vec<Vec<u8>>,
    asked: Vec<String>,
}

/// A running server; it ends with the value.
pub(crate) struct ModelServer {
    /// For example `http://127.0.0.1:43210`.
    pub(crate) url: String,
    state: Arc<Mutex<State>>,
    _runtime: tokio::runtime::Runtime,
}

impl ModelServer {
    /// Starts one that answers `METHOD /path` with a status and a body; status 0 never answers.
    pub(crate) fn start(answers: &[(&str, u16, &str)]) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .unwrap();
        let listener = runtime
            .block_on(tokio::net::TcpListener::bind("127.0.0.1:0"))
            .unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let answers = answers
            .iter()
            .map(|(line, status, body)| ((*line).to_owned(), (*status, body.as_bytes().to_vec())))
            .collect();
        let state = Arc::new(Mutex::new(State {
            answers,
            ..State::default()
        }));
        let shared = Arc::clone(&state);
        runtime.spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let shared = Arc::clone(&shared);
                tokio::spawn(async move {
                    let service = service_fn(move |request| answer(request, Arc::clone(&shared)));
                    // A client that gives up closes the connection, as it should.
                    let _ = http1::Builder::new()
                        .serve_connection(TokioIo::new(stream), service)
                        .await;
                });
            }
        });
        Self {
            url,
            state,
            _runtime: runtime,
        }
    }

    /// The bodies that came with `POST`.
    pub(crate) fn bodies(&self) -> Vec<String> {
        let state = self.state.lock().unwrap();
        state
            .bodies
            .iter()
            .map(|body| String::from_utf8_lossy(body).into_owned())
            .collect()
    }

    /// The requests: `METHOD /path`.
    pub(crate) fn asked(&self) -> Vec<String> {
        self.state.lock().unwrap().asked.clone()
    }
}

async fn answer(
    request: Request<Incoming>,
    state: Arc<Mutex<State>>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let line = format!("{} {}", request.method(), request.uri().path());
    let post = request.method() == "POST";
    let body = request.into_body().collect().await.unwrap().to_bytes();
    let (status, body) = {
        let mut state = state.lock().unwrap();
        state.asked.push(line.clone());
        if post {
            state.bodies.push(body.to_vec());
        }
        let unknown = format!("{{ \"error\": \"Malformed request: {line}\" }}");
        let unknown = (400, unknown.into_bytes());
        state.answers.get(&line).cloned().unwrap_or(unknown)
    };
    if status == 0 {
        tokio::time::sleep(Duration::from_secs(60)).await;
    }
    Ok(Response::builder()
        .status(status.max(100))
        .body(Full::new(Bytes::from(body)))
        .unwrap())
}
