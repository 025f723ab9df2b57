//! A server that costs little and always answers the same, and counts what it answered.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use tfserve_sandbox::{Error, Result};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

const ANSWER: &[u8] =
    b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 22\r\n\r\n{\"predictions\": [1.0]}";
const END_OF_HEAD: &[u8] = b"\r\n\r\n";

/// It listens until the process ends.
pub(super) struct Server {
    pub(super) address: SocketAddr,
    answered: Arc<AtomicU64>,
}

impl Server {
    /// Answers requests whose bodies have this length, on one thread.
    pub(super) fn start(body: usize) -> Result<Self> {
        let failed = |error: std::io::Error| Error::Unexpected(format!("cannot listen on loopback: {error}"));
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_io()
            .build()
            .map_err(failed)?;
        let listener = runtime
            .block_on(TcpListener::bind("127.0.0.1:0"))
            .map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        let answered = Arc::<AtomicU64>::default();
        let count = Arc::clone(&answered);
        thread::spawn(move || {
            runtime.block_on(async {
                while let Ok((stream, _)) = listener.accept().await {
                    tokio::spawn(serve(stream, body, Arc::clone(&count)));
                }
            });
        });
        Ok(Self { address, answered })
    }

    /// Requests that were answered so far.
    pub(super) fn answered(&self) -> u64 {
        self.answered.load(Ordering::Relaxed)
    }
}

/// A client that goes, or that sends what is no request, ends it.
async fn serve(mut stream: TcpStream, body: usize, answered: Arc<AtomicU64>) -> Option<()> {
    stream.set_nodelay(true).ok()?;
    let mut buffer = [0; 4096];
    loop {
        let mut filled = 0;
        while !is_whole(buffer.get(..filled)?, body) {
            match stream.read(buffer.get_mut(filled..)?).await.ok()? {
                0 => return None,
                read => filled += read,
            }
        }
        stream.write_all(ANSWER).await.ok()?;
        answered.fetch_add(1, Ordering::Relaxed);
    }
}

/// Nobody sends a second request before the first is answered, so the body is the end.
fn is_whole(request: &[u8], body: usize) -> bool {
    let before = request.len().checked_sub(body);
    before
        .and_then(|end| request.get(..end))
        .is_some_and(|head| head.ends_with(END_OF_HEAD))
}
