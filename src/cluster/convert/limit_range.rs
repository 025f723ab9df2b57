//! `LimitRange`s.

use k8s_openapi::api::core::v1;

use super::{quantity, time};
use crate::facts::LimitRange;

/// A `LimitRange`, as far as it gives containers a request.
pub(in crate::cluster) fn limit_range(object: &v1::LimitRange) -> LimitRange {
    let items = object.spec.iter().flat_map(|spec| &spec.limits);
    LimitRange {
        name: object.metadata.name.clone().unwrap_or_default(),
        created_at: time(object.metadata.creation_timestamp.as_ref()),
        default_requests: items
            .filter(|item| item.type_ == "Container")
            .flat_map(|item| item.default_request.iter().flatten())
            .map(|(name, value)| (name.clone(), quantity(value)))
            .collect(),
    }
}
