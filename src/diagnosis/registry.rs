//! The only list of rules.

use super::rule::Rule;
use super::rules;

/// All rules, in the order of their codes.
pub const RULES: &[Rule] = &[
    rules::scale_target_not_found::RULE,
    rules::scale_target_kind_unknown::RULE,
    rules::scale_target_not_scalable::RULE,
    rules::scale_access_refused::RULE,
    rules::replicas_field_missing::RULE,
    rules::target_paused::RULE,
    rules::scale_target_is_owned::RULE,
    rules::hpas_share_a_target::RULE,
    rules::selector_missing::RULE,
    rules::selector_invalid::RULE,
    rules::metrics_api_not_registered::RULE,
    rules::metrics_api_unavailable::RULE,
    rules::kubelet_certificate_refused::RULE,
    rules::metrics_api_has_no_data::RULE,
    rules::resource_not_measured::RULE,
    rules::controller_may_not_read_metrics::RULE,
    rules::adapter_not_registered::RULE,
    rules::adapter_unavailable::RULE,
    rules::adapter_lacks_metric::RULE,
    rules::metrics_server_lacks_rights::RULE,
    rules::container_request_missing::RULE,
    rules::injected_container_request_missing::RULE,
    rules::foreign_pod_without_request::RULE,
    rules::request_not_rolled_out::RULE,
    rules::request_zero::RULE,
    rules::container_not_found::RULE,
    rules::pods_too_young::RULE,
    rules::pods_never_ready::RULE,
    rules::pods_pending::RULE,
    rules::no_pods::RULE,
    rules::at_minimum::RULE,
    rules::at_maximum::RULE,
    rules::within_tolerance::RULE,
    rules::stabilization_window::RULE,
    rules::scaling_disabled_at_zero::RULE,
    rules::rate_limited::RULE,
    rules::partial_metric_failure::RULE,
    rules::outside_limits::RULE,
    rules::never_synced::RULE,
    rules::target_unreachable::RULE,
    rules::request_far_below_usage::RULE,
    rules::target_unit_wrong::RULE,
    rules::foreign_pods_counted::RULE,
    rules::quota_blocks_replicas::RULE,
    rules::replicas_overwritten::RULE,
    rules::facts_not_readable::RULE,
    rules::unknown_message::RULE,
    rules::cause_gone::RULE,
];

/// The rule with a code, in any case: `tfs301`.
pub fn find(code: &str) -> Option<&'static Rule> {
    RULES.iter().find(|rule| rule.code.eq_ignore_ascii_case(code))
}
