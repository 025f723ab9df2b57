//! One question to a server of models, and what came of it.

use std::time::Duration;

use http::Method;
use hyper::body::Bytes;

use crate::cluster::Error;

/// One request to the server of models.
#[derive(Debug, Clone)]
pub struct Request {
    /// The method.
    pub method: Method,
    /// For example `/v1/models/m:predict`.
    pub path: String,
    /// JSON, or nothing.
    pub body: Bytes,
    /// How long the whole exchange may take.
    pub deadline: Duration,
}

impl Request {
    /// `GET`.
    pub fn get(path: impl Into<String>, deadline: Duration) -> Self {
        Self {
            method: Method::GET,
            path: path.into(),
            body: Bytes::new(),
            deadline,
        }
    }

    /// `POST` with a body of JSON.
    pub fn post(path: impl Into<String>, body: impl Into<Bytes>, deadline: Duration) -> Self {
        Self {
            method: Method::POST,
            path: path.into(),
            body: body.into(),
            deadline,
        }
    }
}

/// An answer of the server, whatever its status.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    /// The HTTP status.
    pub status: u16,
    /// The body as it came.
    pub body: Bytes,
    /// From the request's first byte to the answer's last one.
    pub elapsed: Duration,
}

/// Why a request has no answer of the server.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// There is no connection.
    #[error("cannot connect: {0}")]
    Connect(String),
    /// The deadline came first.
    #[error("no answer within {0:?}")]
    Deadline(Duration),
    /// The connection ended before the answer did.
    #[error("the answer broke off: {0}")]
    Broken(String),
    /// The API server answered in the server's place.
    #[error(transparent)]
    ApiServer(Error),
}
