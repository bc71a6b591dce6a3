//! A configuration file: its text, its values, and the places of both.

use std::fs::File;
use std::io::Read;
use std::ops::{Range, RangeInclusive};
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::de::DeserializeOwned;
use serde_spanned::Spanned;

use crate::suggestion::unknown_key;
use crate::{Position, Problem, Severity};

/// No configuration is larger, in bytes; reading a wrong file by mistake ends here.
const MAX_FILE_LEN: u64 = 4 * 1024 * 1024;

/// The text of a configuration file.
///
/// # Errors
/// The file cannot be read, is no text, or is far too large.
pub fn read(path: &Path) -> Result<String, Problem> {
    let mut bytes = Vec::new();
    File::open(path)
        .and_then(|file| file.take(MAX_FILE_LEN + 1).read_to_end(&mut bytes))
        .map_err(|error| {
            Problem::in_file(
                path,
                format!("cannot read the configuration: {error}"),
                "name an existing file that this user may read; `examples` has some to begin with",
            )
        })?;
    if bytes.len() as u64 > MAX_FILE_LEN {
        return Err(Problem::in_file(
            path,
            format!("more than {MAX_FILE_LEN} bytes are no configuration"),
            "is this the right file?",
        ));
    }
    String::from_utf8(bytes).map_err(|error| {
        Problem::in_file(
            path,
            format!("cannot read the configuration: {}", error.utf8_error()),
            "the file must be UTF-8 text",
        )
    })
}

/// A configuration file's text and name, from which a problem gets its position.
#[derive(Clone, Debug)]
pub struct Source {
    file: PathBuf,
    text: String,
    /// Where the settings are explained.
    example: &'static str,
}

impl Source {
    /// A text. `file` names it in problems, and paths in the text are relative to its folder. `example` is the file that
    /// explains the settings, for remedies.
    pub fn new(file: impl Into<PathBuf>, text: impl Into<String>, example: &'static str) -> Self {
        Self {
            file: file.into(),
            text: text.into(),
            example,
        }
    }

    /// The values of the TOML text.
    ///
    /// # Errors
    /// What TOML or the type's own rules say is wrong, with its place. For a key that does not exist, the remedy is the one
    /// that was probably meant.
    pub fn parse<T: DeserializeOwned>(&self) -> Result<T, Problem> {
        toml::from_str(&self.text).map_err(|error| {
            let message = error.message().trim();
            let remedy = unknown_key(message).unwrap_or_else(|| format!("see {}", self.example));
            let span = error.span().unwrap_or_default();
            self.problem(span, message.replace('\n', ": "), remedy)
        })
    }

    /// An error at a byte range of the text.
    pub fn problem(
        &self,
        span: Range<usize>,
        cause: impl Into<String>,
        remedy: impl Into<String>,
    ) -> Problem {
        Problem {
            position: Some(self.position(&span)),
            ..self.problem_in_file(cause, remedy)
        }
    }

    /// An error that no single place in the text has.
    pub fn problem_in_file(&self, cause: impl Into<String>, remedy: impl Into<String>) -> Problem {
        Problem {
            severity: Severity::Error,
            file: Some(self.file.clone()),
            position: None,
            cause: cause.into(),
            remedy: remedy.into(),
        }
    }

    /// The file's name.
    pub fn file(&self) -> &Path {
        &self.file
    }

    /// Where a byte range of the text starts.
    pub fn position(&self, span: &Range<usize>) -> Position {
        Position::of(&self.text, span.start)
    }

    /// A path as the file means it: relative to the folder that the file is in.
    pub fn path(&self, path: impl AsRef<Path>) -> PathBuf {
        match self.file.parent() {
            Some(folder) => folder.join(path),
            None => path.as_ref().to_owned(),
        }
    }

    /// A number, or `default` if none is written.
    ///
    /// # Errors
    /// It is not in `range`, or no `N`.
    pub fn number<N: TryFrom<i64>>(
        &self,
        written: Option<&Spanned<i64>>,
        range: RangeInclusive<i64>,
        default: N,
    ) -> Result<N, Problem> {
        let Some(written) = written else {
            return Ok(default);
        };
        let number = *written.get_ref();
        N::try_from(number)
            .ok()
            .filter(|_| range.contains(&number))
            .ok_or_else(|| {
                self.problem(
                    written.span(),
                    format!("{number} is out of range"),
                    format!("write a number from {} to {}", range.start(), range.end()),
                )
            })
    }

    /// A time in milliseconds, at least one and at most `max`, or `default` if none is written.
    ///
    /// # Errors
    /// It is out of range.
    pub fn milliseconds(
        &self,
        written: Option<&Spanned<i64>>,
        max: i64,
        default: Duration,
    ) -> Result<Duration, Problem> {
        match written {
            None => Ok(default),
            Some(_) => self.number(written, 1..=max, 0).map(Duration::from_millis),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Settings {
        timeout_ms: Option<Spanned<i64>>,
    }

    fn source(text: &str) -> Source {
        Source::new("dir/a.toml", text, "examples/a.toml")
    }

    fn parsed(text: &str) -> Result<Settings, String> {
        source(text).parse().map_err(|problem| problem.to_string())
    }

    #[test]
    fn what_toml_says_has_place_and_remedy() {
        for (text, starts, ends) in [
            (
                "\ntimeout = 1",
                "dir/a.toml:2:1: unknown field `timeout`",
                "; did you mean `timeout_ms`?",
            ),
            ("timeout_ms = ", "dir/a.toml:1:", "; see examples/a.toml"),
            (
                "timeout_ms = \"1\"",
                "dir/a.toml:1:14: invalid type",
                "; see examples/a.toml",
            ),
        ] {
            let message = parsed(text).unwrap_err();
            assert!(message.starts_with(starts), "{message}");
            assert!(message.ends_with(ends), "{message}");
            assert!(!message.contains('\n'), "{message}");
        }
    }

    #[test]
    fn times_have_bounds() {
        let default = Duration::from_secs(1);
        let time = |text: &str| {
            let written = parsed(text).unwrap().timeout_ms;
            source(text)
                .milliseconds(written.as_ref(), 2000, default)
                .map_err(|problem| problem.to_string())
        };
        assert_eq!(time(""), Ok(default));
        assert_eq!(time("timeout_ms = 1"), Ok(Duration::from_millis(1)));
        assert_eq!(time("timeout_ms = 2000"), Ok(Duration::from_secs(2)));
        for wrong in ["0", "-4", "2001"] {
            assert_eq!(
                time(&format!("timeout_ms = {wrong}")).unwrap_err(),
                format!("dir/a.toml:1:14: {wrong} is out of range; write a number from 1 to 2000")
            );
        }
    }

    #[test]
    fn numbers_fit_their_type() {
        let written = parsed("timeout_ms = 256").unwrap().timeout_ms;
        let number = source("timeout_ms = 256").number::<u8>(written.as_ref(), 0..=1000, 1);
        assert!(number.is_err());
    }

    #[test]
    fn paths_are_relative_to_the_file() {
        let source = source("");
        assert_eq!(source.path("b.pem"), Path::new("dir/b.pem"));
        assert_eq!(source.path("/c.pem"), Path::new("/c.pem"));
    }

    #[test]
    fn what_cannot_be_read_is_named() {
        let message = read(Path::new("/nonexistent/a.toml")).unwrap_err();
        assert!(
            message
                .to_string()
                .starts_with("/nonexistent/a.toml: cannot read the configuration: "),
            "{message}"
        );
        // Without an end.
        let message = read(Path::new("/dev/zero")).unwrap_err();
        assert!(
            message.to_string().contains("no configuration"),
            "{message}"
        );
    }
}
