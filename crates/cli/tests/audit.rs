//! `keyward audit`, over a log that a real key server wrote for a real handshake.

use std::fs;

use crate::support::Daemon;
use crate::support::expect_exit;
use crate::support::requests::{client_config, get};
use crate::support::site;
use crate::support::stand::{NAME, Stand};

struct Logged {
    stand: Stand,
}

impl Logged {
    /// One request, a full handshake; key server and edge have ended.
    fn new() -> Self {
        let stand = Stand::new();
        let key = stand.path("audit.key");
        let name = "keys.example/audit";
        let (stdout, _) = expect_exit(0, &["audit", "init", key.to_str().unwrap(), "--name", name]);
        let config = stand.key_server_config("127.0.0.1:0");
        // The section that it printed is one.
        let text = fs::read_to_string(&config).unwrap();
        fs::write(
            &config,
            text.replace("[[edge]]", &format!("{stdout}\n[[edge]]")),
        )
        .unwrap();
        let (mut key_server, address) = Daemon::attached("keyserver", &config);
        let upstream = format!("http://{}", site::start());
        let (mut edge, edge_address) = stand.start_edge(&address, &upstream, &["ecdsa"]);
        let client = client_config(&stand.authority.ca_pem());
        get(&client, &edge_address, NAME, "/").unwrap();
        assert_eq!(edge.stop().0, Some(0));
        assert_eq!(key_server.stop().0, Some(0));
        Self { stand }
    }

    fn text(&self, name: &str) -> String {
        self.stand.path(name).to_str().unwrap().to_owned()
    }

    fn audit(&self, code: i32, arguments: &[&str]) -> (String, String) {
        let log = self.text("audit");
        let arguments: Vec<&str> = arguments
            .iter()
            .map(|argument| {
                if *argument == "LOG" {
                    log.as_str()
                } else {
                    argument
                }
            })
            .collect();
        expect_exit(code, &[&["audit"], &arguments[..]].concat())
    }
}

#[test]
fn a_use_is_shown_verified_and_proved() {
    let logged = Logged::new();
    let (shown, _) = logged.audit(0, &["show", "LOG"]);
    assert_eq!(shown.lines().count(), 1, "{shown}");
    for part in [
        "edge",
        "tls13-server-certificate-verify",
        "ecdsa",
        NAME,
        "performed",
    ] {
        assert!(shown.contains(part), "{part}: {shown}");
    }
    let (json, _) = logged.audit(
        0,
        &["show", "LOG", "--json", "--edge", "edge", "--key", "ecdsa"],
    );
    let record: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(
        (&record["index"], &record["names"]),
        (&0.into(), &NAME.into())
    );
    assert_eq!(logged.audit(0, &["show", "LOG", "--refused"]).0, "");
    assert_eq!(logged.audit(0, &["show", "LOG", "--edge", "other"]).0, "");

    let (verifier, kept) = (logged.text("audit.pub"), logged.text("kept"));
    let (own, _) = logged.audit(0, &["verify", "LOG"]);
    assert!(
        own.contains("whole: 1 records") && own.contains("who can write there"),
        "{own}"
    );
    let (given, _) = logged.audit(
        0,
        &["verify", "LOG", "--verifier", &verifier, "--keep", &kept],
    );
    assert!(
        given.contains("whole: 1 records") && !given.contains("who can write"),
        "{given}"
    );
    logged.audit(
        0,
        &["verify", "LOG", "--verifier", &verifier, "--kept", &kept],
    );

    let (proof, _) = logged.audit(0, &["prove", "LOG", "0"]);
    let path = logged.text("use.tlog-proof");
    fs::write(&path, &proof).unwrap();
    let (checked, _) = logged.audit(0, &["check-proof", &path, "--verifier", &verifier]);
    assert!(
        checked.contains("is record 0 of the log keys.example/audit"),
        "{checked}"
    );
    fs::write(&path, proof.replace("index 0", "index 1")).unwrap();
    let (_, error) = logged.audit(1, &["check-proof", &path, "--verifier", &verifier]);
    assert!(error.contains("does not prove"), "{error}");
    let (_, error) = logged.audit(1, &["prove", "LOG", "7"]);
    assert!(error.contains("no record 7"), "{error}");
}

#[test]
fn damage_is_shown_and_is_a_failure() {
    let logged = Logged::new();
    let bundle = logged.stand.path("audit/tile/entries/000.p/1");
    let text = fs::read(&bundle).unwrap();
    let changed = String::from_utf8_lossy(&text[2..]).replace(NAME, "bank.example");
    fs::write(&bundle, [&text[..2], changed.as_bytes()].concat()).unwrap();
    let (stdout, stderr) = logged.audit(1, &["verify", "LOG"]);
    assert!(stdout.contains("DAMAGED  record 0 was changed"), "{stdout}");
    assert!(stderr.contains("not as it was written"), "{stderr}");
}

#[test]
fn mistakes_are_named() {
    let stand = Stand::new();
    let key = stand.path("audit.key");
    let init =
        |name: &str| ["audit", "init", key.to_str().unwrap(), "--name", name].map(str::to_owned);
    let (_, error) = expect_exit(2, &init("a name"));
    assert!(error.contains("no spaces"), "{error}");
    expect_exit(0, &init("a"));
    let (_, error) = expect_exit(1, &init("a"));
    assert!(error.contains("not overwritten"), "{error}");
    let dir = stand.dir.path().to_str().unwrap();
    let (_, error) = expect_exit(1, &["audit", "show", dir]);
    assert!(error.contains("is this the folder of a log"), "{error}");
    let (_, error) = expect_exit(
        1,
        &[
            "audit",
            "verify",
            dir,
            "--verifier",
            &stand.path("audit.pub").display().to_string(),
        ],
    );
    assert!(error.contains("holds no audit log"), "{error}");
    let (_, error) = expect_exit(2, &["audit", "verify", dir, "--verifier", "a+b+c"]);
    assert!(error.contains("verifier key"), "{error}");
}
