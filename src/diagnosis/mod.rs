//! From facts to the true cause: rules, findings and the verdict. Pure; knows no kube type.

mod adapters;
pub(crate) mod case;
mod certificate;
mod changes;
mod denial;
mod engine;
mod explanation;
mod failing_api;
mod finding;
mod foreign;
mod held;
mod hindrance;
mod history;
mod keeper;
mod left_out;
mod metric_path;
mod metrics_server;
mod missed_series;
mod node_autoscaler;
mod offenders;
mod order;
mod overlap;
pub(crate) mod phrase;
mod quotas;
mod refusal;
mod registry;
mod report;
mod rescales;
pub mod rollout;
mod rule;
mod rules;
mod scaled_object_gone;
mod scheduling;
mod scrape;
mod serving;
mod successor;
mod summary;
mod targets;
mod template_change;
mod units;
mod what_if;

pub use changes::{Became, Change, Decision, Other, State, changes};
pub use engine::{diagnose, diagnose_and_drop};
pub use explanation::{
    ClusterReport, Explanation, Explanations, HistoryEntry, MetricReport, PodReport, RecommendationReport,
    Verdict,
};
pub use finding::{Confidence, Evidence, EvidenceStatus, Finding, Fix, ObjectName, Severity};
pub use registry::{RULES, find};
pub use rule::{Case, Need, Rule, Stage};
pub use what_if::{WhatIf, assume};
