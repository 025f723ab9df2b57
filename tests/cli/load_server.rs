//! A server that does not behave, and a load on it.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;

use serde_json::Value;

use crate::run::{Outcome, offline};

pub(crate) const GOOD: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}";

/// A server that answers each request with what it is told to, and counts connections and requests.
pub(crate) struct Server {
    pub(crate) url: String,
    pub(crate) connections: Arc<AtomicUsize>,
    requests: Arc<AtomicUsize>,
    stop: Arc<AtomicBool>,
}

/// What becomes of a connection after an answer.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum After {
    Stay,
    Close,
    Hang,
}

impl Server {
    /// `answer` is given the number of the request, from zero.
    pub(crate) fn start(answer: impl Fn(usize) -> (&'static [u8], After) + Clone + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let server = Self {
            url: format!("http://{}/v1/models/m:predict", listener.local_addr().unwrap()),
            connections: Arc::default(),
            requests: Arc::default(),
            stop: Arc::default(),
        };
        let (connections, requests) = (Arc::clone(&server.connections), Arc::clone(&server.requests));
        let stop = Arc::clone(&server.stop);
        thread::spawn(move || {
            for stream in listener.incoming() {
                if stop.load(Ordering::SeqCst) {
                    return;
                }
                connections.fetch_add(1, Ordering::SeqCst);
                let (answer, requests, stop) = (answer.clone(), Arc::clone(&requests), Arc::clone(&stop));
                thread::spawn(move || serve(&stream.unwrap(), answer, &requests, &stop));
            }
        });
        server
    }

    pub(crate) fn requests(&self) -> usize {
        self.requests.load(Ordering::SeqCst)
    }

    /// Closes every connection at its next request, and the port.
    pub(crate) fn die(&self) {
        self.stop.store(true, Ordering::SeqCst);
        let address = self.url.split('/').nth(2).unwrap();
        let _ = TcpStream::connect(address);
    }
}

fn serve(
    stream: &TcpStream,
    answer: impl Fn(usize) -> (&'static [u8], After),
    requests: &AtomicUsize,
    stop: &AtomicBool,
) {
    let mut reader = BufReader::new(stream);
    while let Some(length) = head(&mut reader) {
        let mut body = vec![0; length];
        if reader.read_exact(&mut body).is_err() || stop.load(Ordering::SeqCst) {
            return;
        }
        let (bytes, after) = answer(requests.fetch_add(1, Ordering::SeqCst));
        if { stream }.write_all(bytes).is_err() || after == After::Close {
            return;
        }
        if after == After::Hang {
            // Until the other side has had enough.
            let _ = reader.read(&mut [0]);
            return;
        }
    }
}

/// Reads a head, and says how long the body is.
fn head(reader: &mut impl BufRead) -> Option<usize> {
    let mut length = 0;
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).ok()? == 0 {
            return None;
        }
        if let Some(value) = line.strip_prefix("content-length: ") {
            length = value.trim().parse().ok()?;
        }
        if line == "\r\n" {
            return Some(length);
        }
    }
}

pub(crate) fn load(server: &Server, arguments: &[&str]) -> Outcome {
    offline(&[&["load", "--url", &server.url, "-o", "json"], arguments].concat())
}

pub(crate) fn failure(report: &Value, kind: &str) -> u64 {
    report["failures"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|failure| failure["kind"] == kind)
        .map(|failure| failure["count"].as_u64().unwrap())
        .sum()
}
