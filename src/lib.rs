//! `kubectl tfserve`: serve TensorFlow models on Kubernetes, autoscale them, and be told the true cause
//! when the autoscaler misbehaves.
//!
//! The way of the data: [`cluster`] reads [`facts`]; [`hpa`] decodes and computes; [`diagnosis`] finds the
//! cause; [`output`] prints it. One direction, no way back.

pub mod cli;
pub mod cluster;
pub mod commands;
pub mod diagnosis;
pub mod duration;
mod error;
pub mod exit;
pub mod facts;
pub mod hpa;
pub mod load;
pub mod output;
pub mod serving;

pub use error::Error;
