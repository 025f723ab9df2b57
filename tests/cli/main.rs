//! The binary against a mock API server on loopback: exit codes, errors, facts and the number of requests.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a failed unwrap fails the test")]

mod autoscale;
mod completion;
mod connection;
mod dump;
mod endings;
mod facts;
mod fixtures;
mod help;
mod keep;
mod listener;
mod load;
mod load_cluster;
mod load_distributed;
mod load_ends;
mod load_faults;
mod load_server;
mod locustfile;
mod mock;
mod model_server;
mod predict;
mod requests;
mod run;
mod serving;
mod top;
mod up;
mod up_wait;
mod usage;
mod watch;
mod what_if;
