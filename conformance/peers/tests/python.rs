//! Python's `ssl` module.

use std::sync::LazyLock;

use keyward_peers::{Site, Stand, peer_or_skip, python};
use serde_json::json;

static STAND: LazyLock<Stand> = LazyLock::new(Stand::start);

const VERSIONS: [(&str, &str); 2] = [("TLSv1_2", "TLSv1.2"), ("TLSv1_3", "TLSv1.3")];

#[test]
fn versions_and_names() {
    let python = peer_or_skip!("python3");
    for (version, shown) in VERSIONS {
        for site in [
            Site::Ecdsa,
            Site::Rsa,
            Site::Both,
            Site::Ed25519,
            Site::Legacy,
        ] {
            let host = STAND.host(site);
            let job = json!({"minimum": version, "maximum": version});
            let connection = &python::connections(&python, &STAND, &host, job)[0];
            assert_eq!(connection["version"], shown, "{site:?}: {connection}");
            assert_eq!(connection["status"], "200");
            // The certificate is that of the name asked for.
            assert_eq!(connection["names"][0], site.domain());
        }
    }
}

#[test]
fn resumption() {
    let python = peer_or_skip!("python3");
    for (version, shown) in VERSIONS {
        let host = STAND.host(Site::Ecdsa);
        let job = json!({"minimum": version, "maximum": version, "connections": 3});
        let connections = python::connections(&python, &STAND, &host, job);
        let resumed: Vec<_> = connections
            .iter()
            .map(|connection| connection["resumed"].as_bool())
            .collect();
        assert_eq!(
            resumed,
            [Some(false), Some(true), Some(true)],
            "{shown}: {connections:?}"
        );
        let operations: u32 = STAND
            .handshakes(&host, 3)
            .iter()
            .map(|record| record.key_operations)
            .sum();
        assert_eq!(operations, 1);
    }
}

#[test]
fn alpn() {
    let python = peer_or_skip!("python3");
    let job = json!({"alpn": ["http/1.1"]});
    let connection = &python::connections(&python, &STAND, &STAND.host(Site::Ecdsa), job)[0];
    assert_eq!(connection["alpn"], "http/1.1", "{connection}");
    // RFC 7301 §3.2: no_application_protocol.
    let job = json!({"alpn": ["no-such-protocol"]});
    let connection = &python::connections(&python, &STAND, &STAND.host(Site::Ecdsa), job)[0];
    let error = connection["error"].as_str().unwrap_or_default();
    assert!(
        error
            .to_lowercase()
            .replace('_', " ")
            .contains("no application protocol"),
        "{connection}"
    );
}

#[test]
fn large_answer() {
    let python = peer_or_skip!("python3");
    let job = json!({"path": "/bytes/4000000"});
    let connection = &python::connections(&python, &STAND, &STAND.host(Site::Rsa), job)[0];
    assert_eq!(connection["length"], 4_000_000, "{connection}");
}

#[test]
fn unknown_name() {
    let python = peer_or_skip!("python3");
    let connection = &python::connections(&python, &STAND, "stranger.example", json!({}))[0];
    let error = connection["error"].as_str().unwrap_or_default();
    assert!(
        error
            .to_lowercase()
            .replace('_', " ")
            .contains("unrecognized name"),
        "{connection}"
    );
}
