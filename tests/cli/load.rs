//! `load` against servers that do not behave.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::run::{Outcome, command, file, offline};

const GOOD: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}";

/// A server that answers each request with what it is told to, and counts connections and requests.
struct Server {
    url: String,
    connections: Arc<AtomicUsize>,
    requests: Arc<AtomicUsize>,
    stop: Arc<AtomicBool>,
}

/// What becomes of a connection after an answer.
#[derive(Clone, Copy, PartialEq)]
enum After {
    Stay,
    Close,
    Hang,
}

impl Server {
    /// `answer` is given the number of the request, from zero.
    fn start(answer: impl Fn(usize) -> (&'static [u8], After) + Clone + Send + 'static) -> Self {
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

    fn requests(&self) -> usize {
        self.requests.load(Ordering::SeqCst)
    }

    /// Closes every connection at its next request, and the port.
    fn die(&self) {
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

fn load(server: &Server, arguments: &[&str]) -> Outcome {
    offline(&[&["load", "--url", &server.url, "-o", "json"], arguments].concat())
}

fn failure(report: &Value, kind: &str) -> u64 {
    report["failures"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|failure| failure["kind"] == kind)
        .map(|failure| failure["count"].as_u64().unwrap())
        .sum()
}

#[test]
fn users_rise_and_every_answer_is_counted_once() {
    let server = Server::start(|_| (GOOD, After::Stay));
    let directory = tempfile::tempdir().unwrap();
    let body = file(directory.path(), "request.json", "{\"instances\": [[1.0]]}");
    let outcome = load(
        &server,
        &[
            "-f",
            &body,
            "--users",
            "1..4",
            "--step-every",
            "500ms",
            "--think",
            "1ms..5ms",
        ],
    );
    assert_eq!(outcome.code, 0, "{}", outcome.stderr);
    let report = outcome.json();
    assert_eq!(report["kind"], "LoadReport");
    assert_eq!(report["target"]["method"], "POST");
    assert_eq!(report["ended"]["reason"], "completed");
    assert_eq!(report["plan"]["levels"], json!([1, 2, 4]));
    assert_eq!(
        report["total"]["requests"].as_u64().unwrap(),
        server.requests() as u64
    );
    assert_eq!(report["total"]["failed"], 0);
    let steps = report["steps"].as_array().unwrap();
    let sum: u64 = steps.iter().map(|step| step["requests"].as_u64().unwrap()).sum();
    assert_eq!(report["total"]["requests"], sum);
    assert_eq!(server.connections.load(Ordering::SeqCst), 4, "one a user");
    assert_eq!(report["client"]["connections"], 4);
}

#[test]
fn the_warm_up_counts_for_nothing() {
    let server = Server::start(|_| (GOOD, After::Stay));
    let arguments = [
        "--users",
        "1",
        "--step-every",
        "500ms",
        "--warm-up",
        "500ms",
        "--think",
        "5ms",
    ];
    let report = load(&server, &arguments).json();
    let counted = report["total"]["requests"].as_u64().unwrap();
    assert!(counted > 0 && counted < server.requests() as u64, "{counted}");
    assert!((report["total"]["seconds"].as_f64().unwrap() - 0.5).abs() < 0.01);
}

#[test]
fn a_slow_answer_delays_the_requests_that_were_due_meanwhile() {
    // One connection; the tenth answer takes 500 ms, in which 49 requests more are due.
    let server = Server::start(|request| {
        if request == 9 {
            thread::sleep(Duration::from_millis(500));
        }
        (GOOD, After::Stay)
    });
    let arguments = ["--rate", "100", "--step-every", "1s", "--connections", "1"];
    let report = load(&server, &arguments).json();
    assert_eq!(report["total"]["requests"], 100);
    assert_eq!(server.requests(), 100);
    let p90 = report["total"]["latencyMs"]["p90"].as_f64().unwrap();
    assert!(
        p90 > 250.0,
        "the wait of those behind is part of their latency: {p90}"
    );
}

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
fn a_server_that_dies_in_the_middle_leaves_a_whole_report() {
    let server = Server::start(|_| (GOOD, After::Stay));
    let arguments = [
        "load",
        "--url",
        &server.url,
        "-o",
        "json",
        "--users",
        "2",
        "--step-every",
        "1500ms",
    ];
    let child = command(&arguments)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    wait_for(|| server.requests() > 50);
    server.die();
    let output = child.wait_with_output().unwrap();
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(report["ended"]["reason"], "completed");
    assert!(
        report["total"]["failed"].as_u64().unwrap() > 0,
        "{:#}",
        report["failures"]
    );
    assert!(failure(&report, "refused") > 0, "{:#}", report["failures"]);
    assert!(report["total"]["latencyMs"]["p50"].is_number());
}

#[test]
fn a_connection_that_was_closed_between_two_requests_is_no_failure() {
    let server = Server::start(|_| (GOOD, After::Close));
    let arguments = ["--users", "1", "--step-every", "1s", "--think", "20ms"];
    let report = load(&server, &arguments).json();
    assert_eq!(report["total"]["failed"], 0, "{:#}", report["failures"]);
    assert_eq!(report["client"]["connections"], report["total"]["requests"]);
}

#[test]
fn too_many_errors_end_it() {
    let server = Server::start(|request| {
        if request % 4 == 0 {
            (
                b"HTTP/1.1 500 Internal Server Error\r\ncontent-length: 0\r\n\r\n",
                After::Stay,
            )
        } else {
            (GOOD, After::Stay)
        }
    });
    let arguments = [
        "--users",
        "2",
        "--step-every",
        "15s",
        "--think",
        "5ms",
        "--stop-on-error-rate",
        "5%",
    ];
    let started = Instant::now();
    let outcome = load(&server, &arguments);
    assert!(started.elapsed() < Duration::from_secs(10));
    assert_eq!(outcome.code, 1);
    let report = outcome.json();
    assert_eq!(report["ended"]["reason"], "errorRate", "{:#}", report["ended"]);
}

#[cfg(unix)]
#[test]
fn ctrl_c_ends_it_at_once_and_the_report_is_written() {
    let server = Server::start(|_| (b"".as_slice(), After::Hang));
    let directory = tempfile::tempdir().unwrap();
    let page = directory.path().join("load.html");
    let child = command(&[
        "load",
        "--url",
        &server.url,
        "-o",
        "json",
        "--users",
        "3",
        "--report",
    ])
    .arg(&page)
    .stdout(Stdio::piped())
    .stderr(Stdio::null())
    .spawn()
    .unwrap();
    wait_for(|| server.requests() == 3);
    let started = Instant::now();
    let killed = std::process::Command::new("kill")
        .args(["-INT", &child.id().to_string()])
        .status();
    assert!(killed.unwrap().success());
    let output = child.wait_with_output().unwrap();
    assert!(
        started.elapsed() < Duration::from_secs(2),
        "{:?}",
        started.elapsed()
    );
    assert_eq!(output.status.code(), Some(0));
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(report["ended"]["reason"], "interrupted");
    assert_eq!(report["client"]["unfinished"], 3);
    assert!(std::fs::read_to_string(page).unwrap().contains("</html>"));
}

#[test]
fn the_page_and_the_csv_are_whole_and_the_page_loads_nothing() {
    let server = Server::start(|_| (GOOD, After::Stay));
    let directory = tempfile::tempdir().unwrap();
    let (page, csv) = (
        directory.path().join("load.html"),
        directory.path().join("load.csv"),
    );
    let arguments = [
        "load",
        "--url",
        &server.url,
        "--users",
        "1..2",
        "--step-every",
        "300ms",
        "--think",
        "5ms",
    ];
    let written = crate::run::outcome(
        command(&arguments)
            .arg("--report")
            .arg(&page)
            .arg("--csv")
            .arg(&csv),
    );
    assert_eq!(written.code, 0, "{}", written.stderr);
    let html = std::fs::read_to_string(page).unwrap();
    assert!(
        !html.contains("<script") && !html.contains("src=") && !html.contains("href="),
        "{html}"
    );
    assert!(html.contains("prefers-color-scheme: dark") && html.contains("<svg"));
    let csv = std::fs::read_to_string(csv).unwrap();
    let columns = csv.lines().next().unwrap().split(',').count();
    assert!(csv.lines().count() > 3);
    assert!(
        csv.lines().all(|line| line.split(',').count() == columns),
        "{csv}"
    );
}

#[test]
fn a_load_beyond_the_bound_or_on_another_machine_is_meant_on_purpose() {
    let over = offline(&["load", "--url", "http://127.0.0.1:9/", "--rate", "5000"]);
    assert_eq!(over.code, 2);
    assert!(over.error().contains("--limit 5000"), "{}", over.stderr);
    let far = offline(&[
        "load",
        "--url",
        "http://192.0.2.1/",
        "--users",
        "1",
        "--step-every",
        "1s",
    ]);
    assert_eq!(far.code, 2);
    assert!(far.error().contains("--yes"), "{}", far.stderr);
}

fn wait_for(condition: impl Fn() -> bool) {
    let end = Instant::now() + Duration::from_secs(20);
    while !condition() {
        assert!(Instant::now() < end, "it did not happen within 20 s");
        thread::sleep(Duration::from_millis(5));
    }
}
