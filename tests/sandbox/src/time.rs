//! Times as the API server reads them.

use chrono::{DateTime, SecondsFormat, Utc};

/// A time with seconds, as Kubernetes writes it.
pub(crate) fn rfc3339(time: DateTime<Utc>) -> String {
    time.to_rfc3339_opts(SecondsFormat::Secs, true)
}
