//! The controller's own vocabulary and arithmetic, without I/O and without kube.
//!
//! [`message`] says what the controller's texts mean; [`symptoms`] says which of them are current,
//! [`overdue`] whether anybody still writes them;
//! [`replicas`] computes what the controller would decide, [`what_if`] what it would under other conditions;
//! [`refusal`] takes apart who refuses the pods;
//! [`selector`] tells what a label selector is.

pub mod message;
pub mod overdue;
pub mod refusal;
pub mod replicas;
pub mod selector;
pub mod symptoms;
pub mod what_if;
