//! A stand-in for a server of models: fixed answers by method and path.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::{Request, Response};

use crate::listener::Listener;

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
    _listener: Listener,
}

impl ModelServer {
    /// Starts one that answers `METHOD /path` with a status and a body; status 0 never answers.
    pub(crate) fn start(answers: &[(&str, u16, &str)]) -> Self {
        let answers = answers
            .iter()
            .map(|(line, status, body)| ((*line).to_owned(), (*status, body.as_bytes().to_vec())))
            .collect();
        let state = Arc::new(Mutex::new(State {
            answers,
            ..State::default()
        }));
        let shared = Arc::clone(&state);
        let listener = Listener::start(move |request| answer(request, Arc::clone(&shared)));
        Self {
            url: listener.url.clone(),
            state,
            _listener: listener,
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
