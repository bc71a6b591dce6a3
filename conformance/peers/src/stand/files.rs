//! What an operator would write: certificates, keys and two configuration files.

use std::os::unix::fs::PermissionsExt;
use std::{
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
};

use keyward_keyserver::Address;
use keyward_pki::{Authority, Issued, KeyAlgorithm, Request, Usage};

use super::{Site, service::Upstream};

/// The CA's certificate.
pub(super) const CA: &str = "ca.pem";
/// A client's certificate.
pub(super) const CLIENT: &str = "client.pem";
/// Its key.
pub(super) const CLIENT_KEY: &str = "client.key";
/// The edge's records of handshakes, one JSON object a line.
pub(super) const HANDSHAKES: &str = "handshakes.jsonl";

/// Writes the CA, the certificates of the channel, and each site's chain beside the edge and key beside the key server.
pub(super) fn pki(directory: &Path) {
    let authority = Authority::new("Keyward stand").expect("a new CA");
    write(directory, CA, &authority.ca_pem());
    let key_server = authority
        .issue_server(&["keyserver"], KeyAlgorithm::P256)
        .expect("the key server's certificate");
    write(directory, "keyserver.pem", &key_server.chain_pem);
    write(directory, "keyserver.key", &key_server.key_pem);
    let edge = authority
        .issue_client("edge-1.example")
        .expect("the edge's certificate");
    write(directory, "edge.pem", &edge.chain_pem);
    write(directory, "edge.key", &edge.key_pem);

    let client = authority
        .issue_client("client.example")
        .expect("a client's certificate");
    write(directory, CLIENT, &client.chain_pem);
    write(directory, CLIENT_KEY, &client.key_pem);
    let expired = authority
        .issue(&Request {
            days: 0,
            ..Request::new(&["client.example"], KeyAlgorithm::P256, Usage::Client)
        })
        .expect("a client's certificate that ends at once");
    write(directory, "expired.pem", &expired.chain_pem);
    write(directory, "expired.key", &expired.key_pem);

    fs::create_dir(directory.join("keys")).expect("a directory in a temporary directory");
    for site in Site::ALL {
        for (file, algorithm) in certificates(site) {
            let wildcard = format!("*.{}", site.domain());
            let mut request = Request::new(&[site.domain(), &wildcard], algorithm, Usage::Server);
            request.delegates = site == Site::Delegating;
            let Issued {
                chain_pem, key_pem, ..
            } = authority.issue(&request).expect("a site's certificate");
            write(directory, &format!("{file}.pem"), &chain_pem);
            write(directory, &format!("keys/{file}.key"), &key_pem);
        }
    }
}

/// The files, without their endings, and the key algorithms of a site's certificates.
fn certificates(site: Site) -> Vec<(&'static str, KeyAlgorithm)> {
    match site {
        Site::Ecdsa => vec![("ecdsa", KeyAlgorithm::P256)],
        Site::Rsa => vec![("rsa", KeyAlgorithm::Rsa2048)],
        Site::Both => vec![
            ("both-ecdsa", KeyAlgorithm::P256),
            ("both-rsa", KeyAlgorithm::Rsa2048),
        ],
        Site::Ed25519 => vec![("ed25519", KeyAlgorithm::Ed25519)],
        Site::Legacy => vec![
            ("legacy-ecdsa", KeyAlgorithm::P256),
            ("legacy-rsa", KeyAlgorithm::Rsa2048),
        ],
        Site::Modern => vec![("modern", KeyAlgorithm::P256)],
        Site::Old => vec![("old-rsa", KeyAlgorithm::Rsa2048)],
        Site::Mutual => vec![("mutual", KeyAlgorithm::P256)],
        Site::Early => vec![("early", KeyAlgorithm::P256)],
        Site::Delegating => vec![("delegating", KeyAlgorithm::P256)],
        Site::Echo => vec![("echo", KeyAlgorithm::P256)],
    }
}

/// Writes the key server's configuration; its path.
pub(super) fn key_server(directory: &Path) -> PathBuf {
    write(
        directory,
        "keyserver.toml",
        r#"listen = ["127.0.0.1:0"]
certificate = "keyserver.pem"
key = "keyserver.key"
client_ca = "ca.pem"

[keys]
directory = "keys"
allow_rsa_key_transport = ["legacy-rsa", "old-rsa"]
rsa_key_transport_also_signs = ["old-rsa"]
allow_legacy = ["old-rsa"]

[[edge]]
name = "edge-1.example"
keys = ["*"]
operations = ["tls13-server-certificate-verify", "tls12-server-key-exchange", "tls12-rsa-master-secret", "delegated-credential"]
names = ["*"]
"#,
    )
}

/// Writes the edge's configuration; its path.
pub(super) fn edge(directory: &Path, key_server: &Address, upstream: &Upstream) -> PathBuf {
    let mut text = format!(
        r#"handshake_records = "{HANDSHAKES}"

[[listen]]
address = "127.0.0.1:0"

[key_server]
address = "{key_server}"
name = "keyserver"
ca = "ca.pem"
certificate = "edge.pem"
key = "edge.key"
"#
    );
    for site in Site::ALL {
        let domain = site.domain();
        let certificates: Vec<String> = certificates(site)
            .iter()
            .map(|(file, _)| format!("\"{file}.pem\""))
            .collect();
        let upstream = match site {
            Site::Echo => format!("tcp://{}", upstream.echo),
            _ => format!("http://{}", upstream.http),
        };
        let policy = match site {
            Site::Legacy | Site::Old => "legacy",
            Site::Modern => "modern",
            _ => "intermediate",
        };
        let more = match site {
            Site::Old => "renegotiation = true",
            Site::Mutual => "client_auth = \"required\"\nclient_ca = \"ca.pem\"",
            Site::Early => "early_data = {}",
            Site::Delegating => "delegated_credential = {}",
            _ => "",
        };
        write!(
            text,
            r#"
[[site]]
names = ["{domain}", "*.{domain}"]
certificates = [{}]
upstream = "{upstream}"
policy = "{policy}"
{more}
"#,
            certificates.join(", ")
        )
        .expect("a String takes everything");
    }
    write(directory, "edge.toml", &text)
}

fn write(directory: &Path, name: &str, content: &str) -> PathBuf {
    let path = directory.join(name);
    fs::write(&path, content).expect("a file in a temporary directory");
    // A key server takes no key that others can read.
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).expect("a file of our own");
    path
}
