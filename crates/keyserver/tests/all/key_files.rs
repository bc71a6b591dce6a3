//! Key files of every format, and broken ones, which are named and skipped.

use std::process::Command;

use base64::prelude::{BASE64_STANDARD, Engine};
use keyward_crypto::signature::KeyKind;
use keyward_keyserver::{Config, KeyServer, Report};

use crate::support::{Home, PATIENCE, run, set_mode, site, start};

fn problem(report: &Report, file: &str) -> String {
    let of_file: Vec<_> = report
        .problems
        .iter()
        .map(ToString::to_string)
        .filter(|problem| problem.contains(file))
        .collect();
    assert_eq!(of_file.len(), 1, "{file}: {:?}", report.problems);
    of_file[0].clone()
}

#[test]
fn broken_files_are_named_and_the_others_served() {
    run(async {
        let home = Home::new(&["p256", "rsa2048"]);
        let p384 = &site("p384").issued;
        home.write_key(
            "garbage.key",
            b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n",
        );
        home.write_key("cut.pem", &p384.key_pem.as_bytes()[..100]);
        home.write_key("empty.pem", b"");
        home.write_key("binary.pem", &[0xff; 300]);
        home.write_key(
            "encrypted.key",
            b"-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n",
        );
        home.write_key(
            "two.pem",
            [
                p384.key_pem.as_bytes(),
                site("ed25519").issued.key_pem.as_bytes(),
            ]
            .concat()
            .as_slice(),
        );
        home.write_key("large.pem", &vec![b'a'; 2 << 20]);
        home.write_key("copy.key", site("p256").issued.key_pem.as_bytes());
        // Chains: of no key, beside another key, in the wrong order.
        home.write_key("stranger.crt", site("ed25519").issued.chain_pem.as_bytes());
        std::fs::remove_file(home.path("keys/rsa2048.crt")).unwrap();
        home.write_key(
            "rsa2048.chain.pem",
            site("rsa3072").issued.chain_pem.as_bytes(),
        );
        let reversed = [p384.chain_pem.as_str(), &site("p256").issued.chain_pem].concat();
        home.write_key("reversed.crt", reversed.as_bytes());
        std::fs::create_dir(home.path("keys/directory.pem")).unwrap();
        home.write_key("README", b"not looked at");
        home.write_key(".hidden.pem", b"not looked at");

        let config = home.open_config("");
        let report = config.check();
        for (file, part) in [
            ("garbage.key", "skipped"),
            ("cut.pem", "skipped"),
            ("empty.pem", "neither a private key nor a certificate"),
            ("binary.pem", "neither a private key nor a certificate"),
            ("encrypted.key", "encrypted"),
            ("two.pem", "2 private keys"),
            ("large.pem", "larger than"),
            ("p256.key: this", "copy.key as well, which counts"),
            ("stranger.crt", "in none of the files"),
            ("rsa2048.chain.pem", "does not fit the key in"),
            ("reversed.crt", "not the first of the chain"),
            ("directory.pem", "not a regular file"),
        ] {
            let problem = problem(&report, file);
            assert!(problem.contains(part), "{problem}");
        }
        let everything = format!("{:?}", report.problems);
        assert!(!everything.contains("README") && !everything.contains("hidden"));
        let labels: Vec<_> = report.keys.iter().map(|key| key.label.as_str()).collect();
        assert_eq!(labels, ["copy", "rsa2048"]);

        let server = start(config).await;
        assert_eq!(server.keys(), report.keys);
        let client = home.client(&server.addresses()[0]);
        client
            .perform(site("p256").tls13(), PATIENCE)
            .await
            .unwrap();
        client
            .perform(site("rsa2048").tls13(), PATIENCE)
            .await
            .unwrap();
    });
}

#[test]
fn a_key_that_others_can_read_is_refused_with_the_command_that_mends_it() {
    let home = Home::new(&["p256", "p384"]);
    let path = home.path("keys/p256.key").display().to_string();
    for mode in [0o640, 0o604, 0o620, 0o602, 0o777] {
        set_mode(&home.path("keys/p256.key"), mode);
        set_mode(&home.path("keys/p256.crt"), 0o644);
        let report = home.open_config("").check();
        assert_eq!(report.keys.len(), 1);
        let told = report.problems.errors()[0].to_string();
        let expected = format!(
            "{path}: skipped: other users can get at this private key (mode {mode:04o}); run `chmod 600 {path}`"
        );
        assert_eq!(told, expected);
    }
    // The command does what it says.
    let done = Command::new("chmod").args(["600", &path]).status().unwrap();
    assert!(done.success());
    let report = home.open_config("").check();
    assert_eq!(report.problems.iter().count(), 0, "{:?}", report.problems);
    assert_eq!(report.keys.len(), 2);

    // The directory can be written to by others.
    set_mode(&home.path("keys"), 0o770);
    let report = home.open_config("").check();
    let told = report.problems.warnings()[0].to_string();
    assert!(told.contains("run `chmod go-w "), "{told}");
    set_mode(&home.path("keys"), 0o700);

    // So is the channel's own key, which is told.
    set_mode(&home.path("keyserver.key"), 0o604);
    let report = home.open_config("").check();
    assert!(
        report.problems.warnings()[0]
            .to_string()
            .contains("keyserver.key: other users"),
        "{:?}",
        report.problems
    );
}

/// Root alone can give files away, so that root alone can try it.
#[test]
fn a_key_of_another_user_is_refused() {
    let home = Home::new(&["p256", "p384"]);
    let path = home.path("keys/p256.key");
    if std::os::unix::fs::chown(&path, Some(54_321), None).is_err() {
        return eprintln!("not root: who owns a key file is not tried");
    }
    let report = home.open_config("").check();
    let told = report.problems.errors()[0].to_string();
    assert!(
        told.contains("belongs to another user (54321, and this is 0; mode 0600)"),
        "{told}"
    );
    let command = format!("run `chown 0 {0} && chmod 600 {0}`", path.display());
    assert!(told.contains(&command), "{told}");
    assert_eq!(report.keys.len(), 1);
}

#[test]
fn links_are_followed_and_pipes_not_waited_for() {
    let home = Home::new(&["p256"]);
    std::fs::rename(home.path("keys/p256.key"), home.path("elsewhere")).unwrap();
    std::os::unix::fs::symlink("../elsewhere", home.path("keys/p256.key")).unwrap();
    std::os::unix::fs::symlink("nowhere", home.path("keys/gone.pem")).unwrap();
    let made = Command::new("mkfifo")
        .arg(home.path("keys/pipe.pem"))
        .status()
        .unwrap();
    assert!(made.success());
    let report = home.open_config("").check();
    assert_eq!(report.keys.len(), 1);
    assert!(problem(&report, "pipe.pem").contains("not a regular file"));
    assert!(problem(&report, "gone.pem").contains("No such file"));
    // What counts is the file, not the link.
    set_mode(&home.path("elsewhere"), 0o640);
    let report = home.open_config("").check();
    assert!(problem(&report, "p256.key").contains("mode 0640"));
}

#[test]
fn of_a_key_in_two_stores_the_first_counts() {
    let home = Home::new(&["p256"]);
    std::fs::create_dir(home.path("more")).unwrap();
    for label in ["p256", "p384"] {
        let path = home.path("more").join(format!("{label}.pem"));
        std::fs::write(&path, site(label).issued.key_pem.as_bytes()).unwrap();
        set_mode(&path, 0o600);
    }
    let config = home.config(
        r#"[[keys.store]]
        directory = { path = "more" }
        [[keys.store]]
        directory = { path = "nowhere" }
        "#,
    );
    let report = config.check();
    let labels: Vec<_> = report.keys.iter().map(|key| key.label.as_str()).collect();
    assert_eq!(labels, ["p256", "p384"]);
    let told = problem(&report, "more/p256.pem");
    assert!(
        told.contains("keys/p256.key as well, which counts"),
        "{told}"
    );
    assert!(problem(&report, "nowhere").contains("cannot list the directory"));
}

#[test]
fn a_chain_in_another_order_is_told() {
    let home = Home::new(&["p256"]);
    let p256 = &site("p256").issued;
    let stranger = keyward_pki::Authority::new("another CA").unwrap();
    let stranger = stranger
        .issue_server(&["stranger.example"], keyward_pki::KeyAlgorithm::P256)
        .unwrap();
    let chain = [p256.chain_pem.as_str(), &stranger.chain_pem].concat();
    home.write_key("p256.crt", chain.as_bytes());
    let report = home.open_config("").check();
    let told = problem(&report, "p256.crt");
    assert!(told.contains("has not issued the one before"), "{told}");
    assert_eq!(report.keys[0].chains, 1, "it is a warning");
}

#[test]
fn key_and_chain_may_share_a_file_and_keys_may_be_named_one_by_one() {
    run(async {
        let home = Home::new(&["p384"]);
        let ed25519 = &site("ed25519").issued;
        let both = [ed25519.key_pem.as_str(), &ed25519.chain_pem].concat();
        home.write_key("both.pem", both.as_bytes());
        std::fs::write(
            home.path("single.key"),
            site("p256").issued.key_pem.as_bytes(),
        )
        .unwrap();
        set_mode(&home.path("single.key"), 0o600);
        let config = home.open_config(r#"files = ["single.key"]"#);
        let keys = config.check().keys;
        let summary: Vec<_> = keys
            .iter()
            .map(|key| (key.label.as_str(), key.kind, key.chains))
            .collect();
        assert_eq!(
            summary,
            [
                ("both", KeyKind::Ed25519, 1),
                ("p384", KeyKind::EcP384, 1),
                ("single", KeyKind::EcP256, 0)
            ]
        );
    });
}

/// What `openssl ecparam -name prime256v1 -genkey` writes.
const SEC1: &str = "-----BEGIN EC PARAMETERS-----
BggqhkjOPQMBBw==
-----END EC PARAMETERS-----
-----BEGIN EC PRIVATE KEY-----
MHcCAQEEIAR2K4anhOtW/bdainF2R/tA1d1U8pAnVBCnMH7UVlgSoAoGCCqGSM49
AwEHoUQDQgAESMx9ddfiJA9m18oEtjulQ+73TCTpLMAhuHFH3c4yjpTP92jMmrdo
68YPmnGelFzhMk4SwBFloAmSsWQlFvPFzw==
-----END EC PRIVATE KEY-----
";

#[test]
fn the_older_formats_of_private_keys_are_read() {
    let home = Home::new(&[]);
    home.write_key("sec1.pem", SEC1.as_bytes());
    // PKCS#8 has the PKCS#1 structure in its OCTET STRING, behind 26 bytes (RFC 5958 §2).
    let pkcs8 = site("rsa2048").issued.key_der.secret_der();
    let mut pkcs1 = "-----BEGIN RSA PRIVATE KEY-----\n".to_owned();
    for line in BASE64_STANDARD.encode(&pkcs8[26..]).as_bytes().chunks(64) {
        pkcs1.push_str(std::str::from_utf8(line).unwrap());
        pkcs1.push('\n');
    }
    pkcs1.push_str("-----END RSA PRIVATE KEY-----\n");
    home.write_key("pkcs1.pem", pkcs1.as_bytes());
    let report = home.open_config("").check();
    assert!(report.problems.errors().is_empty(), "{:?}", report.problems);
    let keys: Vec<_> = report
        .keys
        .iter()
        .map(|key| (key.label.as_str(), key.kind))
        .collect();
    assert_eq!(
        keys,
        [
            ("pkcs1", KeyKind::Rsa { bits: 2048 }),
            ("sec1", KeyKind::EcP256)
        ]
    );
    assert_eq!(report.keys[0].id, site("rsa2048").id());
}

#[test]
fn without_one_key_it_does_not_start() {
    run(async {
        let home = Home::new(&[]);
        home.write_key("broken.key", b"nothing");
        let error = KeyServer::start(home.open_config(""))
            .await
            .unwrap_err()
            .to_string();
        assert!(
            error.contains("no key can be served") && error.contains("broken.key"),
            "{error}"
        );

        std::fs::remove_dir_all(home.path("keys")).unwrap();
        let error = KeyServer::start(home.open_config(""))
            .await
            .unwrap_err()
            .to_string();
        assert!(error.contains("cannot list the directory"), "{error}");
    });
}

#[test]
fn the_channels_own_files_are_checked_all_at_once() {
    let home = Home::new(&["p256"]);
    std::fs::remove_file(home.path("keyserver.pem")).unwrap();
    std::fs::write(home.path("keyserver.key"), "nothing").unwrap();
    std::fs::write(home.path("ca.pem"), "").unwrap();
    let errors: Vec<_> = home
        .open_config("")
        .check()
        .problems
        .iter()
        .map(ToString::to_string)
        .collect();
    assert_eq!(errors.len(), 3, "{errors:?}");
    assert!(
        errors[0].contains("keyserver.toml:3:27: cannot read"),
        "{errors:?}"
    );
    assert!(
        errors[1].contains("keyserver.toml:4:19: cannot read"),
        "{errors:?}"
    );
    assert!(errors[2].contains("keyserver.toml:5:25: "), "{errors:?}");
}

#[test]
fn a_key_of_another_certificate_is_named() {
    let home = Home::new(&["p256"]);
    std::fs::write(
        home.path("keyserver.key"),
        site("p256").issued.key_pem.as_bytes(),
    )
    .unwrap();
    let errors: Vec<_> = home
        .open_config("")
        .check()
        .problems
        .iter()
        .map(ToString::to_string)
        .collect();
    assert_eq!(errors.len(), 1, "{errors:?}");
    assert!(errors[0].contains("cannot be used together"), "{errors:?}");
}

#[test]
fn rules_about_keys_that_are_not_there_are_named_with_their_place() {
    let home = Home::new(&["p256", "rsa2048"]);
    let config: Config = home.config(
        r#"allow_rsa_key_transport = ["rsa2048", "p256", "old"]
[[edge]]
name = "edge-1.example"
keys = ["p256", "typo"]
operations = ["tls13-server-certificate-verify"]
names = ["*"]
"#,
    );
    let errors: Vec<_> = config
        .check()
        .problems
        .iter()
        .map(ToString::to_string)
        .collect();
    assert_eq!(errors.len(), 3, "{errors:?}");
    assert!(errors[0].contains("`p256` is not an RSA key"), "{errors:?}");
    assert!(
        errors[1].contains("there is no key `typo`; there are: p256, rsa2048"),
        "{errors:?}"
    );
    assert!(errors[1].contains("keyserver.toml:11:17:"), "{errors:?}");
    assert!(errors[2].contains("there is no key `old`"), "{errors:?}");
}
