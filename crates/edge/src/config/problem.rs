//! What is wrong with a configuration file, where, and what to do about it.

use std::fmt;
use std::ops::Range;
use std::path::{Path, PathBuf};

/// One mistake in the configuration, or in a file that it names.
///
/// Displays as `FILE:LINE:COLUMN: cause; remedy`, which editors and terminals turn into a link.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The configuration file.
    pub file: PathBuf,
    /// Line and column, both from 1, columns in characters; `None` when the whole file is meant.
    pub position: Option<(usize, usize)>,
    /// What is wrong.
    pub cause: String,
    /// What to do about it.
    pub remedy: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:", self.file.display())?;
        if let Some((line, column)) = self.position {
            write!(f, "{line}:{column}:")?;
        }
        write!(f, " {}; {}", self.cause, self.remedy)
    }
}

/// A configuration that the edge refuses to start with: everything that is wrong, one line each.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigError {
    /// At least one.
    pub problems: Vec<Problem>,
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, problem) in self.problems.iter().enumerate() {
            let separator = if index == 0 { "" } else { "\n" };
            write!(f, "{separator}{problem}")?;
        }
        Ok(())
    }
}

impl std::error::Error for ConfigError {}

impl From<Problem> for ConfigError {
    fn from(problem: Problem) -> Self {
        Self {
            problems: vec![problem],
        }
    }
}

/// Collects problems, so that an operator sees all of them at once.
#[derive(Default)]
pub(crate) struct Problems(Vec<Problem>);

impl Problems {
    /// The value, or `None` and one more problem.
    pub(crate) fn note<T>(&mut self, result: Result<T, Problem>) -> Option<T> {
        result.map_err(|problem| self.0.push(problem)).ok()
    }

    /// The values, and a problem for each that is not one.
    pub(crate) fn note_all<T>(
        &mut self,
        results: impl Iterator<Item = Result<T, Problem>>,
    ) -> Vec<T> {
        results.filter_map(|result| self.note(result)).collect()
    }

    /// `value`, if nothing was noted. `None` is only for a value that a problem was noted for.
    pub(crate) fn finish<T>(self, value: Option<T>) -> Result<T, ConfigError> {
        match value {
            Some(value) if self.0.is_empty() => Ok(value),
            _ => Err(ConfigError { problems: self.0 }),
        }
    }
}

/// A configuration file's text and name, from which an error gets its position.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Source<'a> {
    pub(crate) file: &'a Path,
    pub(crate) text: &'a str,
}

impl Source<'_> {
    /// An error at a byte range of the text.
    pub(crate) fn error(
        &self,
        span: Range<usize>,
        cause: impl Into<String>,
        remedy: impl Into<String>,
    ) -> Problem {
        Problem {
            position: Some(position(self.text, span.start)),
            ..self.error_in_file(cause, remedy)
        }
    }

    /// An error that no single place in the text has.
    pub(crate) fn error_in_file(
        &self,
        cause: impl Into<String>,
        remedy: impl Into<String>,
    ) -> Problem {
        Problem {
            file: self.file.to_owned(),
            position: None,
            cause: cause.into(),
            remedy: remedy.into(),
        }
    }

    /// What the TOML reader says, with its place.
    pub(crate) fn syntax(&self, error: &toml::de::Error) -> Problem {
        let cause = error.message().trim_end().replace('\n', "; ");
        let remedy = "the settings are listed in examples/edge.toml";
        match error.span() {
            Some(span) => self.error(span, cause, remedy),
            None => self.error_in_file(cause, remedy),
        }
    }

    /// A path as the file means it: relative to the folder that the file is in.
    pub(crate) fn path(&self, path: &Path) -> PathBuf {
        match self.file.parent() {
            Some(folder) => folder.join(path),
            None => path.to_owned(),
        }
    }
}

fn position(text: &str, offset: usize) -> (usize, usize) {
    let before = text.get(..offset).unwrap_or(text);
    let line = before.matches('\n').count() + 1;
    let start = before.rfind('\n').map_or(0, |newline| newline + 1);
    (line, before[start..].chars().count() + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_count_characters() {
        assert_eq!(position("a = 1\nbé = 2", 6), (2, 1));
        assert_eq!(position("a = 1\nbé = 2", 9), (2, 3));
        assert_eq!(position("a", 99), (1, 2));
    }

    #[test]
    fn displays_as_a_link() {
        let source = Source {
            file: Path::new("edge.toml"),
            text: "x\n  y",
        };
        let error = source.error(4..5, "y is wrong", "remove it");
        assert_eq!(error.to_string(), "edge.toml:2:3: y is wrong; remove it");
    }
}
