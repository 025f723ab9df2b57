//! Tables whose less important columns give way on a narrow terminal.

use ratatui::layout::{Alignment, Constraint};
use ratatui::style::Style;
use ratatui::text::{Line, Text};
use ratatui::widgets::{Cell, Row, Table};

use super::cut;

/// Space between two columns.
const GAP: u16 = 2;

/// Which end of a text is left out where there is no room for it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Elide {
    Start,
    End,
}

/// A column and its cells.
pub(super) struct Column {
    header: &'static str,
    cells: Vec<(String, Style)>,
    right: bool,
    /// Lower ones go first; none never goes.
    worth: Option<u8>,
    /// How narrow it may become, and at which end.
    shrinks: Option<(u16, Elide)>,
}

impl Column {
    /// Text.
    pub(super) fn text(header: &'static str, cells: Vec<(String, Style)>) -> Self {
        Self {
            header,
            cells,
            right: false,
            worth: None,
            shrinks: None,
        }
    }

    /// Numbers stand at the right.
    pub(super) fn number(header: &'static str, cells: Vec<(String, Style)>) -> Self {
        Self {
            right: true,
            ..Self::text(header, cells)
        }
    }

    /// Goes where there is no room, the least worth first.
    pub(super) fn worth(self, worth: u8) -> Self {
        Self {
            worth: Some(worth),
            ..self
        }
    }

    /// May lose its beginning: names of pods differ at their ends.
    pub(super) fn keeps_its_end(self, width: u16) -> Self {
        Self {
            shrinks: Some((width, Elide::Start)),
            ..self
        }
    }

    /// May lose its end.
    pub(super) fn keeps_its_beginning(self, width: u16) -> Self {
        Self {
            shrinks: Some((width, Elide::End)),
            ..self
        }
    }

    /// The width below which it goes.
    fn narrowest(&self) -> u16 {
        let width = self.width();
        self.shrinks.map_or(width, |(least, _)| width.min(least))
    }

    fn shown(&self, text: &str, narrow: u16) -> String {
        let (width, length) = (usize::from(narrow), text.chars().count());
        match self.shrinks {
            Some((_, elide)) if length > width => match elide {
                Elide::End => cut(text, narrow),
                Elide::Start => ['…']
                    .into_iter()
                    .chain(text.chars().skip(length - width.saturating_sub(1)))
                    .collect(),
            },
            _ => text.to_owned(),
        }
    }

    fn width(&self) -> u16 {
        let cells = self.cells.iter().map(|(text, _)| text.chars().count());
        let longest = cells.chain([self.header.len()]).max().unwrap_or_default();
        u16::try_from(longest).unwrap_or(u16::MAX)
    }
}

/// A table of so many columns of the terminal.
pub(super) fn table(mut columns: Vec<Column>, room: u16, header: Style) -> Table<'static> {
    while total(columns.iter().map(Column::narrowest)) > room {
        let least = columns
            .iter()
            .enumerate()
            .filter_map(|(index, column)| Some((column.worth?, index)))
            .min();
        match least {
            Some((_, index)) => {
                columns.remove(index);
            }
            None => break,
        }
    }
    let widths = shrunk(&columns, room);
    let rows = columns.iter().map(|column| column.cells.len()).max().unwrap_or(0);
    let sized = || columns.iter().zip(&widths);
    let body = (0..rows).map(|row| {
        Row::new(sized().map(|(column, width)| {
            let (text, style) = column
                .cells
                .get(row)
                .map_or(("", Style::new()), |(text, style)| (text.as_str(), *style));
            cell(column, column.shown(text, *width), style)
        }))
    });
    let head = Row::new(
        columns
            .iter()
            .map(|column| cell(column, column.header.to_owned(), header)),
    );
    Table::new(
        body.collect::<Vec<_>>(),
        widths.iter().copied().map(Constraint::Length),
    )
    .header(head)
    .column_spacing(GAP)
}

fn cell(column: &Column, text: String, style: Style) -> Cell<'static> {
    let alignment = if column.right {
        Alignment::Right
    } else {
        Alignment::Left
    };
    Cell::from(Text::from(Line::styled(text, style).alignment(alignment)))
}

/// The widths, the first columns narrowed first.
fn shrunk(columns: &[Column], room: u16) -> Vec<u16> {
    let mut widths: Vec<u16> = columns.iter().map(Column::width).collect();
    for (index, column) in columns.iter().enumerate() {
        let over = total(widths.iter().copied()).saturating_sub(room);
        if let Some(width) = widths.get_mut(index) {
            *width = width.saturating_sub(over).max(column.narrowest());
        }
    }
    widths
}

fn total(widths: impl ExactSizeIterator<Item = u16>) -> u16 {
    let gaps = GAP.saturating_mul(u16::try_from(widths.len().saturating_sub(1)).unwrap_or(u16::MAX));
    widths.fold(gaps, u16::saturating_add)
}
