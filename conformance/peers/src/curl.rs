//! `curl`.

use std::{path::Path, process::Command};

use crate::{
    process::{self, Finished},
    stand::Stand,
};

/// One run of `curl` that resolves the host to the stand and trusts the stand's CA alone.
pub struct Curl {
    command: Command,
    url: String,
}

impl Curl {
    /// A request for `path` of `host`.
    pub fn new(curl: &Path, stand: &Stand, host: &str, path: &str) -> Self {
        let port = stand.address().port();
        let mut command = Command::new(curl);
        command
            // First, or a `.curlrc` is read.
            .arg("--disable")
            .args([
                "--silent",
                "--show-error",
                "--fail",
                "--max-time",
                "50",
                "--noproxy",
                "*",
            ])
            .args([
                "--resolve",
                &format!("{host}:{port}:{}", stand.address().ip()),
            ])
            .arg("--cacert")
            .arg(stand.ca_file())
            .args(["--write-out", r"%{stderr}version=%{http_version}\n"]);
        Self {
            command,
            url: format!("https://{host}:{port}{path}"),
        }
    }

    /// Adds an option that stands alone.
    pub fn arg(mut self, argument: &str) -> Self {
        self.command.arg(argument);
        self
    }

    /// Adds several arguments.
    pub fn args(mut self, arguments: &[&str]) -> Self {
        self.command.args(arguments);
        self
    }

    /// Adds an option and its value.
    pub fn option(mut self, name: &str, value: &str) -> Self {
        self.command.args([name, value]);
        self
    }

    /// Asks once; `input` is what `--data-binary @-` or `--upload-file -` reads.
    #[track_caller]
    pub fn run(mut self, input: &[u8]) -> Response {
        self.command.arg(&self.url);
        Response(process::run(self.command, input))
    }
}

/// What came back.
#[derive(Debug)]
pub struct Response(pub Finished);

impl Response {
    /// The body.
    pub fn body(&self) -> &[u8] {
        &self.0.stdout
    }

    /// The HTTP version of the answer, `1.1` or `2`.
    pub fn http_version(&self) -> Option<&str> {
        // From standard error alone: it comes in pieces, between those of the body.
        let stderr = std::str::from_utf8(&self.0.stderr).ok()?;
        let (_, version) = stderr.split_once("version=")?;
        version.lines().next()
    }
}
