//! One row an error: realistic arguments, where it comes from, and what it must be read as.

mod answers;
mod counted;
mod scales;

use super::render::Metric;
use crate::hpa::message::{ApiFailure, Message};

/// Where in the controller an error comes up: that decides what is put before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Origin {
    /// The answer of a metrics API.
    Answer(Metric),
    /// The metrics client.
    Client(Metric),
    /// The metrics client, looking for a container.
    Sample(Metric),
    /// The calculator.
    Calculator(Metric),
    /// The calculator, counting ready pods.
    ReadyPods(Metric),
    /// `spec.metrics`.
    Spec(Metric),
    /// The type of a metric.
    Type,
    /// `spec.metrics`, without a condition and an event of its own.
    OnlyInTheSum(Metric),
    /// The sync, before it comes to the metrics.
    Sync,
    /// Reading or writing the scale.
    Scale,
    /// Writing the status.
    Status,
}

/// What an error must be read as.
pub(super) enum Means {
    /// The same wherever it comes from.
    Message(Message),
    /// The failure of an API: of which, the origin says.
    Failure(ApiFailure),
}

/// One error.
pub(super) struct Row {
    pub(super) template: &'static str,
    pub(super) arguments: &'static [&'static str],
    /// What a client writes round it.
    pub(super) before: &'static str,
    pub(super) after: &'static str,
    pub(super) origins: Vec<Origin>,
    pub(super) means: Means,
}

fn row(
    template: &'static str,
    arguments: &'static [&'static str],
    origins: impl IntoIterator<Item = Origin>,
    means: Message,
) -> Row {
    Row {
        template,
        arguments,
        before: "",
        after: "",
        origins: origins.into_iter().collect(),
        means: Means::Message(means),
    }
}

fn failure(
    template: &'static str,
    arguments: &'static [&'static str],
    origins: impl IntoIterator<Item = Origin>,
    failure: ApiFailure,
) -> Row {
    Row {
        means: Means::Failure(failure),
        ..row(template, arguments, origins, Message::Informative)
    }
}

/// With what the client adds: verb, resource, or a URL.
fn around(before: &'static str, row: Row, after: &'static str) -> Row {
    Row { before, after, ..row }
}

const RESOURCES: [Metric; 3] = [Metric::Resource, Metric::ResourceAverage, Metric::Container];
const CUSTOM: [Metric; 3] = [Metric::Pods, Metric::Object, Metric::ObjectAverage];
const EXTERNAL: [Metric; 2] = [Metric::External, Metric::ExternalAverage];

pub(super) fn rows() -> Vec<Row> {
    let mut rows = counted::rows();
    rows.extend(counted::specs());
    rows.extend(answers::rows());
    rows.extend(answers::adapters());
    rows.extend(scales::rows());
    rows
}
