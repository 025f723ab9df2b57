//! Scale targets that an operator writes: what is set on them lasts until the operator looks again.

use super::{arguments, label};
use crate::diagnosis::{Case, Fix};
use crate::facts::ObjectReference;

/// Whether a repair changes the target itself.
pub(super) fn changes_target(case: &Case<'_>, fix: &Fix) -> bool {
    const VERBS: [&str; 6] = ["set resources", "set image", "set env", "patch", "edit", "scale"];
    let target = case.target_arguments();
    let command = fix.command.as_deref().unwrap_or_default();
    VERBS.iter().any(|verb| {
        command
            .strip_prefix(&format!("kubectl {verb} {target}"))
            .is_some_and(|rest| rest.is_empty() || rest.starts_with(' '))
    })
}

/// Puts the change of the owner before the first repair that changes the target itself.
pub(super) fn redirect(case: &Case<'_>, keeper: &ObjectReference, fixes: &mut Vec<Fix>) {
    let changes_target = |fix: &Fix| changes_target(case, fix);
    let Some(first) = fixes.iter().position(changes_target) else {
        return;
    };
    let owner = label(keeper);
    for fix in fixes.iter_mut().filter(|fix| changes_target(fix)) {
        fix.changes = format!("{}; lasts until {owner} writes it again", fix.changes);
    }
    let title = fixes.get(first).map(|fix| fix.title.clone()).unwrap_or_default();
    fixes.insert(
        first,
        Fix {
            title: format!("{title}, in {owner}"),
            command: Some(format!("kubectl edit {}", arguments(case, keeper))),
            changes: format!("{owner} writes {}: what is set there lasts", case.target_label()),
        },
    );
}
