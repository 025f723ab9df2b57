//! A server whose answers cost CPU, and that knows how much: the load of a test becomes the usage of its pods.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

use crate::error::{Context, Result};

/// What a server of models answers to `GET`.
const STATUS: &str = r#"{"model_version_status": [{"version": "1", "state": "AVAILABLE", "status": {"error_code": "OK", "error_message": ""}}]}"#;

/// A running server; it takes no more connections when it is dropped.
#[derive(Debug)]
pub struct BusyServer {
    address: SocketAddr,
    used: Arc<AtomicU64>,
    stop: Arc<AtomicBool>,
}

impl BusyServer {
    /// Starts one at an address; each `POST` costs so much CPU time.
    pub fn start(address: &str, cost: Duration) -> Result<Self> {
        let listener = TcpListener::bind(address).context(format!("cannot listen on {address}"))?;
        let server = Self {
            address: listener
                .local_addr()
                .context("the server's address is not known")?,
            used: Arc::default(),
            stop: Arc::default(),
        };
        let (used, stop) = (Arc::clone(&server.used), Arc::clone(&server.stop));
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                if stop.load(Ordering::Relaxed) {
                    return;
                }
                let used = Arc::clone(&used);
                // A client that goes ends its thread.
                std::thread::spawn(move || serve(&stream, cost, &used));
            }
        });
        Ok(server)
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The CPU time that its answers have cost, as the kernel counted it.
    pub fn cpu(&self) -> Duration {
        self.meter().read()
    }

    pub(crate) fn meter(&self) -> Meter {
        Meter(Arc::clone(&self.used))
    }
}

impl Drop for BusyServer {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        // It waits for a connection.
        let _ = TcpStream::connect(self.address);
    }
}

/// The CPU time of a server.
pub(crate) struct Meter(Arc<AtomicU64>);

impl Meter {
    pub(crate) fn read(&self) -> Duration {
        Duration::from_nanos(self.0.load(Ordering::Relaxed))
    }
}

fn serve(stream: &TcpStream, cost: Duration, used: &AtomicU64) -> Option<()> {
    stream.set_nodelay(true).ok()?;
    let mut reader = BufReader::new(stream);
    loop {
        let before = cpu_time();
        let mut line = String::new();
        reader.read_line(&mut line).ok().filter(|length| *length > 0)?;
        let is_post = line.starts_with("POST ");
        let mut body = vec![0; body_length(&mut reader)?];
        reader.read_exact(&mut body).ok()?;
        let answer = if is_post {
            while cpu_time().saturating_sub(before) < cost {
                std::hint::spin_loop();
            }
            "{\"predictions\": [1.0]}"
        } else {
            STATUS
        };
        write!(
            { stream },
            "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{answer}",
            answer.len()
        )
        .ok()?;
        let spent = cpu_time().saturating_sub(before);
        used.fetch_add(
            u64::try_from(spent.as_nanos()).unwrap_or(u64::MAX),
            Ordering::Relaxed,
        );
    }
}

/// Reads the rest of a head.
fn body_length(reader: &mut impl BufRead) -> Option<usize> {
    let mut length = 0;
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok().filter(|length| *length > 0)?;
        if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().ok()?;
        }
        if line.trim().is_empty() {
            return Some(length);
        }
    }
}

/// Of this thread.
fn cpu_time() -> Duration {
    Duration::try_from(clock_gettime(ClockId::ThreadCPUTime)).unwrap_or_default()
}
