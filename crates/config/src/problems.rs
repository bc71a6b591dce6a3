//! All that is wrong, at once.

use std::error::Error;
use std::fmt;

use crate::{Problem, Severity};

/// Collects problems, so that an operator sees all of them at once.
#[derive(Clone, Debug, Default)]
pub struct Problems(Vec<Problem>);

impl Problems {
    /// One more problem.
    pub fn push(&mut self, problem: Problem) {
        self.0.push(problem);
    }

    /// The value, or `None` and one more problem.
    pub fn note<T>(&mut self, result: Result<T, Problem>) -> Option<T> {
        result.map_err(|problem| self.push(problem)).ok()
    }

    /// The values, and a problem for each that is not one.
    pub fn note_all<T>(&mut self, results: impl IntoIterator<Item = Result<T, Problem>>) -> Vec<T> {
        let results = results.into_iter();
        results.filter_map(|result| self.note(result)).collect()
    }

    /// In the order in which they were found.
    pub fn iter(&self) -> impl Iterator<Item = &Problem> {
        self.0.iter()
    }

    /// The errors among them.
    pub fn errors(&self) -> Vec<&Problem> {
        self.of(Severity::Error)
    }

    /// The warnings among them.
    pub fn warnings(&self) -> Vec<&Problem> {
        self.of(Severity::Warning)
    }

    fn of(&self, severity: Severity) -> Vec<&Problem> {
        let fits = |problem: &&Problem| problem.severity == severity;
        self.iter().filter(fits).collect()
    }

    /// `Ok` if there is no error.
    ///
    /// # Errors
    /// The errors, without the warnings.
    pub fn check(self) -> Result<(), ConfigError> {
        let mut problems = self.0;
        problems.retain(|problem| problem.severity == Severity::Error);
        if problems.is_empty() {
            Ok(())
        } else {
            Err(ConfigError { problems })
        }
    }
}

impl Extend<Problem> for Problems {
    fn extend<I: IntoIterator<Item = Problem>>(&mut self, problems: I) {
        self.0.extend(problems);
    }
}

impl IntoIterator for Problems {
    type Item = Problem;
    type IntoIter = std::vec::IntoIter<Problem>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

/// Why a configuration cannot be used: everything that is wrong, one line each.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigError {
    /// At least one.
    pub problems: Vec<Problem>,
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, problem) in self.problems.iter().enumerate() {
            let separator = if i == 0 { "" } else { "\n" };
            write!(f, "{separator}{problem}")?;
        }
        Ok(())
    }
}

impl Error for ConfigError {}

impl From<Problem> for ConfigError {
    fn from(problem: Problem) -> Self {
        Self {
            problems: vec![problem],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn warnings_do_not_stop_anything() {
        let error = Problem::in_file("a.toml", "wrong", "correct it");
        let warning = Problem::in_file("b.key", "open", "close it").warning();
        let mut problems = Problems::default();
        problems.push(warning.clone());
        assert_eq!(problems.clone().check(), Ok(()));
        assert_eq!(problems.note::<()>(Err(error.clone())), None);
        assert_eq!(problems.note(Ok(1)), Some(1));
        assert_eq!(problems.errors(), [&error]);
        assert_eq!(problems.warnings(), [&warning]);
        let error = problems.check().unwrap_err();
        assert_eq!(error.to_string(), "a.toml: wrong; correct it");
    }
}
