//! Every use is recorded, also what is refused; in strict mode before the answer leaves, and without a record there is none.

use std::path::Path;
use std::process::Command;

use keyward_audit::{Reader, Signer};
use keyward_crypto::hash::HashAlgorithm;
use keyward_crypto::private_key::PrivateKey;
use keyward_keyclient::{KeyClientError, RefusalReason};
use keyward_keyop::{Operation, tls13};
use keyward_keyserver::{KeyServer, StartError};
use keyward_pki::{KeyAlgorithm, private_key_pem, write_private};
use serde_json::Value;

use crate::admin::{ADMIN, get};
use crate::support::{Home, PATIENCE, eventually, run, site, start};

const NAME: &str = "keys.example/audit";
const CHILD: &str = "KEYWARD_KEYSERVER_TEST_FULL_DISK";

pub(crate) fn home() -> Home {
    let home = Home::new(&["p256", "rsa2048"]);
    let key = private_key_pem(KeyAlgorithm::Ed25519).unwrap();
    write_private(&home.path("audit.key"), key.as_bytes()).unwrap();
    home
}

pub(crate) fn section(mode: &str) -> String {
    format!(
        r#"
        [audit]
        directory = "audit"
        key = "audit.key"
        name = "{NAME}"
        {mode}
        "#
    )
}

fn reader(home: &Home) -> Reader {
    let key = PrivateKey::from_pem(&std::fs::read(home.path("audit.key")).unwrap()).unwrap();
    let verifier = Signer::new(NAME, key).unwrap().verifier().clone();
    Reader::open(&home.path("audit"), verifier).unwrap()
}

pub(crate) fn records(home: &Home) -> Vec<Value> {
    let reader = reader(home);
    assert_eq!(reader.verify(&[]).unwrap().findings, []);
    let parse = |bytes: Vec<u8>| serde_json::from_slice(&bytes).unwrap();
    reader
        .records(0)
        .map(|record| parse(record.unwrap().bytes))
        .collect()
}

fn transcript(operation: &Operation) -> String {
    let Operation::Tls13ServerCertificateVerify(operation) = operation else {
        panic!("not TLS 1.3")
    };
    let hash = tls13::transcript_hash(&operation.messages, HashAlgorithm::Sha256).unwrap();
    hash.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn in_strict_mode_a_use_is_on_disk_when_its_answer_comes() {
    run(async {
        let home = home();
        let server = start(home.open_config(&section(""))).await;
        let client = home.client(&server.addresses()[0]);
        let mut expected = Vec::new();
        for site in [site("p256"), site("rsa2048")] {
            let operation = site.tls13();
            expected.push((site, transcript(&operation)));
            client.perform(operation, PATIENCE).await.unwrap();
            let records = records(&home);
            assert_eq!(records.len(), expected.len());
            for (record, (site, transcript)) in records.iter().zip(&expected) {
                assert_eq!(record["edge"], "edge-1.example");
                assert_eq!(record["key"], site.id().to_string());
                assert_eq!(record["label"], site.label);
                assert_eq!(record["operation"], "tls13-server-certificate-verify");
                assert_eq!(record["names"], "shop.example");
                assert_eq!(record["transcript"], *transcript);
                assert_eq!(record["verdict"], "performed");
                assert!(record["work_us"].as_u64().unwrap() > 0);
                assert!(record["time"].as_str().unwrap().ends_with('Z'));
            }
        }
        assert_eq!(server.metrics().audit_records, 2);
    });
}

#[test]
fn what_is_refused_is_recorded_with_its_cause() {
    run(async {
        let home = home();
        let rule = r#"
            [[edge]]
            name = "edge-1.example"
            keys = ["p256.key"]
            operations = ["tls13-server-certificate-verify"]
            names = ["other.example"]
        "#;
        let server = start(home.config(&(section("") + rule))).await;
        let client = home.client(&server.addresses()[0]);
        for (operation, reason) in [
            (site("p256").tls13(), RefusalReason::Name),
            (site("p256").tls12(), RefusalReason::Operation),
            (site("rsa2048").tls13(), RefusalReason::Key),
        ] {
            let error = client.perform(operation, PATIENCE).await.unwrap_err();
            assert!(
                matches!(&error, KeyClientError::Refused { reason: found, .. } if *found == reason),
                "{error:?}"
            );
        }
        eventually("all are recorded", || server.metrics().audit_records == 3).await;
        let records = records(&home);
        let causes: Vec<_> = records
            .iter()
            .map(|record| {
                assert_eq!(record["verdict"], "refused");
                record["cause"].as_str().unwrap()
            })
            .collect();
        assert!(causes[0].contains("the name shop.example"), "{causes:?}");
        assert!(
            causes[1].contains("tls12-server-key-exchange"),
            "{causes:?}"
        );
        assert!(
            causes[2].contains("no rule allows this edge key"),
            "{causes:?}"
        );
        assert_eq!(records[0]["names"], "shop.example");
        assert_eq!(records[2].get("names"), None);
    });
}

/// RFC 5246 §7.4.7.1: nobody may learn how a ciphertext is padded, not from the record either.
#[test]
fn a_record_does_not_tell_how_a_ciphertext_is_padded() {
    run(async {
        let home = home();
        let mut config = home.open_config(&section(""));
        config.keys.allow_rsa_key_transport = vec!["rsa2048.key".to_owned()];
        let server = start(config).await;
        let client = home.client(&server.addresses()[0]);
        let mut good = [7; 48];
        good[..2].copy_from_slice(&[3, 3]);
        for premaster in [&good[..], &[7; 48], &[3, 3], &[]] {
            let operation = site("rsa2048").tls12_rsa(premaster);
            client.perform(operation, PATIENCE).await.unwrap();
        }
        let mut records = records(&home);
        assert_eq!(records.len(), 4);
        for record in &mut records {
            let fields = record.as_object_mut().unwrap();
            for differs in ["time", "work_us", "transcript"] {
                fields.remove(differs).unwrap();
            }
        }
        assert!(
            records.iter().all(|record| *record == records[0]),
            "{records:?}"
        );
    });
}

#[test]
fn in_relaxed_mode_the_record_comes_a_stated_time_later() {
    run(async {
        let home = home();
        let relaxed = section("mode = \"relaxed\"\nwithin_ms = 50");
        let server = start(home.open_config(&relaxed)).await;
        let client = home.client(&server.addresses()[0]);
        client
            .perform(site("p256").tls13(), PATIENCE)
            .await
            .unwrap();
        eventually("it is recorded", || server.metrics().audit_records == 1).await;
        assert_eq!(records(&home).len(), 1);
        // What waits when the key server stops is recorded.
        client
            .perform(site("p256").tls13(), PATIENCE)
            .await
            .unwrap();
        drop(client);
        server.shutdown().await;
        assert_eq!(records(&home).len(), 2);
    });
}

#[test]
fn a_damaged_log_or_a_wrong_key_is_refused_at_the_start() {
    run(async {
        let home = home();
        let config = home.open_config(&section(""));
        let server = start(config.clone()).await;
        let client = home.client(&server.addresses()[0]);
        for _ in 0..3 {
            client
                .perform(site("p256").tls13(), PATIENCE)
                .await
                .unwrap();
        }
        drop(client);
        server.shutdown().await;
        let fails = async |config| match KeyServer::start(config).await {
            Err(StartError::Config(error)) => error.to_string(),
            other => panic!("{other:?}"),
        };
        let journal = home.path("audit/journal/00000000000000000000");
        let whole = std::fs::read(&journal).unwrap();
        std::fs::write(&journal, &whole[..whole.len() / 2]).unwrap();
        let error = fails(config.clone()).await;
        assert!(error.contains("there were 3 records, now there"), "{error}");
        std::fs::write(&journal, &whole).unwrap();
        std::fs::copy(home.path("keyserver.key"), home.path("audit.key")).unwrap();
        let error = fails(config.clone()).await;
        assert!(error.contains("signed with an Ed25519 key"), "{error}");
        assert!(
            config
                .check()
                .problems
                .iter()
                .any(|problem| problem.to_string() == error)
        );
        std::fs::remove_file(home.path("audit.key")).unwrap();
        let error = fails(config).await;
        assert!(error.contains("`keyward audit init` makes one"), "{error}");
    });
}

/// Not a test by itself: a process of its own for the next one, whose files it limits.
#[test]
fn with_a_full_disk() {
    if std::env::var_os(CHILD).is_none() {
        return;
    }
    run(async {
        let home = home();
        let server = start(home.open_config(&(section("") + ADMIN))).await;
        let admin = server.admin_address().unwrap();
        let client = home.client(&server.addresses()[0]);
        client
            .perform(site("p256").tls13(), PATIENCE)
            .await
            .unwrap();
        let len = std::fs::metadata(journal(&home)).unwrap().len();
        limit(&len.to_string());
        let error = client
            .perform(site("p256").tls13(), PATIENCE)
            .await
            .unwrap_err();
        assert!(error.to_string().contains("cannot be recorded"), "{error}");
        assert_eq!(server.metrics().audit_lost, 1);
        let (status, why) = get(admin, "/readyz", "*/*").await;
        assert_eq!(status, 503);
        assert!(why.contains("the audit log cannot be written"), "{why}");
        limit("unlimited");
        client
            .perform(site("p256").tls13(), PATIENCE)
            .await
            .unwrap();
        assert_eq!(records(&home).len(), 2);
        assert_eq!(server.metrics().audit_records, 2);
        assert_eq!(get(admin, "/readyz", "*/*").await.0, 200);
    });
}

fn journal(home: &Home) -> std::path::PathBuf {
    home.path("audit/journal/00000000000000000000")
}

/// Limits the size of this process's files, as a full disk does.
fn limit(bytes: &str) {
    let id = std::process::id().to_string();
    let status = Command::new("prlimit")
        .args([&format!("--fsize={bytes}:"), "--pid", &id])
        .status();
    assert!(status.unwrap().success());
}

#[test]
fn in_strict_mode_nothing_is_done_that_cannot_be_recorded() {
    let this: &Path = &std::env::current_exe().unwrap();
    // A limit ends a process unless it ignores the signal.
    let output = Command::new("bash")
        .args([
            "-c",
            "trap '' XFSZ; exec \"$0\" audit::with_a_full_disk --exact --nocapture",
        ])
        .arg(this)
        .env(CHILD, "1")
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
}
