//! The API server's port, on the loopback of the host: connections are carried into the node's network.

use std::fs::File;
use std::net::{Ipv4Addr, TcpListener};
use std::path::PathBuf;
use std::thread::JoinHandle;

use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};
use tokio::sync::oneshot;

use crate::error::{Context, Error, Result};

/// Carries connections as long as it lives.
#[derive(Debug)]
pub(crate) struct Gateway {
    end: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Gateway {
    /// Listens on the port of 127.0.0.1 and leads to the same port in another network.
    pub(crate) fn open(network: &PathBuf, port: u16) -> Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port))
            .context(format!("cannot listen on 127.0.0.1:{port}"))?;
        listener
            .set_nonblocking(true)
            .context("cannot make a socket non-blocking")?;
        let network = File::open(network)
            .context(format!("cannot open the network namespace {}", network.display()))?;
        let (end, ended) = oneshot::channel();
        let (started, has_started) = std::sync::mpsc::channel();
        // The sockets that a thread makes belong to the network that it is in; this one's are all the node's.
        let thread = std::thread::Builder::new()
            .name("gateway".to_owned())
            .spawn(move || {
                let runtime = enter(&network);
                let failed = runtime.as_ref().err().map(ToString::to_string);
                // Whoever waits for it is still there: it waits until this is sent.
                let _ = started.send(failed);
                if let Ok(runtime) = runtime {
                    runtime.block_on(async {
                        tokio::select! {
                            () = carry(listener, port) => {}
                            _ = ended => {}
                        }
                    });
                }
            })
            .context("cannot start a thread")?;
        match has_started.recv() {
            Ok(None) => Ok(Self {
                end: Some(end),
                thread: Some(thread),
            }),
            Ok(Some(error)) => Err(Error::Unexpected(format!(
                "cannot enter the node's network: {error}"
            ))),
            Err(_) => Err(Error::Unexpected("the gateway ended at once".to_owned())),
        }
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        drop(self.end.take());
        if let Some(thread) = self.thread.take() {
            // It has nothing to tell.
            let _ = thread.join();
        }
    }
}

fn enter(network: &File) -> std::io::Result<tokio::runtime::Runtime> {
    use std::os::fd::AsFd;
    move_into_link_name_space(network.as_fd(), Some(LinkNameSpaceType::Network))?;
    tokio::runtime::Builder::new_current_thread().enable_all().build()
}

async fn carry(listener: TcpListener, port: u16) {
    let Ok(listener) = tokio::net::TcpListener::from_std(listener) else {
        return;
    };
    while let Ok((mut outside, _)) = listener.accept().await {
        tokio::spawn(async move {
            // Refused inside is closed outside.
            if let Ok(mut inside) = tokio::net::TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await {
                let _ = tokio::io::copy_bidirectional(&mut outside, &mut inside).await;
            }
        });
    }
}
