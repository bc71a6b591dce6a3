//! The status page: what there is to know about a process, for a person, as HTML without scripts.
//!
//! What fills it in hands over text; nothing of it is markup, whatever it contains ([`html::escape`]).

mod chart;
mod html;

use crate::metrics::HistogramSnapshot;

pub(crate) use html::{STYLE, render};

/// What the page shows, from top to bottom.
#[derive(Clone, Debug, Default)]
pub struct Page {
    sections: Vec<Section>,
}

#[derive(Clone, Debug)]
struct Section {
    title: String,
    blocks: Vec<Block>,
}

#[derive(Clone, Debug)]
enum Block {
    Facts(Vec<(String, Cell)>),
    Table(Table),
    Charts(Vec<(String, HistogramSnapshot)>),
}

/// A table of a page.
#[derive(Clone, Debug)]
pub struct Table {
    columns: Vec<String>,
    rows: Vec<Vec<Cell>>,
    /// What is said instead if there is no row.
    empty: String,
}

/// A text of a page, and how it is to be taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cell {
    text: String,
    tone: Tone,
    numeric: bool,
}

/// How a text is to be taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tone {
    /// As it is.
    Plain,
    /// All is well.
    Good,
    /// Somebody should look at it.
    Warning,
    /// Somebody has to look at it now.
    Bad,
}

impl Page {
    /// Begins a section; what is added from here on is in it.
    pub fn section(&mut self, title: impl Into<String>) {
        self.sections.push(Section {
            title: title.into(),
            blocks: Vec::new(),
        });
    }

    /// Adds facts, each with its name.
    pub fn facts<N: Into<String>, C: Into<Cell>>(
        &mut self,
        facts: impl IntoIterator<Item = (N, C)>,
    ) {
        let facts = facts
            .into_iter()
            .map(|(name, fact)| (name.into(), fact.into()))
            .collect();
        self.add(Block::Facts(facts));
    }

    /// Adds a table.
    pub fn table(&mut self, table: Table) {
        self.add(Block::Table(table));
    }

    /// Adds drawings of how long things took; those that never happened are left out.
    pub fn charts<T: Into<String>>(
        &mut self,
        charts: impl IntoIterator<Item = (T, HistogramSnapshot)>,
    ) {
        let charts = charts
            .into_iter()
            .filter(|(_, histogram)| histogram.count() > 0)
            .map(|(title, histogram)| (title.into(), histogram))
            .collect();
        self.add(Block::Charts(charts));
    }

    fn add(&mut self, block: Block) {
        if self.sections.is_empty() {
            self.section("");
        }
        if let Some(section) = self.sections.last_mut() {
            section.blocks.push(block);
        }
    }
}

impl Table {
    /// A table without rows. `empty` is said as long as there are none.
    pub fn new(columns: &[&str], empty: impl Into<String>) -> Self {
        Self {
            columns: columns.iter().map(|&column| column.to_owned()).collect(),
            rows: Vec::new(),
            empty: empty.into(),
        }
    }

    /// Adds a row, with a cell for each column.
    pub fn row(&mut self, cells: impl IntoIterator<Item = Cell>) {
        let mut cells: Vec<_> = cells.into_iter().collect();
        cells.resize_with(self.columns.len(), || Cell::from(""));
        self.rows.push(cells);
    }
}

impl Cell {
    /// To be taken in this way.
    #[must_use]
    pub fn tone(self, tone: Tone) -> Self {
        Self { tone, ..self }
    }

    /// A number, with its digits in groups of three.
    pub fn number(number: u64) -> Self {
        let digits = number.to_string();
        let mut text = String::with_capacity(digits.len() * 4 / 3);
        for (i, digit) in digits.chars().enumerate() {
            if i > 0 && (digits.len() - i).is_multiple_of(3) {
                // A narrow space that no line breaks at.
                text.push('\u{202f}');
            }
            text.push(digit);
        }
        Self {
            numeric: true,
            ..Self::from(text)
        }
    }

    /// A number that should be 0.
    pub fn bad_number(number: u64) -> Self {
        let tone = if number == 0 { Tone::Plain } else { Tone::Bad };
        Self::number(number).tone(tone)
    }
}

impl From<String> for Cell {
    fn from(text: String) -> Self {
        Self {
            text,
            tone: Tone::Plain,
            numeric: false,
        }
    }
}

impl From<&str> for Cell {
    fn from(text: &str) -> Self {
        Self::from(text.to_owned())
    }
}
