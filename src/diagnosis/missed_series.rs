//! A metric's selector that matches none of the series that there are: the slip in it, or what could be selected.

use std::collections::BTreeSet;

use super::adapters::{FailedMetric, label};
use super::phrase::{count, list, word};
use super::{Case, Finding};
use crate::facts::{MetricSample, SERIES_KEPT};
use crate::hpa::selector::{Operator, Requirement, label_selector, parse};

/// A shorter name is too short for a slip: `eu` and `us` are two things.
const SHORTEST_SLIP: usize = 4;

/// The series that a metric has, and a selector that matches none of them.
pub(super) struct Missed<'a> {
    samples: &'a [MetricSample],
    wanted: Vec<Requirement>,
    selector: &'a str,
    type_: &'a str,
    index: usize,
}

/// What a selector says with one word changed.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Correction {
    /// Which of its requirements is another one.
    place: usize,
    /// The label as it should be, `queue=orders`.
    label: String,
    /// All of it.
    selector: Vec<Requirement>,
}

impl Correction {
    fn changed(&self) -> Option<&Requirement> {
        self.selector.get(self.place)
    }
}

/// None where the metric has no selector, has no series either without it, or was not asked for without it.
pub(super) fn of<'a>(case: &Case<'a>, metric: &FailedMetric<'a>) -> Option<Missed<'a>> {
    let selector = metric.spec.selector.as_deref().filter(|it| !it.is_empty())?;
    let samples = case.facts.unselected_value(metric.index)?.known()?;
    (!samples.is_empty()).then_some(Missed {
        samples,
        wanted: parse(selector)?,
        selector,
        type_: &metric.spec.type_,
        index: metric.index,
    })
}

/// Whether the API has nothing of a metric without its selector either.
pub(super) fn is_empty_too(case: &Case<'_>, index: usize) -> bool {
    let value = case.facts.unselected_value(index);
    value.is_some_and(|value| value.is_absent() || value.known().is_some_and(Vec::is_empty))
}

impl Missed<'_> {
    pub(super) fn title(&self, metric: &FailedMetric<'_>) -> String {
        format!(
            "The selector {} of {} matches no series",
            self.selector,
            label(metric.spec)
        )
    }

    pub(super) fn cause(&self) -> String {
        if self.has_labels() {
            let which = if self.samples.len() == 1 {
                "another label"
            } else {
                "other labels"
            };
            format!("the adapter has {} of it, with {which}", self.number())
        } else {
            "without it, the adapter has a value".to_owned()
        }
    }

    /// The API of custom metrics tells no labels.
    fn has_labels(&self) -> bool {
        self.samples.iter().any(|sample| !sample.labels.is_empty())
    }

    fn number(&self) -> String {
        let more = if self.is_part() { "at least " } else { "" };
        // The plural of series is series.
        format!("{more}{} series", self.samples.len())
    }

    /// Whether there may be series that were not kept.
    fn is_part(&self) -> bool {
        self.samples.len() >= SERIES_KEPT
    }

    /// What there is, beside what is wanted.
    pub(super) fn proved(&self, finding: Finding) -> Finding {
        if !self.has_labels() {
            let values: Vec<String> = self.samples.iter().map(|it| it.value.to_string()).collect();
            let value = format!("{} ({})", count(values.len(), "value"), list(&values));
            return finding.saw("without the selector", value, "the metric's own API");
        }
        let corrected = self.correction();
        let place = corrected.as_ref().map(|it| it.place);
        let wanted: Vec<&Requirement> = match place.and_then(|place| self.wanted.get(place)) {
            Some(wanted) => vec![wanted],
            None => self.wanted.iter().filter(|wanted| !self.is_met(wanted)).collect(),
        };
        let mut there: Vec<String> = self
            .samples
            .iter()
            .filter(|sample| place.is_none_or(|place| self.fits_but_for(place, sample)))
            .map(|sample| match corrected.as_ref().and_then(Correction::changed) {
                Some(changed) => labels_of(sample, &[changed]),
                None => labels_of(sample, &wanted),
            })
            .filter(|labels| !labels.is_empty())
            .collect();
        // Those of the correction first.
        let meant = corrected.as_ref().map_or("", |it| &it.label);
        there.sort_by_key(|labels| (labels != meant, labels.clone()));
        there.dedup();
        let there = if there.is_empty() {
            let keys: BTreeSet<&String> = self.samples.iter().flat_map(|it| it.labels.keys()).collect();
            let keys: Vec<&String> = keys.into_iter().collect();
            format!("have the labels {}", list(&keys))
        } else {
            list(&there)
        };
        let selector = match (place, wanted.as_slice()) {
            (Some(_), [wanted]) => format!("{}={}", wanted.key, wanted.values.join(",")),
            _ => self.selector.to_owned(),
        };
        finding.saw(
            format!("its {}", self.number()),
            format!("{there}, while the selector wants {selector}"),
            "the metric's own API",
        )
    }

    /// Whether every series has the label as it is wanted.
    fn is_met(&self, wanted: &Requirement) -> bool {
        self.samples.iter().all(|sample| wanted.is_met_by(&sample.labels))
    }

    /// Whether a series has all labels as they are wanted but for one.
    fn fits_but_for(&self, place: usize, sample: &MetricSample) -> bool {
        let mut others = self
            .wanted
            .iter()
            .enumerate()
            .filter(|(other, _)| *other != place);
        others.all(|(_, other)| other.is_met_by(&sample.labels))
    }

    /// The selector that was meant, where that is plain; else what there is to select.
    pub(super) fn repaired(&self, case: &Case<'_>, finding: Finding, question: &str) -> Finding {
        let field = self.type_.to_lowercase();
        let place = format!("/spec/metrics/{}/{field}/metric/selector", self.index);
        let remove = |finding: Finding, changes: String| {
            let patch = format!(r#"[{{"op":"remove","path":"{place}"}}]"#);
            finding.fix(
                "read it without the selector, which matches no series",
                case.patch_hpa_json(&patch),
                format!("changes the HPA alone; the value is then {changes}"),
            )
        };
        let see = |finding: Finding| {
            finding.fix(
                "see all its series",
                format!("kubectl get --raw {}", word(question)),
                format!("reads only; {field}.metric.selector names those that are meant"),
            )
        };
        if !self.has_labels() {
            return remove(finding, "that of all its series".to_owned()).advice(
                "or correct the selector by the labels in the adapter's source",
                "custom.metrics.k8s.io does not tell them",
            );
        }
        let meant = self
            .correction()
            .and_then(|meant| Some((label_selector(&meant.selector)?, meant)));
        if let Some((selector, meant)) = meant {
            let patch = format!(r#"[{{"op":"replace","path":"{place}","value":{selector}}}]"#);
            let finding = finding.fix(
                format!("select {}, if that is meant", meant.label),
                case.patch_hpa_json(&patch),
                format!(
                    "changes the HPA alone; the value is then {}",
                    self.value_of(&meant.selector)
                ),
            );
            return see(finding);
        }
        match self.samples {
            [only] => see(remove(finding, format!("{}, of its only series", only.value))),
            _ => remove(see(finding), format!("the sum of its {}", self.number())),
        }
    }

    fn value_of(&self, selector: &[Requirement]) -> String {
        let matching = self.samples.iter().filter(|sample| meets(sample, selector));
        let matching: Vec<&MetricSample> = matching.collect();
        match matching.as_slice() {
            [only] => only.value.to_string(),
            several => format!("the sum of {} series", several.len()),
        }
    }

    /// The one change of one word by which the selector matches: a value, or the name of a label, with a slip in it.
    fn correction(&self) -> Option<Correction> {
        if self.is_part() {
            return None;
        }
        let mut found: Vec<Correction> = Vec::new();
        for (place, wanted) in self.wanted.iter().enumerate() {
            let [value] = wanted.values.as_slice() else {
                continue;
            };
            if !matches!(wanted.operator, Operator::Equals | Operator::In) {
                continue;
            }
            let unknown = !self.samples.iter().any(|it| it.labels.contains_key(&wanted.key));
            let rest = self.samples.iter().filter(|it| self.fits_but_for(place, it));
            for (key, there) in rest.flat_map(|it| &it.labels) {
                let fits = if *key == wanted.key {
                    is_slip(value, there)
                } else {
                    // A label of another name that has this very value is the one, unless the value tells little.
                    unknown && there == value && (is_slip(&wanted.key, key) || tells(value))
                };
                if fits {
                    let mut selector = self.wanted.clone();
                    if let Some(changed) = selector.get_mut(place) {
                        *changed = equals(key, there);
                    }
                    let label = format!("{key}={there}");
                    found.push(Correction {
                        place,
                        label,
                        selector,
                    });
                }
            }
        }
        found.dedup();
        let first = found.first()?;
        found.iter().all(|it| it == first).then(|| first.clone())
    }
}

fn equals(key: &str, value: &str) -> Requirement {
    Requirement {
        key: key.to_owned(),
        operator: Operator::Equals,
        values: vec![value.to_owned()],
    }
}

fn meets(sample: &MetricSample, selector: &[Requirement]) -> bool {
    selector.iter().all(|wanted| wanted.is_met_by(&sample.labels))
}

/// The labels of a series that a selector speaks of: `queue=orders with vhost=shop`.
fn labels_of(sample: &MetricSample, selector: &[&Requirement]) -> String {
    let spoken = sample
        .labels
        .iter()
        .filter(|(key, _)| selector.iter().any(|wanted| wanted.key == **key));
    let labels: Vec<String> = spoken.map(|(key, value)| format!("{key}={value}")).collect();
    labels.join(" with ")
}

/// Whether a value is a name of something: `true` and `0` are values of many labels.
fn tells(value: &str) -> bool {
    value.chars().count() >= SHORTEST_SLIP
        && value.chars().any(char::is_alphabetic)
        && !matches!(value, "true" | "false" | "none" | "default")
}

/// Whether two names differ as by a slip: in case and signs alone, or by one letter that is wrong, missing, too much or in
/// the place of its neighbour. Names that differ in a number are two things.
fn is_slip(wanted: &str, there: &str) -> bool {
    let digits = |text: &str| -> String { text.chars().filter(char::is_ascii_digit).collect() };
    if wanted == there || digits(wanted) != digits(there) {
        return false;
    }
    let plain = |text: &str| -> Vec<char> {
        let plain = text.chars().filter(|character| character.is_alphanumeric());
        plain.flat_map(char::to_lowercase).collect()
    };
    let (wanted, there) = (plain(wanted), plain(there));
    wanted == there || wanted.len().min(there.len()) >= SHORTEST_SLIP && one_change(&wanted, &there)
}

/// Whether one letter that is replaced, added, left out or exchanged with its neighbour makes one word of the other.
fn one_change(left: &[char], right: &[char]) -> bool {
    let same = left.iter().zip(right).take_while(|(left, right)| left == right);
    let start = same.count();
    let (left, right) = (&left[start..], &right[start..]);
    match (left, right) {
        ([_, rest @ ..], longer) if rest == longer => true,
        (shorter, [_, rest @ ..]) if rest == shorter => true,
        ([_, left @ ..], [_, right @ ..]) if left == right => true,
        ([first, second, left @ ..], [third, fourth, right @ ..]) => {
            first == fourth && second == third && left == right
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::{Missed, is_slip};
    use crate::facts::{MetricSample, Quantity};
    use crate::hpa::selector::parse;

    #[test]
    fn a_slip_is_one_letter_and_never_a_number() {
        for (wanted, there) in [
            ("order", "orders"),
            ("orders", "order"),
            ("ordres", "orders"),
            ("oxders", "orders"),
            ("Orders", "orders"),
            ("orders_eu", "orders-eu"),
        ] {
            assert!(is_slip(wanted, there), "{wanted} {there}");
        }
        for (wanted, there) in [
            ("orders", "orders"),
            ("orders", "refunds"),
            ("orders-1", "orders-2"),
            ("orders", "orders-dlq"),
            ("orders-eu", "orders-us"),
            ("eu", "us"),
            ("dev", "dex"),
        ] {
            assert!(!is_slip(wanted, there), "{wanted} {there}");
        }
    }

    fn meant(selector: &str, series: &[&str]) -> String {
        let series = series.iter().map(|labels| MetricSample {
            labels: labels
                .split(',')
                .filter_map(|label| label.split_once('='))
                .map(|(key, value)| (key.to_owned(), value.to_owned()))
                .collect(),
            object: String::new(),
            value: Quantity("1".to_owned()),
            timestamp: None,
            window_millis: None,
        });
        let samples: Vec<MetricSample> = series.collect();
        let missed = Missed {
            samples: &samples,
            wanted: parse(selector).unwrap_or_default(),
            selector,
            type_: "External",
            index: 0,
        };
        missed.correction().map_or_else(String::new, |it| it.label)
    }

    #[test]
    fn one_series_is_near_or_none_is_proposed() {
        let both = ["queue=orders,vhost=a", "queue=refunds,vhost=b"];
        assert_eq!(meant("queue=order", &both), "queue=orders");
        assert_eq!(meant("queue in (order)", &both), "queue=orders");
        assert_eq!(meant("que=orders", &both), "queue=orders");
        assert_eq!(meant("topic=orders", &both), "queue=orders");
        assert_eq!(meant("queue=order,vhost=a", &both), "queue=orders");
        assert_eq!(meant("queue=order,vhost=b", &both), "");
        assert_eq!(meant("queue=payments", &both), "");
        assert_eq!(
            meant("queue=order", &["queue=orders", "queue=borders"]),
            "queue=orders"
        );
        assert_eq!(meant("queue=order", &["queue=orders", "queue=border"]), "");
        // Two series of one queue are one answer.
        let parts = ["queue=orders,part=0", "queue=orders,part=1"];
        assert_eq!(meant("queue=order", &parts), "queue=orders");
        // The label is there, for other queues.
        assert_eq!(meant("topic=orders", &["queue=orders", "topic=refunds"]), "");
        assert_eq!(meant("ready=true", &["durable=true"]), "");
    }
}
