//! The CPU time of the calling thread.

use std::time::Duration;

/// The time; none where the system does not tell.
#[cfg(unix)]
pub(super) fn of_this_thread() -> Option<Duration> {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    Duration::try_from(time).ok()
}

/// The time; none where the system does not tell.
#[cfg(not(unix))]
pub(super) fn of_this_thread() -> Option<Duration> {
    None
}
