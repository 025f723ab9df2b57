//! The exit codes, in one place. They are part of the contract.

/// Nothing is wrong.
pub const OK: u8 = 0;
/// `explain-hpa` found a problem at or above `--fail-on`.
pub const PROBLEM: u8 = 1;
/// The command line, or a file it names, cannot be understood.
pub const USAGE: u8 = 2;
/// The cluster could not be asked, or a change failed.
pub const FAILED: u8 = 3;
