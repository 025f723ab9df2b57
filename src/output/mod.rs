//! Text, JSON, YAML, tables and escaping. Every renderer is a pure function that returns the text; a caller
//! prints it through `anstream`, which takes the colours out for pipes and `NO_COLOR`.

pub mod chart;
pub mod csv;
pub mod escape;
pub mod html;
pub mod load;
#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a failed unwrap fails the test")]
mod load_test;
pub mod structured;
pub mod text;

/// The columns of a terminal whose width is not known.
pub const DEFAULT_WIDTH: usize = 80;

/// The columns of the terminal at standard output, [`DEFAULT_WIDTH`] where there is none.
pub fn terminal_width() -> usize {
    terminal_size::terminal_size_of(std::io::stdout())
        .map_or(DEFAULT_WIDTH, |(width, _)| usize::from(width.0).max(40))
}

/// The columns of the terminal at standard output; where there is none, nobody counts them.
pub fn terminal_width_or_any() -> usize {
    if std::io::IsTerminal::is_terminal(&std::io::stdout()) {
        terminal_width()
    } else {
        usize::MAX
    }
}
