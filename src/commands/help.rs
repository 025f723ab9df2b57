//! `help`: of a command, or a topic.

use clap::{Command, CommandFactory};

use super::print::print;
use crate::Error;
use crate::cli::{Cli, HelpArgs, TOPICS, Topic};
use crate::exit;

/// Prints what the words ask for.
pub(super) fn run(args: &HelpArgs) -> Result<u8, Error> {
    let mut command = Cli::command();
    command.build();
    let topic = match args.words.as_slice() {
        [word] if word == "topics" => Some(topics()),
        [word] => Topic::find(word).map(|topic| topic.text.to_owned()),
        _ => None,
    };
    let text = match topic {
        Some(text) => text,
        None => of_command(&mut command, &args.words)?,
    };
    print(&text)?;
    Ok(exit::OK)
}

fn of_command(root: &mut Command, words: &[String]) -> Result<String, Error> {
    let mut command = root;
    for word in words {
        command = command.find_subcommand_mut(word).ok_or_else(|| unknown(words))?;
    }
    Ok(command.render_long_help().ansi().to_string())
}

fn topics() -> String {
    let lines = TOPICS
        .iter()
        .map(|topic| format!("\n  {:<13}{}", topic.name, topic.title()));
    std::iter::once("Topics, for `kubectl tfserve help TOPIC`:".to_owned())
        .chain(lines)
        .collect()
}

fn unknown(words: &[String]) -> Error {
    Error::Usage(format!(
        "`{}` is neither a command nor a topic: `kubectl tfserve --help` lists the commands, `kubectl tfserve help topics` the topics",
        words.join(" ")
    ))
}
