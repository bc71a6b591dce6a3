//! GnuTLS: `gnutls-cli` and `gnutls-serv`.

use std::{path::PathBuf, process::Command};

use super::{Listening, Peer, Worker, tool};
use crate::{
    matrix::{
        capabilities::Capabilities,
        case::Case,
        credentials::Credentials,
        keyward::REQUEST,
        report::Report,
        values::{Certificate, Direction, Flow, Group, KeyExchange, SUITES, Suite, Version},
    },
    process::{self, Running},
};

struct GnuTls<'a> {
    client: PathBuf,
    server: PathBuf,
    credentials: &'a Credentials,
    product: String,
    suites: Vec<&'static str>,
    groups: Vec<String>,
    ml_dsa: bool,
}

/// GnuTLS, if its tools are installed.
pub(super) fn find(credentials: &Credentials) -> Option<Box<dyn Peer + '_>> {
    let client = process::find("gnutls-cli")?;
    let server = process::find("gnutls-serv")?;
    let ask = |argument: &str| {
        let mut command = Command::new(&client);
        command.arg(argument);
        process::run(command, b"").text
    };
    let version = ask("--version");
    let version = version
        .lines()
        .nth(1)
        .and_then(|line| line.split(' ').nth(1));
    let list = ask("--list");
    // `TLS_… 0x13, 0x01 TLS1.3`: its own names, but the code points of all.
    let has = |suite: &Suite| {
        let code = format!("0x{:02x}, 0x{:02x}", suite.code >> 8, suite.code & 0xff);
        list.lines().any(|line| line.contains(&code))
    };
    let groups = tool::after(&list, "Groups: ").unwrap_or_default();
    Some(Box::new(GnuTls {
        product: tool::product("GnuTLS", version.unwrap_or_default()),
        suites: SUITES
            .iter()
            .filter(|suite| has(suite))
            .map(|suite| suite.name)
            .collect(),
        groups: groups
            .split(", ")
            .filter_map(|group| group.strip_prefix("GROUP-"))
            .map(str::to_ascii_lowercase)
            .collect(),
        ml_dsa: list.contains("ML-DSA-65"),
        client,
        server,
        credentials,
    }))
}

impl Peer for GnuTls<'_> {
    fn word(&self) -> &'static str {
        "gnutls"
    }

    fn title(&self) -> String {
        format!("{}, gnutls-cli and gnutls-serv", self.product)
    }

    fn capabilities(&self, _: Direction) -> Capabilities {
        let lacking: Vec<Certificate> = Certificate::ALL
            .into_iter()
            .filter(|kind| kind.is_ml_dsa() && !self.ml_dsa)
            .collect();
        Capabilities::new(self.product.clone())
            .without_certificates(Version::Tls13, &lacking)
            .with_suites(&self.suites)
            .with_groups(Version::Tls13, &self.groups)
            .with_groups(Version::Tls12, &self.groups)
    }

    /// `gnutls-cli --resume` leaves after its first handshake, and talks on the second connection only.
    fn first_is_silent(&self) -> bool {
        true
    }

    fn worker(&self) -> Box<dyn Worker + '_> {
        Box::new(self)
    }
}

impl Worker for &GnuTls<'_> {
    fn connect(&mut self, case: &Case, port: u16) -> Result<Vec<Report>, String> {
        let mut command = Command::new(&self.client);
        command
            .args(["--port", &port.to_string(), "--priority"])
            .arg(priority(case, &case.offered_groups()))
            .args([
                "--sni-hostname",
                &case.host(),
                "--verify-hostname",
                &case.host(),
            ])
            .arg("--x509cafile")
            .arg(self.credentials.authority_file());
        if let Some(kind) = case.client_certificate {
            let own = self.credentials.client(kind);
            command.arg("--x509certfile").arg(&own.chain_file);
            command.arg("--x509keyfile").arg(&own.key_file);
        }
        match case.flow {
            Flow::Full => {}
            Flow::HelloRetry => {
                command.arg("--single-key-share");
            }
            Flow::EarlyData => {
                command
                    .args(["--resume", "--waitresumption", "--earlydata"])
                    .arg(self.credentials.request_file());
            }
            Flow::Ticket => {
                command.args(["--resume", "--waitresumption"]);
            }
            Flow::SessionId => {
                command.arg("--resume");
            }
        }
        command.arg("127.0.0.1");
        let mut running = Running::start(command);
        running.send(REQUEST);
        // At the end of its input it would leave, answer or not.
        let text = running.wait().text;
        if !text.contains("\nserved\n") || !text.contains("The certificate is trusted") {
            return Err(format!("no answer came, or it was not verified:\n{text}"));
        }
        let parts: Vec<&str> = text.split("- Connecting again").collect();
        parts
            .into_iter()
            .map(|part| report(case, part, false))
            .collect()
    }

    fn listen(&mut self, case: &Case) -> Result<Box<dyn Listening + '_>, String> {
        let own = self.credentials.server(case.certificate);
        let port = tool::free_port();
        let mut command = Command::new(&self.server);
        command
            .args(["--echo", "--port", &port.to_string()])
            .args(["--priority", &priority(case, &case.groups())])
            .arg("--x509certfile")
            .arg(&own.chain_file)
            .arg("--x509keyfile")
            .arg(&own.key_file)
            .arg("--x509cafile")
            .arg(self.credentials.authority_file());
        command.args(if case.client_certificate.is_some() {
            ["--require-client-cert", "--verify-client-cert"].as_slice()
        } else {
            &["--disable-client-cert"]
        });
        if case.flow == Flow::EarlyData {
            command.arg("--earlydata");
        }
        let mut running = Running::start(command);
        running.expect(&format!("port {port}...done"));
        Ok(Box::new(Serv {
            port,
            case: *case,
            running,
        }))
    }
}

struct Serv {
    port: u16,
    case: Case,
    running: Running,
}

impl Listening for Serv {
    fn port(&self) -> u16 {
        self.port
    }

    fn complaint(self: Box<Self>) -> Option<String> {
        Some(self.running.text())
    }

    /// It echoes, line by line.
    fn mark(&self) -> &'static [u8] {
        b"GET / HTTP/1.0"
    }

    fn finish(mut self: Box<Self>, answers: &[Vec<u8>]) -> Result<Vec<Report>, String> {
        for _ in answers {
            self.running.expect("* Accepted connection");
            self.running.expect("- Channel bindings");
        }
        let text = self.running.text();
        let parts = text.split("* Accepted connection").skip(1);
        parts.map(|part| report(&self.case, part, true)).collect()
    }
}

/// What `part` of the output says of one connection. The description is `(TLS1.2-X.509)-(ECDHE-X25519)-
/// (ECDSA-SHA256)-(AES-128-GCM)`; with CBC suites the last parts are `(AES-128-CBC)-(SHA1)`.
fn report(case: &Case, part: &str, server: bool) -> Result<Report, String> {
    let description =
        tool::after(part, "- Description: ").ok_or_else(|| format!("no session:\n{part}"))?;
    let words: Vec<&str> = description
        .split(['(', ')'])
        .filter(|word| word.len() > 1)
        .collect();
    let (cipher, mac) = cipher(case.suite);
    let expected = match mac {
        "AEAD" => vec![cipher],
        mac => vec![cipher, mac],
    };
    let kx = match case.suite.key_exchange {
        KeyExchange::Rsa => Some("RSA"),
        _ => None,
    };
    if !words.ends_with(&expected) || kx.is_some_and(|kx| !words.contains(&kx)) {
        return Err(format!("the suite is {description}"));
    }
    let group = words.iter().find_map(|word| {
        let group = word
            .strip_prefix("ECDHE-")
            .or_else(|| word.strip_prefix("DHE-"))?;
        Group::named(group)
    });
    let peer = if server {
        Some(tool::after(part, "Subject: CN=").map(str::to_owned))
    } else {
        // The name was verified by itself.
        None
    };
    Ok(Report {
        version: Version::ALL
            .into_iter()
            .find(|version| words[0].starts_with(&format!("TLS{}", version.number()))),
        suite: Some(case.suite),
        group,
        resumed: part.contains("This is a resumed session"),
        peer,
        ..Report::default()
    })
}

/// What is offered and accepted: the case's values alone.
fn priority(case: &Case, groups: &[&Group]) -> String {
    let (cipher, mac) = cipher(case.suite);
    let kx = match case.suite.key_exchange {
        KeyExchange::Tls13 => "",
        KeyExchange::EcdheEcdsa => ":-KX-ALL:+ECDHE-ECDSA",
        KeyExchange::EcdheRsa => ":-KX-ALL:+ECDHE-RSA",
        KeyExchange::DheRsa => ":-KX-ALL:+DHE-RSA",
        KeyExchange::Rsa => ":-KX-ALL:+RSA",
    };
    let mut text = format!(
        "NORMAL:-VERS-ALL:+VERS-TLS{}:-CIPHER-ALL:+{cipher}:-MAC-ALL:+{mac}{kx}",
        case.version().number()
    );
    if !case.tickets() {
        text.push_str(":%NO_TICKETS");
    }
    if !groups.is_empty() {
        text.push_str(":-GROUP-ALL");
    }
    for group in groups {
        text.push_str(":+GROUP-");
        text.push_str(&group.name.to_ascii_uppercase());
    }
    text
}

/// GnuTLS's words for the cipher and the MAC of a suite.
fn cipher(suite: &Suite) -> (&'static str, &'static str) {
    let name = suite.name;
    let ends = |end: &str| name.ends_with(end);
    if name.contains("CHACHA20") {
        ("CHACHA20-POLY1305", "AEAD")
    } else if ends("AES_128_GCM_SHA256") {
        ("AES-128-GCM", "AEAD")
    } else if ends("AES_256_GCM_SHA384") {
        ("AES-256-GCM", "AEAD")
    } else {
        let cipher = if name.contains("AES_128") {
            "AES-128-CBC"
        } else {
            "AES-256-CBC"
        };
        let mac = match name.rsplit('_').next() {
            Some("SHA256") => "SHA256",
            Some("SHA384") => "SHA384",
            _ => "SHA1",
        };
        (cipher, mac)
    }
}
