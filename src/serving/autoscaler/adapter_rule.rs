//! TensorFlow Serving's own rate of requests, and what the Prometheus adapter must be told to serve it.
//!
//! TensorFlow Serving's metrics begin with a colon, which is no name in custom.metrics.k8s.io: the rule renames. It
//! counts `request_latency_count` and not `request_count`, because probes and status requests count there too; the
//! label `API` is `predict` for REST and `Predict` for gRPC (`servables/tensorflow/util.cc`,
//! `model_servers/http_rest_api_handler.cc`, 2.16 to 2.20). A request that fails has no latency and is not counted.

use super::metric::NamedTarget;

/// As it is called on the command line.
pub const REQUESTS_PER_SECOND: &str = "requests-per-second";
/// As the adapter serves it.
pub const METRIC: &str = "tfserving_predict_requests_per_second";

/// The rule, for the adapter's configuration.
pub const RULE: &str = r#"# The rate of predict requests of every pod, for prometheus-adapter: below `rules:` of its configuration,
# or `rules.custom:` of the Helm chart's values. Prometheus must scrape /monitoring/prometheus/metrics on port 8501
# of the pods, and its series must carry the labels namespace and pod.
rules:
- seriesQuery: ':tensorflow:serving:request_latency_count{namespace!="",pod!=""}'
  resources:
    overrides:
      namespace:
        resource: namespace
      pod:
        resource: pod
  name:
    matches: '^:tensorflow:serving:request_latency_count$'
    as: tfserving_predict_requests_per_second
  metricsQuery: 'sum(rate(<<.Series>>{<<.LabelMatchers>>,API=~"(?i)predict"}[1m])) by (<<.GroupBy>>)'
"#;

/// The metric under the name that the adapter serves.
#[must_use]
pub fn named(mut metric: NamedTarget) -> NamedTarget {
    if metric.name == REQUESTS_PER_SECOND {
        METRIC.clone_into(&mut metric.name);
    }
    metric
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a failed unwrap fails the test")]
mod tests {
    use super::*;

    #[test]
    fn the_rule_serves_the_metric_that_the_hpa_asks_for() {
        let rules: serde_json::Value = serde_saphyr::from_str(RULE).unwrap();
        let rule = &rules["rules"][0];
        assert_eq!(rule["name"]["as"], METRIC);
        let series = rule["seriesQuery"].as_str().unwrap();
        let name = rule["name"]["matches"].as_str().unwrap();
        let name = name.trim_start_matches('^').trim_end_matches('$');
        assert!(series.starts_with(&format!("{name}{{")), "{series}");
    }

    #[test]
    fn other_names_stay() {
        let name = |text: &str| named(text.parse().unwrap()).name;
        assert_eq!(name("requests-per-second=50"), METRIC);
        assert_eq!(name("queue_depth=50"), "queue_depth");
    }
}
