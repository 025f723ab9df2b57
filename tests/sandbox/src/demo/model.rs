//! A stand-in for the model server: it answers the one question that `up` asks, the model's state.

use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};

use tfserve_sandbox::{Error, Result};

/// Listens on loopback until the process ends.
pub(super) struct ModelStandIn {
    address: SocketAddr,
}

impl ModelStandIn {
    /// Answers that version 1 of the model is AVAILABLE.
    pub(super) fn start(model: &str) -> Result<Self> {
        let failed = |source| Error::Unexpected(format!("cannot listen for the model's stand-in: {source}"));
        let listener = TcpListener::bind(("127.0.0.1", 0)).map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        let model = model.to_owned();
        std::thread::spawn(move || {
            for connection in listener.incoming().flatten() {
                // A client that goes away early is no concern of a stand-in.
                let _ = answer(connection, &model);
            }
        });
        Ok(Self { address })
    }

    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }
}

fn answer(mut connection: TcpStream, model: &str) -> std::io::Result<()> {
    let mut reader = BufReader::new(connection.try_clone()?);
    let mut request = String::new();
    reader.read_line(&mut request)?;
    let mut header = String::new();
    while reader.read_line(&mut header)? > 2 {
        header.clear();
    }
    let path = format!("/v1/models/{model}");
    let (status, body) = if request.split_whitespace().nth(1) == Some(&path) {
        let state = r#"{"model_version_status":[{"version":"1","state":"AVAILABLE","status":{"error_code":"OK","error_message":""}}]}"#;
        ("200 OK", state.to_owned())
    } else {
        (
            "404 Not Found",
            format!(r#"{{"error":"Could not find any versions of model {model}"}}"#),
        )
    };
    write!(
        connection,
        "HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
        body.len()
    )
}
