//! kubectl finds the plugin.

use crate::support::kubectl;

#[test]
fn kubectl_lists_and_runs_the_plugin() {
    let listed = kubectl("plugin list");
    assert!(
        listed.stdout.contains("/kubectl-tfserve\n"),
        "{}{}",
        listed.stdout,
        listed.stderr
    );

    let help = kubectl("tfserve --help").expect_code(0);
    assert!(help.stdout.contains("Usage: kubectl tfserve"), "{}", help.stdout);
    for verb in ["up", "autoscale", "predict", "down", "top", "explain-hpa"] {
        assert!(
            help.stdout.contains(&format!("\n  {verb} ")),
            "{verb} is missing in\n{}",
            help.stdout
        );
    }
}
