//! The commented configurations in `examples/` are right, and so are the settings in their comments.

use std::fs;
use std::path::{Path, PathBuf};

use keyward_pki::{Authority, KeyAlgorithm, Request, Usage, init};
use tempfile::TempDir;

use crate::support::expect_exit;

/// A folder with an example and the files that it names.
fn folder(example: &str) -> (TempDir, PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    init(dir.path().join("pki")).unwrap();
    fs::create_dir(dir.path().join("keys")).unwrap();
    let authority = Authority::new("Site CA").unwrap();
    for (name, algorithm) in [
        ("shop-ecdsa", KeyAlgorithm::P256),
        ("shop-rsa", KeyAlgorithm::Rsa2048),
        ("old-clients", KeyAlgorithm::Rsa2048),
        ("upstream", KeyAlgorithm::P256),
    ] {
        let mut request = Request::new(&["shop.example"], algorithm, Usage::Server);
        request.delegates = name == "shop-ecdsa";
        let issued = authority.issue(&request).unwrap();
        let key = dir.path().join(format!("keys/{name}.key"));
        keyward_pki::write_private(&key, issued.key_pem.as_bytes()).unwrap();
        fs::write(dir.path().join(format!("{name}.pem")), &issued.chain_pem).unwrap();
    }
    for ca in ["service-ca.pem", "clients-ca.pem"] {
        fs::write(dir.path().join(ca), authority.ca_pem()).unwrap();
    }
    let path = dir.path().join(example);
    let source = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../examples")
        .join(example);
    fs::copy(source, &path).unwrap();
    (dir, path)
}

fn check(path: &Path) {
    expect_exit(0, &["check", "--config", path.to_str().unwrap()]);
}

/// Takes the comment sign off the lines with these settings.
fn uncomment(path: &Path, settings: &[&str]) {
    let mut text = fs::read_to_string(path).unwrap();
    for setting in settings {
        let commented = format!("# {setting} = ");
        assert!(text.contains(&commented), "no commented {setting}");
        text = text.replacen(&commented, &format!("{setting} = "), 1);
    }
    fs::write(path, text).unwrap();
}

#[test]
fn the_edge() {
    let (_dir, path) = folder("edge.toml");
    check(&path);
    uncomment(
        &path,
        &["certificates", "alpn", "early_data", "delegated_credential"],
    );
    check(&path);
    let text = fs::read_to_string(&path).unwrap();
    let asking = text.replace("client_auth = \"off\"", "client_auth = \"required\"");
    fs::write(&path, asking).unwrap();
    uncomment(&path, &["client_ca"]);
    check(&path);
    let legacy = text.replace("policy = \"intermediate\"", "policy = \"legacy\"");
    fs::write(&path, legacy).unwrap();
    uncomment(&path, &["renegotiation"]);
    check(&path);
}

#[test]
fn the_key_server() {
    let (_dir, path) = folder("keyserver.toml");
    check(&path);
    uncomment(
        &path,
        &[
            "allow_rsa_key_transport",
            "rsa_key_transport_also_signs",
            "client",
            "allow_legacy",
            "allow_transcript_hash",
            "administrator",
            "from",
            "rate",
            "workers",
        ],
    );
    check(&path);
}

#[test]
fn the_key_server_with_ticket_keys() {
    let (dir, path) = folder("keyserver.toml");
    let root = dir.path().join("tickets.root");
    let (printed, _) = expect_exit(0, &["tickets", "init", root.to_str().unwrap()]);
    let text = fs::read_to_string(&path).unwrap();
    assert!(text.contains("# [tickets]\n# root = \"tickets.root\"\n"));
    let set = text.replace("# [tickets]\n# root =", "[tickets]\nroot =");
    fs::write(&path, &set).unwrap();
    check(&path);
    fs::write(&path, text.replace("# [tickets]\n", &printed)).unwrap();
    check(&path);
    let (_, error) = expect_exit(1, &["tickets", "init", root.to_str().unwrap()]);
    assert!(error.contains("exists"), "{error}");
}

#[test]
fn the_key_server_with_a_log() {
    let (dir, path) = folder("keyserver.toml");
    let key = dir.path().join("audit.key");
    let name = "keys.example/audit";
    expect_exit(0, &["audit", "init", key.to_str().unwrap(), "--name", name]);
    let text = fs::read_to_string(&path).unwrap();
    let (before, section) = text.split_once("# [audit]").unwrap();
    let (section, after) = section.split_once("\n\n").unwrap();
    let set: Vec<_> = section
        .lines()
        .map(
            |line| match line.strip_prefix("# ").filter(|line| line.contains(" = ")) {
                Some(setting) => setting,
                None => line,
            },
        )
        .collect();
    let set = set
        .join("\n")
        .replace("mode = \"strict\"", "mode = \"relaxed\"");
    fs::write(&path, format!("{before}[audit]{set}\n\n{after}")).unwrap();
    check(&path);
}
