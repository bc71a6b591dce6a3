//! `openssl s_client`.

use std::{path::Path, process::Command};

use crate::{
    process::{self, Finished, Running},
    stand::Stand,
};

/// One run of `openssl s_client` against the stand, with the chain and the host name verified.
pub struct SClient {
    command: Command,
    host: String,
}

impl SClient {
    /// A client that asks for `host`.
    pub fn new(openssl: &Path, stand: &Stand, host: &str) -> Self {
        let mut command = Command::new(openssl);
        command
            // The distribution's configuration file may rule out what a test wants to offer.
            .env("OPENSSL_CONF", "/dev/null")
            .args(["s_client", "-connect", &stand.address().to_string()])
            .args([
                "-servername",
                host,
                "-verify_hostname",
                host,
                "-verify_return_error",
            ])
            .arg("-CAfile")
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

    /// Adds an option and its value.
    pub fn option(mut self, name: &str, value: impl AsRef<std::ffi::OsStr>) -> Self {
        self.command.arg(name).arg(value);
        self
    }

    /// Shakes hands, asks for `path` over HTTP/1.1, and reads until the edge closes.
    #[track_caller]
    pub fn get(mut self, path: &str) -> Outcome {
        // `-ign_eof`: stay until the answer is there, though standard input has ended.
        self.command.args(["-ign_eof", "-nocommands"]);
        let request = format!(
            "GET {path} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n\r\n",
            self.host
        );
        Outcome(process::run(self.command, request.as_bytes()))
    }

    /// Shakes hands and lets the test converse; lines that are `K`, `k` or `Q` are commands to `s_client`.
    #[track_caller]
    pub fn converse(self) -> Running {
        Running::start(self.command)
    }
}

/// What `s_client` negotiated, in its own words.
#[derive(Debug, PartialEq, Eq)]
pub struct Session {
    /// `TLSv1.3` or `TLSv1.2`.
    pub version: String,
    /// OpenSSL's name of the suite.
    pub cipher: String,
    /// Whether the session was resumed.
    pub resumed: bool,
}

/// A finished run.
#[derive(Debug)]
pub struct Outcome(pub Finished);

impl Outcome {
    /// The negotiated session; panics with the output if there is none.
    #[track_caller]
    pub fn session(&self) -> Session {
        parse_session(&self.0.text).unwrap_or_else(|| panic!("no session:\n{}", self.0.text))
    }

    /// Whether the handshake was completed.
    pub fn connected(&self) -> bool {
        parse_session(&self.0.text).is_some()
    }

    /// The group of the key exchange in OpenSSL's words, such as `X25519` or `ECDH, prime256v1`.
    pub fn group(&self) -> Option<&str> {
        self.0
            .after("Server Temp Key: ")
            .and_then(|key| key.rsplit_once(','))
            .map(|(group, _bits)| group)
    }

    /// The protocol that ALPN agreed on.
    pub fn alpn(&self) -> Option<&str> {
        self.0.after("ALPN protocol: ")
    }

    /// The kind of the server's signature, such as `ECDSA` or `RSA-PSS`.
    pub fn signature(&self) -> Option<&str> {
        self.0.after("Peer signature type: ")
    }

    /// The number of the alert that the edge sent.
    pub fn alert(&self) -> Option<u8> {
        self.0.after("SSL alert number ")?.parse().ok()
    }

    /// How many ClientHellos were sent, for runs with `-msg`.
    pub fn client_hellos(&self) -> usize {
        self.messages(">>>", "ClientHello")
    }

    /// The length of the first ClientHello in bytes, with `-msg`.
    pub fn client_hello_len(&self) -> Option<usize> {
        let line = self
            .0
            .text
            .lines()
            .find(|line| line.ends_with(", ClientHello"))?;
        let (_, length) = line.split_once("[length ")?;
        usize::from_str_radix(length.get(..4)?, 16).ok()
    }

    /// How many handshake messages of that name went in that direction (`>>>` sent, `<<<` received), with `-msg`.
    pub fn messages(&self, direction: &str, name: &str) -> usize {
        messages(&self.0.text, direction, name)
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
            finished.text.contains("Verify return code: 0 (ok)"),
            "not verified:\n{}",
            finished.text
        );
        Self(finished)
    }
}

/// Counts the lines of `-msg` that tell of a handshake message.
pub fn messages(text: &str, direction: &str, name: &str) -> usize {
    text.lines()
        .filter(|line| {
            line.starts_with(direction)
                && line.contains("Handshake")
                && line.ends_with(&format!(", {name}"))
        })
        .count()
}

/// The session that `s_client`, or a page of `s_server -www`, tells of.
pub fn parse_session(text: &str) -> Option<Session> {
    text.lines().find_map(|line| {
        let (kind, rest) = line.split_once(", ")?;
        let resumed = match kind {
            "New" => false,
            "Reused" => true,
            _ => return None,
        };
        let (version, cipher) = rest.split_once(", Cipher is ")?;
        (cipher != "(NONE)").then(|| Session {
            version: version.to_owned(),
            cipher: cipher.to_owned(),
            resumed,
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_s_client_prints() {
        let text = "---\nReused, TLSv1.3, Cipher is TLS_AES_128_GCM_SHA256\n";
        let session = parse_session(text).unwrap();
        assert_eq!(session.version, "TLSv1.3");
        assert_eq!(session.cipher, "TLS_AES_128_GCM_SHA256");
        assert!(session.resumed);
        assert_eq!(parse_session("New, (NONE), Cipher is (NONE)\n"), None);
    }

    #[test]
    fn counts_messages() {
        let text = ">>> TLS 1.3, Handshake [length 00f2], ClientHello\n    01 00\n<<< TLS 1.3, Handshake [length 0058], ServerHello\n>>> TLS 1.3, Handshake [length 00f2], ClientHello\n";
        assert_eq!(messages(text, ">>>", "ClientHello"), 2);
        assert_eq!(messages(text, "<<<", "ServerHello"), 1);
    }
}
