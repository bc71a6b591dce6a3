//! Peers that are libraries: Go, Java, Node, Python, each behind a program of ours (see [`lines`](super::lines)).

use std::process::Command;

use super::{Listening, Peer, Worker, lines::Program};
use crate::matrix::{
    capabilities::Capabilities,
    case::Case,
    credentials::{Credentials, Loaded},
    report::Report,
    values::{Certificate, Direction, Group, Suite, Version},
};

/// A library behind a program.
pub(super) struct Library<'a> {
    pub(super) word: &'static str,
    /// How it is driven, after its name and version.
    pub(super) driven: &'static str,
    pub(super) command: Box<dyn Fn() -> Command + Sync + 'a>,
    pub(super) credentials: &'a Credentials,
    /// What the program says of its library.
    pub(super) described: Capabilities,
    /// What it cannot be asked.
    pub(super) adjust: fn(Direction, Capabilities) -> Capabilities,
}

/// Asks a program what its library can do. Its lines: `product` and a name; `suites`, `certificates` and names; `groups`,
/// the version and names.
pub(super) fn describe(command: Command) -> Result<Capabilities, String> {
    let mut program = Program::start(command)?;
    program.tell("role=describe")?;
    let mut capabilities = Capabilities::new("");
    for line in program.answer()? {
        let values = &line[1..];
        match (line[0].as_str(), values) {
            ("product", [product]) => capabilities.product.clone_from(product),
            ("suites", names) => capabilities = capabilities.with_suites(names),
            ("groups", [version, names @ ..]) => {
                let version = Version::ALL
                    .into_iter()
                    .find(|known| known.number() == version);
                let version = version.ok_or("groups of an unknown version")?;
                capabilities = capabilities.with_groups(version, names);
            }
            ("certificates", names) => {
                let lacking: Vec<Certificate> = Certificate::ALL
                    .into_iter()
                    .filter(|kind| !names.iter().any(|name| name == kind.word()))
                    .collect();
                for version in Version::ALL {
                    capabilities = capabilities.without_certificates(version, &lacking);
                }
            }
            _ => return Err(format!("an unknown line: {line:?}")),
        }
    }
    Ok(capabilities)
}

impl Peer for Library<'_> {
    fn word(&self) -> &'static str {
        self.word
    }

    fn title(&self) -> String {
        format!("{}, {}", self.described.product, self.driven)
    }

    fn capabilities(&self, direction: Direction) -> Capabilities {
        (self.adjust)(direction, self.described.clone())
    }

    fn worker(&self) -> Box<dyn Worker + '_> {
        Box::new(Running {
            library: self,
            program: None,
        })
    }
}

struct Running<'a> {
    library: &'a Library<'a>,
    /// Started with the first case, and again after one that failed: what it was about may still go on.
    program: Option<Program>,
}

impl Running<'_> {
    fn program(&mut self) -> Result<Program, String> {
        match self.program.take() {
            Some(program) => Ok(program),
            None => Program::start((self.library.command)()),
        }
    }
}

impl Worker for Running<'_> {
    fn connect(&mut self, case: &Case, port: u16) -> Result<Vec<Report>, String> {
        let mut program = self.program()?;
        let own = case
            .client_certificate
            .map(|kind| self.library.credentials.client(kind));
        let mut job = job("client", case, self.library.credentials, own);
        job.push_str(&format!("\tport={port}"));
        program.tell(&job)?;
        let reports = reports(&program.answer()?)?;
        self.program = Some(program);
        Ok(reports)
    }

    fn listen(&mut self, case: &Case) -> Result<Box<dyn Listening + '_>, String> {
        let mut program = self.program()?;
        let own = Some(self.library.credentials.server(case.certificate));
        program.tell(&job("server", case, self.library.credentials, own))?;
        let port = match program.line()?.as_slice() {
            [word, port] if word == "listening" => {
                port.parse().map_err(|error| format!("the port: {error}"))?
            }
            other => return Err(format!("an unknown line: {other:?}")),
        };
        Ok(Box::new(Waiting {
            back: &mut self.program,
            program,
            port,
        }))
    }
}

struct Waiting<'a> {
    back: &'a mut Option<Program>,
    program: Program,
    port: u16,
}

impl Listening for Waiting<'_> {
    fn port(&self) -> u16 {
        self.port
    }

    fn complaint(mut self: Box<Self>) -> Option<String> {
        // The program may still wait for a connection, and is not used again.
        self.program.complaint()
    }

    fn finish(mut self: Box<Self>, _answers: &[Vec<u8>]) -> Result<Vec<Report>, String> {
        let reports = reports(&self.program.answer()?)?;
        *self.back = Some(self.program);
        Ok(reports)
    }
}

/// A case as a line.
fn job(role: &str, case: &Case, credentials: &Credentials, own: Option<&Loaded>) -> String {
    let list = |separator: &str, one: fn(&Group) -> String| {
        let groups = match role {
            "client" => case.offered_groups(),
            _ => case.groups(),
        };
        let groups: Vec<String> = groups.into_iter().map(one).collect();
        groups.join(separator)
    };
    let file = |file: fn(&Loaded) -> &std::path::Path| {
        own.map_or(String::new(), |own| file(own).display().to_string())
    };
    let dh = case
        .group
        .and_then(|group| credentials.dh_parameters(group))
        .map_or(String::new(), |file| file.display().to_string());
    let fields = [
        ("role", role.to_owned()),
        ("version", case.version().number().to_owned()),
        ("suite", case.suite.name.to_owned()),
        ("suite_openssl", case.suite.openssl.to_owned()),
        ("suite_code", case.suite.code.to_string()),
        (
            "group",
            case.group
                .map_or(String::new(), |group| group.name.to_owned()),
        ),
        ("groups", list(",", |group| group.name.to_owned())),
        (
            "groups_openssl",
            list(":", |group| group.openssl.to_owned()),
        ),
        ("group_codes", list(",", |group| group.code.to_string())),
        ("dh", dh),
        ("host", case.host()),
        ("ca", credentials.authority_file().display().to_string()),
        ("certificate", file(|own| &own.chain_file)),
        ("key", file(|own| &own.key_file)),
        ("client_auth", case.client_certificate.is_some().to_string()),
        ("flow", case.flow.to_string()),
        ("connections", case.connections().to_string()),
    ];
    let fields: Vec<String> = fields
        .iter()
        .map(|(key, value)| format!("{key}={value}"))
        .collect();
    fields.join("\t")
}

/// Lines of an answer: `connection`, and `key=value` for version, suite, group, resumed and peer. A key that is not there is
/// something that the program cannot tell; a peer without a name is one without a certificate.
fn reports(lines: &[Vec<String>]) -> Result<Vec<Report>, String> {
    let one = |line: &Vec<String>| {
        let mut report = Report::default();
        for field in &line[1..] {
            let (key, value) = field.split_once('=').ok_or("a field without a value")?;
            match key {
                "version" => {
                    report.version = Version::ALL
                        .into_iter()
                        .find(|known| known.number() == value);
                    report.version.ok_or("an unknown version")?;
                }
                "suite" => {
                    report.suite =
                        Some(Suite::named(value).ok_or(format!("an unknown suite {value}"))?);
                }
                "group" => {
                    report.group =
                        Some(Group::named(value).ok_or(format!("an unknown group {value}"))?);
                }
                "resumed" => report.resumed = value == "true",
                "retried" => report.retried = Some(value == "true"),
                "peer" => report.peer = Some((!value.is_empty()).then(|| value.to_owned())),
                _ => return Err(format!("an unknown field {key}")),
            }
        }
        Ok(report)
    };
    lines.iter().map(one).collect()
}
