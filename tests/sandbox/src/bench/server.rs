//! A fixed answer, as fast as one thread gives it: what the clients of a load are measured against.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tfserve_sandbox::{Error, Result};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

const ANSWER: &[u8] =
    b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 20\r\n\r\n{\"predictions\":[1]}\n";
const END_OF_HEAD: &[u8] = b"\r\n\r\n";

/// A running server; its thread ends with the process.
pub(super) struct Server {
    pub(super) address: SocketAddr,
    requests: Arc<AtomicU64>,
}

impl Server {
    /// Starts it. It answers `GET`: the end of a head is the end of a request.
    pub(super) fn start() -> Result<Self> {
        let failed = |error: std::io::Error| Error::Unexpected(format!("cannot start a server: {error}"));
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_io()
            .build()
            .map_err(failed)?;
        let listener = runtime
            .block_on(TcpListener::bind("127.0.0.1:0"))
            .map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        let requests = Arc::<AtomicU64>::default();
        let counter = Arc::clone(&requests);
        std::thread::spawn(move || {
            runtime.block_on(async move {
                while let Ok((stream, _)) = listener.accept().await {
                    let _ = stream.set_nodelay(true);
                    tokio::spawn(serve(stream, Arc::clone(&counter)));
                }
            });
        });
        Ok(Self { address, requests })
    }

    /// How many requests it has answered.
    pub(super) fn requests(&self) -> u64 {
        self.requests.load(Ordering::Relaxed)
    }
}

async fn serve(mut stream: TcpStream, counter: Arc<AtomicU64>) {
    let mut buffer = [0; 4096];
    let mut held = 0;
    while let Some(rest) = buffer.get_mut(held..)
        && let Ok(length @ 1..) = stream.read(rest).await
    {
        held += length;
        let request = buffer.get(..held).unwrap_or_default();
        if !request.ends_with(END_OF_HEAD) {
            continue;
        }
        held = 0;
        counter.fetch_add(1, Ordering::Relaxed);
        if stream.write_all(ANSWER).await.is_err() {
            return;
        }
    }
}
