//! How long a wait goes on beside a trouble that may go away by itself.

use tokio::time::Instant;

use crate::diagnosis::rollout::{Kind, Trouble};

/// Since when which trouble is seen.
#[derive(Default)]
pub(super) struct Patience {
    since: Vec<(Kind, Instant)>,
}

impl Patience {
    /// Whether a trouble has lasted as long as it was worth waiting for it to go away.
    pub(super) fn is_over(&mut self, troubles: &[Trouble]) -> bool {
        let now = Instant::now();
        self.since
            .retain(|(kind, _)| troubles.iter().any(|trouble| trouble.kind == *kind));
        for trouble in troubles {
            if !self.since.iter().any(|(kind, _)| *kind == trouble.kind) {
                self.since.push((trouble.kind.clone(), now));
            }
        }
        let lasted = |trouble: &Trouble| {
            let since = self.since.iter().find(|(kind, _)| *kind == trouble.kind);
            let patience = trouble.patience;
            since.is_some_and(|(_, since)| patience.is_some_and(|patience| now - *since >= patience))
        };
        troubles.iter().any(lasted)
    }
}
