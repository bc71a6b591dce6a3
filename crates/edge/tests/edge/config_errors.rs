//! A mistake in the configuration is named with its place and a remedy.

use keyward_edge::config::Position;
use keyward_edge::{Config, ConfigError};

use super::support::{Home, Site};

fn parse(home: &Home, text: &str) -> Result<Config, ConfigError> {
    Config::parse(text, &home.path("edge.toml"))
}

fn valid(home: &Home) -> String {
    home.edge_config(
        &home.socket(),
        "",
        &[Site::new(&["shop.example"], "http://127.0.0.1:1")],
        "",
    )
}

#[test]
fn each_mistake_at_its_place() {
    let home = Home::new();
    let valid = valid(&home);
    parse(&home, &valid).expect("valid");
    let folder = home.path("").display().to_string();
    std::fs::write(
        home.path("both.pem"),
        std::fs::read_to_string(home.path("keys/ecdsa.key")).unwrap(),
    )
    .unwrap();
    std::fs::write(home.path("empty.pem"), "").unwrap();
    for (wrong, at, cause) in [
        (
            "address = \"localhost:443\"",
            "\"127.0.0.1:0\"",
            "no address and port",
        ),
        (
            "address = \"nowhere\"",
            "\"unix:",
            "no address of a key server",
        ),
        (
            "names = [\"https://shop.example\"]",
            "\"shop.example\"",
            "not a DNS name",
        ),
        (
            "names = [\"shop.example.\"]",
            "\"shop.example\"",
            "leave out the dot",
        ),
        (
            "upstream = \"127.0.0.1:80\"",
            "\"http://127.0.0.1:1\"",
            "no scheme",
        ),
        (
            "upstream = \"http://a/path\"",
            "\"http://127.0.0.1:1\"",
            "no address of a service",
        ),
        (
            "certificates = [\"none.pem\"]",
            "\"ecdsa.pem\"",
            "cannot read",
        ),
        (
            "certificates = [\"both.pem\"]",
            "\"ecdsa.pem\"",
            "holds a private key",
        ),
        (
            "certificates = [\"empty.pem\"]",
            "\"ecdsa.pem\"",
            "holds no certificate",
        ),
        ("ca = \"none.pem\"", "\"channel-ca.pem\"", "cannot"),
    ] {
        let (setting, _) = wrong.split_once(" = ").unwrap();
        let right: String = valid
            .lines()
            .find(|line| line.trim_start().starts_with(setting) && line.contains(at))
            .unwrap_or_else(|| panic!("{setting} {at}"))
            .trim()
            .to_owned();
        let text = valid.replace(&right, wrong);
        let error = parse(&home, &text).expect_err(wrong);
        assert_eq!(error.problems.len(), 1, "{error}");
        let problem = &error.problems[0];
        let Position { line, column } = problem.position.expect("a position");
        let pointed: String = text
            .lines()
            .nth(line - 1)
            .unwrap()
            .chars()
            .skip(column - 1)
            .collect();
        let value = wrong.split_once(" = ").unwrap().1.trim_start_matches('[');
        assert!(
            pointed.starts_with(value.trim_end_matches(']')),
            "{wrong}: points at {pointed}"
        );
        assert!(problem.cause.contains(cause), "{wrong}: {problem}");
        assert!(!problem.remedy.is_empty());
        assert!(
            error
                .to_string()
                .starts_with(&format!("{folder}edge.toml:{line}:{column}: ")),
            "{error}"
        );
    }
}

#[test]
fn additions_that_do_not_fit() {
    let home = Home::new();
    let valid = valid(&home);
    for (more, cause) in [
        ("[timeouts]\nhandshake_ms = 0", "0 is out of range"),
        ("[timeouts]\nhandshake = 1", "did you mean `handshake_ms`?"),
        ("[limits]\nconnections = 0", "0 is out of range"),
        (
            "[[site]]\nupstream = \"http://a\"",
            "no client can reach it",
        ),
        (
            "[[site]]\nnames = [\"SHOP.example\"]\nupstream = \"http://a\"",
            "there twice, first at line",
        ),
        (
            "[[site]]\nnames = [\"a.example\"]\nupstream = \"http://a\"\npolicy = \"old\"",
            "no policy \"old\"",
        ),
        (
            "[[site]]\nnames = [\"a.example\"]\nupstream = \"http://a\"\nalpn = [\"imap\"]",
            "cannot speak",
        ),
        (
            "[[site]]\nnames = [\"a.example\"]\nupstream = \"tcp://a:1\"\nupstream_ca = \"ecdsa.pem\"",
            "of no use",
        ),
        ("[[site]]\nnames = [\"a.example\"", "array"),
        (
            "[[site]]\nnames = [\"a.example\"]\nupstream = \"tcp://a:1\"\nearly_data = {}",
            "nothing would tell the service so",
        ),
        (
            "[[site]]\nnames = [\"a.example\"]\nupstream = \"http://a\"\nearly_data = { max_bytes = 100000 }",
            "100000 is out of range",
        ),
        (
            "[[site]]\nnames = [\"a.example\"]\nupstream = \"http://a\"\nearly_data = { methods = [\"POST\"] }",
            "cannot be left to whoever recorded it",
        ),
        (
            "[[site]]\nnames = [\"a.example\"]\nupstream = \"http://a\"\nearly_data = { methods = [\"GET /\"] }",
            "is no HTTP method",
        ),
        (
            "[[site]]\nnames = [\"a.example\"]\nupstream = \"http://a\"\nrenegotiation = true",
            "write policy = \"legacy\" as well",
        ),
        (
            "[[site]]\nnames = [\"a.example\"]\nupstream = \"http://a\"\nrenegotiation = true\n\
             policy = \"legacy\"\nclient_auth = \"optional\"\nclient_ca = \"sites-ca.pem\"",
            "could change its certificate",
        ),
        (
            "[[site]]\nnames = [\"a.example\"]\nupstream = \"http://a\"\nclient_auth = \"on\"",
            "client_auth cannot be \"on\"",
        ),
        (
            "[[site]]\nnames = [\"a.example\"]\nupstream = \"http://a\"\nclient_auth = \"required\"",
            "nothing says which clients' certificates are good",
        ),
        (
            "[[site]]\nnames = [\"a.example\"]\nupstream = \"http://a\"\nclient_ca = \"ecdsa.pem\"",
            "client_ca is of no use",
        ),
        (
            "[[site]]\nnames = [\"a.example\"]\nupstream = \"http://a\"\nclient_auth = \"optional\"\n\
             client_ca = \"none.pem\"",
            "cannot read",
        ),
        (
            "[[site]]\nnames = [\"a.example\"]\nupstream = \"http://a\"\nclient_auth = \"optional\"\n\
             client_ca = \"sites-ca.pem\"\nclient_crl = [\"sites-ca.pem\"]",
            "no revocation list is in it",
        ),
    ] {
        let error = parse(&home, &format!("{valid}\n{more}")).expect_err(more);
        assert!(error.to_string().contains(cause), "{more}: {error}");
        assert!(error.problems[0].position.is_some(), "{more}: {error}");
    }
}

#[test]
fn all_mistakes_at_once() {
    let home = Home::new();
    let text = valid(&home)
        .replace("http://127.0.0.1:1", "nowhere")
        .replace("127.0.0.1:0", "nowhere");
    let error = parse(&home, &format!("{text}\n[limits]\nconnections = 0")).unwrap_err();
    assert_eq!(error.problems.len(), 3, "{error}");
    assert_eq!(error.to_string().lines().count(), 3);
}

#[test]
fn the_example_is_valid() {
    let home = Home::new();
    let folder = home.path("pki");
    keyward_pki::init(&folder).unwrap();
    let example = concat!(env!("CARGO_MANIFEST_DIR"), "/../../examples/edge.toml");
    std::fs::copy(example, home.path("example.toml")).unwrap();
    let config = Config::load(&home.path("example.toml")).expect("valid");
    assert_eq!(config.sites.len(), 1);
    // What it shows as defaults are the defaults.
    assert_eq!(config.timeouts, keyward_edge::config::Timeouts::default());
    assert_eq!(config.limits, keyward_edge::config::Limits::default());
}

#[test]
fn a_file_that_is_not_there() {
    let error = Config::load("/nonexistent/edge.toml".as_ref()).unwrap_err();
    assert!(
        error
            .to_string()
            .starts_with("/nonexistent/edge.toml: cannot read"),
        "{error}"
    );
}
