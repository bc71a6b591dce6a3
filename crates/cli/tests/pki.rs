//! `keyward pki`: what it writes loads in another TLS stack, and it never overwrites.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::Arc;

use crate::support::expect_exit;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject};
use rustls::server::WebPkiClientVerifier;
use rustls::{ClientConfig, ClientConnection, RootCertStore, ServerConfig, ServerConnection};

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

fn chain(path: &Path) -> Vec<CertificateDer<'static>> {
    CertificateDer::pem_file_iter(path)
        .unwrap()
        .collect::<Result<_, _>>()
        .unwrap()
}

fn roots(path: &Path) -> RootCertStore {
    let mut roots = RootCertStore::empty();
    roots.add(chain(path).remove(0)).unwrap();
    roots
}

/// A mutually authenticated handshake in memory.
fn shake_hands(dir: &Path, server: &str, server_name: &str, client: &str) {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let file = |name: &str, extension: &str| dir.join(format!("{name}.{extension}"));
    let key = |name: &str| PrivateKeyDer::from_pem_file(file(name, "key")).unwrap();
    let ca = Arc::new(roots(&dir.join("ca.pem")));
    let verifier = WebPkiClientVerifier::builder_with_provider(Arc::clone(&ca), provider.clone())
        .build()
        .unwrap();
    let server_config = ServerConfig::builder_with_provider(provider.clone())
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_client_cert_verifier(verifier)
        .with_single_cert(chain(&file(server, "pem")), key(server))
        .unwrap();
    let client_config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(ca)
        .with_client_auth_cert(chain(&file(client, "pem")), key(client))
        .unwrap();
    let mut server = ServerConnection::new(Arc::new(server_config)).unwrap();
    let name = server_name.to_owned().try_into().unwrap();
    let mut client = ClientConnection::new(Arc::new(client_config), name).unwrap();
    while client.is_handshaking() || server.is_handshaking() {
        let mut wire = Vec::new();
        client.write_tls(&mut wire).unwrap();
        server.read_tls(&mut wire.as_slice()).unwrap();
        server.process_new_packets().unwrap();
        wire.clear();
        server.write_tls(&mut wire).unwrap();
        client.read_tls(&mut wire.as_slice()).unwrap();
        client.process_new_packets().unwrap();
    }
}

#[test]
fn init_makes_both_ends_of_the_channel() {
    let dir = tempfile::tempdir().unwrap();
    let pki = dir.path().join("pki");
    let (stdout, _) = expect_exit(0, &["pki", "init", text(&pki)]);
    assert_eq!(stdout.lines().count(), 6, "{stdout}");
    for line in stdout.lines() {
        let mode = fs::metadata(line).unwrap().permissions().mode() & 0o777;
        assert_eq!(line.ends_with(".key"), mode == 0o600, "{line}: {mode:o}");
    }
    shake_hands(&pki, "keyserver", "keyserver", "edge");

    let before = fs::read(pki.join("ca.key")).unwrap();
    let (_, stderr) = expect_exit(1, &["pki", "init", text(&pki)]);
    assert!(stderr.contains("not overwritten"), "{stderr}");
    assert_eq!(fs::read(pki.join("ca.key")).unwrap(), before);
}

#[test]
fn init_takes_names() {
    let dir = tempfile::tempdir().unwrap();
    let pki = text(dir.path());
    expect_exit(
        0,
        &[
            "pki",
            "init",
            pki,
            "--keyserver-name",
            "home.example",
            "--keyserver-name",
            "10.0.0.1",
            "--edge-name",
            "edge-1.example",
        ],
    );
    shake_hands(dir.path(), "keyserver", "home.example", "edge");
    shake_hands(dir.path(), "keyserver", "10.0.0.1", "edge");
}

#[test]
fn issue_makes_more_edges_and_sites_of_every_kind() {
    let dir = tempfile::tempdir().unwrap();
    let pki = text(dir.path());
    expect_exit(0, &["pki", "init", pki]);
    let out = dir.path().join("edge-2");
    expect_exit(
        0,
        &[
            "pki",
            "issue",
            "--ca",
            pki,
            "--client",
            "--name",
            "edge-2",
            "--out",
            text(&out),
        ],
    );
    for algorithm in [
        "rsa2048", "rsa3072", "rsa4096", "P-256", "p384", "p521", "ed25519",
    ] {
        let out = dir.path().join(algorithm);
        let (stdout, _) = expect_exit(
            0,
            &[
                "pki",
                "issue",
                "--ca",
                pki,
                "--name",
                "shop.example",
                "--algorithm",
                algorithm,
                "--out",
                text(&out),
            ],
        );
        assert_eq!(stdout.lines().count(), 2);
        shake_hands(dir.path(), algorithm, "shop.example", "edge-2");
    }
}

#[test]
fn what_cannot_be_issued_says_why() {
    let dir = tempfile::tempdir().unwrap();
    let pki = text(dir.path());
    let none = dir.path().join("none");
    let out = dir.path().join("out");
    let (_, stderr) = expect_exit(
        3,
        &[
            "pki",
            "issue",
            "--ca",
            text(&none),
            "--name",
            "a",
            "--out",
            text(&out),
        ],
    );
    assert!(stderr.contains("none/ca.pem"), "{stderr}");

    expect_exit(0, &["pki", "init", pki]);
    let (_, stderr) = expect_exit(
        2,
        &[
            "pki",
            "issue",
            "--ca",
            pki,
            "--name",
            "not a name",
            "--out",
            text(&out),
        ],
    );
    assert!(stderr.contains("`not a name`"), "{stderr}");
    let nowhere = dir.path().join("no/where");
    let (_, stderr) = expect_exit(
        1,
        &[
            "pki",
            "issue",
            "--ca",
            pki,
            "--name",
            "a",
            "--out",
            text(&nowhere),
        ],
    );
    assert!(stderr.contains("no/where.key"), "{stderr}");
}
