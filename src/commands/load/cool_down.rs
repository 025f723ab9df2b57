//! After the load: the HPA is watched until it is back where it began.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, MissedTickBehavior};

use super::address::Address;
use super::live::Live;
use super::run::since;
use super::watch::Watch;
use crate::Error;
use crate::load::Scaling;
use crate::load::report::Ended;

/// A sample of usage is up to so old: what the load has caused may come so late.
const LATE: Duration = Duration::from_secs(30);

/// How often it is looked at.
const TICK: Duration = Duration::from_secs(1);

/// Watches for a time at most, where one is given and nobody has interrupted the load.
///
/// # Errors
/// Ctrl-C cannot be heard.
pub(super) async fn run(
    mut watch: Watch,
    ended: &Ended,
    start: Instant,
    address: &Arc<Address>,
    most: Option<Duration>,
    live: &mut Live,
) -> Result<Scaling, Error> {
    watch.look_again(ended.second);
    let Some(most) = most.filter(|_| ended.reason != "interrupted") else {
        return Ok(watch.finish(ended.second));
    };
    live.begin_cool_down(watch.record(), most);
    let began = Instant::now();
    let mut over = std::pin::pin!(tokio::time::sleep(most));
    let mut interrupted = std::pin::pin!(tokio::signal::ctrl_c());
    let mut tick = tokio::time::interval(TICK);
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            biased;
            signal = &mut interrupted => {
                signal?;
                break;
            }
            () = &mut over => break,
            () = watch.changed() => {}
            _ = tick.tick() => {
                watch.look(since(start), address);
                live.show_cool_down(began.elapsed(), watch.record());
                if began.elapsed() >= LATE && watch.record().is_back() {
                    break;
                }
            }
        }
    }
    let second = since(start);
    watch.look_again(second);
    Ok(watch.finish(second))
}
