//! One file a cause.
