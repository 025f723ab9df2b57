//! The commands on a real node: real kubelet, real containers, a real model. It needs root and Linux.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test may end with a panic"
)]

mod distributed;
mod failures;
mod node;
mod story;
#[expect(
    dead_code,
    reason = "written for the tests on simulated nodes, which need more of it"
)]
#[path = "../e2e/support.rs"]
mod support;
mod transcript;
