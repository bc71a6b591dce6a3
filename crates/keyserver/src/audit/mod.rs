//! The record of every use of a key, in a log that shows when something is changed or taken out (`keyward-audit`).
//!
//! With `mode = "strict"` an answer leaves when its record is on disk, and not at all if it cannot be put there. With
//! `"relaxed"` the answer leaves at once and its record is on disk a stated time later; what cannot be recorded is counted, and
//! the log of the program says so. Of an edge's refusals in a second the first are recorded, and how many more there were.

mod entry;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use keyward_audit::{
    AppendError, Durability, OpenError, QueueFull, Signer, VerifierError, Waiter, Writer,
    WriterConfig,
};
use keyward_config::Problem;
use keyward_crypto::private_key::{KeyError, PrivateKey};
use keyward_protocol::{EncodedFrame, ErrorCode, ErrorReply};
use tracing::{error, info, warn};
use zeroize::Zeroizing;

use crate::config::{AuditConfig, AuditMode, Config};
use crate::in_flight::{ReplySlot, Wake};
use crate::metrics::Metrics;
use crate::refusals::Untold;

pub(crate) use entry::{Entry, Verdict};

/// How often tiles are written, for others to read.
const PUBLISH_EVERY: Duration = Duration::from_secs(60);
/// Records that may wait to be written.
const QUEUE: usize = 65_536;
/// How often the log of the program says that records are lost.
const SHOUT_EVERY: Duration = Duration::from_secs(1);

/// Where uses are recorded, if they are.
#[derive(Debug)]
pub(crate) struct Audit {
    log: Option<Log>,
    metrics: Arc<Metrics>,
}

#[derive(Debug)]
struct Log {
    writer: Writer<Pending>,
    mode: AuditMode,
    shouts: Arc<Shouts>,
}

/// Why the log cannot be used.
#[derive(Debug)]
pub(crate) enum AuditError {
    KeyFile(std::io::Error),
    Key(KeyError),
    Signer(VerifierError),
    Open(OpenError),
}

impl Config {
    /// What is wrong with the log, at the setting that has to be looked at.
    pub(crate) fn audit_problem(&self, error: &AuditError) -> Problem {
        let key = self
            .audit
            .as_ref()
            .map(|audit| audit.key.display().to_string());
        let key = key.unwrap_or_default();
        match error {
            AuditError::KeyFile(cause) => self.problem(
                "audit.key",
                format!("cannot read {key}: {cause}"),
                "`keyward audit init` makes one",
            ),
            AuditError::Key(cause) => self.problem("audit.key", format!("{key}: {cause}"), ""),
            AuditError::Signer(cause @ VerifierError::Name) => {
                self.problem("audit.name", cause.to_string(), "")
            }
            AuditError::Signer(cause) => self.problem("audit.key", format!("{key}: {cause}"), ""),
            AuditError::Open(cause) => self.problem("audit.directory", cause.to_string(), ""),
        }
    }

    /// The log's key and name, without opening the log, which may be in use.
    pub(crate) fn check_audit(&self) -> Option<Problem> {
        let audit = self.audit.as_ref()?;
        signer(audit).err().map(|error| self.audit_problem(&error))
    }
}

/// Reads the log's key.
pub(crate) fn signer(config: &AuditConfig) -> Result<Signer, AuditError> {
    let pem = std::fs::read(&config.key).map_err(AuditError::KeyFile)?;
    let pem = Zeroizing::new(pem);
    let key = PrivateKey::from_pem(&pem).map_err(AuditError::Key)?;
    Signer::new(&config.name, key).map_err(AuditError::Signer)
}

impl Audit {
    pub(crate) fn open(
        config: Option<&AuditConfig>,
        metrics: Arc<Metrics>,
    ) -> Result<Self, AuditError> {
        let Some(config) = config else {
            return Ok(Self { log: None, metrics });
        };
        let durability = match config.mode {
            AuditMode::Strict => Durability::AtOnce,
            AuditMode::Relaxed { within } => Durability::Within(within),
        };
        let signer = signer(config)?;
        let verifier = signer.verifier().to_string();
        let (writer, recovery) = Writer::open(WriterConfig {
            path: config.directory.clone(),
            signer,
            durability,
            queue: QUEUE,
            publish_every: PUBLISH_EVERY,
        })
        .map_err(AuditError::Open)?;
        if recovery.dropped > 0 {
            warn!(
                bytes = recovery.dropped,
                "the audit log ended within a batch that was never confirmed; it is dropped"
            );
        }
        info!(directory = %config.directory.display(), mode = %config.mode, records = recovery.size, verifier, "recording");
        Ok(Self {
            log: Some(Log {
                writer,
                mode: config.mode,
                shouts: Arc::default(),
            }),
            metrics,
        })
    }

    /// In which mode uses are recorded, if they are.
    pub(crate) fn mode(&self) -> Option<AuditMode> {
        self.log.as_ref().map(|log| log.mode)
    }

    /// Whether anything is recorded.
    pub(crate) fn is_on(&self) -> bool {
        self.log.is_some()
    }

    /// Records a use and answers it, in the order that the mode wants. Whom to wake for the answer, if it is there.
    pub(crate) fn answer(
        &self,
        entry: &Entry<'_>,
        slot: ReplySlot,
        frame: EncodedFrame,
    ) -> Option<Wake> {
        let Some(log) = &self.log else {
            return slot.send(frame);
        };
        let (waiting, wake) = match log.mode {
            AuditMode::Strict => (Some((slot, frame)), None),
            AuditMode::Relaxed { .. } => (None, slot.send(frame)),
        };
        self.append(log, entry.encode(), waiting);
        wake
    }

    /// Records what was refused before a worker had it.
    pub(crate) fn note(&self, entry: &Entry<'_>) {
        if let Some(log) = &self.log {
            self.append(log, entry.encode(), None);
        }
    }

    /// Records how many refusals are not recorded.
    pub(crate) fn note_untold(&self, untold: &Untold) {
        if let Some(log) = &self.log {
            self.append(log, entry::encode_untold(untold), None);
        }
    }

    fn append(&self, log: &Log, record: Vec<u8>, waiting: Option<(ReplySlot, EncodedFrame)>) {
        let pending = Pending {
            waiting,
            since: Instant::now(),
            metrics: Arc::clone(&self.metrics),
            shouts: Arc::clone(&log.shouts),
        };
        self.metrics.audit.waits();
        if let Err(QueueFull(pending)) = log.writer.append(record, pending) {
            pending.lost(
                "more records wait than the disk can take",
                ErrorCode::Overloaded,
            );
        }
    }
}

/// A record that is not on disk yet, and with `strict` the answer that waits for it.
#[derive(Debug)]
struct Pending {
    waiting: Option<(ReplySlot, EncodedFrame)>,
    since: Instant,
    metrics: Arc<Metrics>,
    shouts: Arc<Shouts>,
}

impl Waiter for Pending {
    fn recorded(self, outcome: Result<u64, &AppendError>) {
        match outcome {
            Ok(_) => {
                self.metrics.audit.recorded(self.since);
                if let Some((slot, frame)) = self.waiting {
                    drop(slot.send(frame));
                }
            }
            Err(cause) => self.lost(&cause.to_string(), ErrorCode::Internal),
        }
    }
}

impl Pending {
    /// There is no record: with `strict` there is no answer either.
    fn lost(self, cause: &str, code: ErrorCode) {
        self.metrics.audit.lost();
        if let Some(lost) = self.shouts.next() {
            match self.waiting.is_some() {
                true => error!(lost, cause, "no record, no answer: operations are refused"),
                false => error!(lost, cause, "OPERATIONS ARE NOT RECORDED"),
            }
        }
        if let Some((slot, _)) = self.waiting {
            let error = ErrorReply::new(
                code,
                "the use of the key cannot be recorded, so there is none",
            );
            if let Some(frame) = slot.dialect().error(error) {
                drop(slot.send(frame));
            }
        }
    }
}

/// Lets one message a second through, with how many there would have been.
#[derive(Debug)]
struct Shouts {
    begin: Instant,
    /// Milliseconds since `begin`.
    next_ms: AtomicU64,
    since: AtomicU64,
}

impl Default for Shouts {
    fn default() -> Self {
        Self {
            begin: Instant::now(),
            next_ms: AtomicU64::new(0),
            since: AtomicU64::new(0),
        }
    }
}

impl Shouts {
    fn next(&self) -> Option<u64> {
        self.since.fetch_add(1, Ordering::Relaxed);
        let now = u64::try_from(self.begin.elapsed().as_millis()).unwrap_or(u64::MAX);
        let next = self.next_ms.load(Ordering::Relaxed);
        let due = now >= next;
        let after = now.saturating_add(u64::try_from(SHOUT_EVERY.as_millis()).unwrap_or(u64::MAX));
        let first = due
            && self
                .next_ms
                .compare_exchange(next, after, Ordering::Relaxed, Ordering::Relaxed)
                .is_ok();
        first.then(|| self.since.swap(0, Ordering::Relaxed))
    }
}
