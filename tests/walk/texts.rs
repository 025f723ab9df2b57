//! Texts of the controller, whole, wrapped and in pieces.

use std::sync::OnceLock;

use kubectl_tfserve::hpa::message::catalogue::{Entry, Kind, entries};

use super::dice::Dice;
use super::values::TEXTS;

fn table() -> &'static [&'static Entry] {
    static TABLE: OnceLock<Vec<&'static Entry>> = OnceLock::new();
    TABLE.get_or_init(|| entries().collect())
}

/// A reason of the table, or any text.
pub(crate) fn reason(dice: &mut Dice) -> String {
    match dice.of(table()).kind {
        Kind::Event { reason, .. } | Kind::Condition { reason, .. } => reason.to_owned(),
        _ if dice.chance(50) => "FailedGetResourceMetric".to_owned(),
        _ => dice.of(TEXTS).to_owned(),
    }
}

/// A text of the table with arguments of any sort, other texts of the table among them.
pub(crate) fn message(dice: &mut Dice) -> String {
    let mut text = rendered(dice, 4);
    if dice.chance(10) {
        text.insert_str(0, "(combined from similar events): ");
    }
    if dice.chance(10) {
        let place = dice.cut(&text);
        text.insert_str(place, dice.of(TEXTS));
    }
    if dice.chance(15) {
        text.truncate(dice.cut(&text));
    }
    if dice.chance(10) {
        text = text.split_off(dice.cut(&text));
    }
    text
}

fn rendered(dice: &mut Dice, depth: usize) -> String {
    let template = dice.of(table()).template;
    let mut pieces = template.split('%');
    let mut text = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        let argument = match dice.below(4) {
            0 if depth > 0 => rendered(dice, depth - 1),
            1 => dice.any().to_string(),
            2 => "web-1".to_owned(),
            _ => dice.of(TEXTS).to_owned(),
        };
        text.push_str(&argument);
        text.push_str(piece.trim_start_matches('+').get(1..).unwrap_or_default());
    }
    text
}
