//! The report in its forms.

use std::fs;

use serde_json::Value;

use super::{Stage, openssl};

#[test]
fn json() {
    let stage = Stage::new();
    let Some(server) = openssl::serve(&stage, "ecdsa", &[]) else {
        return;
    };
    let said = stage
        .connect(&server.address, &["--json", "--resume"])
        .exits(0);
    let report: Value = serde_json::from_str(&said.stdout).unwrap();
    let [first, second] = &report["connections"].as_array().unwrap()[..] else {
        panic!("{report}");
    };
    assert_eq!(first["agreed"]["version"], "TLS 1.3");
    assert_eq!(first["agreed"]["resumed"], false);
    assert_eq!(first["agreed"]["round_trips"], 1);
    assert_eq!(first["certificates"]["trusted"], true);
    assert_eq!(
        first["certificates"]["links"][0]["names"][0],
        "shop.example"
    );
    assert_eq!(first["sessions"]["count"], 2);
    assert_eq!(first["handshake"]["events"][0]["what"], "ClientHello");
    assert_eq!(second["agreed"]["resumed"], true);
    assert_eq!(second["certificates"], Value::Null);
}

#[test]
fn json_of_a_failure() {
    let stage = Stage::new();
    let Some(server) = openssl::serve(&stage, "ecdsa", &[]) else {
        return;
    };
    let said = stage
        .connect(&server.address, &["--json", "--require-ocsp"])
        .exits(1)
        .complains(&["no OCSP response", "switch OCSP stapling on"]);
    let report: Value = serde_json::from_str(&said.stdout).unwrap();
    let only = &report["connections"][0];
    assert_eq!(only["certificates"]["trusted"], false);
    assert_eq!(only["agreed"], Value::Null);
    assert!(only["failure"]["cause"].is_string());
}

#[test]
fn a_drawing() {
    let stage = Stage::new();
    let Some(server) = openssl::serve(&stage, "ecdsa", &[]) else {
        return;
    };
    let said = stage.connect(&server.address, &["--draw"]).exits(0);
    let said = said.says(&["client", "server", "| ClientHello", "NewSessionTicket (2)"]);
    let arrows: Vec<char> = said
        .stdout
        .lines()
        .filter_map(|line| match (line.contains("->|"), line.contains("|<-")) {
            (true, _) => Some('>'),
            (_, true) => Some('<'),
            _ => None,
        })
        .collect();
    assert_eq!(arrows, ['>', '<', '>', '<'], "{said:?}");
}

#[test]
fn secrets_for_wireshark() {
    let stage = Stage::new();
    let Some(server) = openssl::serve(&stage, "ecdsa", &[]) else {
        return;
    };
    let log = stage.text("keys");
    stage
        .connect(&server.address, &["--key-log", &log])
        .exits(0);
    let lines = fs::read_to_string(&log).unwrap();
    for label in [
        "CLIENT_HANDSHAKE_TRAFFIC_SECRET ",
        "SERVER_HANDSHAKE_TRAFFIC_SECRET ",
        "CLIENT_TRAFFIC_SECRET_0 ",
        "SERVER_TRAFFIC_SECRET_0 ",
    ] {
        assert!(lines.lines().any(|line| line.starts_with(label)), "{lines}");
    }
    let mode = std::os::unix::fs::PermissionsExt::mode(&fs::metadata(&log).unwrap().permissions());
    assert_eq!(mode & 0o777, 0o600);
}
