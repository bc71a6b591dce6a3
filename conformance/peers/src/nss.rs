//! NSS, the library of Firefox: its `tstclnt`, and the certificate database that Chromium reads as well.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use crate::{
    process::{self, Finished},
    stand::Stand,
};

/// A throwaway certificate database that trusts the stand's CA alone.
pub struct Database {
    name: String,
}

impl Database {
    /// Makes it in `directory` with `certutil`.
    #[track_caller]
    pub fn create(certutil: &Path, directory: &Path, stand: &Stand) -> Self {
        fs::create_dir_all(directory).expect("a directory in a temporary directory");
        let name = format!("sql:{}", directory.display());
        let mut create = Command::new(certutil);
        create.args(["-N", "--empty-password", "-d", &name]);
        process::run(create, b"").succeeded();
        let mut trust = Command::new(certutil);
        trust.args(["-A", "-d", &name, "-n", "stand", "-t", "C,,", "-i"]);
        trust.arg(stand.ca_file());
        process::run(trust, b"").succeeded();
        Self { name }
    }
}

/// One run of `tstclnt` against the stand, with the chain and the host name verified.
pub struct Tstclnt {
    command: Command,
    request: PathBuf,
    host: String,
}

impl Tstclnt {
    /// A client that asks for `host` with this version alone, `tls1.3` or `tls1.2`.
    pub fn new(
        tstclnt: &Path,
        database: &Database,
        stand: &Stand,
        host: &str,
        version: &str,
    ) -> Self {
        let mut command = Command::new(tstclnt);
        command
            .args(["-4", "-v", "-h", &stand.address().ip().to_string()])
            .args(["-p", &stand.address().port().to_string()])
            .args(["-a", host, "-d", &database.name])
            .args(["-V", &format!("{version}:{version}")]);
        Self {
            command,
            request: stand.directory().join(format!("{host}.request")),
            host: host.to_owned(),
        }
    }

    /// Adds several arguments.
    pub fn args(mut self, arguments: &[&str]) -> Self {
        self.command.args(arguments);
        self
    }

    /// Shakes hands, asks for `path` over HTTP/1.1, and reads until the edge closes.
    #[track_caller]
    pub fn get(mut self, path: &str) -> Outcome {
        let request = format!(
            "GET {path} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n\r\n",
            self.host
        );
        fs::write(&self.request, request).expect("a file in a temporary directory");
        self.command.arg("-A").arg(&self.request);
        Outcome(process::run(self.command, b""))
    }
}

/// What `tstclnt` printed.
#[derive(Debug)]
pub struct Outcome(pub Finished);

impl Outcome {
    /// The scheme of the server's signature, by its IANA name.
    pub fn signature(&self) -> Option<&str> {
        self.0.after("Signature Scheme: ")
    }

    /// The error's name, such as `SSL_ERROR_HANDSHAKE_FAILURE_ALERT`.
    pub fn failed_with(&self, error: &str) -> bool {
        self.0.code != Some(0) && self.0.text.contains(error)
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
        Self(finished)
    }
}
