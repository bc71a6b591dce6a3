//! What is wrong with a configuration's text, where, and what to do.

use keyward_keyserver::Config;

const GOOD: &str = r#"listen = ["127.0.0.1:2410"]
certificate = "keyserver.pem"
key = "keyserver.key"
client_ca = "ca.pem"
[keys]
directory = "keys"
[[edge]]
name = "edge-1.example"
keys = ["*"]
operations = ["tls13-server-certificate-verify"]
names = ["*.shop.example"]
"#;

fn problems(text: &str) -> Vec<String> {
    let error = Config::parse(text, "dir/keyserver.toml").unwrap_err();
    error.problems.iter().map(ToString::to_string).collect()
}

#[test]
fn paths_are_relative_to_the_file() {
    let config = Config::parse(GOOD, "dir/keyserver.toml").unwrap();
    assert_eq!(
        config.certificate,
        std::path::Path::new("dir/keyserver.pem")
    );
    assert_eq!(
        config.keys.directory.as_deref(),
        Some(std::path::Path::new("dir/keys"))
    );
}

#[test]
fn every_mistake_has_its_place_and_remedy() {
    // What is replaced by what, where the problem is, and a part of the text.
    let table = [
        (
            "listen =",
            "lisen =",
            "1:1",
            "unknown field `lisen`, expected one of `listen`",
        ),
        ("listen =", "lisen =", "1:1", "did you mean `listen`?"),
        (
            "operations = [",
            "operatoins = [",
            "10:1",
            "did you mean `operations`?",
        ),
        (
            "directory",
            "wombat",
            "6:1",
            "remove it, or write one of those",
        ),
        (
            "[\"127.0.0.1:2410\"]",
            "\"127.0.0.1:2410\"",
            "1:10",
            "expected a sequence",
        ),
        ("127.0.0.1:2410", "127.0.0.1", "1:11", "the port is missing"),
        ("[\"127.0.0.1:2410\"]", "[]", "1:10", "nothing to listen on"),
        (
            "key = \"keyserver.key\"",
            "",
            "1:1",
            "`key` is missing; name the PEM file",
        ),
        (
            "directory = \"keys\"",
            "",
            "5:1",
            "no keys to serve; write `directory",
        ),
        (
            "name = \"edge-1.example\"",
            "",
            "7:1",
            "does not say which edge",
        ),
        (
            "name = \"edge-1.example\"",
            "spki_sha256 = \"12\"",
            "8:15",
            "64 hexadecimal digits",
        ),
        (
            "name = \"edge-1.example\"",
            "name = \"*.example\"",
            "8:8",
            "not a DNS name",
        ),
        (
            "keys = [\"*\"]",
            "",
            "7:1",
            "without `keys` the rule allows nothing",
        ),
        (
            "keys = [\"*\"]",
            "keys = []",
            "7:1",
            "`keys = [\"*\"]` is every key",
        ),
        (
            "tls13-server-certificate-verify",
            "sign",
            "10:15",
            "unknown operation; known are tls13-",
        ),
        (
            "*.shop.example",
            "shop.*",
            "11:10",
            "whole first label only",
        ),
        ("*.shop.example", "192.0.2.1", "11:10", "allow_no_sni"),
        (
            "*.shop.example",
            "*.shop.example.",
            "11:10",
            "leave out the dot",
        ),
        (
            "[keys]",
            "[limits]\nqueue = 0\n[keys]",
            "6:9",
            "0 is out of range; write a number from 1 to",
        ),
        (
            "[keys]",
            "[limits]\nidle_ms = -4\n[keys]",
            "6:11",
            "out of range",
        ),
        (
            "certificate = ",
            "certificate : ",
            "2:13",
            "see examples/keyserver.toml",
        ),
        (
            "directory = \"keys\"",
            "directory = \"keys\"\nrsa_key_transport_also_signs = [\"a\"]",
            "7:33",
            "not enabled for RSA key transport",
        ),
    ];
    for (from, to, place, part) in table {
        let text = GOOD.replacen(from, to, 1);
        assert_ne!(text, GOOD);
        let problems = problems(&text);
        let place = format!("dir/keyserver.toml:{place}: ");
        assert!(
            problems
                .iter()
                .any(|problem| problem.starts_with(&place) && problem.contains(part)),
            "{to}: expected {place}…{part}…, got {problems:?}"
        );
    }
}

#[test]
fn all_mistakes_are_reported_together() {
    let text = GOOD
        .replace("127.0.0.1:2410", "nowhere")
        .replace("tls13-server-certificate-verify", "sign")
        .replace("*.shop.example", "");
    assert_eq!(problems(&text).len(), 3);
}

#[test]
fn a_file_that_cannot_be_read_is_named() {
    let error = Config::load("/nonexistent/keyserver.toml")
        .unwrap_err()
        .to_string();
    assert!(
        error.starts_with("/nonexistent/keyserver.toml: cannot read the configuration"),
        "{error}"
    );
}

#[test]
fn the_example_is_right() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../examples/keyserver.toml");
    Config::load(path).unwrap();
}
