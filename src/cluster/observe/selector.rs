//! Label selectors in their serialized form (`app=web,tier in (a,b),!canary`), matched here instead of by one more
//! request.

use std::collections::BTreeMap;

use kube::core::{Expression, Selector, SelectorExt};

use crate::facts::Pod;
use crate::hpa::selector::{self, Operator, Requirement};

/// Reads a selector; none where it is not in the serialized form, or compares numbers: the API server is asked then.
pub(in crate::cluster) fn parse(text: &str) -> Option<Vec<Expression>> {
    selector::parse(text)?.into_iter().map(expression).collect()
}

fn expression(requirement: Requirement) -> Option<Expression> {
    let Requirement {
        key,
        operator,
        values,
    } = requirement;
    let first = values.first().cloned();
    Some(match operator {
        Operator::Equals => Expression::Equal(key, first?),
        Operator::NotEquals => Expression::NotEqual(key, first?),
        Operator::In => Expression::In(key, values.into_iter().collect()),
        Operator::NotIn => Expression::NotIn(key, values.into_iter().collect()),
        Operator::Exists => Expression::Exists(key),
        Operator::DoesNotExist => Expression::DoesNotExist(key),
        Operator::GreaterThan | Operator::LessThan => return None,
    })
}

/// Whether a selector in its serialized form matches labels; what cannot be read matches none.
pub(in crate::cluster) fn selected_by(text: &str, labels: &BTreeMap<String, String>) -> bool {
    parse(text).is_some_and(|expressions| matches(&expressions, labels))
}

/// Whether the labels match.
pub(super) fn matches(expressions: &[Expression], labels: &BTreeMap<String, String>) -> bool {
    together(expressions).matches(labels)
}

fn together(expressions: &[Expression]) -> Selector {
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
        let selector = together(expressions);
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
