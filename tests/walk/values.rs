//! Values that nobody expects.

use serde_json::{Value, json};

use super::dice::Dice;

const NUMBERS: &[i64] = &[
    0,
    1,
    -1,
    2,
    99,
    100,
    1000,
    i32::MAX as i64,
    i32::MIN as i64,
    i32::MAX as i64 + 1,
    i32::MIN as i64 - 1,
    u32::MAX as i64,
    i64::MAX,
    i64::MIN,
    i64::MAX - 1,
    9_007_199_254_740_993,
];

pub(crate) const TEXTS: &[&str] = &[
    "",
    " ",
    "\t",
    "-",
    "--",
    "%",
    "%!",
    "%!D(MISSING)",
    "/",
    "//",
    ":",
    "\"",
    "'",
    "`$(reboot)`; rm -rf /",
    "\\",
    "\u{0}",
    "\u{1b}[2J\u{1b}]0;title\u{7}",
    "\u{1b}[5;41mred",
    "\u{9b}31m",
    "\u{85}",
    "a\nb\r\nc",
    "\u{202e}drawkcab",
    "\u{2066}isolated\u{2069}",
    "\u{200b}\u{feff}",
    "e\u{301}\u{301}\u{301}",
    "名前",
    "👩‍👩‍👧‍👦",
    "𝔘𝔫𝔦𝔠𝔬𝔡𝔢",
    "\u{10ffff}",
    "İstanbul ß ﬁ",
    "null",
    "true",
    "NaN",
    "-0",
    "app=a,app!=b,!c,d in (e,f)",
    "app in (",
    "= , =",
    "v1.",
    "v1.37",
    "v1.99999999999999999999",
    "v0.0.0",
    "1.37.2-gke.100+dirty",
    "apps/v1/v2",
    "Deployment",
    "StatefulSet",
    "cpu",
    "memory",
    "nvidia.com/gpu",
    "ephemeral-storage",
    "Running",
    "Pending",
    "Succeeded",
    "Failed",
    "True",
    "False",
    "Unknown",
    "AbleToScale",
    "ScalingActive",
    "ScalingLimited",
];

const TIMES: &[&str] = &[
    "-262143-01-01T00:00:00Z",
    "+262142-12-31T23:59:59.999999999Z",
    "0000-01-01T00:00:00Z",
    "1969-12-31T23:59:59.999999999Z",
    "1970-01-01T00:00:00Z",
    "2016-12-31T23:59:60Z",
    "2026-11-24T09:59:59.999999999Z",
    "2026-11-24T10:00:00Z",
    "2026-11-24T10:00:00.000000001Z",
    "2026-11-24T09:55:00+14:00",
    "9999-12-31T23:59:59Z",
];

const QUANTITIES: &[&str] = &[
    "0",
    "-0",
    "1",
    "-1",
    "1n",
    "-1n",
    "999999999n",
    "1u",
    "1m",
    "-1m",
    "500m",
    "1k",
    "1Ki",
    "1Ei",
    "7Ei",
    "8Ei",
    "9Ei",
    "-9Ei",
    "9223372036854775807",
    "-9223372036854775808",
    "9223372036854775808",
    "9223372036854775807m",
    "9223372036854775807Ei",
    "99999999999999999999999999999999999999999999999999",
    "1e9",
    "1E9",
    "1e-9",
    "1e308",
    "1e309",
    "1e2147483647",
    "1e-2147483648",
    "1e2147483648",
    "0.000000000000000000000000000000001",
    "1.7976931348623157E309",
    ".",
    "1.",
    ".1",
    "+1",
    "1e",
    "1Zi",
    "0x10",
    "１２",
    "1_000",
    "  1",
];

/// A number, seldom an ordinary one.
pub(crate) fn number(dice: &mut Dice) -> i64 {
    match dice.below(3) {
        0 => dice.of(NUMBERS),
        1 => i64::from_ne_bytes(dice.any().to_ne_bytes()),
        _ => i64::try_from(dice.below(300)).unwrap_or(0) - 20,
    }
}

/// A text that is a quantity, was one, or never will be.
pub(crate) fn quantity(dice: &mut Dice) -> String {
    match dice.below(4) {
        0 => dice.of(QUANTITIES).to_owned(),
        1 => {
            let suffix = dice.of(&[
                "", "n", "u", "m", "k", "M", "G", "T", "P", "E", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei",
            ]);
            format!("{}{suffix}", number(dice))
        }
        2 => format!("{}.{}e{}", number(dice), dice.any(), number(dice)),
        _ => (0..dice.below(30))
            .map(|_| {
                dice.of(&[
                    '0', '1', '9', '.', '-', '+', 'e', 'E', 'm', 'n', 'u', 'k', 'K', 'i', 'P', ' ', '½',
                ])
            })
            .collect(),
    }
}

/// A text of any sort; a huge one, too.
pub(crate) fn text(dice: &mut Dice) -> String {
    match dice.below(12) {
        0..=4 => dice.of(TEXTS).to_owned(),
        5 => dice.of(TIMES).to_owned(),
        6 => quantity(dice),
        7 => super::texts::message(dice),
        8 => super::texts::reason(dice),
        9 => dice.of(TEXTS).repeat(dice.of(&[2, 10, 2000])),
        10 => characters(dice),
        _ => format!("{}{}", dice.of(TEXTS), dice.of(TEXTS)),
    }
}

/// Characters from all of Unicode.
fn characters(dice: &mut Dice) -> String {
    (0..dice.below(40))
        .filter_map(|_| {
            let bound = dice.of(&[0x80, 0x100, 0x3000, 0x11_0000]);
            char::from_u32(u32::try_from(dice.below(bound)).unwrap_or(0))
        })
        .collect()
}

pub(crate) fn time(dice: &mut Dice) -> String {
    dice.of(TIMES).to_owned()
}

/// Any JSON, at most some levels deep.
pub(crate) fn json(dice: &mut Dice, depth: usize) -> Value {
    match dice.below(if depth == 0 { 5 } else { 7 }) {
        0 => Value::Null,
        1 => json!(dice.chance(50)),
        2 => json!(number(dice)),
        3 => json!(dice.of(&[0.1, -0.0, 1e308, -1e-308, 5e-324, 1.5])),
        4 => json!(text(dice)),
        5 => (0..dice.below(4)).map(|_| json(dice, depth - 1)).collect(),
        _ => {
            let members = (0..dice.below(4)).map(|_| (text(dice), json(dice, depth - 1)));
            Value::Object(members.collect())
        }
    }
}
