//! Many shapes of a healthy HPA, and nothing to warn of in any of them.

mod changes;
mod moments;
mod serving;
mod shapes;

use kubectl_tfserve::diagnosis::{Severity, diagnose};
use kubectl_tfserve::facts::{Fact, Facts};

use super::{read, root, text};

#[test]
fn no_healthy_shape_is_warned_of() {
    let healthy = [shapes::HEALTHY, moments::HEALTHY, serving::HEALTHY].concat();
    assert!(healthy.len() >= 60, "{}", healthy.len());
    let idle = read(&root().join("TFS601/fires.yaml"));
    let idle = serde_json::to_value(&idle).expect("facts have a form in JSON");
    let mut noisy = Vec::new();
    for (name, change) in healthy {
        let mut facts = idle.clone();
        change(&mut facts);
        let facts: Facts = serde_json::from_value(facts).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert!(matches!(facts.hpas[0].pods, Fact::Known(_)), "{name}");
        let answer = diagnose(&facts);
        let quiet = answer.items[0]
            .findings
            .iter()
            .all(|finding| finding.severity == Severity::Info);
        if !quiet {
            noisy.push(format!("{name}\n{}", text(&answer)));
        }
    }
    assert!(noisy.is_empty(), "{}", noisy.join("\n"));
}
