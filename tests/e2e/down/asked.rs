//! The question of `down`, in a real terminal.

use portable_pty::CommandBuilder;

use super::{all_apis_answer, down, objects, up};
use crate::support::{kubectl, sandbox};
use crate::terminal::Terminal;

fn in_a_terminal(namespace: &str, words: &str) -> Terminal {
    let mut command = CommandBuilder::new(env!("CARGO_BIN_EXE_kubectl-tfserve"));
    command.args(
        ["down", "-n", namespace]
            .into_iter()
            .chain(words.split_whitespace()),
    );
    command.env("KUBECONFIG", sandbox().kubeconfig());
    command.env("TERM", "xterm-256color");
    Terminal::start(command, 100, 30)
}

#[test]
fn it_asks_and_only_yes_is_yes() {
    let _turn = all_apis_answer();
    let namespace = "down-asked";
    up(namespace, "bert --create-namespace");
    let before = objects(namespace);
    for answer in ["n\r", "\r", "yep\r", "\u{4}"] {
        let mut terminal = in_a_terminal(namespace, "bert");
        terminal.wait_for("Remove them? [y/N]");
        terminal.press(answer);
        terminal.wait_for("nothing was removed");
        assert!(terminal.ended(), "{}", terminal.text());
        assert_eq!(objects(namespace), before, "{answer:?}");
        if answer == "n\r" {
            insta::assert_snapshot!("no", terminal.text());
        }
    }
    let mut interrupted = in_a_terminal(namespace, "bert");
    interrupted.wait_for("Remove them? [y/N]");
    interrupted.press("\u{3}");
    assert!(!interrupted.ended(), "{}", interrupted.text());
    assert_eq!(objects(namespace), before);

    let mut agreed = in_a_terminal(namespace, "bert --keep-namespace");
    agreed.wait_for("Remove them? [y/N]");
    agreed.press("Y\r");
    agreed.wait_for("deployment.apps/bert deleted");
    assert!(agreed.ended(), "{}", agreed.text());
    assert_eq!(objects(namespace), "");
    kubectl(&format!("get namespace {namespace}")).expect_code(0);

    // It was kept, and is still ours: whoever does not keep it any more removes it.
    let dry = down(namespace, "bert --dry-run=server").expect_code(0);
    assert_eq!(
        dry.stdout,
        format!("namespace/{namespace} deleted (server dry run)\n")
    );
    kubectl(&format!("get namespace {namespace}")).expect_code(0);
    let mut last = in_a_terminal(namespace, "bert");
    last.wait_for("`up` created it, and nothing of others is in it");
    last.press("yes\r");
    last.wait_for(&format!("namespace/{namespace} deleted"));
    assert!(last.ended(), "{}", last.text());
    assert_eq!(kubectl(&format!("get namespace {namespace}")).code, 1);
}
