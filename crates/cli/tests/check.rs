//! `keyward check`, and the same messages where a daemon is started with a wrong configuration.

use std::fs;
use std::path::Path;

use crate::support::expect_exit;
use crate::support::stand::{Stand, closed_address, line_of};

fn check(path: &Path) -> [&str; 3] {
    ["check", "--config", path.to_str().unwrap()]
}

/// Replaces a piece of a configuration.
fn edit(path: &Path, from: &str, to: &str) {
    let text = fs::read_to_string(path).unwrap();
    assert!(text.contains(from), "{text}");
    fs::write(path, text.replacen(from, to, 1)).unwrap();
}

#[test]
fn right_configurations_are_0() {
    let stand = Stand::new();
    let key_server = stand.key_server_config("127.0.0.1:0");
    let (stdout, _) = expect_exit(0, &check(&key_server));
    assert!(stdout.contains("a key server with 2 keys"), "{stdout}");

    let edge = stand.edge_config("127.0.0.1:1", "http://127.0.0.1:8080", &["rsa", "ecdsa"]);
    let (stdout, _) = expect_exit(0, &check(&edge));
    assert!(
        stdout.contains("1 site and 2 certificate chains"),
        "{stdout}"
    );
    assert!(
        stdout.contains("key server 127.0.0.1:1, with a certificate for keyserver"),
        "{stdout}"
    );
}

#[test]
fn several_key_servers_are_shown_and_each_is_asked() {
    let stand = Stand::new();
    let (_one, first) = stand.start_key_server();
    let (mut other, second) = stand.start_key_server();
    let edge = stand.edge_config(&first, "http://127.0.0.1:8080", &["rsa", "ecdsa"]);
    edit(
        &edge,
        &format!("address = \"{first}\""),
        &format!("addresses = [\"{first}\", {{ address = \"{second}\", name = \"keyserver\" }}]"),
    );
    let connect = ["check", "--connect", "--config", edge.to_str().unwrap()];
    let (stdout, _) = expect_exit(0, &connect);
    for server in [&first, &second] {
        assert!(
            stdout.contains(&format!("key server {server},")),
            "{stdout}"
        );
        assert!(stdout.contains(&format!("{server} answers")), "{stdout}");
    }
    assert!(stdout.contains("2 keys"), "{stdout}");

    // With one of them the edge works, but that is not what was meant.
    other.stop();
    let (stdout, stderr) = expect_exit(4, &connect);
    assert!(stdout.contains(&format!("{first} answers")), "{stdout}");
    let error = stderr.lines().find(|line| line.starts_with("keyward:"));
    assert!(
        error.is_some_and(|error| error.contains(&second) && !error.contains(&first)),
        "{stderr}"
    );
}

#[test]
fn wrong_lists_of_key_servers_have_their_line() {
    for (to, says) in [
        ("addresses = []", "must name 1 to 64"),
        ("addresses = [\"127.0.0.1\"]", "the port is missing"),
        ("addresses = [\"srv:home.example\"]", "srv:_keyward._tcp."),
        ("addresses = [{ host = \"a:1\" }]", "host"),
        ("address = \"a:1\"\naddresses = [\"b:1\"]", "cannot both"),
        ("addresses = [\"a:1\"]\nconnections = 0", "1 to 16"),
        ("addresses = [\"a:1\"]\nhedge_percent = 101", "0 to 100"),
        (
            "addresses = [\"a:1\"]\ndns = { name_servers = [\"ns.example\"] }",
            "no address of a name server",
        ),
        (
            "addresses = [\"a:1\"]\ndns = { min_ttl_s = 60, max_ttl_s = 5 }",
            "less than min_ttl_s",
        ),
    ] {
        let stand = Stand::new();
        let path = stand.edge_config("127.0.0.1:1", "http://127.0.0.1:8080", &["rsa"]);
        edit(&path, "address = \"127.0.0.1:1\"", to);
        let first = line_of(&path, to.lines().next().unwrap());
        let (_, stderr) = expect_exit(3, &check(&path));
        let place = |line: usize| format!("edge.toml:{line}:");
        assert!(
            stderr.contains(&place(first)) || stderr.contains(&place(first + 1)),
            "{first} is not in {stderr}"
        );
        assert!(stderr.contains(says), "{says} is not in {stderr}");
    }
}

#[test]
fn wrong_settings_of_an_edge_have_their_line() {
    for (from, to, says) in [
        (
            "address = \"127.0.0.1:0\"",
            "address = \"somewhere\"",
            "somewhere",
        ),
        ("upstream = \"http", "upstream = \"gopher", "gopher"),
        ("\"certs/rsa.pem\"", "\"certs/nothing.pem\"", "nothing.pem"),
        (
            "names = [\"shop.example\"]",
            "names = [\"no name\"]",
            "no name",
        ),
        (
            "ca = \"pki/ca.pem\"",
            "ca = \"pki/missing.pem\"",
            "missing.pem",
        ),
        ("upstream =", "upstreem =", "upstreem"),
    ] {
        let stand = Stand::new();
        let path = stand.edge_config("127.0.0.1:1", "http://127.0.0.1:8080", &["rsa"]);
        edit(&path, from, to);
        let place = format!("edge.toml:{}:", line_of(&path, to));
        for arguments in [check(&path), ["edge", "--config", path.to_str().unwrap()]] {
            let (_, stderr) = expect_exit(3, &arguments);
            assert!(stderr.contains(&place), "{place} is not in {stderr}");
            assert!(stderr.contains(says), "{says} is not in {stderr}");
        }
    }
}

#[test]
fn wrong_settings_of_a_key_server_have_their_line() {
    for (from, to, says) in [
        (
            "listen = [\"127.0.0.1:0\"]",
            "listen = [\"nowhere\"]",
            "nowhere",
        ),
        (
            "client_ca = \"pki/ca.pem\"",
            "client_ca = \"pki/missing.pem\"",
            "missing.pem",
        ),
        (
            "\"tls12-server-key-exchange\"",
            "\"sign-anything\"",
            "sign-anything",
        ),
        ("directory = \"keys\"", "directory = \"nothing\"", "nothing"),
        ("[[edge]]", "[[ege]]", "ege"),
    ] {
        let stand = Stand::new();
        let path = stand.key_server_config("127.0.0.1:0");
        edit(&path, from, to);
        let place = format!("keyserver.toml:{}:", line_of(&path, to));
        for arguments in [
            check(&path),
            ["keyserver", "--config", path.to_str().unwrap()],
        ] {
            let (_, stderr) = expect_exit(3, &arguments);
            assert!(stderr.contains(&place), "{place} is not in {stderr}");
            assert!(stderr.contains(says), "{says} is not in {stderr}");
        }
    }
}

#[test]
fn files_that_are_neither_are_3() {
    let stand = Stand::new();
    let other = stand.write("other.toml", "[package]\nname = \"x\"\n");
    let (_, stderr) = expect_exit(3, &check(&other));
    assert!(
        stderr.contains("[key_server]") && stderr.contains("[keys]"),
        "{stderr}"
    );
    let broken = stand.write("broken.toml", "[keys]\ndirectory = \n");
    let (_, stderr) = expect_exit(3, &check(&broken));
    assert!(stderr.contains("broken.toml:2:"), "{stderr}");
    for command in ["check", "edge", "keyserver"] {
        let (_, stderr) = expect_exit(3, &[command, "--config", "/nowhere/k.toml"]);
        assert!(stderr.contains("/nowhere/k.toml"), "{stderr}");
    }
}

#[test]
fn an_unreadable_key_is_named_by_check_and_skipped_by_the_key_server() {
    let stand = Stand::new();
    stand.write(
        "keys/broken.key",
        "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n",
    );
    let path = stand.key_server_config("127.0.0.1:0");
    let (_, stderr) = expect_exit(3, &check(&path));
    assert!(stderr.contains("broken.key"), "{stderr}");

    let (mut daemon, _) = stand.start_key_server();
    let (code, stderr) = daemon.stop();
    assert_eq!(code, Some(0), "{stderr}");
    assert!(stderr.contains("broken.key"), "{stderr}");
}

#[test]
fn a_key_server_out_of_reach_is_4() {
    let stand = Stand::new();
    let path = stand.edge_config(&closed_address(), "http://127.0.0.1:8080", &["rsa"]);
    let config = path.to_str().unwrap();
    let (_, stderr) = expect_exit(4, &["check", "--config", config, "--connect"]);
    assert!(stderr.contains("127.0.0.1:"), "{stderr}");
    let (_, stderr) = expect_exit(4, &["edge", "--config", config, "--wait", "1"]);
    assert!(stderr.contains("127.0.0.1:"), "{stderr}");
}

#[test]
fn connect_sees_what_the_key_server_lets_the_edge_use() {
    let stand = Stand::new();
    let (_key_server, address) = stand.start_key_server();
    let path = stand.edge_config(&address, "http://127.0.0.1:8080", &["rsa", "ecdsa"]);
    let config = path.to_str().unwrap();
    let (stdout, _) = expect_exit(0, &["check", "--config", config, "--connect"]);
    assert!(stdout.contains("2 keys"), "{stdout}");

    // A certificate whose key is nowhere.
    let other = stand
        .authority
        .issue_server(&["shop.example"], keyward_pki::KeyAlgorithm::P256)
        .unwrap();
    stand.write("certs/rsa.pem", &other.chain_pem);
    let (_, stderr) = expect_exit(3, &["check", "--config", config, "--connect"]);
    assert!(stderr.contains("certs/rsa.pem"), "{stderr}");
}

#[test]
fn json_logs_carry_the_failure() {
    let (_, stderr) = expect_exit(
        3,
        &[
            "--log-format",
            "json",
            "check",
            "--config",
            "/nowhere/k.toml",
        ],
    );
    let line: serde_json::Value = serde_json::from_str(stderr.trim()).unwrap();
    assert_eq!(line["level"], "ERROR");
    assert_eq!(line["exit_code"], 3);
}
