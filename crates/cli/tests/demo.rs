//! `keyward demo`, as the README's first command runs it.

use std::process::Command;

use crate::support::{Daemon, children, eventually, exists, expect_exit};

const FIELDS: [&str; 10] = [
    "name",
    "version",
    "cipher_suite",
    "group",
    "certificate",
    "resumed",
    "round_trips",
    "key_operations",
    "key_operation_us",
    "total_us",
];

#[test]
fn check_holds_and_draws() {
    let (stdout, _) = expect_exit(0, &["demo", "--check"]);
    for text in [
        "ClientHello",
        "TCP SYN",
        "client",
        "edge",
        "key server",
        "HTTP response",
        "TLS_RSA_WITH_AES_",
        "expectations hold",
    ] {
        assert!(stdout.contains(text), "{text} is missing in:\n{stdout}");
    }
    assert!(stdout.is_ascii());
    for line in stdout.lines() {
        assert!(line.len() <= 100, "too wide: {line}");
    }
}

#[test]
fn json_has_the_fields_and_what_a_handshake_costs() {
    let (stdout, _) = expect_exit(0, &["demo", "--json", "--check"]);
    let all: Vec<serde_json::Map<String, serde_json::Value>> =
        serde_json::from_str(&stdout).unwrap();
    let mut fields = FIELDS.to_vec();
    fields.sort_unstable();
    for one in &all {
        let mut keys: Vec<&str> = one.keys().map(String::as_str).collect();
        keys.sort_unstable();
        assert_eq!(keys, fields);
        assert!(one["total_us"].as_u64().unwrap() > 0);
    }
    let costs: Vec<(&str, &str, bool, u64, u64)> = all
        .iter()
        .map(|one| {
            (
                one["name"].as_str().unwrap(),
                one["version"].as_str().unwrap(),
                one["resumed"].as_bool().unwrap(),
                one["round_trips"].as_u64().unwrap(),
                one["key_operations"].as_u64().unwrap(),
            )
        })
        .collect();
    assert_eq!(
        costs,
        [
            ("http", "HTTP", false, 2, 0),
            ("tls13-full-ecdsa", "TLS 1.3", false, 3, 1),
            ("tls13-full-rsa", "TLS 1.3", false, 3, 1),
            ("tls13-resumed", "TLS 1.3", true, 3, 0),
            ("tls12-full-ecdhe", "TLS 1.2", false, 4, 1),
            ("tls12-resumed", "TLS 1.2", true, 3, 0),
            ("tls12-rsa-key-transport", "TLS 1.2", false, 4, 1),
        ]
    );
    for one in &all {
        let operations = one["key_operations"].as_u64().unwrap();
        let us = one["key_operation_us"].as_u64().unwrap();
        assert_eq!(operations > 0, us > 0, "{one:?}");
    }
}

#[test]
fn it_stays_up_with_a_curl_line_and_leaves_nothing_behind() {
    let mut demo = Daemon::start(&["demo"]);
    let curl = loop {
        let line = demo.line();
        assert!(!line.is_empty(), "{:?}", demo.wait());
        if line.trim_start().starts_with("curl ") {
            break line;
        }
    };
    let words: Vec<&str> = curl.split_whitespace().collect();
    let after = |flag: &str| words[words.iter().position(|word| *word == flag).unwrap() + 1];
    let ca = std::path::PathBuf::from(after("--cacert"));
    assert!(ca.is_file());
    assert!(after("--resolve").starts_with("demo.keyward.test:"));

    // Where there is curl, the printed line has to work as it is.
    match Command::new("curl")
        .args(["-sS", "--noproxy", "*"])
        .args(&words[1..])
        .output()
    {
        Ok(output) => {
            let page = String::from_utf8_lossy(&output.stdout);
            assert!(page.contains("no private key"), "{page} {output:?}");
        }
        Err(error) => println!("skipped: no curl here: {error}"),
    }

    let processes = children(demo.pid());
    assert_eq!(processes.len(), 3, "edge, key server and site");
    demo.signal("INT");
    let (code, stderr) = demo.wait();
    assert_eq!(code, Some(0), "{stderr}");
    assert!(!ca.parent().unwrap().exists());
    assert!(processes.iter().all(|pid| !exists(*pid)));
}

#[test]
fn its_processes_end_with_it_even_if_it_is_killed() {
    let mut demo = Daemon::start(&["demo"]);
    while !demo.line().trim_start().starts_with("curl ") {
        assert!(demo.is_running(), "{}", demo.stderr());
    }
    let processes = children(demo.pid());
    assert_eq!(processes.len(), 3);
    demo.signal("KILL");
    eventually("all processes are gone", || {
        processes.iter().all(|pid| !exists(*pid))
    });
}
