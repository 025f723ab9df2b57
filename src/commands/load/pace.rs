//! Tells the workers when a request is due. A thread of its own, because timers of a runtime count milliseconds.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc::UnboundedSender;
use tokio::time::Instant;

use crate::load::Plan;

/// A load that was stopped is noticed within this time.
const LONGEST_SLEEP: Duration = Duration::from_millis(50);

/// Tells until the plan is over, or until nobody listens.
pub(super) fn run(plan: &Arc<Plan>, start: Instant, workers: &[UnboundedSender<Instant>]) {
    for (request, worker) in (0..).zip(workers.iter().cycle()) {
        let Some(due) = plan.due(request).map(|due| start + due) else {
            return;
        };
        loop {
            let rest = due.saturating_duration_since(Instant::now());
            if rest.is_zero() {
                break;
            }
            if worker.is_closed() {
                return;
            }
            std::thread::sleep(rest.min(LONGEST_SLEEP));
        }
        if worker.send(due).is_err() {
            return;
        }
    }
}
