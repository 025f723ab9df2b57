//! Lines of text: wrapped, aligned and escaped.

use comfy_table::presets::NOTHING;
use comfy_table::{ColumnConstraint, ContentArrangement, Row, Table, Width};
use owo_colors::OwoColorize;

use crate::output::escape;

/// Where the labels begin.
const LABEL: usize = 3;
/// Where the text of a row begins.
const INDENT: usize = 12;

/// A page that is written from top to bottom.
#[derive(Debug)]
pub(super) struct Page {
    text: String,
    width: usize,
}

impl Page {
    /// An empty page of so many columns.
    pub(super) fn new(width: usize) -> Self {
        Self {
            text: String::new(),
            width: width.max(40),
        }
    }

    /// The page.
    pub(super) fn finish(self) -> String {
        self.text
    }

    /// An empty line, unless the page is empty.
    pub(super) fn gap(&mut self) {
        if !self.text.is_empty() {
            self.text.push('\n');
        }
    }

    /// Pieces beside each other, two spaces apart; a piece that does not fit begins a new line. The first
    /// one is bold. Returns the number of lines.
    pub(super) fn heading(&mut self, pieces: &[String]) -> usize {
        let mut lines = 1;
        let mut column = 0;
        for (index, piece) in pieces.iter().enumerate() {
            let piece = escape::line(piece);
            let width = piece.chars().count();
            if index > 0 && column + 2 + width > self.width {
                self.text.push('\n');
                lines += 1;
                column = 0;
            } else if index > 0 {
                self.text.push_str("  ");
                column += 2;
            }
            if index == 0 {
                self.text.push_str(&piece.bold().to_string());
            } else {
                self.text.push_str(&piece);
            }
            column += width;
        }
        self.text.push('\n');
        lines
    }

    /// A line that begins with a mark of known width and is continued under its text.
    pub(super) fn marked(&mut self, mark: &str, mark_width: usize, text: &str) {
        for (index, line) in wrap(text, self.width.saturating_sub(mark_width))
            .iter()
            .enumerate()
        {
            if index == 0 {
                self.text.push_str(mark);
            } else {
                self.text.push_str(&" ".repeat(mark_width));
            }
            self.text.push_str(&line.bold().to_string());
            self.text.push('\n');
        }
    }

    /// A labelled row of wrapped text.
    pub(super) fn row(&mut self, label: &str, text: &str) {
        let lines = wrap(text, self.width.saturating_sub(INDENT));
        self.labelled(label, &lines);
    }

    /// A labelled command, which is never wrapped, and what it does.
    pub(super) fn command(&mut self, label: &str, command: &str, note: &str) {
        self.labelled(label, &[escape::line(command).cyan().to_string()]);
        if !note.is_empty() {
            self.row("", note);
        }
    }

    /// A labelled table whose columns are aligned; the last one is wrapped.
    pub(super) fn table(&mut self, label: &str, rows: &[Vec<String>]) {
        let width = self.width.saturating_sub(INDENT);
        self.labelled(label, &align(rows, width));
    }

    fn labelled(&mut self, label: &str, lines: &[String]) {
        for (index, line) in lines.iter().enumerate() {
            let label = if index == 0 { label } else { "" };
            let padded = format!("{label:<width$}", width = INDENT - LABEL);
            self.text.push_str(&" ".repeat(LABEL));
            if label.is_empty() {
                self.text.push_str(&padded);
            } else {
                self.text.push_str(&padded.dimmed().to_string());
            }
            self.text.push_str(line);
            self.text.push('\n');
        }
    }
}

/// Breaks a text at its spaces.
pub(crate) fn wrap(text: &str, width: usize) -> Vec<String> {
    align(&[vec![text.to_owned()]], width)
}

/// Lays rows out in columns: the last column gets what the others leave, and never less than two fifths.
fn align(rows: &[Vec<String>], width: usize) -> Vec<String> {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let mut table = Table::new();
    table
        .load_style(NOTHING)
        .set_content_arrangement(ContentArrangement::Dynamic)
        .set_width(narrow(width));
    for row in rows {
        let mut cells: Vec<String> = row.iter().map(|cell| escape::line(cell).into_owned()).collect();
        cells.resize(columns, String::new());
        table.add_row(Row::from(cells));
    }
    for (index, column) in table.column_iter_mut().enumerate() {
        let last = index + 1 == columns;
        column.set_padding((0, if last { 0 } else { 2 }));
        if columns == 2 && !last {
            column.set_constraint(ColumnConstraint::UpperBoundary(Width::Percentage(60)));
        }
    }
    table.lines().map(|line| line.trim_end().to_owned()).collect()
}

fn narrow(width: usize) -> u16 {
    u16::try_from(width).unwrap_or(u16::MAX)
}
