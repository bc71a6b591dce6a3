//! OpenSSL: `s_client` and `s_server`.

use std::{
    path::PathBuf,
    process::Command,
    thread::{self, JoinHandle},
};

use super::{Listening, Peer, Worker, tool};
use crate::{
    matrix::{
        capabilities::Capabilities,
        case::Case,
        credentials::Credentials,
        keyward::{ANSWER, REQUEST},
        report::Report,
        values::{Certificate, Direction, Flow, GROUPS, GroupKind, Suite, Version},
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
    ml_dsa: bool,
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
        ml_dsa: ask(&["list", "-signature-algorithms"])
            .text
            .contains("ML-DSA-65"),
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
        let lacking: Vec<Certificate> = Certificate::ALL
            .into_iter()
            .filter(|kind| kind.is_ml_dsa() && !self.ml_dsa)
            .collect();
        Capabilities::new(self.product.clone())
            .without_certificates(Version::Tls13, &lacking)
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
        let groups = match tool {
            "s_client" => case.offered_groups(),
            _ => case.groups(),
        };
        let groups: Vec<&str> = groups
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
        if case.flow == Flow::SessionId {
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
                if case.flow == Flow::EarlyData {
                    command
                        .arg("-early_data")
                        .arg(self.credentials.request_file());
                }
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
            .args(["-accept", "127.0.0.1:0"])
            // A page about the connection, which goes with no early data.
            .arg(match case.flow {
                Flow::EarlyData => "-early_data",
                _ => "-www",
            })
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
        Ok(match case.flow {
            Flow::EarlyData => Box::new(EarlySServer::start(port, running, case.connections())),
            _ => Box::new(SServer { port, running }),
        })
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
        retried: None,
        early: Some(text.contains("Early data was accepted")),
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
                    resumed: session.resumed,
                    peer: Some(tool::after(&page, "Subject: ").map(common_name)),
                    ..Report::default()
                })
            })
            .collect()
    }
}

/// `s_server` without pages: what is on its standard input is its answer.
struct EarlySServer {
    port: u16,
    answering: JoinHandle<Running>,
}

impl EarlySServer {
    /// Answers once in each connection, when the request has come that is not early.
    fn start(port: u16, mut running: Running, connections: usize) -> Self {
        let answering = thread::spawn(move || {
            for _ in 0..connections {
                running.expect("CIPHER is ");
                running.expect("GET / HTTP/1.0");
                running.send(ANSWER);
                running.expect("DONE");
            }
            running
        });
        Self { port, answering }
    }
}

impl Listening for EarlySServer {
    fn port(&self) -> u16 {
        self.port
    }

    fn finish(self: Box<Self>, answers: &[Vec<u8>]) -> Result<Vec<Report>, String> {
        let running = self.answering.join();
        let text = running
            .map_err(|_| "s_server was not asked, or did not end".to_owned())?
            .text();
        // Some of it is written at once and some later, so that only the number of requests tells.
        let requests = text.matches("GET / HTTP/1.0").count();
        let early = text.matches("Early data received").count();
        if requests != answers.len() + early {
            return Err(format!(
                "{requests} requests:
{text}"
            ));
        }
        let one = |part: &str| Report {
            version: None,
            suite: tool::after(part, "CIPHER is ").and_then(Suite::named),
            group: None,
            resumed: part.contains("Reused session-id"),
            retried: None,
            early: Some(part.contains("Early data received")),
            peer: Some(tool::after(part, "subject=").map(common_name)),
        };
        let parts = text.split("CONNECTION CLOSED");
        let parts = parts.filter(|part| part.contains("CIPHER is "));
        Ok(parts.map(one).collect())
    }
}
