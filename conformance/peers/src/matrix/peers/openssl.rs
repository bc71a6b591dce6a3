//! OpenSSL: `s_client` and `s_server`.

use std::{path::PathBuf, process::Command};

use super::{Listening, Peer, Worker, tool};
use crate::{
    matrix::{
        capabilities::Capabilities,
        case::Case,
        credentials::Credentials,
        keyward::REQUEST,
        report::Report,
        values::{Direction, GROUPS, GroupKind, Resumption, Suite, Version},
    },
    openssl::parse_session,
    process::{self, Running},
};

struct OpenSsl<'a> {
    program: PathBuf,
    credentials: &'a Credentials,
    /// `OpenSSL` and its version.
    product: String,
    suites: Vec<String>,
    /// Those of TLS 1.3.
    groups: Vec<&'static str>,
}

/// OpenSSL, if it is installed.
pub(super) fn find(credentials: &Credentials) -> Option<Box<dyn Peer + '_>> {
    let program = process::find("openssl")?;
    let ask = |arguments: &[&str]| {
        let mut command = Command::new(&program);
        command.env("OPENSSL_CONF", "/dev/null").args(arguments);
        process::run(command, b"")
    };
    let version = ask(&["version"]).succeeded();
    let version = String::from_utf8_lossy(&version.stdout).into_owned();
    let suites = ask(&["ciphers", "ALL"]).succeeded();
    let suites = String::from_utf8_lossy(&suites.stdout).into_owned();
    // A group that it does not know makes the options invalid; one that it knows has it ask for a connection.
    let knows = |group: &str| {
        let said = ask(&[
            "s_client",
            "-connect",
            "127.0.0.1:1",
            "-tls1_3",
            "-groups",
            group,
        ])
        .text;
        said.contains("Connection refused")
    };
    Some(Box::new(OpenSsl {
        product: tool::product("OpenSSL", version.split(' ').nth(1).unwrap_or_default()),
        suites: suites.trim().split(':').map(str::to_owned).collect(),
        groups: GROUPS
            .iter()
            .filter(|group| knows(group.openssl))
            .map(|group| group.name)
            .collect(),
        program,
        credentials,
    }))
}

impl Peer for OpenSsl<'_> {
    fn word(&self) -> &'static str {
        "openssl"
    }

    fn title(&self) -> String {
        format!("{}, s_client and s_server", self.product)
    }

    fn capabilities(&self, _: Direction) -> Capabilities {
        let tls12 = GROUPS.iter().filter(|group| {
            // The finite-field groups of TLS 1.2 come to the server as parameters in a file.
            group.kind == GroupKind::FiniteField
                || (group.kind == GroupKind::Curve && self.groups.contains(&group.name))
        });
        Capabilities::new(self.product.clone())
            .with_suites(&self.suites)
            .with_groups(Version::Tls13, &self.groups)
            .with_groups(Version::Tls12, tls12.map(|group| group.name))
    }

    fn worker(&self) -> Box<dyn Worker + '_> {
        Box::new(self)
    }
}

impl OpenSsl<'_> {
    fn command(&self, tool: &str, case: &Case) -> Command {
        let mut command = Command::new(&self.program);
        // The distribution's configuration may rule out what a case wants to offer.
        command.env("OPENSSL_CONF", "/dev/null").arg(tool);
        match case.version() {
            Version::Tls13 => command.args(["-tls1_3", "-ciphersuites", case.suite.openssl]),
            Version::Tls12 => command.args(["-tls1_2", "-cipher", case.suite.openssl]),
        };
        let groups: Vec<&str> = case
            .groups()
            .into_iter()
            // In TLS 1.2 OpenSSL 3 has no such groups, but parameters.
            .filter(|group| {
                case.version() == Version::Tls13 || group.kind != GroupKind::FiniteField
            })
            .map(|group| group.openssl)
            .collect();
        if !groups.is_empty() {
            command.args(["-groups", &groups.join(":")]);
        }
        if case.resumption == Resumption::SessionId {
            command.arg("-no_ticket");
        }
        command
            .arg("-CAfile")
            .arg(self.credentials.authority_file());
        command
    }
}

impl Worker for &OpenSsl<'_> {
    fn connect(&mut self, case: &Case, port: u16) -> Result<Vec<Report>, String> {
        let sessions = tempfile::tempdir().map_err(|error| error.to_string())?;
        let session = sessions.path().join("session.pem");
        let mut reports = Vec::new();
        for index in 0..case.connections() {
            let mut command = self.command("s_client", case);
            command
                .args(["-connect", &format!("127.0.0.1:{port}")])
                .args([
                    "-servername",
                    &case.host(),
                    "-verify_hostname",
                    &case.host(),
                ])
                .args(["-verify_return_error", "-ign_eof", "-nocommands"]);
            if let Some(kind) = case.client_certificate {
                let own = self.credentials.client(kind);
                command
                    .arg("-cert")
                    .arg(&own.chain_file)
                    .arg("-key")
                    .arg(&own.key_file);
            }
            if index > 0 {
                command.arg("-sess_in").arg(&session);
            } else if case.connections() > 1 {
                command.arg("-sess_out").arg(&session);
            }
            let text = process::run(command, REQUEST).text;
            if !text.contains("\nserved\n") {
                return Err(format!("no answer came:\n{text}"));
            }
            reports.push(client_report(&text)?);
        }
        Ok(reports)
    }

    fn listen(&mut self, case: &Case) -> Result<Box<dyn Listening + '_>, String> {
        let mut command = self.command("s_server", case);
        let own = self.credentials.server(case.certificate);
        command
            .args(["-accept", "127.0.0.1:0", "-www"])
            .arg("-cert")
            .arg(&own.chain_file)
            .arg("-key")
            .arg(&own.key_file);
        if case.client_certificate.is_some() {
            command.args(["-Verify", "2", "-verify_return_error"]);
        }
        if let Some(parameters) = case
            .group
            .and_then(|group| self.credentials.dh_parameters(group))
        {
            command.arg("-dhparam").arg(parameters);
        }
        let mut running = Running::start(command);
        running.expect("ACCEPT 127.0.0.1:");
        running.expect("\n");
        let port = tool::after(&running.text(), "ACCEPT 127.0.0.1:")
            .and_then(|port| port.parse().ok())
            .ok_or("s_server says no port")?;
        Ok(Box::new(SServer { port, running }))
    }
}

fn client_report(text: &str) -> Result<Report, String> {
    let session = parse_session(text).ok_or_else(|| format!("no session:\n{text}"))?;
    let group = tool::after(text, "Server Temp Key: ").and_then(|key| {
        // `X25519, 253 bits`, `ECDH, prime256v1, 256 bits`, `DH, 2048 bits`.
        let mut words: Vec<&str> = key.split(", ").collect();
        words.pop();
        crate::matrix::values::Group::named(words.pop()?)
    });
    Ok(Report {
        version: version(&session.version),
        suite: Suite::named(&session.cipher),
        group,
        resumed: session.resumed,
        peer: Some(tool::after(text, "subject=").map(common_name)),
    })
}

fn version(name: &str) -> Option<Version> {
    Version::ALL
        .into_iter()
        .find(|version| name.strip_prefix("TLSv") == Some(version.number()))
}

/// The last part of `CN = name` or `CN=name`.
fn common_name(subject: &str) -> String {
    subject
        .rsplit('=')
        .next()
        .unwrap_or_default()
        .trim()
        .to_owned()
}

struct SServer {
    port: u16,
    running: Running,
}

impl Listening for SServer {
    fn port(&self) -> u16 {
        self.port
    }

    fn complaint(self: Box<Self>) -> Option<String> {
        Some(self.running.text())
    }

    fn mark(&self) -> &'static [u8] {
        b"</HTML>"
    }

    /// With `-www` the answer is a page about the connection.
    fn finish(self: Box<Self>, answers: &[Vec<u8>]) -> Result<Vec<Report>, String> {
        let pages = answers.iter().map(|page| String::from_utf8_lossy(page));
        pages
            .map(|page| {
                let session = parse_session(&page).ok_or_else(|| format!("no session:\n{page}"))?;
                Ok(Report {
                    version: version(&session.version),
                    suite: Suite::named(&session.cipher),
                    group: None,
                    resumed: session.resumed,
                    peer: Some(tool::after(&page, "Subject: ").map(common_name)),
                })
            })
            .collect()
    }
}
