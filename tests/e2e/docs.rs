//! Every command of the pages, as a reader types it, on the cluster of the tests.

#[path = "../docs/blocks.rs"]
mod blocks;

use std::fmt::Write as _;
use std::path::Path;
use std::process::Command;

use blocks::{Block, blocks, commands, differs, pages};
use tfserve_sandbox::MetricsServer;

use crate::support::{Ran, path, sandbox, with_metrics_server};

/// A person with a shell in an empty directory.
struct Reader {
    directory: tempfile::TempDir,
}

impl Reader {
    fn types(&self, text: &str) -> Ran {
        Command::new("timeout")
            .args(["600", "bash", "-euo", "pipefail", "-c", text])
            .current_dir(self.directory.path())
            .env("PATH", path())
            .env("KUBECONFIG", sandbox().kubeconfig())
            .env("HOME", self.directory.path())
            .env("PROJECT", env!("CARGO_MANIFEST_DIR"))
            .env("COLUMNS", "120")
            .stdin(std::process::Stdio::null())
            .output()
            .expect("bash runs")
            .into()
    }

    /// What is wrong with a block.
    fn reads(&self, place: &str, block: &Block) -> Option<String> {
        if block.info == "run" {
            let ran = self.types(&block.lines.join("\n"));
            return (ran.code != 0).then(|| format!("{place}:{}: {}", block.line, ran.said()));
        }
        commands(block).into_iter().find_map(|command| {
            let ran = self.types(&command.text);
            let wrong = match ran.code {
                0 => None,
                // A problem that was found, and is shown.
                1 if !command.output.is_empty() => None,
                code => Some(format!("it ended with {code}")),
            };
            let missing =
                || differs(&command.output, &ran.stdout).map(|line| format!("`{line}` was not printed"));
            wrong.or_else(missing).map(|wrong| {
                format!(
                    "{place}:{}: {}\n{wrong}\n{}",
                    command.line,
                    command.text,
                    ran.said()
                )
            })
        })
    }
}

/// Draws what the commands of a block print on a terminal with colours.
fn draw(reader: &Reader, block: &Block, file: &Path) {
    let mut screen = String::new();
    for command in commands(block) {
        let ran = reader.types(&format!("export CLICOLOR_FORCE=1\n{}", command.text));
        writeln!(screen, "\u{1b}[1m$ {}\u{1b}[0m\n{}", command.text, ran.stdout).expect("a String takes all");
    }
    let svg = anstyle_svg::Term::new().render_svg(screen.trim_end());
    std::fs::write(file, svg).expect("the picture is written");
}

/// `UPDATE_DOCS=1` draws the pictures of a page anew: the comment before the block names the file.
fn pictures(reader: &Reader, text: &str, found: &[Block]) {
    if std::env::var_os("UPDATE_DOCS").is_none() {
        return;
    }
    for (index, line) in text.lines().enumerate() {
        let file = line
            .strip_prefix("<!-- picture: ")
            .and_then(|rest| rest.strip_suffix(" -->"));
        if let Some(file) = file {
            let block = found
                .iter()
                .find(|block| block.line > index)
                .expect("a block follows");
            draw(reader, block, &Path::new(env!("CARGO_MANIFEST_DIR")).join(file));
        }
    }
}

/// Runs a page; what is wrong with it.
fn run(page: &Path) -> Option<String> {
    let text = std::fs::read_to_string(page).expect("a page");
    let found = blocks(&text);
    let wanted = |block: &&Block| matches!(block.info.as_str(), "console" | "run");
    if !found.iter().any(|block| wanted(&block)) {
        return None;
    }
    let state = if text.contains("<!-- metrics-server: ready -->") {
        MetricsServer::Ready
    } else {
        MetricsServer::Absent
    };
    let _turn = with_metrics_server(state);
    let reader = Reader {
        directory: tempfile::tempdir().expect("a directory"),
    };
    let place = page.display().to_string();
    let wrong = found
        .iter()
        .filter(wanted)
        .find_map(|block| reader.reads(&place, block));
    pictures(&reader, &text, &found);
    reader.types("kubectl delete namespace tf-serving shop --ignore-not-found --wait --timeout=300s");
    wrong
}

#[test]
fn every_command_of_the_pages_does_what_they_show() {
    let only = std::env::var("DOCS_PAGE").unwrap_or_default();
    let wrong: Vec<String> = pages()
        .iter()
        .filter(|page| page.to_string_lossy().contains(&only))
        .filter_map(|page| run(page))
        .collect();
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n\n"));
}
