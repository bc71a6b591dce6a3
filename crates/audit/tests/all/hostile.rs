//! Folders that somebody else has written, and bugs: nothing is read for ever, and nobody waits for ever.

use std::fs::{self, File, OpenOptions};
use std::os::unix::fs::symlink;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use keyward_audit::{AppendError, OpenError, Signer, Waiter, Writer};
use keyward_crypto::private_key::PrivateKey;
use keyward_crypto::signature::SignatureAlgorithm;

use crate::support::{NAME, TestLog, append, files, record, told};

/// As long as no memory is: a file with a hole.
const ENDLESS: u64 = 1 << 42;

#[test]
fn no_file_is_read_for_ever() {
    let log = TestLog::new();
    log.append(0..300);
    for path in files(&log.path()) {
        let name = path.strip_prefix(log.path()).unwrap().to_str().unwrap();
        if name == "lock" || name == "verifier" {
            continue;
        }
        let good = fs::read(&path).unwrap();
        fs::remove_file(&path).unwrap();
        symlink("/dev/zero", &path).unwrap();
        let verified = log.reader_or_error().and_then(|log| log.verify(&[]));
        assert!(verified.is_err(), "{name}");
        fs::remove_file(&path).unwrap();

        fs::write(&path, &good).unwrap();
        let file = OpenOptions::new().write(true).open(&path).unwrap();
        file.set_len(ENDLESS).unwrap();
        let verified = log.reader_or_error().and_then(|log| log.verify(&[]));
        assert!(!verified.is_ok_and(|found| found.is_whole()), "{name}");
        fs::write(&path, &good).unwrap();
    }
    assert!(log.reader().verify(&[]).unwrap().is_whole());
}

#[test]
fn what_only_looks_like_batches_is_not_tried_for_long() {
    let log = TestLog::new();
    log.append(0..3);
    let path = log.file("journal/00000000000000000000");
    let mut bytes = fs::read(&path).unwrap();
    for _ in 0..400_000 {
        bytes.extend_from_slice(b"KWaj\x00\x10\x00\x00");
    }
    fs::write(&path, bytes).unwrap();
    assert!(!log.reader().verify(&[]).unwrap().is_whole());
}

#[test]
fn a_log_that_claims_to_be_endless_is_not_searched_to_its_end() {
    let log = TestLog::new();
    fs::create_dir_all(log.path()).unwrap();
    let verifier = log.verifier().to_string();
    let id = verifier.split('+').nth(1).unwrap();
    let id = u32::from_str_radix(id, 16).unwrap().to_be_bytes();
    let text = format!("{NAME}\n{}\n{}\n", 1_u64 << 62, STANDARD.encode([7; 32]));
    let key = PrivateKey::from_pem(log.key().as_bytes()).unwrap();
    let signature = key
        .sign(SignatureAlgorithm::Ed25519, text.as_bytes())
        .unwrap();
    let blob = STANDARD.encode([&id[..], &signature].concat());
    fs::write(log.file("checkpoint"), format!("{text}\n— {NAME} {blob}\n")).unwrap();
    let findings = log.reader().verify(&[]).unwrap().findings;
    assert_eq!(findings.len(), 1000);
}

#[test]
fn who_may_not_write_a_log_leaves_its_public_key_alone() {
    let log = TestLog::new();
    let (writer, _) = log.open();
    append(&writer, 0..3);
    let other = TestLog::new();
    let open = |signer: Signer| {
        let mut config = log.config();
        config.signer = signer;
        Writer::<()>::open(config).map(|_| ())
    };
    let verifier = fs::read(log.file("verifier")).unwrap();
    assert!(matches!(open(other.signer()), Err(OpenError::InUse(_))));
    assert_eq!(fs::read(log.file("verifier")).unwrap(), verifier);
    drop(writer);
    assert!(matches!(
        open(other.signer()),
        Err(OpenError::Damaged { .. })
    ));
    assert_eq!(fs::read(log.file("verifier")).unwrap(), verifier);
}

enum Either {
    Panics,
    Tells(crate::support::Told),
}

impl Waiter for Either {
    fn recorded(self, outcome: Result<u64, &AppendError>) {
        match self {
            Self::Panics => panic!("a bug in who waits"),
            Self::Tells(told) => told.recorded(outcome),
        }
    }
}

#[test]
fn after_a_bug_nobody_waits_and_nothing_is_said_to_be_recorded() {
    let log = TestLog::new();
    let (writer, _) = Writer::open(log.config()).unwrap();
    writer.append(record(0), Either::Panics).ok().unwrap();
    while writer.status().failing.is_none() {
        std::thread::yield_now();
    }
    let (waiter, receiver) = told();
    writer
        .append(record(1), Either::Tells(waiter))
        .ok()
        .unwrap();
    assert!(receiver.recv().unwrap().is_err());
    // And this ends.
    drop(writer);
    assert!(File::open(log.file("checkpoint")).is_ok());
}
