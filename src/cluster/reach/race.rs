//! Ways are tried side by side: a better one has a head start, and after that the first that answers is taken.
//!
//! What is sent here only asks whether a server of models answers. The user's own request is sent once, on the way that
//! was taken.

use std::time::Duration;

use futures::StreamExt;
use futures::future::BoxFuture;
use futures::stream::FuturesUnordered;
use tokio::time::Instant;

use super::{PassedOver, Way};

/// One try.
pub(super) struct Attempt<'a> {
    /// As the way is called where nobody waits for its answer any longer.
    pub(super) name: String,
    /// The way where it answers, else why not.
    pub(super) answer: BoxFuture<'a, Result<Way, Vec<PassedOver>>>,
}

/// Attempts that begin at the same time, the better ones first.
pub(super) struct Group<'a> {
    /// How long they have for themselves before those after them begin, and before an answer of a lesser way is taken.
    pub(super) head_start: Duration,
    /// The attempts.
    pub(super) attempts: Vec<Attempt<'a>>,
}

/// One that has begun.
struct Begun {
    name: String,
    head_start: Duration,
    since: Instant,
    answer: Option<Result<Way, Vec<PassedOver>>>,
}

impl Begun {
    /// Until when a lesser way waits for it; none where it has failed.
    fn awaited_until(&self) -> Option<Instant> {
        match self.answer {
            Some(Err(_)) => None,
            _ => Some(self.since + self.head_start),
        }
    }

    fn passed_over(self) -> Vec<PassedOver> {
        match self.answer {
            Some(Err(why)) => why,
            _ => vec![PassedOver {
                why: format!("no answer within {:?}", self.head_start),
                way: self.name,
            }],
        }
    }
}

/// The way that was taken, and the better ones that were not.
pub(super) async fn run(groups: Vec<Group<'_>>) -> (Option<Way>, Vec<PassedOver>) {
    let mut groups = groups.into_iter().filter(|group| !group.attempts.is_empty());
    let mut next = groups.next();
    let mut begun: Vec<Begun> = Vec::new();
    let mut running = FuturesUnordered::new();
    loop {
        let now = Instant::now();
        let place = begun.iter().position(|one| matches!(one.answer, Some(Ok(_))));
        // Those that are better than the best answer; where there is none, all.
        let better = begun.get(..place.unwrap_or(begun.len())).unwrap_or_default();
        let until = better.iter().filter_map(Begun::awaited_until).max();
        let until = until.filter(|until| *until > now);
        if let (None, Some(place)) = (until, place) {
            return taken(begun, place);
        }
        if let Some(group) = next.take_if(|_| until.is_none()) {
            for Attempt { name, answer } in group.attempts {
                let place = begun.len();
                begun.push(Begun {
                    name,
                    head_start: group.head_start,
                    since: now,
                    answer: None,
                });
                running.push(async move { (place, answer.await) });
            }
            next = groups.next();
            continue;
        }
        let wake = until.filter(|_| place.is_some() || next.is_some());
        tokio::select! {
            answered = running.next() => match answered {
                Some((place, answer)) => {
                    if let Some(one) = begun.get_mut(place) {
                        one.answer = Some(answer);
                    }
                }
                None => return (None, begun.into_iter().flat_map(Begun::passed_over).collect()),
            },
            () = sleep_until(wake), if wake.is_some() => {}
        }
    }
}

async fn sleep_until(time: Option<Instant>) {
    if let Some(time) = time {
        tokio::time::sleep_until(time).await;
    }
}

fn taken(begun: Vec<Begun>, place: usize) -> (Option<Way>, Vec<PassedOver>) {
    let mut passed_over = Vec::new();
    for (index, one) in begun.into_iter().enumerate() {
        match one.answer {
            Some(Ok(way)) if index == place => return (Some(way), passed_over),
            _ => passed_over.extend(one.passed_over()),
        }
    }
    (None, passed_over)
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a failed unwrap fails the test")]
mod tests {
    use std::sync::atomic::{AtomicBool, Ordering};

    use tokio::sync::oneshot;

    use super::*;

    /// Longer than any test may take: what waits for it fails.
    const FOR_EVER: Duration = Duration::from_secs(3600);
    /// Over at once.
    const SHORT: Duration = Duration::from_millis(20);

    fn attempt<'a>(
        of: &'static str,
        answer: impl Future<Output = Result<Way, Vec<PassedOver>>> + Send + 'a,
    ) -> Attempt<'a> {
        Attempt {
            name: of.to_owned(),
            answer: Box::pin(answer),
        }
    }

    fn way(of: &'static str) -> Way {
        Way::Direct {
            url: String::new(),
            of,
        }
    }

    fn refusal(of: &'static str) -> Result<Way, Vec<PassedOver>> {
        Err(vec![PassedOver {
            way: of.to_owned(),
            why: "refused".to_owned(),
        }])
    }

    fn answers(of: &'static str) -> Attempt<'static> {
        attempt(of, async move { Ok(way(of)) })
    }

    fn refuses(of: &'static str) -> Attempt<'static> {
        attempt(of, async move { refusal(of) })
    }

    fn group(head_start: Duration, attempts: Vec<Attempt<'_>>) -> Group<'_> {
        Group { head_start, attempts }
    }

    async fn race(groups: Vec<Group<'_>>) -> (String, String) {
        let ended = tokio::time::timeout(Duration::from_secs(60), run(groups));
        let (way, passed_over) = ended.await.unwrap();
        let taken = way.map_or_else(String::new, |way| way.to_string());
        let all: Vec<String> = passed_over.iter().map(ToString::to_string).collect();
        (taken.trim().to_owned(), all.join("; "))
    }

    #[tokio::test]
    async fn a_better_way_is_taken_though_a_lesser_one_answers_first() {
        let (answered, signal) = oneshot::channel();
        let balancer = attempt("balancer", async {
            signal.await.unwrap();
            Ok(way("balancer"))
        });
        let address = attempt("address", async {
            answered.send(()).unwrap();
            Ok(way("address"))
        });
        let groups = vec![group(FOR_EVER, vec![balancer, address])];
        assert_eq!(race(groups).await, ("balancer".to_owned(), String::new()));
    }

    #[tokio::test]
    async fn a_silent_way_costs_its_head_start_alone() {
        let groups = vec![
            group(SHORT, vec![attempt("address", std::future::pending())]),
            group(FOR_EVER, vec![answers("proxy")]),
        ];
        let (taken, passed_over) = race(groups).await;
        assert_eq!(
            (taken.as_str(), passed_over.as_str()),
            ("proxy", "address: no answer within 20ms")
        );
    }

    #[tokio::test]
    async fn a_refusal_is_not_waited_for() {
        let groups = vec![
            group(FOR_EVER, vec![refuses("address")]),
            group(FOR_EVER, vec![answers("proxy")]),
        ];
        assert_eq!(
            race(groups).await,
            ("proxy".to_owned(), "address: refused".to_owned())
        );
    }

    #[tokio::test]
    async fn who_answers_in_the_head_start_is_alone() {
        let asked = AtomicBool::new(false);
        let proxy = attempt("proxy", async {
            asked.store(true, Ordering::SeqCst);
            Ok(way("proxy"))
        });
        let groups = vec![
            group(FOR_EVER, vec![answers("address")]),
            group(FOR_EVER, vec![proxy]),
        ];
        assert_eq!(race(groups).await.0, "address");
        assert!(
            !asked.load(Ordering::SeqCst),
            "the API server's proxy is left alone"
        );
    }

    #[tokio::test]
    async fn late_is_better_than_never() {
        let (failed, signal) = oneshot::channel();
        let address = attempt("address", async {
            signal.await.unwrap();
            Ok(way("address"))
        });
        let proxy = attempt("proxy", async {
            failed.send(()).unwrap();
            refusal("proxy")
        });
        let groups = vec![group(SHORT, vec![address]), group(SHORT, vec![proxy])];
        assert_eq!(race(groups).await, ("address".to_owned(), String::new()));
    }

    #[tokio::test]
    async fn where_none_answers_each_is_told() {
        let groups = vec![
            group(SHORT, vec![refuses("address")]),
            group(SHORT, vec![refuses("proxy")]),
        ];
        assert_eq!(
            race(groups).await,
            (String::new(), "address: refused; proxy: refused".to_owned())
        );
    }
}
