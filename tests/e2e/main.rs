//! The binary on a real control plane: every symptom is asserted before the answer is.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test may end with a panic"
)]

mod adapters;
mod autoscale;
mod between;
mod brakes;
mod completion;
mod decisions;
mod defaults;
mod docs;
mod down;
mod dump;
mod fixtures;
mod healthy;
mod held;
mod keda;
mod load;
mod load_ends;
mod operators;
mod others;
mod own;
mod pipeline;
mod plugin;
mod pods;
mod predict;
mod references;
mod refusals;
mod rights;
mod screen;
mod serving;
mod starting;
mod stopped;
mod story;
mod successors;
mod support;
mod targets_and_limits;
mod terminal;
mod up;
mod up_interrupted;
mod up_trouble;
mod waiting_pods;
mod what_if;
mod workloads;
mod writers;
