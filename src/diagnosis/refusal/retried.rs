//! Whether what was refused would pass now: the target shows the refusal of the last attempt until the next one, and the
//! pauses between the attempts of a controller grow.

use super::repair::{missing, parts};
use super::{Refusal, read};
use crate::diagnosis::phrase::ago;
use crate::diagnosis::quotas::{limits, shown};
use crate::diagnosis::{Case, Finding};
use crate::facts::{Quantity, Quota};
use crate::hpa::refusal::{Attempt, Place};

/// What would become of the next attempt.
pub(in crate::diagnosis) enum Now {
    /// It is refused as the last one was; or that is not known.
    Refused,
    /// A quota has room for so many of the pods.
    Partly(i64),
    /// It passes.
    Passes(Passes),
}

/// Why an attempt would pass.
pub(in crate::diagnosis) struct Passes {
    /// `ResourceQuota small has room now`.
    pub(in crate::diagnosis) words: String,
    what: String,
    value: String,
    source: &'static str,
}

impl Passes {
    /// Adds it to the proof.
    pub(in crate::diagnosis) fn proved(&self, finding: Finding) -> Finding {
        finding.saw(self.what.clone(), self.value.clone(), self.source)
    }
}

/// What would become of the next attempt.
pub(in crate::diagnosis) fn now(case: &Case<'_>, attempt: &Attempt<'_>) -> Now {
    match read(attempt.message) {
        Refusal::QuotaUsedUp(name) => by_quota(case, attempt, name).unwrap_or(Now::Refused),
        Refusal::ServiceAccount(_) | Refusal::PriorityClass(_) | Refusal::RuntimeClass(_) => {
            let found = case.facts.missed_object.known();
            found.map_or(Now::Refused, |object| {
                let what = format!("{} {}", object.kind, object.name);
                let created = object
                    .created_at
                    .map_or_else(String::new, |at| format!(", created {}", ago(at, case.now)));
                Now::Passes(Passes {
                    words: format!("{what} exists now"),
                    what: format!("{what} now"),
                    value: format!("exists{created}"),
                    source: "GET the object",
                })
            })
        }
        _ => Now::Refused,
    }
}

fn by_quota(case: &Case<'_>, attempt: &Attempt<'_>, name: &str) -> Option<Now> {
    let quotas = case.facts.quotas.known()?;
    let quota = quotas.iter().find(|quota| quota.name == name);
    let of_this = match quota {
        Some(quota) => room(quota, attempt.message)?,
        None => i64::MAX,
    };
    // What is refused is pods, or the one ReplicaSet that would have them.
    let (wanted, of_others) = if attempt.place == Place::Progressing {
        (1, i64::MAX)
    } else {
        let template = case.target()?.template.as_ref();
        let others = template.into_iter().flat_map(|template| limits(quotas, template));
        let others = others.filter(|limit| limit.quota.name != name);
        (
            missing(case),
            others.map(|limit| limit.more).min().unwrap_or(i64::MAX),
        )
    };
    let more = of_this.min(of_others);
    Some(if more <= 0 {
        Now::Refused
    } else if more < wanted {
        Now::Partly(more)
    } else {
        Now::Passes(Passes {
            words: match quota {
                Some(_) => format!("ResourceQuota {name} has room now"),
                None => format!("ResourceQuota {name} is gone now"),
            },
            what: format!("ResourceQuota {name} now"),
            value: quota.map_or_else(
                || "not there any more".to_owned(),
                |quota| used(quota, attempt.message),
            ),
            source: "LIST resourcequotas",
        })
    })
}

/// How many more of what was refused a quota lets in.
fn room(quota: &Quota, message: &str) -> Option<i64> {
    let milli = |quantity: &Quantity| quantity.milli_value().ok();
    let mut most = i64::MAX;
    for (name, each) in requested(message)? {
        let Some(hard) = quota.hard.get(name) else {
            continue;
        };
        let used = quota.used.get(name).and_then(milli).unwrap_or(0);
        let free = milli(hard)?.saturating_sub(used).max(0);
        most = most.min(free.checked_div(milli(&each)?)?);
    }
    Some(most)
}

/// `pods 3 of 8 used`.
fn used(quota: &Quota, message: &str) -> String {
    let milli = |quantity: Option<&Quantity>| quantity.and_then(|it| it.milli_value().ok()).unwrap_or(0);
    let names = requested(message).unwrap_or_default().into_iter();
    let each = names.map(|(name, _)| match quota.hard.get(name) {
        Some(hard) => format!(
            "{name} {} of {} used",
            shown(name, milli(quota.used.get(name))),
            shown(name, milli(Some(hard)))
        ),
        None => format!("{name} not limited"),
    });
    each.collect::<Vec<_>>().join(", ")
}

fn requested(message: &str) -> Option<Vec<(&str, Quantity)>> {
    let parts = parts(message, "requested: ")?.into_iter();
    parts
        .map(|part| {
            let (name, amount) = part.split_once('=')?;
            Some((name, Quantity(amount.to_owned())))
        })
        .collect()
}

/// The annotation that makes a controller look again: any change of the object does.
const ANNOTATION: &str = "kubectl-tfserve/tried-again";

/// How the controller of the target is made to try at once. A Deployment hands its annotations on to its `ReplicaSet`, so both
/// controllers look (`SetNewReplicaSetAnnotations` in `pkg/controller/deployment/util`, v1.37).
pub(in crate::diagnosis) fn retry(case: &Case<'_>, finding: Finding) -> Finding {
    let target = &case.facts.hpa.target;
    if target.group() != "apps" && target.api_version != "v1" {
        return finding.advice("wait until its operator tries again", "nothing has to be changed");
    }
    finding.fix(
        "let its controller try at once",
        format!(
            "kubectl annotate {} {ANNOTATION}={} --overwrite",
            case.target_arguments(),
            case.now.format("%Y-%m-%dT%H:%M:%SZ")
        ),
        format!("an annotation of {}: no pod restarts", case.target_label()),
    )
}
