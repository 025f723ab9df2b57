//! The blocks of a page: what is run, what is only shown, and why.
//!
//! A fence ```` ```console ```` is run, in the order of the page, in one directory; what stands under a command
//! that begins with `$ ` must be printed, where `…` stands for any text, or alone for any lines. A fence
//! ```` ```console not-run: REASON ```` is not run. A comment that begins with `<!-- run` holds commands that
//! set the stage and are not shown.

use std::path::{Path, PathBuf};

/// A block of a page.
#[derive(Debug, Clone)]
pub(crate) struct Block {
    /// The number of its first line in the page.
    pub(crate) line: usize,
    /// What stands behind the fence; `run` for a comment.
    pub(crate) info: String,
    /// Its lines.
    pub(crate) lines: Vec<String>,
}

/// One command, and what it must print.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Command {
    /// The number of its line in the page.
    pub(crate) line: usize,
    /// As it is typed.
    pub(crate) text: String,
    /// The lines under it.
    pub(crate) output: Vec<String>,
}

/// The blocks of a page, in order.
pub(crate) fn blocks(page: &str) -> Vec<Block> {
    let mut found = Vec::new();
    let mut open: Option<(Block, &str)> = None;
    let mut indent = 0;
    for (index, line) in page.lines().enumerate() {
        match open.take() {
            Some((block, end)) if line.trim() == end => found.push(block),
            Some((mut block, end)) => {
                block
                    .lines
                    .push(line.get(indent..).unwrap_or_default().to_owned());
                open = Some((block, end));
            }
            None => {
                indent = line.len() - line.trim_start().len();
                let fence = line.trim_start().strip_prefix("```");
                let start = match fence {
                    Some(info) => Some((info.trim(), "```")),
                    None => (line.trim() == "<!-- run").then_some(("run", "-->")),
                };
                open = start.map(|(info, end)| {
                    let block = Block {
                        line: index + 2,
                        info: info.to_owned(),
                        lines: Vec::new(),
                    };
                    (block, end)
                });
            }
        }
    }
    assert!(open.is_none(), "a block is not closed: {open:?}");
    found
}

/// The commands of a block; a command goes on behind a backslash.
pub(crate) fn commands(block: &Block) -> Vec<Command> {
    let mut found: Vec<Command> = Vec::new();
    let mut goes_on = false;
    for (index, line) in block.lines.iter().enumerate() {
        match (found.last_mut(), line.strip_prefix("$ ")) {
            (Some(command), _) if goes_on => {
                command.text.push('\n');
                command.text.push_str(line);
            }
            (_, Some(text)) => found.push(Command {
                line: block.line + index,
                text: text.to_owned(),
                output: Vec::new(),
            }),
            (Some(command), None) => {
                command.output.push(line.trim_end().to_owned());
                continue;
            }
            (None, None) => panic!("line {}: no command: {line}", block.line + index),
        }
        goes_on = line.ends_with('\\');
    }
    for command in &mut found {
        while command.output.last().is_some_and(String::is_empty) {
            command.output.pop();
        }
    }
    found
}

/// Whether a command printed what the page shows; if not, what is missing.
pub(crate) fn differs(expected: &[String], printed: &str) -> Option<String> {
    let mut printed = printed.lines().map(squeezed).filter(|line| !line.is_empty());
    let mut skips = false;
    for line in expected.iter().filter(|line| !line.is_empty()) {
        if line.trim() == "…" {
            skips = true;
            continue;
        }
        let pattern = squeezed(line);
        let next = if skips {
            printed.find(|line| fits(&pattern, line))
        } else {
            printed.next().filter(|line| fits(&pattern, line))
        };
        if next.is_none() {
            return Some(line.clone());
        }
        skips = false;
    }
    None
}

/// One space for many, as columns are as wide as their longest value; and an age at the end is any age.
fn squeezed(line: &str) -> String {
    let mut words: Vec<&str> = line.split_whitespace().collect();
    if let Some(last) = words.last_mut()
        && last.len() > 1
        && last.ends_with(['s', 'm', 'h', 'd'])
        && last.starts_with(|letter: char| letter.is_ascii_digit())
        && last
            .chars()
            .all(|letter| letter.is_ascii_digit() || "smhd".contains(letter))
    {
        *last = "AGE";
    }
    words.join(" ")
}

/// `…` is any text.
fn fits(pattern: &str, line: &str) -> bool {
    let Some((start, rest)) = pattern.split_once('…') else {
        return pattern == line;
    };
    let Some(mut line) = line.strip_prefix(start) else {
        return false;
    };
    let mut parts: Vec<&str> = rest.split('…').collect();
    let end = parts.pop().unwrap_or_default();
    for part in parts {
        let Some(at) = line.find(part) else {
            return false;
        };
        line = &line[at + part.len()..];
    }
    line.ends_with(end)
}

/// Every page that a reader meets.
pub(crate) fn pages() -> Vec<PathBuf> {
    let project = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut found: Vec<PathBuf> = ["README.md", "CONTRIBUTING.md", "SECURITY.md"]
        .iter()
        .map(|name| project.join(name))
        .collect();
    let mut directories = vec![project.join("docs")];
    while let Some(directory) = directories.pop() {
        for entry in std::fs::read_dir(directory).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                directories.push(path);
            } else if path.extension().is_some_and(|extension| extension == "md") {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}
