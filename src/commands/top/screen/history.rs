//! The last minutes of every target, for the sparklines.

use std::collections::{BTreeMap, VecDeque};

use chrono::{DateTime, TimeDelta, Utc};

use crate::commands::top::report::{Report, TargetUsage};

/// One column of a sparkline.
pub(super) const COLUMN: TimeDelta = TimeDelta::seconds(5);
/// How much is kept: a column each on a wide terminal.
const KEPT: usize = 400;
/// A value stands for so long at most; then nothing is known.
const LASTS: TimeDelta = TimeDelta::seconds(90);

/// One moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Moment {
    at: DateTime<Utc>,
    /// Percent of the HPA's target.
    pub(super) percent: Option<u64>,
    pub(super) replicas: Option<u64>,
}

/// All targets.
#[derive(Debug, Default)]
pub(super) struct History(BTreeMap<(String, String), VecDeque<Moment>>);

impl History {
    /// Notes down what a report says; one moment a column at most.
    pub(super) fn note(&mut self, report: &Report) {
        let mut kept = BTreeMap::new();
        for usage in &report.items {
            let key = key(usage);
            let mut moments = self.0.remove(&key).unwrap_or_default();
            let moment = Moment {
                at: report.observed_at(),
                percent: usage.percent_of_target.and_then(|it| u64::try_from(it).ok()),
                replicas: usage.current_replicas.and_then(|it| u64::try_from(it).ok()),
            };
            match moments.back_mut() {
                Some(last) if moment.at - last.at < COLUMN => {
                    last.percent = moment.percent;
                    last.replicas = moment.replicas;
                }
                _ => moments.push_back(moment),
            }
            while moments.len() > KEPT {
                moments.pop_front();
            }
            kept.insert(key, moments);
        }
        self.0 = kept;
    }

    /// One value a column, the newest last; none where nothing was known.
    pub(super) fn columns(
        &self,
        usage: &TargetUsage,
        width: usize,
        now: DateTime<Utc>,
        value: impl Fn(&Moment) -> Option<u64>,
    ) -> Vec<Option<u64>> {
        let empty = VecDeque::new();
        let moments = self.0.get(&key(usage)).unwrap_or(&empty);
        let mut columns = Vec::with_capacity(width);
        let mut end = now;
        let mut left = moments.iter().rev().peekable();
        while columns.len() < width {
            while left.next_if(|moment| moment.at > end).is_some() {}
            let known = left.peek().filter(|moment| end - moment.at <= LASTS);
            columns.push(known.and_then(|moment| value(moment)));
            end -= COLUMN;
        }
        columns.reverse();
        columns
    }
}

fn key(usage: &TargetUsage) -> (String, String) {
    let name = usage.hpa.as_ref().unwrap_or(&usage.target.name);
    (usage.namespace.clone(), name.clone())
}
