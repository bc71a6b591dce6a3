//! Killed at any moment, a log loses nothing that somebody was told is there.

use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use keyward_audit::{Durability, Signer, Writer, WriterConfig};
use keyward_crypto::private_key::PrivateKey;

use crate::support::{NAME, TestLog, record, told};

const FOLDER: &str = "KEYWARD_AUDIT_TEST_FOLDER";
const KEY: &str = "KEYWARD_AUDIT_TEST_KEY";

/// Not a test by itself: the process that the next one kills. It appends without end, and says what it was told.
#[test]
fn writes_until_it_is_killed() {
    let (Ok(path), Ok(key)) = (std::env::var(FOLDER), std::env::var(KEY)) else {
        return;
    };
    let config = WriterConfig {
        path: path.into(),
        signer: Signer::new(NAME, PrivateKey::from_pem(key.as_bytes()).unwrap()).unwrap(),
        durability: Durability::AtOnce,
        queue: 10_000,
        publish_every: Duration::from_millis(3),
    };
    let (writer, recovery) = Writer::open(config).unwrap();
    let (sender, receiver) = mpsc::sync_channel::<mpsc::Receiver<Result<u64, String>>>(64);
    std::thread::spawn(move || {
        let mut out = std::io::stdout();
        for told in receiver {
            let index = told.recv().unwrap().unwrap();
            writeln!(out, "told {index}").unwrap();
            out.flush().unwrap();
        }
    });
    for n in recovery.size.. {
        let (waiter, receiver) = told();
        writer.append(record(n), waiter).ok().unwrap();
        sender.send(receiver).unwrap();
    }
}

#[test]
fn nothing_that_was_promised_is_lost_when_it_is_killed_a_hundred_times() {
    let log = TestLog::new();
    let mut promised = 0;
    for round in 0..100_u64 {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args([
                "killed::writes_until_it_is_killed",
                "--exact",
                "--nocapture",
            ])
            .env(FOLDER, log.path())
            .env(KEY, log.key())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let told = |line: String| {
            line.strip_prefix("told ")
                .and_then(|index| index.parse::<u64>().ok())
        };
        // After so many promises, which is another moment each time.
        let mut wanted = 1 + round * 7 % 40;
        for line in lines.by_ref().map_while(Result::ok) {
            let Some(index) = told(line) else { continue };
            promised = promised.max(index + 1);
            wanted -= 1;
            if wanted == 0 {
                break;
            }
        }
        assert_eq!(wanted, 0, "it ended by itself");
        child.kill().unwrap();
        // What it had said before it died counts as well.
        for line in lines.map_while(Result::ok) {
            promised = promised.max(told(line).map_or(0, |index| index + 1));
        }
        child.wait().unwrap();
        let reader = log.reader();
        let verification = reader.verify(&[]).unwrap();
        assert_eq!(verification.findings, [], "round {round}");
        let size = verification.checkpoint.size;
        assert!(size >= promised, "round {round}: {size} of {promised}");
        let last = reader.records(promised - 1).next().unwrap().unwrap();
        assert_eq!(last.bytes, record(promised - 1));
    }
    assert!(promised > 1000, "{promised}");
    let reader = log.reader();
    for (n, found) in (0..).zip(reader.records(0)) {
        assert_eq!(found.unwrap().bytes, record(n));
    }
}
