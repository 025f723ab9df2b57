//! Who decides `spec.replicas` of a Deployment.
//!
//! In server-side apply a field that a manager stops sending is removed when nobody else owns it, and the
//! API server then defaults it to 1. So leaving `spec.replicas` out is only harmless where this program
//! does not own it; where it does, the field is first handed over to a manager of its own
//! (kubernetes.io, "Server-Side Apply", transferring ownership).

/// What is known of the Deployment before it is applied.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Live {
    /// `spec.replicas`.
    pub replicas: i32,
    /// Whether our own apply owns the field.
    pub owned: bool,
}

/// What to do with `spec.replicas`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Replicas {
    /// Send this number.
    Send(i32),
    /// Leave it out: somebody else owns it.
    LeaveOut,
    /// Let the second manager own this live number, then leave it out: an HPA decides from now on.
    HandOver(i32),
}

/// Decides. `autoscaled` is whether an HPA names the Deployment as its target.
pub fn decide(live: Option<Live>, asked: Option<i32>, autoscaled: bool) -> Replicas {
    match (live, asked) {
        (None, asked) => Replicas::Send(asked.unwrap_or(1)),
        (Some(live), _) if autoscaled && live.owned => Replicas::HandOver(live.replicas),
        (Some(_), _) if autoscaled => Replicas::LeaveOut,
        (Some(_), Some(asked)) => Replicas::Send(asked),
        (Some(live), None) if live.owned => Replicas::Send(live.replicas),
        (Some(_), None) => Replicas::LeaveOut,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OURS: Option<Live> = Some(Live { replicas: 3, owned: true });
    const THEIRS: Option<Live> = Some(Live { replicas: 3, owned: false });

    #[test]
    fn a_new_deployment_gets_what_was_asked_or_one() {
        assert_eq!(decide(None, None, false), Replicas::Send(1));
        assert_eq!(decide(None, Some(2), false), Replicas::Send(2));
        assert_eq!(decide(None, Some(2), true), Replicas::Send(2));
    }

    #[test]
    fn a_second_run_keeps_the_number() {
        assert_eq!(decide(OURS, None, false), Replicas::Send(3));
        assert_eq!(decide(THEIRS, None, false), Replicas::LeaveOut);
        assert_eq!(decide(THEIRS, Some(2), false), Replicas::Send(2));
    }

    #[test]
    fn nothing_is_sent_while_an_hpa_exists() {
        assert_eq!(decide(OURS, Some(2), true), Replicas::HandOver(3));
        assert_eq!(decide(OURS, None, true), Replicas::HandOver(3));
        assert_eq!(decide(THEIRS, Some(2), true), Replicas::LeaveOut);
    }
}
