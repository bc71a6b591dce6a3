//! `keyward policy explain`, and a key server that reads its rules anew.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use crate::support::requests::{client_config, get};
use crate::support::stand::{NAME, Stand, line_of};
use crate::support::{Daemon, expect_exit, site};

const SPIFFE: &str = "spiffe://example.org/edge/fra1";

fn config(stand: &Stand) -> PathBuf {
    let path = stand.key_server_config("127.0.0.1:0");
    let text = fs::read_to_string(&path).unwrap();
    let more = "\n[[edge]]\n\
        spiffe = \"spiffe://example.org/edge/*\"\n\
        from = [\"10.0.0.0/8\"]\n\
        keys = [\"ecdsa\"]\n\
        operations = [\"tls13-server-certificate-verify\"]\n\
        names = [\"shop.example\"]\n\
        rate = { per_second = 200, burst = 400 }\n";
    fs::write(&path, text + more).unwrap();
    path
}

fn explain(code: i32, path: &Path, rest: &[&str]) -> String {
    let fixed = ["policy", "explain", "--config", path.to_str().unwrap()];
    expect_exit(code, &[&fixed[..], rest].concat()).0
}

#[test]
fn it_says_yes_or_no_and_by_which_rule() {
    let stand = Stand::new();
    let path = config(&stand);
    let second = line_of(&path, "spiffe = ") - 1;
    let signing = ["--operation", "tls13-server-certificate-verify"];
    let asked = |edge, key, name| {
        [
            &["--edge", edge, "--key", key, "--name", name][..],
            &signing,
        ]
        .concat()
    };
    let by_spiffe = asked(SPIFFE, "ecdsa", NAME);

    let yes = explain(0, &path, &asked("edge", "rsa", "www.example"));
    assert!(
        yes.starts_with("yes\n") && yes.contains("by [[edge]] number 1"),
        "{yes}"
    );
    assert!(yes.contains("keyserver.toml:"), "{yes}");
    let certificate = stand.path("pki/edge.pem");
    explain(
        0,
        &path,
        &asked(certificate.to_str().unwrap(), "rsa", "www.example"),
    );

    let yes = explain(
        0,
        &path,
        &[&by_spiffe[..], &["--from", "10.9.8.7"]].concat(),
    );
    assert!(
        yes.contains(&format!("number 2, {}:{second}", path.display())),
        "{yes}"
    );
    assert!(yes.contains("200 a second, 400 at once"), "{yes}");

    for (rest, reason, says) in [
        (
            asked("nobody", "rsa", NAME),
            1,
            "no [[edge]] rule is about this edge",
        ),
        (asked(SPIFFE, "rsa", NAME), 2, "key"),
        (
            asked("edge", "nothing", NAME),
            2,
            "there is no key `nothing`",
        ),
        (asked("edge", "rsa", "bank.test"), 4, "the name bank.test"),
        (
            [&by_spiffe[..], &["--from", "192.0.2.1"]].concat(),
            7,
            "where it connects from",
        ),
        (
            vec![
                "--edge",
                "edge",
                "--key",
                "rsa",
                "--operation",
                "tls12-rsa-master-secret",
                "--name",
                NAME,
            ],
            3,
            "tls12-rsa-master-secret",
        ),
        (
            [&["--edge", "edge", "--key", "rsa"][..], &signing].concat(),
            4,
            "no server name",
        ),
    ] {
        let no = explain(1, &path, &rest);
        assert!(no.starts_with("no: ") && no.contains(says), "{no}");
        assert!(no.contains(&format!("(reason {reason})")), "{no}");
        let json = explain(1, &path, &[&rest[..], &["--json"]].concat());
        let json: serde_json::Value = serde_json::from_str(&json).unwrap();
        assert_eq!(
            (&json["allowed"], &json["reason"]),
            (&false.into(), &reason.into())
        );
    }
    let json = explain(0, &path, &[&by_spiffe[..], &["--json"]].concat());
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!((&json["rule"], &json["line"]), (&2.into(), &second.into()));
    assert_eq!(json["rate"]["burst"], 400);
}

#[test]
fn what_cannot_be_asked_is_wrong_usage() {
    let stand = Stand::new();
    let path = config(&stand);
    let rest = |edge, operation, name| {
        [
            "--edge",
            edge,
            "--key",
            "rsa",
            "--operation",
            operation,
            "--name",
            name,
        ]
    };
    let signing = "tls13-server-certificate-verify";
    explain(2, &path, &rest("no name", signing, NAME));
    explain(2, &path, &rest("edge", "sign-anything", NAME));
    explain(2, &path, &rest("edge", signing, "no name"));
    explain(
        2,
        &path,
        &[&rest("edge", signing, NAME)[..], &["--from", "here"]].concat(),
    );
}

#[test]
fn a_signal_makes_the_key_server_read_its_rules() {
    let stand = Stand::new();
    let path = stand.key_server_config("127.0.0.1:0");
    let (mut key_server, address) = Daemon::attached("keyserver", &path);
    let upstream = format!("http://{}", site::start());
    let (mut edge, edge_address) = stand.start_edge(&address, &upstream, &["ecdsa"]);
    let request = || {
        get(
            &client_config(&stand.authority.ca_pem()),
            &edge_address,
            NAME,
            "/",
        )
    };
    request().unwrap();
    let text = fs::read_to_string(&path).unwrap();
    fs::write(
        &path,
        text.replace("[\"*.example\"]", "[\"other.example\"]"),
    )
    .unwrap();
    key_server.signal("HUP");
    let begin = Instant::now();
    while request().is_ok() {
        assert!(
            begin.elapsed() < Duration::from_secs(10),
            "the old rule still counts"
        );
    }
    assert_eq!(edge.stop().0, Some(0));
    assert_eq!(key_server.stop().0, Some(0));
}
