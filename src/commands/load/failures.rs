//! What an error of a connection means.

use std::error::Error;
use std::io;

use crate::load::Failure;

/// An error of a socket.
pub(super) fn of_io(error: &io::Error) -> Failure {
    use io::ErrorKind as Kind;
    match error.kind() {
        Kind::ConnectionRefused => Failure::Refused,
        Kind::ConnectionReset | Kind::BrokenPipe | Kind::ConnectionAborted => Failure::Reset,
        Kind::HostUnreachable | Kind::NetworkUnreachable | Kind::NetworkDown => Failure::Unreachable,
        Kind::TimedOut => Failure::Timeout,
        Kind::UnexpectedEof => Failure::Closed,
        Kind::AddrNotAvailable | Kind::AddrInUse | Kind::OutOfMemory => Failure::ClientExhausted,
        // EMFILE and ENFILE have no kind of their own.
        _ if matches!(error.raw_os_error(), Some(23 | 24)) => Failure::ClientExhausted,
        _ => Failure::Other,
    }
}

/// An error of a TLS handshake.
pub(super) fn of_handshake(error: &io::Error) -> Failure {
    match of_io(error) {
        Failure::Other | Failure::Closed => Failure::Tls,
        failure => failure,
    }
}

/// An error before the answer's head was there.
pub(super) fn before_answer(error: &hyper::Error) -> Failure {
    if let Some(io) = source::<io::Error>(error) {
        return of_io(io);
    }
    if error.is_parse() {
        return Failure::Protocol;
    }
    if error.is_incomplete_message() || error.is_closed() || error.is_canceled() {
        return Failure::Closed;
    }
    Failure::Other
}

/// An error after it.
pub(super) fn within_body(error: &hyper::Error) -> Failure {
    match before_answer(error) {
        Failure::Closed | Failure::Other => Failure::BodyTooShort,
        failure => failure,
    }
}

fn source<E: Error + 'static>(error: &hyper::Error) -> Option<&E> {
    let mut next = error.source();
    while let Some(error) = next {
        if let Some(found) = error.downcast_ref() {
            return Some(found);
        }
        next = error.source();
    }
    None
}
