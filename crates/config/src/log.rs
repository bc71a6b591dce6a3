//! `[log]`: how a process tells what it does, in both files. What the command line says comes first.

use std::path::Path;

use serde::Deserialize;

use crate::{Problem, Source, Spanned, read};

/// The section as it is written.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LogTable {
    format: Option<Spanned<String>>,
    level: Option<Spanned<String>>,
}

/// What the configuration says of logs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LogConfig {
    /// How lines look.
    pub format: Option<LogFormat>,
    /// The least important that are shown.
    pub level: Option<LogLevel>,
}

/// How log lines look.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LogFormat {
    /// Lines for people.
    #[default]
    Human,
    /// One JSON object a line.
    Json,
}

/// How important a log line is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogLevel {
    /// No line is shown.
    Off,
    /// Something does not work.
    Error,
    /// Somebody should look.
    Warn,
    /// What an operator wants to know.
    Info,
    /// Every connection and operation.
    Debug,
    /// All there is.
    Trace,
}

impl LogLevel {
    /// Its name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Off => "off",
            Self::Error => "error",
            Self::Warn => "warn",
            Self::Info => "info",
            Self::Debug => "debug",
            Self::Trace => "trace",
        }
    }

    const ALL: [Self; 6] = [
        Self::Off,
        Self::Error,
        Self::Warn,
        Self::Info,
        Self::Debug,
        Self::Trace,
    ];
}

impl LogTable {
    /// Checks it.
    ///
    /// # Errors
    /// A value is none of those that there are.
    pub fn read(&self, source: &Source) -> Result<LogConfig, Problem> {
        let format = self
            .format
            .as_ref()
            .map(|written| match written.get_ref().as_str() {
                "human" => Ok(LogFormat::Human),
                "json" => Ok(LogFormat::Json),
                other => Err(source.problem(
                    written.span(),
                    format!("logs cannot look like \"{other}\""),
                    "write \"human\" or \"json\"",
                )),
            });
        let level = self.level.as_ref().map(|written| {
            let known = LogLevel::ALL
                .into_iter()
                .find(|level| level.name() == written.get_ref());
            known.ok_or_else(|| {
                source.problem(
                    written.span(),
                    format!("\"{}\" is no level of logs", written.get_ref()),
                    "write \"off\", \"error\", \"warn\", \"info\", \"debug\" or \"trace\"",
                )
            })
        });
        Ok(LogConfig {
            format: format.transpose()?,
            level: level.transpose()?,
        })
    }
}

impl LogConfig {
    /// What a file says of logs, before anything else in it is looked at: what is wrong with it is to be told in the way that
    /// it wants. A file or section that cannot be read says nothing here; reading it in earnest tells why.
    pub fn of_file(path: &Path) -> Self {
        #[derive(Deserialize)]
        struct File {
            log: Option<LogTable>,
        }
        let said = || {
            let source = Source::new(path, read(path).ok()?, "");
            let file: File = source.parse().ok()?;
            file.log?.read(&source).ok()
        };
        said().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> Result<LogConfig, String> {
        let source = Source::new("a.toml", text, "examples/a.toml");
        let table: LogTable = source.parse().map_err(|problem| problem.to_string())?;
        table.read(&source).map_err(|problem| problem.to_string())
    }

    #[test]
    fn formats_and_levels() {
        assert_eq!(parsed(""), Ok(LogConfig::default()));
        let config = parsed("format = \"json\"\nlevel = \"debug\"").unwrap();
        assert_eq!(config.format, Some(LogFormat::Json));
        assert_eq!(config.level, Some(LogLevel::Debug));
        for (text, cause) in [
            (
                "format = \"xml\"",
                "a.toml:1:10: logs cannot look like \"xml\"",
            ),
            ("level = \"verbose\"", "a.toml:1:9: \"verbose\" is no level"),
            ("levl = \"info\"", "did you mean `level`"),
        ] {
            let error = parsed(text).unwrap_err();
            assert!(error.contains(cause), "{error}");
        }
    }

    #[test]
    fn a_file_says_it_whatever_else_is_in_it() {
        let dir = std::env::temp_dir().join(format!("keyward-log-{}", std::process::id()));
        std::fs::create_dir_all(&dir).unwrap();
        let path = dir.join("a.toml");
        let of = |text: &str| {
            std::fs::write(&path, text).unwrap();
            LogConfig::of_file(&path)
        };
        let json = of("wrong = 1\n[log]\nformat = \"json\"\n");
        assert_eq!(json.format, Some(LogFormat::Json));
        assert_eq!(of("[log]\nformat = \"xml\"\n"), LogConfig::default());
        assert_eq!(of("no toml"), LogConfig::default());
        std::fs::remove_dir_all(&dir).unwrap();
        assert_eq!(LogConfig::of_file(&path), LogConfig::default());
    }
}
