//! The command line: help that helps, and the exit code 2 for wrong usage.

use crate::support::{expect_exit, keyward};

#[test]
fn help_names_every_command_and_exit_code() {
    let (help, _) = expect_exit(0, &["--help"]);
    for word in [
        "demo",
        "serve",
        "keyserver",
        "edge",
        "check",
        "connect",
        "pki",
        "Exit codes:",
        "out of reach",
    ] {
        assert!(help.contains(word), "{word} is missing in:\n{help}");
    }
    assert!(!help.contains("demo-site"), "{help}");
    assert!(!help.contains("attached"), "{help}");
}

#[test]
fn help_of_every_command_explains_its_options() {
    for (arguments, words) in [
        (&["demo"][..], &["--check", "--json", "round trips"][..]),
        (
            &["serve"],
            &["--listen", "--cert", "--key", "--to", "legacy", "child"],
        ),
        (&["keyserver"], &["--config"]),
        (&["edge"], &["--config", "--wait", "exit code 4"]),
        (&["check"], &["--config", "--connect"]),
        (
            &["bench", "keyserver"],
            &["--keys", "--in-flight", "--beside", "verify every reply"],
        ),
        (
            &["connect"],
            &[
                "--ca",
                "--insecure",
                "--resume",
                "--draw",
                "exit code is 1",
                "--key-log",
            ],
        ),
        (&["pki", "init"], &["ca.key", "keyserver.pem"]),
        (&["pki", "issue"], &["--client", "--algorithm", "ed25519"]),
    ] {
        let with_help: Vec<&str> = arguments.iter().copied().chain(["--help"]).collect();
        let (help, _) = expect_exit(0, &with_help);
        for word in words {
            assert!(
                unfolded(&help).contains(word),
                "{word} is missing in:\n{help}"
            );
        }
        assert!(!help.contains("attached"), "{help}");
        assert!(
            help.lines().all(|line| line.chars().count() <= 100),
            "{help}"
        );
    }
    let (version, _) = expect_exit(0, &["--version"]);
    assert!(version.starts_with("keyward "), "{version}");
}

/// Without the line breaks.
fn unfolded(help: &str) -> String {
    help.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[test]
fn wrong_usage_is_2() {
    let serve = [
        "serve",
        "--listen",
        "127.0.0.1:0",
        "--cert",
        "c",
        "--key",
        "k",
    ];
    let with = |more: &[&'static str]| [&serve[..], more].concat();
    for (arguments, says) in [
        (vec![], "Usage"),
        (vec!["frobnicate"], "frobnicate"),
        (vec!["demo", "--chekc"], "--check"),
        (vec!["keyserver"], "--config"),
        (vec!["edge", "--config"], "--config"),
        (vec!["edge", "--config", "x", "--wait", "soon"], "--wait"),
        (vec!["demo", "--log-format", "yaml"], "json"),
        (with(&[]), "--to"),
        (with(&["--to", "somewhere"]), "no port"),
        (with(&["--to", "gopher://a:1"]), "gopher"),
        (with(&["--to", "a:1", "--policy", "loose"]), "intermediate"),
        (vec!["serve", "--listen", "443"], "0.0.0.0:443"),
        (
            vec![
                "pki",
                "issue",
                "--ca",
                "d",
                "--out",
                "o",
                "--name",
                "n",
                "--algorithm",
                "dsa",
            ],
            "ed25519",
        ),
    ] {
        let (_, stderr) = expect_exit(2, &arguments);
        assert!(stderr.contains(says), "{arguments:?}: {stderr}");
    }
}

#[test]
fn a_reader_that_goes_away_is_no_panic() {
    let mut child = keyward(&["pki", "init", "--help"])
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(!stderr.contains("panicked"), "{stderr}");
}
