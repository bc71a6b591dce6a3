//! `gnutls-cli`.

use std::{path::Path, process::Command};

use crate::{
    process::{Finished, Running},
    stand::Stand,
};

/// One run of `gnutls-cli` against the stand, with the chain and the host name verified.
pub struct GnutlsCli {
    command: Command,
    host: String,
}

impl GnutlsCli {
    /// A client that asks for `host` and offers what `priority` says.
    pub fn new(gnutls_cli: &Path, stand: &Stand, host: &str, priority: &str) -> Self {
        let mut command = Command::new(gnutls_cli);
        command
            .args(["--port", &stand.address().port().to_string()])
            .args(["--sni-hostname", host, "--verify-hostname", host])
            .args(["--priority", priority])
            .arg("--x509cafile")
            .arg(stand.ca_file());
        Self {
            command,
            host: host.to_owned(),
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

    /// Shakes hands, asks for `path` over HTTP/1.1, and reads until the edge closes.
    #[track_caller]
    pub fn get(mut self, stand: &Stand, path: &str) -> Outcome {
        self.command.arg(stand.address().ip().to_string());
        let request = format!(
            "GET {path} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n\r\n",
            self.host
        );
        let mut running = Running::start(self.command);
        running.send(request.as_bytes());
        // At the end of its input it would say close_notify and leave, answer or not.
        Outcome(running.wait())
    }
}

/// What `gnutls-cli` printed.
#[derive(Debug)]
pub struct Outcome(pub Finished);

impl Outcome {
    /// What it calls the session, such as `(TLS1.3-X.509)-(ECDHE-X25519)-(ECDSA-SECP256R1-SHA256)-(AES-128-GCM)`. The
    /// last one, of a run that connects twice.
    #[track_caller]
    pub fn description(&self) -> &str {
        self.0
            .text
            .lines()
            .rev()
            .find_map(|line| line.strip_prefix("- Description: "))
            .unwrap_or_else(|| panic!("no session:\n{}", self.0.text))
    }

    /// Whether the second connection of a run with `--resume` resumed the session of the first.
    pub fn resumed(&self) -> bool {
        self.0.text.contains("*** This is a resumed session")
    }

    /// Whether a fatal alert of this name, such as `Handshake failed`, came from the edge.
    pub fn alert(&self, name: &str) -> bool {
        self.0
            .text
            .lines()
            .any(|line| line.starts_with("*** Fatal error") || line.contains("Received alert"))
            && self.0.text.contains(name)
    }

    /// Panics unless the service's answer has come back.
    #[track_caller]
    pub fn answered(self) -> Self {
        let finished = self.0.succeeded();
        assert!(
            finished.text.contains("HTTP/1.1 200"),
            "no answer from the service:\n{}",
            finished.text
        );
        assert!(
            finished.text.contains("The certificate is trusted"),
            "not verified:\n{}",
            finished.text
        );
        Self(finished)
    }
}
