//! Logs and the admin address of real processes.

use std::fmt::Write as _;
use std::fs;
use std::io::{Read, Write as _};
use std::net::TcpStream;
use std::path::Path;

use crate::support::requests::{client_config, get};
use crate::support::site;
use crate::support::stand::{NAME, Stand};
use crate::support::{Daemon, expect_exit};

/// Puts sections at the end of a configuration.
fn append(config: &Path, sections: &str) {
    let mut text = fs::read_to_string(config).unwrap();
    write!(text, "\n{sections}\n").unwrap();
    fs::write(config, text).unwrap();
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

#[test]
fn the_configuration_says_how_logs_look_and_the_command_line_has_the_last_word() {
    let stand = Stand::new();
    let config = stand.key_server_config("127.0.0.1:0");
    append(&config, "[log]\nformat = \"json\"\nlevel = \"info\"\n");
    let (mut daemon, _) = Daemon::attached("keyserver", &config);
    let (_, stderr) = daemon.stop();
    assert!(!stderr.is_empty());
    for line in stderr.lines() {
        let line: serde_json::Value =
            serde_json::from_str(line).unwrap_or_else(|_| panic!("{stderr}"));
        assert!(
            line["timestamp"].is_string() && line["message"].is_string(),
            "{line}"
        );
    }

    let mut daemon = Daemon::start(&[
        "--log-format=human",
        "--log-level=warn",
        "keyserver",
        "--attached",
        "--config",
        text(&config),
    ]);
    assert!(daemon.line().contains("ready"));
    let (_, stderr) = daemon.stop();
    assert!(
        !stderr.contains('{') && !stderr.contains(" INFO "),
        "{stderr}"
    );
}

#[test]
fn what_is_wrong_with_a_file_is_told_in_the_way_that_it_wants() {
    let stand = Stand::new();
    let config = stand.key_server_config("nowhere");
    append(&config, "[log]\nformat = \"json\"\n");
    let (_, stderr) = expect_exit(3, &["keyserver", "--config", text(&config)]);
    let line: serde_json::Value = serde_json::from_str(stderr.lines().next().unwrap()).unwrap();
    assert_eq!(line["level"], "ERROR");
    let config = stand.key_server_config("127.0.0.1:0");
    append(&config, "[log]\nformat = \"xml\"\n");
    let (_, stderr) = expect_exit(3, &["keyserver", "--config", text(&config)]);
    assert!(stderr.contains("logs cannot look like \"xml\""), "{stderr}");
}

fn ask(address: &str, path: &str) -> String {
    let mut socket = TcpStream::connect(address).unwrap();
    write!(
        socket,
        "GET {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n"
    )
    .unwrap();
    let mut answer = String::new();
    socket.read_to_string(&mut answer).unwrap();
    answer
}

#[test]
fn both_processes_are_looked_at() {
    const ADMIN: &str = "[admin]\nlisten = \"127.0.0.1:0\"\n[log]\nformat = \"json\"\n";
    let stand = Stand::new();
    let upstream = format!("http://{}", site::start());
    let config = stand.key_server_config("127.0.0.1:0");
    append(&config, ADMIN);
    let (mut key_server, key_address) = Daemon::attached("keyserver", &config);
    let config = stand.edge_config(&key_address, &upstream, &["ecdsa"]);
    append(&config, ADMIN);
    let (stdout, _) = expect_exit(0, &["check", "--config", text(&config)]);
    assert!(
        stdout.contains("looked at on http://127.0.0.1:0/"),
        "{stdout}"
    );
    let (mut edge, address) = Daemon::attached("edge", &config);
    let client = client_config(&stand.authority.ca_pem());
    get(&client, &address, NAME, "/").unwrap();
    let (edge_admin, key_admin) = (
        edge.logged("admin").unwrap(),
        key_server.logged("admin").unwrap(),
    );
    let metrics = ask(&edge_admin, "/metrics");
    assert!(
        metrics.contains("keyward_edge_requests_total 1"),
        "{metrics}"
    );
    let metrics = ask(&key_admin, "/metrics");
    assert!(metrics.contains("verdict=\"performed\"} 1"), "{metrics}");
    assert!(ask(&edge_admin, "/readyz").starts_with("HTTP/1.1 200 "));
    // `serve` and `demo` say the same of their version.
    let version = ask(&key_admin, "/version");
    assert!(
        version.ends_with(concat!(
            "keyward ",
            env!("CARGO_PKG_VERSION"),
            " (key server)\n"
        )),
        "{version}"
    );
    key_server.stop();
    let not_ready = ask(&edge_admin, "/readyz");
    assert!(not_ready.contains("no key server in reach"), "{not_ready}");
    edge.stop();
}
