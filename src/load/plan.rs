//! What a load does when: the steps, who takes part in them, and which request is due when.

use std::time::Duration;

use super::{DurationRange, Levels};

/// What a step's level counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Users, each of which waits for its answer before it asks again.
    Users,
    /// Requests a second, sent when they are due whatever became of those before.
    Rate,
}

/// A level that is held for a while.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Step {
    /// Users, or requests a second.
    pub level: u32,
    /// Since the load began.
    pub start: Duration,
    /// Since the load began.
    pub end: Duration,
}

/// The whole load.
#[derive(Debug, Clone)]
pub struct Plan {
    /// What the levels count.
    pub mode: Mode,
    /// One after the other; the first begins at zero.
    pub steps: Vec<Step>,
    /// What begins before this counts for nothing.
    pub warm_up: Duration,
    /// What a user does between two requests.
    pub think: Option<DurationRange>,
    /// How long a request may take; for ever where there is none.
    pub timeout: Option<Duration>,
    /// Whether a connection serves more than one request.
    pub keep_alive: bool,
}

impl Plan {
    /// The steps of the levels. The warm-up comes on top of the first; nothing goes on after `most`.
    pub fn steps(levels: &Levels, every: Duration, warm_up: Duration, most: Option<Duration>) -> Vec<Step> {
        let mut steps = Vec::new();
        let mut start = Duration::ZERO;
        for (index, level) in levels.values().iter().enumerate() {
            let mut end = start + every;
            if index == 0 {
                end += warm_up;
            }
            let end = most.map_or(end, |most| end.min(most));
            if end <= start {
                break;
            }
            steps.push(Step {
                level: *level,
                start,
                end,
            });
            start = end;
        }
        steps
    }

    /// When it is over.
    pub fn length(&self) -> Duration {
        self.steps.last().map_or(Duration::ZERO, |step| step.end)
    }

    /// How finely it is looked at: by the second, or finer where the whole of it is short.
    pub fn slice(&self) -> Duration {
        if self.length() < Duration::from_secs(20) {
            Duration::from_millis(100)
        } else {
            Duration::from_secs(1)
        }
    }

    /// The step at a time, counted from zero; the last one after the end.
    pub fn step_at(&self, time: Duration) -> usize {
        self.steps
            .iter()
            .position(|step| time < step.end)
            .unwrap_or(self.steps.len().saturating_sub(1))
    }

    /// The level at a time; zero after the end.
    pub fn level_at(&self, time: Duration) -> u32 {
        self.steps
            .iter()
            .find(|step| time < step.end)
            .map_or(0, |step| step.level)
    }

    /// The highest level.
    pub fn highest(&self) -> u32 {
        self.steps.iter().map(|step| step.level).max().unwrap_or_default()
    }

    /// When a user, counted from zero, begins; none where it never does.
    pub fn start_of_user(&self, user: u32) -> Option<Duration> {
        self.steps
            .iter()
            .find(|step| step.level > user)
            .map(|step| step.start)
    }

    /// When a request, counted from zero, is due; none after the end.
    #[expect(clippy::cast_precision_loss, reason = "no load has 2^53 requests")]
    pub fn due(&self, request: u64) -> Option<Duration> {
        let mut before = 0.0;
        for step in &self.steps {
            let rate = f64::from(step.level);
            let all = rate * step.end.saturating_sub(step.start).as_secs_f64();
            let place = request as f64 - before;
            // A request that a step ends in is due at the next one's pace.
            if place < all - 1e-9 {
                return Some(step.start + Duration::from_secs_f64((place / rate).max(0.0)));
            }
            before += all;
        }
        None
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a failed unwrap fails the test")]
mod tests {
    use super::{Mode, Plan};
    use std::time::Duration;

    fn plan(mode: Mode, levels: &str, every: u64, warm_up: u64, most: Option<u64>) -> Plan {
        Plan {
            mode,
            steps: Plan::steps(
                &levels.parse().unwrap(),
                Duration::from_secs(every),
                Duration::from_secs(warm_up),
                most.map(Duration::from_secs),
            ),
            warm_up: Duration::from_secs(warm_up),
            think: None,
            timeout: None,
            keep_alive: true,
        }
    }

    #[test]
    fn users_come_with_their_step_and_stay() {
        let plan = plan(Mode::Users, "1..4", 60, 10, None);
        assert_eq!(plan.length(), Duration::from_secs(190));
        assert_eq!(plan.start_of_user(0), Some(Duration::ZERO));
        assert_eq!(plan.start_of_user(1), Some(Duration::from_secs(70)));
        assert_eq!(plan.start_of_user(3), Some(Duration::from_secs(130)));
        assert_eq!(plan.start_of_user(4), None);
        assert_eq!(plan.level_at(Duration::from_secs(69)), 1);
        assert_eq!(plan.level_at(Duration::from_secs(190)), 0);
    }

    #[test]
    fn the_longest_time_cuts_steps_off() {
        let plan = plan(Mode::Users, "1..32", 60, 0, Some(90));
        assert_eq!(plan.steps.len(), 2);
        assert_eq!(plan.length(), Duration::from_secs(90));
    }

    #[test]
    fn requests_are_due_at_the_pace_of_their_step() {
        let plan = plan(Mode::Rate, "10..20", 2, 0, None);
        let due: Vec<u128> = [0, 1, 19, 20, 21, 59]
            .map(|index| plan.due(index).unwrap().as_millis())
            .into();
        assert_eq!(due, [0, 100, 1900, 2000, 2050, 3950]);
        assert_eq!(plan.due(60), None);
    }
}
