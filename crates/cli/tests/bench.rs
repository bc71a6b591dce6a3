//! `keyward bench keyserver`, for a second.

use crate::support::expect_exit;

#[test]
fn a_key_server_is_measured_and_every_reply_verified() {
    let (text, _) = expect_exit(
        0,
        &[
            "bench",
            "keyserver",
            "--keys",
            "p256,rsa2048",
            "--rounds",
            "1",
            "--edges",
            "2",
            "--idle",
            "3",
            "--beside",
            "rsa2048",
            "--audit",
            "strict",
        ],
    );
    for words in [
        "3 idle connections",
        "| p256 ",
        "| rsa2048 ",
        "audit strict",
        "while another edge has rsa2048 signed",
        "Every reply was verified.",
    ] {
        assert!(text.contains(words), "{words} is missing in:\n{text}");
    }
    // The histogram has a bar.
    assert!(text.lines().any(|line| line.contains("µs │")), "{text}");
}

#[test]
fn what_cannot_be_measured_is_said() {
    for (arguments, words) in [
        (
            &["--keys", "mldsa65"][..],
            "keys of kind mldsa65 are not measured",
        ),
        (&["--keys", "p257"], "p257"),
        (&["--core", "4096"], "--core 4096: there are the processors"),
        (&["--server", "127.0.0.1:1"], "--ca"),
        (&["--in-flight", "0"], "--in-flight"),
        (&["--fast"], "--fast"),
    ] {
        let arguments: Vec<&str> = ["bench", "keyserver"]
            .iter()
            .chain(arguments)
            .copied()
            .collect();
        let (_, error) = expect_exit(2, &arguments);
        assert!(error.contains(words), "{words} is missing in:\n{error}");
    }
}

/// Of a key server that is not there it is the exit code for that.
#[test]
fn a_key_server_that_is_not_there_is_out_of_reach() {
    let dir = tempfile::tempdir().unwrap();
    let path = |name: &str| dir.path().join(name).display().to_string();
    expect_exit(0, &["pki", "init", &dir.path().display().to_string()]);
    let (_, error) = expect_exit(
        4,
        &[
            "bench",
            "keyserver",
            "--server",
            "127.0.0.1:1",
            "--ca",
            &path("ca.pem"),
            "--cert",
            &path("edge.pem"),
            "--key",
            &path("edge.key"),
        ],
    );
    assert!(error.contains("cannot connect to 127.0.0.1:1"), "{error}");
}
