//! What is wrong, where, and what to do about it.

use std::fmt;
use std::path::PathBuf;

/// One mistake in a configuration, or in a file that it names.
///
/// Displays as `FILE:LINE:COLUMN: cause; remedy`, which editors and terminals turn into a link.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// How bad it is.
    pub severity: Severity,
    /// The file that is wrong; `None` for a configuration that is not from a file.
    pub file: Option<PathBuf>,
    /// Where in the file; `None` when all of it is meant.
    pub position: Option<Position>,
    /// What is wrong.
    pub cause: String,
    /// What to do about it; may be empty where the cause says it.
    pub remedy: String,
}

/// How bad a [`Problem`] is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Severity {
    /// It does not work, or does something else than the configuration says.
    Error,
    /// It works, and should be looked at.
    Warning,
}

/// A place in a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Position {
    /// From 1.
    pub line: usize,
    /// From 1, in characters.
    pub column: usize,
}

impl Problem {
    /// An error of a whole file.
    pub fn in_file(
        file: impl Into<PathBuf>,
        cause: impl Into<String>,
        remedy: impl Into<String>,
    ) -> Self {
        Self {
            severity: Severity::Error,
            file: Some(file.into()),
            position: None,
            cause: cause.into(),
            remedy: remedy.into(),
        }
    }

    /// The same as a warning.
    #[must_use]
    pub fn warning(self) -> Self {
        Self {
            severity: Severity::Warning,
            ..self
        }
    }
}

impl Position {
    /// The place of a byte of `text`; of its end for an offset behind it.
    pub(crate) fn of(text: &str, offset: usize) -> Self {
        let before = &text[..text.floor_char_boundary(offset)];
        let start = before.rfind('\n').map_or(0, |newline| newline + 1);
        Self {
            line: before.matches('\n').count() + 1,
            column: before[start..].chars().count() + 1,
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(file) = &self.file {
            write!(f, "{}:", file.display())?;
            if let Some(Position { line, column }) = self.position {
                write!(f, "{line}:{column}:")?;
            }
            f.write_str(" ")?;
        }
        f.write_str(&self.cause)?;
        if !self.remedy.is_empty() {
            write!(f, "; {}", self.remedy)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_count_characters_from_one() {
        let text = "a\nbü c\n";
        for (offset, line, column) in [
            (0, 1, 1),
            (2, 2, 1),
            (4, 2, 2), // in the middle of the ü
            (5, 2, 3),
            (100, 3, 1),
        ] {
            assert_eq!(
                Position::of(text, offset),
                Position { line, column },
                "{offset}"
            );
        }
    }

    #[test]
    fn displays_as_a_link() {
        let whole = Problem::in_file("edge.toml", "there is no site", "add one");
        assert_eq!(whole.to_string(), "edge.toml: there is no site; add one");
        let placed = Problem {
            position: Some(Position { line: 2, column: 3 }),
            ..whole.clone()
        };
        assert_eq!(
            placed.to_string(),
            "edge.toml:2:3: there is no site; add one"
        );
        let bare = Problem {
            file: None,
            remedy: String::new(),
            ..whole
        };
        assert_eq!(bare.to_string(), "there is no site");
    }
}
