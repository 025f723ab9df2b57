//! Objects that are written from a repository or a chart: what is changed on the cluster alone does not last.

use super::changes_hpa;
use super::owned::changes_target;
use crate::diagnosis::{Case, Fix};
use crate::facts::Delivery;

/// Says of the first repair of the HPA, and of the first of its target, whose source has to change as well.
pub(super) fn note(case: &Case<'_>, fixes: &mut [Fix]) {
    let of_hpa = case.facts.hpa.delivered_by.as_ref();
    let of_target = case.target().and_then(|target| target.delivered_by.as_ref());
    if let Some(delivery) = of_hpa {
        first(fixes, delivery, |fix| changes_hpa(case, fix));
    }
    // Those who let an HPA scale leave `spec.replicas` to it.
    let is_template = |fix: &Fix| {
        let command = fix.command.as_deref().unwrap_or_default();
        changes_target(case, fix) && !command.starts_with("kubectl scale ")
    };
    if let Some(delivery) = of_target {
        first(fixes, delivery, is_template);
    }
}

fn first(fixes: &mut [Fix], delivery: &Delivery, changes: impl Fn(&Fix) -> bool) {
    let by = &delivery.by;
    let note = if delivery.reconciles {
        format!("{by} writes it back when it syncs: change its source too")
    } else {
        format!("change {by} too, or its next upgrade may undo it")
    };
    if let Some(fix) = fixes.iter_mut().find(|fix| changes(fix)) {
        fix.changes = format!("{}; {note}", fix.changes);
    }
}
