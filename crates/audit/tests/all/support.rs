//! A log in a temporary folder.

use std::path::{Path, PathBuf};
use std::sync::mpsc::{self, Receiver, Sender};
use std::time::Duration;

use keyward_audit::{
    AppendError, Durability, ReadError, Reader, Recovery, Signer, Verifier, Waiter, Writer,
    WriterConfig,
};
use keyward_crypto::private_key::PrivateKey;
use tempfile::TempDir;

pub(crate) const NAME: &str = "keys.example/audit";
/// Records in a segment of the journal.
pub(crate) const SEGMENT: u64 = 65_536;

/// A log's folder and key.
pub(crate) struct TestLog {
    dir: TempDir,
    key: String,
}

impl TestLog {
    pub(crate) fn new() -> Self {
        let key = rcgen::KeyPair::generate_for(&rcgen::PKCS_ED25519).unwrap();
        Self {
            dir: tempfile::tempdir().unwrap(),
            key: key.serialize_pem(),
        }
    }

    pub(crate) fn key(&self) -> &str {
        &self.key
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.dir.path().join("log")
    }

    pub(crate) fn signer(&self) -> Signer {
        Signer::new(NAME, PrivateKey::from_pem(self.key.as_bytes()).unwrap()).unwrap()
    }

    pub(crate) fn verifier(&self) -> Verifier {
        self.signer().verifier().clone()
    }

    pub(crate) fn config(&self) -> WriterConfig {
        WriterConfig {
            path: self.path(),
            signer: self.signer(),
            durability: Durability::AtOnce,
            queue: 1_000_000,
            publish_every: Duration::from_secs(3600),
        }
    }

    pub(crate) fn open(&self) -> (Writer<Told>, Recovery) {
        Writer::open(self.config()).unwrap()
    }

    pub(crate) fn reader(&self) -> Reader {
        self.reader_or_error().unwrap()
    }

    pub(crate) fn reader_or_error(&self) -> Result<Reader, ReadError> {
        Reader::open(&self.path(), self.verifier())
    }

    /// Appends these and closes the log, so that tiles are written.
    pub(crate) fn append(&self, numbers: std::ops::Range<u64>) {
        let (writer, _) = self.open();
        append(&writer, numbers);
    }

    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.path().join(name)
    }
}

/// What the `n`-th record of a test is.
pub(crate) fn record(n: u64) -> Vec<u8> {
    format!("{{\"record\":{n}}}").into_bytes()
}

pub(crate) struct Told(Sender<Result<u64, String>>);

pub(crate) fn told() -> (Told, Receiver<Result<u64, String>>) {
    let (sender, receiver) = mpsc::channel();
    (Told(sender), receiver)
}

impl Waiter for Told {
    fn recorded(self, outcome: Result<u64, &AppendError>) {
        self.0.send(outcome.map_err(ToString::to_string)).ok();
    }
}

/// Appends these and waits until they are on disk.
pub(crate) fn append(writer: &Writer<Told>, numbers: std::ops::Range<u64>) {
    let (sender, receiver) = mpsc::channel();
    for n in numbers.clone() {
        assert!(writer.append(record(n), Told(sender.clone())).is_ok());
    }
    drop(sender);
    let indexes: Vec<u64> = receiver.into_iter().map(Result::unwrap).collect();
    assert_eq!(indexes, numbers.collect::<Vec<_>>());
}

/// All files below a folder.
pub(crate) fn files(folder: &Path) -> Vec<PathBuf> {
    let mut all = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            all.extend(files(&path));
        } else {
            all.push(path);
        }
    }
    all.sort();
    all
}
