//! NSS, the library of Firefox: `tstclnt` and `selfserv`.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    thread,
    time::{Duration, Instant},
};

use super::{Listening, Peer, Worker, tool};
use crate::{
    matrix::{
        capabilities::Capabilities,
        case::{Case, client_name, host},
        credentials::{Credentials, Loaded},
        report::Report,
        values::{Certificate, Direction, Flow, GROUPS, Group, GroupKind, SUITES, Suite, Version},
    },
    process::{self, Running},
};

struct Nss<'a> {
    client: PathBuf,
    server: PathBuf,
    /// The database with all certificates and keys, by the names in them.
    database: String,
    credentials: &'a Credentials,
    product: String,
    /// Those that the tools can be told, by their words for them.
    groups: Vec<String>,
    /// The certificates that could be imported.
    certificates: Vec<Certificate>,
}

/// NSS, if its tools are installed.
pub(super) fn find(credentials: &Credentials) -> Option<Box<dyn Peer + '_>> {
    let client = process::find("tstclnt")?;
    let server = process::find("selfserv")?;
    let certutil = process::find("certutil")?;
    let pk12util = process::find("pk12util")?;
    let openssl = process::find("openssl")?;
    let directory = credentials.directory().join("nss");
    fs::create_dir(&directory).expect("a directory in a temporary directory");
    let database = format!("sql:{}", directory.display());
    let certutil = |arguments: &[&str], file: Option<&Path>| {
        let mut command = Command::new(&certutil);
        command.args(arguments).args(["-d", &database]);
        if let Some(file) = file {
            command.arg("-i").arg(file);
        }
        process::run(command, b"").succeeded();
    };
    certutil(&["-N", "--empty-password"], None);
    certutil(
        &["-A", "-n", "authority", "-t", "CT,,"],
        Some(&credentials.authority_file()),
    );
    let import = |loaded: &Loaded, name: &str| {
        let file = directory.join(format!("{name}.p12"));
        let mut export = Command::new(&openssl);
        export
            .args([
                "pkcs12", "-export", "-passout", "pass:", "-name", name, "-in",
            ])
            .arg(&loaded.both_file)
            .arg("-out")
            .arg(&file);
        // What the tool that makes the file does not know, this NSS does not know either.
        if process::run(export, b"").code != Some(0) {
            return false;
        }
        let mut import = Command::new(&pk12util);
        import.args(["-d", &database, "-W", "", "-i"]).arg(&file);
        process::run(import, b"").code == Some(0)
    };
    let mut certificates = Certificate::ALL.to_vec();
    certificates.retain(|kind| {
        import(credentials.server(*kind), &host(*kind))
            && import(credentials.client(*kind), &client_name(*kind))
    });
    let help = process::run(Command::new(&client), b"").text;
    Some(Box::new(Nss {
        product: tool::product("NSS", &version(&server).unwrap_or_default()),
        groups: words_after(&help, "groups for TLS key exchange."),
        client,
        server,
        database,
        credentials,
        certificates,
    }))
}

/// The list that follows "The following values are valid:" after `label`.
fn words_after(help: &str, label: &str) -> Vec<String> {
    let mut lines = help
        .lines()
        .skip_while(|line| !line.contains(label))
        .skip(2);
    let line = lines.next().unwrap_or_default();
    line.split(',').map(|word| word.trim().to_owned()).collect()
}

/// The tools say no version; the library that they load has it in itself.
fn version(tool: &Path) -> Option<String> {
    let mut command = Command::new("ldd");
    command.arg(tool);
    let libraries = process::run(command, b"").text;
    let line = libraries.lines().find(|line| line.contains("libnss3.so"))?;
    let path = line.split(" => ").nth(1)?.split(' ').next()?;
    let library = fs::read(path).ok()?;
    let label = b"Version: NSS ";
    let at = library
        .windows(label.len())
        .position(|window| window == label)?;
    let version = library[at + label.len()..].split(|byte| !byte.is_ascii_digit() && *byte != b'.');
    String::from_utf8(version.into_iter().next()?.to_vec()).ok()
}

impl Peer for Nss<'_> {
    fn word(&self) -> &'static str {
        "nss"
    }

    fn title(&self) -> String {
        format!("{}, tstclnt and selfserv", self.product)
    }

    fn capabilities(&self, direction: Direction) -> Capabilities {
        let known = |version: Version| {
            GROUPS.iter().filter(move |group| {
                self.groups.iter().any(|word| word == self::group(group))
                    && (version == Version::Tls13 || group.kind != GroupKind::Hybrid)
            })
        };
        let lacking: Vec<Certificate> = Certificate::ALL
            .into_iter()
            .filter(|kind| !self.certificates.contains(kind))
            .collect();
        let mut capabilities = Capabilities::new(self.product.clone())
            .with_suites(SUITES.iter().map(|suite| suite.name));
        for version in Version::ALL {
            capabilities = capabilities
                .with_groups(version, known(version).map(|group| group.name))
                .without_certificates(version, &lacking);
        }
        match direction {
            Direction::KeywardServes => capabilities.except(
                |case| case.connections() > 1 && case.suite.name.ends_with("CBC_SHA384"),
                "has CBC with SHA-384 for a client that is told so, and `tstclnt` cannot be told suites and to reconnect",
            ),
            Direction::KeywardConnects => capabilities.except(
                |case| case.flow == Flow::EarlyData,
                "takes no early data in its first seconds, before it can know what it has seen",
            ).except(
                |case| {
                    let weak = |case: &Case| Some(case.group?.bits() < case.certificate.curve()?.bits());
                    case.version() == Version::Tls12 && weak(case) == Some(true)
                },
                "as a TLS 1.2 server takes no group that is weaker than its certificate's",
            ),
        }
    }

    fn worker(&self) -> Box<dyn Worker + '_> {
        Box::new(self)
    }
}

/// The tools' word for a group.
fn group(group: &Group) -> &'static str {
    match group.name {
        "secp256r1" => "P256",
        "secp384r1" => "P384",
        "secp521r1" => "P521",
        "ffdhe2048" => "FF2048",
        "ffdhe3072" => "FF3072",
        "ffdhe4096" => "FF4096",
        "ffdhe6144" => "FF6144",
        "ffdhe8192" => "FF8192",
        "X25519MLKEM768" => "mlkem768x25519",
        other => other,
    }
}

/// NSS speaks of RSASSA-PSS keys only if told so, and then of what it is told alone.
const SIGNATURE_SCHEMES: &str = "rsa_pss_pss_sha256,rsa_pss_rsae_sha256,rsa_pkcs1_sha256,\
     ecdsa_secp256r1_sha256,ecdsa_secp384r1_sha384,ecdsa_secp521r1_sha512";

/// The option for a suite.
fn only(suite: &Suite) -> [String; 2] {
    ["-c".to_owned(), format!(":{:04X}", suite.code)]
}

impl Nss<'_> {
    fn command(&self, tool: &Path, case: &Case) -> Command {
        let mut command = Command::new(tool);
        let number = case.version().number();
        command
            .args(["-v", "-G", "-d", &self.database])
            .args(["-V", &format!("tls{number}:tls{number}")]);
        let groups = if tool == self.client {
            case.offered_groups()
        } else {
            case.groups()
        };
        let groups: Vec<&str> = groups.into_iter().map(group).collect();
        if !groups.is_empty() {
            command.args(["-I", &groups.join(",")]);
        }
        if [Some(case.certificate), case.client_certificate].contains(&Some(Certificate::RsaPss)) {
            command.args(["-J", SIGNATURE_SCHEMES]);
        }
        if matches!(case.flow, Flow::Ticket | Flow::EarlyData) {
            command.arg("-u");
        }
        if case.flow == Flow::EarlyData {
            command.arg("-Z");
        }
        command
    }
}

impl Worker for &Nss<'_> {
    fn connect(&mut self, case: &Case, port: u16) -> Result<Vec<Report>, String> {
        let mut command = self.command(&self.client, case);
        command
            .args([
                "-4",
                "-h",
                "127.0.0.1",
                "-p",
                &port.to_string(),
                "-a",
                &case.host(),
            ])
            .arg("-A")
            .arg(self.credentials.request_file())
            .args(["-L", &case.connections().to_string()]);
        // With both options it ends in "free(): invalid pointer" before its second connection.
        if case.connections() == 1 {
            command.args(only(case.suite));
        }
        if let Some(kind) = case.client_certificate {
            command.args(["-n", &client_name(kind)]);
        }
        let finished = process::run(command, b"");
        if finished.code != Some(0) || !finished.text.contains("\nserved\n") {
            return Err(format!("no answer came:\n{}", finished.text));
        }
        reports(case, &finished.text, false)
    }

    fn listen(&mut self, case: &Case) -> Result<Box<dyn Listening + '_>, String> {
        let port = tool::free_port();
        let mut command = self.command(&self.server, case);
        let option = match case.certificate {
            Certificate::Rsa | Certificate::RsaPss => "-n",
            _ => "-e",
        };
        command.args(only(case.suite));
        command.args(["-p", &port.to_string(), "-H", "1", option, &case.host()]);
        if case.client_certificate.is_some() {
            command.args(["-r", "-r"]);
        }
        let mut running = Running::start(command);
        running.expect("About to call accept");
        Ok(Box::new(Selfserv {
            port,
            case: *case,
            running,
        }))
    }
}

struct Selfserv {
    port: u16,
    case: Case,
    running: Running,
}

impl Listening for Selfserv {
    fn port(&self) -> u16 {
        self.port
    }

    fn complaint(self: Box<Self>) -> Option<String> {
        Some(self.running.text())
    }

    fn mark(&self) -> &'static [u8] {
        b"HTTP/1.0 200 OK"
    }

    fn finish(self: Box<Self>, answers: &[Vec<u8>]) -> Result<Vec<Report>, String> {
        // On two streams, in no order.
        let deadline = Instant::now() + Duration::from_secs(10);
        loop {
            let text = self.running.text();
            let printed = |label| text.matches(label).count() >= answers.len();
            if (printed("issuer  DN: ") || printed("Compression: "))
                && printed("ticket parse failures")
            {
                return reports(&self.case, &text, true);
            }
            if Instant::now() > deadline {
                return Err(format!("too few reports:\n{text}"));
            }
            thread::sleep(Duration::from_millis(1));
        }
    }
}

/// What the output says of all connections: one part of it for each, and one line of counters for each.
fn reports(case: &Case, text: &str, server: bool) -> Result<Vec<Report>, String> {
    let parts = text.split("SSL version ").skip(1);
    let mut hits = text
        .split(" cache hits;")
        .filter_map(|before| before.rsplit([' ', '\n']).next()?.parse::<u32>().ok());
    let mut hits_before = 0;
    parts
        .map(|part| {
            let (version, cipher) = part
                .split_once(" using ")
                .ok_or_else(|| format!("no session:\n{text}"))?;
            let expected = self::cipher(case.suite);
            if !cipher.starts_with(&expected) {
                return Err(format!("the cipher is not {expected}:\n{text}"));
            }
            let hits = hits
                .next()
                .ok_or_else(|| format!("no cache hits:\n{text}"))?;
            let resumed = hits > hits_before;
            hits_before = hits;
            Ok(Report {
                version: match version {
                    "3.4" => Some(Version::Tls13),
                    "3.3" => Some(Version::Tls12),
                    _ => return Err(format!("the version is {version}")),
                },
                resumed,
                early: (!server && case.flow == Flow::EarlyData)
                    .then(|| resumed && !text.contains("Early data rejected")),
                // `tstclnt` shows the server's certificate; `selfserv` the client's, or without one its own.
                peer: tool::after(part, "subject DN: CN=")
                    .map(|name| (!server || name != case.host()).then(|| name.to_owned())),
                ..Report::default()
            })
        })
        .collect()
}

/// NSS's words for the cipher of a suite.
fn cipher(suite: &Suite) -> String {
    let bits = if suite.name.contains("AES_128") {
        128
    } else {
        256
    };
    let (cipher, mac) = if suite.name.contains("CHACHA20") {
        ("CHACHA20POLY1305", "128-bit AEAD MAC")
    } else if suite.name.contains("GCM") {
        ("AES-GCM", "128-bit AEAD MAC")
    } else if suite.name.ends_with("SHA256") {
        ("AES", "256-bit SHA256 MAC")
    } else if suite.name.ends_with("SHA384") {
        ("AES", "384-bit SHA384 MAC")
    } else {
        ("AES", "160-bit SHA1 MAC")
    };
    format!("{bits}-bit {cipher} with {mac}")
}
