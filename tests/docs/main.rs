//! The pages: no dead link, no command that nobody runs. `tests/e2e/docs.rs` runs them.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a failed unwrap fails the test")]

mod blocks;
mod links;

use blocks::{Block, blocks, commands, differs, pages};

/// What a fence may say.
const SHOWN: [&str; 5] = ["yaml", "json", "text", "toml", "rust"];

#[test]
fn every_command_is_run_or_says_why_not() {
    for page in pages() {
        for block in blocks(&std::fs::read_to_string(&page).unwrap()) {
            let place = format!("{}:{}", page.display(), block.line);
            match block.info.as_str() {
                "console" => assert!(!commands(&block).is_empty(), "{place}: no command"),
                "run" => {}
                info if SHOWN.contains(&info) => {}
                info => {
                    let reason = info.strip_prefix("console not-run: ");
                    assert!(
                        reason.is_some_and(|reason| reason.len() > 5 && !reason.contains('`')),
                        "{place}: the fence says `{info}`; commands stand in `console`, or in `console not-run: REASON`"
                    );
                    assert!(!commands(&block).is_empty(), "{place}: no command");
                }
            }
        }
    }
}

#[test]
fn a_block_is_commands_with_what_they_print() {
    let page = "text\n```console\n$ kubectl get \\\n  hpa\nNAME\n\n$ true\n```\n<!-- run\ntouch x\n-->\n";
    let found = blocks(page);
    assert_eq!(found[1].info, "run");
    let typed = commands(&found[0]);
    assert_eq!(
        (typed[0].line, typed[0].text.as_str()),
        (3, "kubectl get \\\n  hpa")
    );
    assert_eq!(typed[0].output, ["NAME"]);
    assert_eq!((typed[1].line, typed[1].text.as_str()), (7, "true"));
}

#[test]
fn what_is_printed_is_compared_line_by_line() {
    let wanted = |lines: &[&str]| -> Vec<String> { lines.iter().map(ToString::to_string).collect() };
    let printed = "NAME   AGE\nweb    25s\n\ncart   3s\n";
    assert_eq!(
        differs(&wanted(&["NAME AGE", "web 3m10s", "cart 4s"]), printed),
        None
    );
    assert_eq!(differs(&wanted(&["…", "cart   …"]), printed), None);
    assert_eq!(differs(&wanted(&["NAME AGE", "", "…"]), printed), None);
    assert_eq!(differs(&wanted(&["web …"]), printed), Some("web …".to_owned()));
    assert_eq!(
        differs(&wanted(&["…", "shop …"]), printed),
        Some("shop …".to_owned())
    );
    assert_eq!(
        differs(&wanted(&["NAME …E", "web"]), printed),
        Some("web".to_owned())
    );
}

#[test]
#[should_panic(expected = "no command")]
fn output_without_a_command_is_refused() {
    let block = Block {
        line: 1,
        info: "console".to_owned(),
        lines: vec!["kubectl get hpa".to_owned()],
    };
    commands(&block);
}
