//! The parameters of the server's batching: `--batching[=NAME=VALUE,…]`.

/// `SessionBundleConfig.BatchingParameters`, as far as it is a number
/// (`servables/tensorflow/session_bundle_config.proto`, 2.16 to 2.20), with the values that it starts from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Batching(Vec<(&'static str, u64)>);

/// The names, and the values where none is given. The number of threads depends on the cores.
const DEFAULTS: [(&str, Option<u64>); 4] = [
    ("max_batch_size", Some(32)),
    ("batch_timeout_micros", Some(5000)),
    ("max_enqueued_batches", Some(100)),
    ("num_batch_threads", None),
];

impl std::str::FromStr for Batching {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let known = DEFAULTS.map(|(name, _)| format!("`{name}`")).join(", ");
        let mut given = Vec::new();
        for part in text.split(',').map(str::trim).filter(|part| !part.is_empty()) {
            let (name, value) = part
                .split_once('=')
                .ok_or_else(|| format!("`{part}` is no NAME=VALUE; the names are {known}"))?;
            let (name, _) = DEFAULTS
                .into_iter()
                .find(|(known, _)| *known == name)
                .ok_or_else(|| format!("`{name}` is no parameter of batching; {known} are"))?;
            let least = u64::from(name != "batch_timeout_micros");
            let value = value
                .parse()
                .ok()
                .filter(|value| *value >= least)
                .ok_or_else(|| {
                    format!("`{value}` is no value of {name}: a whole number, at least {least}, is")
                })?;
            given.push((name, value));
        }
        Ok(Self(given))
    }
}

impl Batching {
    /// The file. `cores` is what the container may use.
    pub fn file(&self, cores: u64) -> String {
        let lines = DEFAULTS.map(|(name, default)| {
            let given = self.0.iter().rev().find(|(given, _)| *given == name);
            let value = given.map_or(default.unwrap_or(cores), |(_, value)| *value);
            format!("{name} {{ value: {value} }}\n")
        });
        lines.concat()
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_given_has_a_value() {
        let file = "".parse::<Batching>().unwrap().file(4);
        insta::assert_snapshot!(file, @r"
        max_batch_size { value: 32 }
        batch_timeout_micros { value: 5000 }
        max_enqueued_batches { value: 100 }
        num_batch_threads { value: 4 }
        ");
        let given: Batching = "batch_timeout_micros=0,num_batch_threads=2".parse().unwrap();
        let file = given.file(4);
        assert!(file.contains("batch_timeout_micros { value: 0 }"), "{file}");
        assert!(file.contains("num_batch_threads { value: 2 }"), "{file}");
    }

    #[test]
    fn an_unknown_parameter_would_end_the_server() {
        let refuse = |text: &str| text.parse::<Batching>().unwrap_err();
        insta::assert_snapshot!(refuse("batch_size=3"), @"`batch_size` is no parameter of batching; `max_batch_size`, `batch_timeout_micros`, `max_enqueued_batches`, `num_batch_threads` are");
        insta::assert_snapshot!(refuse("max_batch_size=0"), @"`0` is no value of max_batch_size: a whole number, at least 1, is");
        insta::assert_snapshot!(refuse("8"), @"`8` is no NAME=VALUE; the names are `max_batch_size`, `batch_timeout_micros`, `max_enqueued_batches`, `num_batch_threads`");
    }
}
