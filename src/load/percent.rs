//! A share of the whole: `5%`.

use std::str::FromStr;

/// A share between 0 and 100 percent, kept as a fraction.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Percent(pub f64);

impl FromStr for Percent {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        text.strip_suffix('%')
            .and_then(|number| number.parse::<f64>().ok())
            .filter(|percent| (0.0..=100.0).contains(percent))
            .map(|percent| Self(percent / 100.0))
            .ok_or_else(|| "a share is a number between 0% and 100%, for example 5%".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::Percent;

    #[test]
    fn a_share_has_its_sign() {
        assert_eq!("5%".parse(), Ok(Percent(0.05)));
        assert_eq!("0.5%".parse(), Ok(Percent(0.005)));
        for text in ["5", "%", "-1%", "101%", "NaN%"] {
            assert!(text.parse::<Percent>().is_err(), "{text}");
        }
    }
}
