//! `keyward connect` against `keyward serve` and `openssl s_server`, as processes of their own.

mod broken_certificates;
mod client_certificate;
mod data;
mod negotiation;
mod openssl;
mod output;
mod resumption;
mod rustls_server;
mod trouble;
mod trust;

use std::fs;
use std::io::Write;
use std::path::PathBuf;
use std::process::{Output, Stdio};

use keyward_pki::{Authority, Issued, KeyAlgorithm};
use tempfile::TempDir;

use crate::support::keyward;
use crate::support::stand::NAME;

/// A CA and a folder for files.
struct Stage {
    dir: TempDir,
    authority: Authority,
}

impl Stage {
    /// With the certificates `ecdsa` and `rsa` for [`NAME`], and `ca.pem`.
    fn new() -> Self {
        let stage = Self {
            dir: tempfile::tempdir().unwrap(),
            authority: Authority::new("Test CA").unwrap(),
        };
        fs::write(stage.path("ca.pem"), stage.authority.ca_pem()).unwrap();
        for (name, algorithm) in [
            ("ecdsa", KeyAlgorithm::P256),
            ("rsa", KeyAlgorithm::Rsa2048),
        ] {
            let issued = stage.authority.issue_server(&[NAME], algorithm).unwrap();
            stage.save(name, &issued);
        }
        stage
    }

    fn save(&self, name: &str, issued: &Issued) {
        issued.save(self.dir.path(), name).unwrap();
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn text(&self, name: &str) -> String {
        self.path(name).to_str().unwrap().to_owned()
    }

    /// `keyward connect ADDRESS` as [`NAME`], trusting the stage's CA.
    fn connect(&self, address: &str, more: &[&str]) -> Said {
        self.connect_with(address, more, b"")
    }

    fn connect_with(&self, address: &str, more: &[&str], input: &[u8]) -> Said {
        let ca = self.text("ca.pem");
        let mut arguments = vec!["--server-name", NAME, "--ca", &ca];
        arguments.extend(more);
        connect(address, &arguments, input)
    }
}

/// What the command said, and its exit code.
#[derive(Debug)]
struct Said {
    code: Option<i32>,
    stdout: String,
    stderr: String,
}

/// Runs `keyward connect` to its end.
fn connect(address: &str, more: &[&str], input: &[u8]) -> Said {
    let mut child = keyward(&["connect", address])
        .args(more)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let Output {
        status,
        stdout,
        stderr,
    } = std::thread::scope(|scope| {
        scope.spawn(move || {
            // It may be gone before it reads any of it.
            let _ = stdin.write_all(input);
        });
        child.wait_with_output().unwrap()
    });
    Said {
        code: status.code(),
        stdout: String::from_utf8_lossy(&stdout).into_owned(),
        stderr: String::from_utf8_lossy(&stderr).into_owned(),
    }
}

impl Said {
    /// That it ended so.
    #[track_caller]
    fn exits(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "{self:#?}");
        self
    }

    /// That it ended so, without everything that it said in the failure.
    #[track_caller]
    fn exits_quietly(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "{}", self.stderr);
        self
    }

    /// That the report says all of this, be it across lines.
    #[track_caller]
    fn says(self, words: &[&str]) -> Self {
        let unfolded: Vec<&str> = self.stdout.split_whitespace().collect();
        let unfolded = unfolded.join(" ");
        for word in words {
            assert!(
                self.stdout.contains(word) || unfolded.contains(word),
                "{word:?} is missing: {self:#?}"
            );
        }
        self
    }

    /// That the error says all of this.
    #[track_caller]
    fn complains(self, words: &[&str]) -> Self {
        for word in words {
            assert!(self.stderr.contains(word), "{word:?} is missing: {self:#?}");
        }
        self
    }

    /// The value of a row of the last report.
    #[track_caller]
    fn row(&self, name: &str) -> &str {
        self.stdout
            .lines()
            .rev()
            .find_map(|line| line.strip_prefix(name))
            .unwrap_or_else(|| panic!("no row {name:?}: {self:#?}"))
            .trim()
    }
}
