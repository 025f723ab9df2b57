//! A load and what came of it: plan, tallies, time line, the report and its answers. Pure: no clock, no socket.

mod answers;
#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a failed unwrap fails the test")]
mod answers_test;
pub mod distributed;
mod failure;
pub mod jobs;
mod latency;
mod levels;
mod limits;
pub mod locustfile;
mod percent;
mod plan;
mod range;
pub mod report;
mod scaling;
mod tally;
mod timeline;

pub use answers::Answer;
pub use failure::Failure;
pub use latency::{Latencies, Quantiles};
pub use levels::Levels;
pub use percent::Percent;
pub use plan::{Mode, Plan, Step};
pub use range::DurationRange;
pub use report::LoadReport;
pub use scaling::{ReplicaChange, ScaleEvent, ScaleSample, Scaling, SeenFinding};
pub use tally::Tally;
pub use timeline::{Point, Timeline};
