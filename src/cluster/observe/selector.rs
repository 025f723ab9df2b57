//! Label selectors in their serialized form (`app=web,tier in (a,b),!canary`), matched here instead of by one more
//! request. The grammar is that of `labels.Parse` in `k8s.io/apimachinery`.

use std::collections::BTreeMap;

use kube::core::{Expression, Selector, SelectorExt};

use crate::facts::Pod;

/// Reads a selector; none where it is not in the serialized form.
pub(in crate::cluster) fn parse(text: &str) -> Option<Vec<Expression>> {
    requirements(text).into_iter().map(requirement).collect()
}

/// The commas outside of parentheses part the requirements.
fn requirements(text: &str) -> Vec<&str> {
    let mut depth = 0_i32;
    let parts = text.split(|character: char| {
        depth += i32::from(character == '(') - i32::from(character == ')');
        character == ',' && depth == 0
    });
    parts.map(str::trim).collect()
}

fn requirement(text: &str) -> Option<Expression> {
    if let Some(key) = text.strip_prefix('!') {
        return name(key).map(Expression::DoesNotExist);
    }
    if let Some((left, values)) = text.split_once('(') {
        let values = values
            .strip_suffix(')')?
            .split(',')
            .map(|it| it.trim().to_owned());
        let values = values.collect();
        let (key, operator) = left.trim().split_once(char::is_whitespace)?;
        let key = name(key)?;
        return match operator.trim() {
            "in" => Some(Expression::In(key, values)),
            "notin" => Some(Expression::NotIn(key, values)),
            _ => None,
        };
    }
    if let Some((key, value)) = text.split_once("!=") {
        return Some(Expression::NotEqual(name(key)?, value.trim().to_owned()));
    }
    if let Some((key, value)) = text.split_once('=') {
        let value = value.strip_prefix('=').unwrap_or(value);
        return Some(Expression::Equal(name(key)?, value.trim().to_owned()));
    }
    name(text).map(Expression::Exists)
}

fn name(key: &str) -> Option<String> {
    let key = key.trim();
    let plain = |character: char| character.is_ascii_alphanumeric() || "-_./".contains(character);
    (!key.is_empty() && key.chars().all(plain)).then(|| key.to_owned())
}

/// Whether a selector in its serialized form matches labels; what cannot be read matches none.
pub(in crate::cluster) fn selected_by(text: &str, labels: &BTreeMap<String, String>) -> bool {
    parse(text).is_some_and(|expressions| matches(&expressions, labels))
}

/// Whether the labels match.
pub(super) fn matches(expressions: &[Expression], labels: &BTreeMap<String, String>) -> bool {
    selector(expressions).matches(labels)
}

fn selector(expressions: &[Expression]) -> Selector {
    expressions.iter().cloned().collect()
}

/// The pods of a namespace, found by their labels.
pub(in crate::cluster) struct PodIndex<'a> {
    pods: &'a [Pod],
    by_label: BTreeMap<(&'a str, &'a str), Vec<&'a Pod>>,
}

impl<'a> PodIndex<'a> {
    pub(in crate::cluster) fn new(pods: &'a [Pod]) -> Self {
        let mut by_label: BTreeMap<(&str, &str), Vec<&Pod>> = BTreeMap::new();
        for pod in pods {
            for (key, value) in &pod.labels {
                by_label.entry((key, value)).or_default().push(pod);
            }
        }
        Self { pods, by_label }
    }

    /// Those that a selector matches.
    pub(in crate::cluster) fn matching(&self, expressions: &[Expression]) -> Vec<Pod> {
        let selector = selector(expressions);
        let matches = |pod: &&Pod| selector.matches(&pod.labels);
        match self.fewest(expressions) {
            Some(candidates) => candidates.iter().copied().filter(matches).cloned().collect(),
            None => self.pods.iter().filter(matches).cloned().collect(),
        }
    }

    /// The shortest list that must hold them all; none where no label is asked for by its value.
    fn fewest<'s>(&'s self, expressions: &'s [Expression]) -> Option<&'s [&'a Pod]> {
        let equal = expressions.iter().filter_map(|expression| match expression {
            Expression::Equal(key, value) => Some((key.as_str(), value.as_str())),
            _ => None,
        });
        let lists = equal.map(|label| self.by_label.get(&label).map_or(&[][..], Vec::as_slice));
        lists.min_by_key(|list| list.len())
    }
}

#[cfg(test)]
mod tests {
    use super::{PodIndex, matches, parse};
    use crate::facts::Pod;

    fn labels(text: &str) -> std::collections::BTreeMap<String, String> {
        let pairs = text.split(',').filter_map(|pair| pair.split_once('='));
        pairs
            .map(|(key, value)| (key.to_owned(), value.to_owned()))
            .collect()
    }

    #[test]
    fn every_operator_is_decided_as_the_api_server_does() {
        let web = labels("app=web,tier=front,example.com/canary=");
        for (selector, matched) in [
            ("app=web", true),
            ("app==web", true),
            ("app=web,tier=back", false),
            ("app!=api", true),
            ("missing!=x", true),
            ("app!=web", false),
            ("app in (web,api)", true),
            ("app in (api), tier=front", false),
            ("tier notin (back, middle)", true),
            ("missing notin (x)", true),
            ("tier notin (front)", false),
            ("app", true),
            ("missing", false),
            ("!missing", true),
            ("!app", false),
            ("example.com/canary=", true),
        ] {
            let found = parse(selector).map(|expressions| matches(&expressions, &web));
            assert_eq!(found, Some(matched), "{selector}");
        }
        for selector in [
            "",
            "a b",
            "a in x",
            "a in (b",
            "{\"matchLabels\":{}}",
            "a within (b)",
        ] {
            assert!(parse(selector).is_none(), "{selector}");
        }
    }

    #[test]
    fn the_index_finds_what_a_scan_finds() {
        let pods: Vec<Pod> = ["app=a,v=1", "app=a,v=2", "app=b,v=1", "v=1"]
            .into_iter()
            .map(|text| Pod {
                name: text.to_owned(),
                labels: labels(text),
                ..Pod::default()
            })
            .collect();
        let index = PodIndex::new(&pods);
        for selector in ["app=a", "app=a,v=1", "v=1", "app in (a,b)", "!app", "app=none"] {
            let expressions = parse(selector).unwrap_or_default();
            let scan: Vec<&Pod> = pods
                .iter()
                .filter(|pod| matches(&expressions, &pod.labels))
                .collect();
            let found = index.matching(&expressions);
            assert_eq!(found.iter().collect::<Vec<_>>(), scan, "{selector}");
        }
    }
}
