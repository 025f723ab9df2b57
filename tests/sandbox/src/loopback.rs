//! Addresses and ports on loopback that are this sandbox's alone.

use std::hash::{BuildHasher, Hasher, RandomState};
use std::net::{Ipv4Addr, TcpListener};

use crate::error::{Context, Error, Result};

/// The port on which a sandbox holds its service range, at the range's last address.
const RESERVATION_PORT: u16 = 61_616;

/// A range of 254 loopback addresses for Services: a `ClusterIP` in it is an address one can listen on.
#[derive(Debug)]
pub(crate) struct ServiceRange {
    second: u8,
    third: u8,
    /// As long as it listens no other sandbox takes the range.
    _reservation: TcpListener,
}

impl ServiceRange {
    /// Takes a range that no other sandbox of this machine holds.
    pub(crate) fn reserve() -> Result<Self> {
        for _ in 0..64 {
            let [second, third, ..] = RandomState::new().build_hasher().finish().to_be_bytes();
            // Away from 127.0.0.0/16, where everybody else is, and from the broadcast address.
            let second = second % 254 + 1;
            let last = Ipv4Addr::new(127, second, third, 254);
            if let Ok(reservation) = TcpListener::bind((last, RESERVATION_PORT)) {
                return Ok(Self {
                    second,
                    third,
                    _reservation: reservation,
                });
            }
        }
        Err(Error::Unexpected(
            "no range of loopback addresses is free for Services".to_owned(),
        ))
    }

    /// The range for `--service-cluster-ip-range`.
    pub(crate) fn cidr(&self) -> String {
        format!("127.{}.{}.0/24", self.second, self.third)
    }

    /// The address of the `kubernetes` Service.
    pub(crate) fn first(&self) -> Ipv4Addr {
        Ipv4Addr::new(127, self.second, self.third, 1)
    }
}

/// `N` free ports of 127.0.0.1. Somebody may take one before it is used: start again then.
pub(crate) fn free_ports<const N: usize>() -> Result<[u16; N]> {
    let mut listeners = Vec::with_capacity(N);
    let mut ports = [0; N];
    for port in &mut ports {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("no free port on 127.0.0.1")?;
        *port = listener.local_addr().context("a socket has no address")?.port();
        listeners.push(listener);
    }
    Ok(ports)
}
