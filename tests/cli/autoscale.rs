//! `autoscale` where no cluster is needed, or one with faults.

use crate::run::{Outcome, offline};

/// The first line on stderr, where the command is no command.
fn refused(arguments: &[&str]) -> String {
    let outcome = offline(&[&["autoscale"], arguments].concat());
    assert_eq!(outcome.code, 2, "{arguments:?}: {}", outcome.stderr);
    outcome.stderr.lines().next().unwrap_or_default().to_owned()
}

fn dry(arguments: &[&str]) -> Outcome {
    let outcome = offline(&[&["autoscale"], arguments, &["--dry-run=client"]].concat());
    assert_eq!(outcome.code, 0, "{arguments:?}: {}", outcome.stderr);
    assert_eq!(outcome.stderr, "");
    outcome
}

#[test]
fn a_dry_run_asks_no_cluster_and_prints_what_git_can_keep() {
    let words = [
        "sts/web",
        "--name",
        "busy",
        "-n",
        "shop",
        "--cpu",
        "60%",
        "--max",
        "4",
        "--scale-down-window",
        "10m",
    ];
    insta::assert_snapshot!(dry(&[&words[..], &["-o", "yaml"]].concat()).stdout);
    let object = dry(&[&words[..], &["-o", "json"]].concat()).json();
    assert_eq!(object["metadata"]["name"], "busy");
    assert_eq!(
        dry(&words).stdout,
        "horizontalpodautoscaler.autoscaling/busy created (dry run)\n"
    );
}

#[test]
fn the_rule_of_the_adapter_is_data() {
    let outcome = offline(&["autoscale", "--print-adapter-rule"]);
    assert_eq!((outcome.code, outcome.stderr.as_str()), (0, ""));
    insta::assert_snapshot!(outcome.stdout);
}

#[test]
fn what_is_wrong_with_the_words_is_told_before_anything_is_asked() {
    insta::assert_snapshot!(refused(&["web", "--cpu", "60%", "--min", "5", "--max", "4"]), @"error: `--max 4` is less than `--min 5`");
    insta::assert_snapshot!(refused(&["web", "--cpu", "much", "--max", "4"]), @"error: invalid value 'much' for '--cpu <TARGET>': `much` is no target: write a percentage of the request such as `60%`, or a quantity a pod such as `500m`");
    insta::assert_snapshot!(refused(&["web", "--cpu", "60%", "--max", "4", "--scale-down-window", "2h"]), @"error: invalid value '2h' for '--scale-down-window <DURATION>': 7200 s; the API allows at most 3600 s");
    insta::assert_snapshot!(refused(&["web", "--cpu", "60%", "--max", "4", "--scale-up-policy", "4pods/45m"]), @"error: invalid value '4pods/45m' for '--scale-up-policy <CHANGE/PERIOD>': `4pods/45m`: the period is 2700 s; the API allows 1 s to 1800 s");
    insta::assert_snapshot!(refused(&["web", "--cpu", "60%", "--max", "4", "--scale-up-tolerance=-5%"]), @"error: invalid value '-5%' for '--scale-up-tolerance <RATIO>': `-5%` is no tolerance: write `5%` or `0.05`; the API allows 0 and more");
    insta::assert_snapshot!(refused(&["web", "--metric", "queue=0", "--max", "4"]), @"error: invalid value 'queue=0' for '--metric <NAME=VALUE[,SELECTOR]>': `0` is no value: write a quantity above 0 such as `50` or `500m`");
    insta::assert_snapshot!(refused(&["web", "--container-cpu", "60%", "--max", "4"]), @"error: invalid value '60%' for '--container-cpu <CONTAINER=TARGET>': write CONTAINER=TARGET, for example `tf-serving=60%`");
    insta::assert_snapshot!(refused(&["web", "--install-metrics-server", "--scale-down-window", "1h"]), @"error: there is no HPA to write without a metric: add `--cpu 60% --max 4`, or leave `--max` and the `--scale-…` flags out");
    insta::assert_snapshot!(refused(&["rollout/web", "--cpu", "60%", "--max", "4"]), @"error: invalid value 'rollout/web' for '[TARGET]': `rollout` is no kind that every cluster has: write KIND.GROUP/NAME, for example `rollout.argoproj.io/web`; `kubectl api-resources` lists the groups");
    insta::assert_snapshot!(refused(&["rollout.argoproj.io/web", "--cpu", "60%", "--max", "4", "--dry-run=client"]), @"error: `rollout.argoproj.io/web` with `--dry-run=client`: no cluster is asked for the version and the spelling of the kind; write Kind.VERSION.argoproj.io/web, or use `--dry-run=server`");
}
