//! A disk that takes no more: whoever waits is told, and the log goes on when there is room again.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, Command, Stdio};

use keyward_audit::{Signer, Writer, WriterConfig};
use keyward_crypto::private_key::PrivateKey;

use crate::support::{NAME, TestLog, record, told};

const FOLDER: &str = "KEYWARD_AUDIT_TEST_FULL_FOLDER";
const KEY: &str = "KEYWARD_AUDIT_TEST_FULL_KEY";

/// Not a test by itself: the process whose files the next one limits. For each line of input it appends a record and says what
/// it was told.
#[test]
fn appends_on_demand() {
    let (Ok(path), Ok(key)) = (std::env::var(FOLDER), std::env::var(KEY)) else {
        return;
    };
    let signer = Signer::new(NAME, PrivateKey::from_pem(key.as_bytes()).unwrap()).unwrap();
    let config = WriterConfig {
        path: path.into(),
        signer,
        ..TestLog::new().config()
    };
    let (writer, _) = Writer::open(config).unwrap();
    for line in std::io::stdin().lines() {
        let (waiter, receiver) = told();
        let n = line.unwrap().parse().unwrap();
        writer.append(record(n), waiter).ok().unwrap();
        match receiver.recv().unwrap() {
            Ok(index) => println!("told {index}"),
            Err(error) => println!("told {error}"),
        }
        std::io::stdout().flush().unwrap();
        let failing = writer.status().failing.is_some();
        println!("failing {failing}");
    }
}

/// Limits the size of the child's files, as a full disk does.
fn limit(child: &Child, bytes: &str) {
    let status = Command::new("prlimit")
        .args([
            &format!("--fsize={bytes}:"),
            "--pid",
            &child.id().to_string(),
        ])
        .status();
    assert!(status.unwrap().success());
}

#[test]
fn a_log_goes_on_when_there_is_room_again() {
    let log = TestLog::new();
    // A limit ends a process unless it ignores the signal.
    let mut child = Command::new("bash")
        .args([
            "-c",
            "trap '' XFSZ; exec \"$0\" failing::appends_on_demand --exact --nocapture",
        ])
        .arg(std::env::current_exe().unwrap())
        .env(FOLDER, log.path())
        .env(KEY, log.key())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut input = child.stdin.take().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut append = |n: u64| {
        writeln!(input, "{n}").unwrap();
        let mut next = |prefix: &str| {
            lines
                .by_ref()
                .map(Result::unwrap)
                .find_map(|line| line.strip_prefix(prefix).map(str::to_owned))
                .unwrap()
        };
        (next("told "), next("failing "))
    };
    assert_eq!(append(0), ("0".to_owned(), "false".to_owned()));
    let journal = log.file("journal/00000000000000000000");
    let len = std::fs::metadata(&journal).unwrap().len();
    // Not a byte, then a part of a batch.
    for more in [0, 100, 250] {
        limit(&child, &(len + more).to_string());
        let (told, failing) = append(1);
        assert!(told.contains("cannot be written"), "{told}");
        assert_eq!(failing, "true");
        assert_eq!(std::fs::metadata(&journal).unwrap().len(), len);
    }
    limit(&child, "unlimited");
    assert_eq!(append(1), ("1".to_owned(), "false".to_owned()));
    drop(input);
    assert!(child.wait().unwrap().success());
    let verification = log.reader().verify(&[]).unwrap();
    assert_eq!(verification.findings, []);
    assert_eq!(verification.checkpoint.size, 2);
    let records: Vec<_> = log
        .reader()
        .records(0)
        .map(|found| found.unwrap().bytes)
        .collect();
    assert_eq!(records, [record(0), record(1)]);
}
