//! How a number of users, or of requests a second, rises: `8`, `1..32`, `1..32x2`, `1..32+4`.

use std::str::FromStr;

/// The values of the steps, in their order; never empty, never zero.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Levels(Vec<u32>);

/// More steps than anybody reads.
const MOST_STEPS: usize = 1000;

impl Levels {
    /// The values.
    pub fn values(&self) -> &[u32] {
        &self.0
    }

    /// The largest of them.
    pub fn highest(&self) -> u32 {
        self.0.iter().copied().max().unwrap_or_default()
    }
}

/// From one value to the next.
#[derive(Clone, Copy)]
enum Growth {
    Times(u32),
    Plus(u32),
}

impl Growth {
    fn parse(text: &str) -> Option<(&str, Self)> {
        if let Some((end, factor)) = text.split_once('x') {
            let factor = factor.parse().ok().filter(|factor| *factor > 1)?;
            return Some((end, Self::Times(factor)));
        }
        if let Some((end, step)) = text.split_once('+') {
            let step = step.parse().ok().filter(|step| *step > 0)?;
            return Some((end, Self::Plus(step)));
        }
        Some((text, Self::Times(2)))
    }

    fn after(self, value: u32) -> u32 {
        match self {
            Self::Times(factor) => value.saturating_mul(factor),
            Self::Plus(step) => value.saturating_add(step),
        }
    }
}

impl FromStr for Levels {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        parse(text).ok_or_else(|| {
            "expected a number (8), a doubling range (1..32), or one with a growth of its own (1..32x4, 1..32+4)"
                .to_owned()
        })
    }
}

fn parse(text: &str) -> Option<Levels> {
    let Some((start, rest)) = text.split_once("..") else {
        return text
            .parse()
            .ok()
            .filter(|value| *value > 0)
            .map(|value| Levels(vec![value]));
    };
    let start: u32 = start.parse().ok().filter(|start| *start > 0)?;
    let (end, growth) = Growth::parse(rest)?;
    let end: u32 = end.parse().ok().filter(|end| *end >= start)?;
    let mut values = vec![start];
    let mut last = start;
    while last < end {
        last = growth.after(last).min(end);
        values.push(last);
        if values.len() > MOST_STEPS {
            return None;
        }
    }
    Some(Levels(values))
}

#[cfg(test)]
mod tests {
    use super::Levels;

    #[test]
    fn ranges_double_unless_they_say_otherwise() {
        for (text, values) in [
            ("8", &[8][..]),
            ("1..32", &[1, 2, 4, 8, 16, 32]),
            ("10..500", &[10, 20, 40, 80, 160, 320, 500]),
            ("1..30x3", &[1, 3, 9, 27, 30]),
            ("2..10+4", &[2, 6, 10]),
            ("5..5", &[5]),
        ] {
            assert_eq!(
                text.parse::<Levels>().map(|levels| levels.0),
                Ok(values.to_vec()),
                "{text}"
            );
        }
    }

    #[test]
    fn what_does_not_rise_is_refused() {
        for text in [
            "",
            "0",
            "-1",
            "0..4",
            "8..1",
            "1..8x1",
            "1..8+0",
            "1..",
            "..8",
            "1...8",
            "a..b",
            "1..1000000+1",
        ] {
            assert!(text.parse::<Levels>().is_err(), "{text}");
        }
    }
}
