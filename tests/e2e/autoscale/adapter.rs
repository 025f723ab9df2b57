//! Metrics of an adapter: what it lacks is refused with what it has, and what it has becomes a first value.

use tfserve_sandbox::Answer;
use tfserve_sandbox::MetricsGroup::Custom;

use super::{autoscale, said, space, spec, web};
use crate::adapters::alone;
use crate::support::{field, kubectl, sandbox};

const WORDS: &str = "web --metric requests-per-second=50 --max 4";
const METRIC: &str = "pods/tfserving_predict_requests_per_second";

pub(super) fn what_an_adapter_serves() {
    let _turn = alone();
    let namespace = space("autoscale-adapter");
    web(namespace);
    let adapter = sandbox()
        .adapter(namespace, "prometheus-adapter", &[Custom])
        .expect("an adapter");
    adapter.answer(
        Custom,
        "pods/http_requests_per_second",
        Answer::Value("1".to_owned()),
    );
    let refused = autoscale(namespace, WORDS).expect_code(1);
    insta::assert_snapshot!("the_adapter_lacks_it", said(&refused));
    assert_eq!(kubectl(&format!("get hpa -n {namespace} -o name")).stdout, "");

    // As after its rule was added.
    adapter.answer(Custom, METRIC, Answer::Value("20".to_owned()));
    let ran = autoscale(namespace, WORDS).expect_code(0);
    insta::assert_snapshot!("first_value_of_an_adapter", said(&ran));
    let value = "{.status.currentMetrics[0].pods.current.averageValue}";
    assert_eq!(
        field(namespace, "hpa/web", value),
        "20",
        "the controller's own reading"
    );

    // Series come with requests: without any there is no value, and that is said of the HPA that is there.
    adapter.answer(Custom, METRIC, Answer::NotFound);
    let quiet = autoscale(
        namespace,
        "web --metric requests-per-second=40 --max 4 --timeout 20s",
    );
    insta::assert_snapshot!("no_series_yet", said(&quiet.expect_code(1)));
    let spec = spec(namespace, "web");
    assert_eq!(
        spec["metrics"][0]["pods"]["target"]["averageValue"], "50",
        "nothing is written"
    );
}
