//! The arguments of `help`, and the topics that no single command's help can hold.

use clap::Args;

/// The arguments.
#[derive(Debug, Clone, Args)]
#[command(after_help = "\
Examples:
  # What a command does, with examples
  kubectl tfserve help autoscale

  # What else there is to read, and one of it
  kubectl tfserve help topics
  kubectl tfserve help exit-codes")]
pub struct HelpArgs {
    /// A command, a topic, or `topics` for their list
    #[arg(value_name = "WORD")]
    pub words: Vec<String>,
}

/// A text about what concerns several commands.
#[derive(Debug, Clone, Copy)]
pub struct Topic {
    /// How it is asked for.
    pub name: &'static str,
    /// The whole text; its first line is the title.
    pub text: &'static str,
}

/// All topics.
pub const TOPICS: &[Topic] = &[
    Topic {
        name: "environment",
        text: include_str!("topics/environment.txt"),
    },
    Topic {
        name: "exit-codes",
        text: include_str!("topics/exit-codes.txt"),
    },
    Topic {
        name: "facts",
        text: include_str!("topics/facts.txt"),
    },
    Topic {
        name: "findings",
        text: include_str!("topics/findings.txt"),
    },
    Topic {
        name: "targets",
        text: include_str!("topics/targets.txt"),
    },
];

impl Topic {
    /// The topic of a name.
    pub fn find(name: &str) -> Option<&'static Self> {
        TOPICS.iter().find(|topic| topic.name == name)
    }

    /// Its first line.
    pub fn title(&self) -> &'static str {
        self.text.lines().next().unwrap_or_default()
    }
}
