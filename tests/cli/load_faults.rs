//! `load` against servers that do not behave: each fault has its name.

use std::net::TcpListener;
use std::sync::Arc;
use std::thread;

use crate::load_server::{After, GOOD, Server, failure, load};
use crate::run::{file, offline};

#[test]
fn each_fault_has_its_name() {
    let cases: [(&str, &'static [u8], After); 5] = [
        (
            "status",
            b"HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\n\r\n",
            After::Stay,
        ),
        (
            "bodyTooShort",
            b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nshort",
            After::Close,
        ),
        ("closed", b"", After::Close),
        ("timeout", b"", After::Hang),
        ("protocol", b"SSH-2.0-OpenSSH_9.2\r\n", After::Close),
    ];
    for (kind, answer, after) in cases {
        let server = Server::start(move |_| (answer, after));
        // A machine that is busy answers late; only a server that hangs never does.
        let timeout = if after == After::Hang { "200ms" } else { "30s" };
        let arguments = ["--users", "2", "--step-every", "1s", "--request-timeout", timeout];
        let outcome = load(&server, &arguments);
        let report = outcome.json();
        assert_eq!(outcome.code, 1, "nothing worked: {}", outcome.stderr);
        let failed = report["total"]["failed"].as_u64().unwrap();
        assert!(failed > 0, "{kind}: {report:#}");
        assert_eq!(failure(&report, kind), failed, "{kind}: {:#}", report["failures"]);
    }
}

#[test]
fn a_connection_that_is_torn_down_is_a_reset() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    thread::spawn(move || {
        for stream in listener.incoming() {
            // Closed with a request that nobody has read, a socket tears its connection down.
            let _ = stream.unwrap().peek(&mut [0]);
        }
    });
    let short = ["--users", "1", "--step-every", "500ms", "-o", "json"];
    let report = offline(&[&["load", "--url", &url], &short[..]].concat()).json();
    let failed = report["total"]["failed"].as_u64().unwrap();
    assert!(failed > 0, "{report:#}");
    assert_eq!(failure(&report, "reset"), failed, "{:#}", report["failures"]);
}

#[test]
fn a_certificate_is_trusted_when_its_file_is_given() {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let directory = tempfile::tempdir().unwrap();
    let trusted = file(directory.path(), "ca.pem", &made.cert.pem());
    let port = https(&made);
    let url = format!("https://localhost:{port}/");
    let short = [
        "--users",
        "2",
        "--step-every",
        "400ms",
        "--think",
        "5ms",
        "-o",
        "json",
    ];
    let load = |arguments: &[&str]| offline(&[&["load", "--url", &url], &short[..], arguments].concat());
    let good = load(&["--ca-file", &trusted]);
    assert_eq!(good.code, 0, "{}{}", good.stdout, good.stderr);
    let report = good.json();
    assert_eq!(report["total"]["failed"], 0, "{:#}", report["failures"]);
    assert_eq!(report["client"]["connections"], 2, "one a user");
    let unknown = load(&[]);
    assert_eq!(unknown.code, 1, "{}", unknown.stderr);
    let report = unknown.json();
    assert_eq!(
        report["total"]["failed"].as_u64().unwrap(),
        failure(&report, "tls"),
        "{:#}",
        report["failures"]
    );
    let none = load(&["--ca-file", &file(directory.path(), "none.pem", "no certificate")]);
    assert_eq!(none.code, 2);
    assert!(
        none.error().contains("no certificate in PEM form"),
        "{}",
        none.stderr
    );
}

/// A server that speaks TLS, and answers each request with `{}`; its port.
fn https(made: &rcgen::CertifiedKey<rcgen::KeyPair>) -> u16 {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio_rustls::rustls::ServerConfig;
    use tokio_rustls::rustls::crypto::ring;
    use tokio_rustls::rustls::pki_types::PrivateKeyDer;

    let key = PrivateKeyDer::try_from(made.signing_key.serialize_der()).unwrap();
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![made.cert.der().clone()], key)
        .unwrap();
    let acceptor = tokio_rustls::TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    listener.set_nonblocking(true).unwrap();
    thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        runtime.block_on(async move {
            let listener = tokio::net::TcpListener::from_std(listener).unwrap();
            while let Ok((stream, _)) = listener.accept().await {
                let acceptor = acceptor.clone();
                tokio::spawn(async move {
                    let Ok(mut stream) = acceptor.accept(stream).await else {
                        return;
                    };
                    // A request without a body comes in one piece.
                    let mut request = [0; 4096];
                    while let Ok(1..) = stream.read(&mut request).await {
                        if stream.write_all(GOOD).await.is_err() {
                            return;
                        }
                    }
                });
            }
        });
    });
    port
}

#[test]
fn nobody_listening_is_refused_and_does_not_burn_the_processor() {
    let port = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port();
    let url = format!("http://127.0.0.1:{port}/");
    let outcome = offline(&[
        "load",
        "--url",
        &url,
        "-o",
        "json",
        "--users",
        "4",
        "--step-every",
        "500ms",
    ]);
    let report = outcome.json();
    let refused = failure(&report, "refused");
    assert!((4..=40).contains(&refused), "{refused}");
}

#[test]
fn a_connection_that_was_closed_between_two_requests_is_no_failure() {
    let server = Server::start(|_| (GOOD, After::Close));
    let arguments = ["--users", "1", "--step-every", "1s", "--think", "20ms"];
    let report = load(&server, &arguments).json();
    assert_eq!(report["total"]["failed"], 0, "{:#}", report["failures"]);
    assert_eq!(report["client"]["connections"], report["total"]["requests"]);
}
