//! From facts to the true cause: rules, findings and the verdict. Pure; knows no kube type.

mod engine;
mod explanation;
mod finding;
mod registry;
mod rules;

pub use engine::diagnose;
pub use explanation::{
    ClusterReport, Explanation, Explanations, HistoryEntry, MetricReport, PodReport, RecommendationReport,
    Verdict,
};
pub use finding::{Confidence, Evidence, EvidenceStatus, Finding, Fix, ObjectName, Severity};
pub use registry::{Case, RULES, Rule, Stage, find};
