//! Records of handshakes, one JSON line each.

use std::fs::{File, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use keyward_crypto::signature::KeyKind;
use keyward_keyclient::Route;
use keyward_keyop::Operation;
use keyward_observe::{Event, HandshakeRecord, KeyServerAnswer, NeedTiming, Outcome, Party};
use keyward_tls::{Need, NeedKind, Negotiated, TraceEvent, TraceItem};
use keyward_wire::codec::Encode;
use keyward_wire::values::ProtocolVersion;
use tracing::warn;
use zeroize::Zeroizing;

/// Collects what happens on one connection, until the first data has gone both ways.
///
/// Without a file to write to it collects nothing.
pub(crate) struct Recorder(Option<Box<Recording>>);

struct Recording {
    record: HandshakeRecord,
    start: Instant,
    open: Vec<(NeedKind, Instant)>,
    data: [&'static str; 2],
    sent_data: bool,
    writer: RecordWriter,
}

impl Recorder {
    pub(crate) fn new(writer: Option<RecordWriter>, connection: u64, peer: String) -> Self {
        Self(writer.map(|writer| {
            let mut record = HandshakeRecord::new(connection);
            record.peer = Some(peer);
            Box::new(Recording {
                record,
                start: Instant::now(),
                open: Vec::new(),
                data: ["application data"; 2],
                sent_data: false,
                writer,
            })
        }))
    }

    /// The engine asks.
    pub(crate) fn need(&mut self, need: &Need) {
        if let (Some(recording), Need::KeyOperation(need)) = (&mut self.0, need) {
            let kind = need.operation().kind();
            let bytes = encoded_len(need.operation());
            recording.record.key_operations += 1;
            recording.event(Party::Edge, Party::KeyServer, format!("{kind:?}"), bytes);
        }
    }

    /// The key server has answered.
    pub(crate) fn key_answer(
        &mut self,
        result: Option<(&'static str, usize)>,
        route: Option<Route>,
    ) {
        if let Some(recording) = &mut self.0 {
            if let Some(route) = route {
                recording.record.key_servers.push(KeyServerAnswer {
                    server: route.server.to_string(),
                    hedged: route.hedged,
                    retries: route.retries,
                });
            }
            let (what, bytes) = result.unwrap_or(("error", 0));
            recording.event(Party::KeyServer, Party::Edge, what, bytes);
        }
    }

    /// What the engine has done since.
    pub(crate) fn trace(&mut self, events: Vec<TraceEvent>) {
        if let Some(recording) = &mut self.0 {
            for event in events {
                recording.trace(event);
            }
            if recording.sent_data {
                self.finish();
            }
        }
    }

    /// The handshake is complete.
    pub(crate) fn completed(&mut self, negotiated: &Negotiated, http: bool) {
        if let Some(recording) = &mut self.0 {
            if http {
                recording.data = ["HTTP request", "HTTP response"];
            }
            let record = &mut recording.record;
            record.version = Some(version(negotiated.version));
            record.cipher_suite = Some(negotiated.cipher_suite.to_string());
            record.group = negotiated.group.map(|group| group.to_string());
            record.server_name = negotiated.server_name.clone();
            record.resumed = negotiated.resumed;
            record.certificate = negotiated
                .certificate
                .as_ref()
                .map(|certificate| key_kind(certificate.public_key().kind()));
            record.outcome = Outcome::Completed;
        }
    }

    /// The handshake failed.
    pub(crate) fn failed(&mut self, server_name: Option<&str>, cause: &str) {
        if let Some(recording) = &mut self.0 {
            recording.record.server_name = server_name.map(str::to_owned);
            recording.record.outcome = Outcome::Failed(cause.to_owned());
        }
        self.finish();
    }

    /// Hands the record on, once.
    fn finish(&mut self) {
        if let Some(recording) = self.0.take() {
            recording.writer.write(recording.record);
        }
    }
}

/// A connection that ends before it sent any data has a record all the same.
impl Drop for Recorder {
    fn drop(&mut self) {
        self.finish();
    }
}

impl Recording {
    fn event(&mut self, from: Party, to: Party, what: impl Into<String>, bytes: usize) {
        let at = micros(self.start.elapsed());
        self.record
            .events
            .push(Event::new(at, from, to, what, bytes));
    }

    fn trace(&mut self, event: TraceEvent) {
        match event {
            TraceEvent::Received { what, len } => {
                let what = self.name(what, 0);
                self.event(Party::Client, Party::Edge, what, len);
            }
            TraceEvent::Sent { what, len } => {
                self.sent_data |= what == TraceItem::ApplicationData;
                let what = self.name(what, 1);
                self.event(Party::Edge, Party::Client, what, len);
            }
            TraceEvent::NeedRaised(kind) => self.open.push((kind, Instant::now())),
            TraceEvent::NeedAnswered(kind) | TraceEvent::NeedFailed(kind, _) => {
                if let Some(index) = self.open.iter().position(|(open, _)| *open == kind) {
                    let (_, since) = self.open.remove(index);
                    self.record.needs.push(NeedTiming {
                        kind: kind.name().replace(' ', "-"),
                        at_us: micros(since - self.start),
                        us: micros(since.elapsed()),
                    });
                }
            }
            _ => {}
        }
    }

    fn name(&self, item: TraceItem, direction: usize) -> String {
        match item {
            TraceItem::Handshake(kind) => camel_case(&kind.to_string()),
            TraceItem::HelloRetryRequest => "HelloRetryRequest".to_owned(),
            TraceItem::ChangeCipherSpec => "ChangeCipherSpec".to_owned(),
            TraceItem::Alert(description) => format!("Alert {description}"),
            TraceItem::ApplicationData => self.data[direction].to_owned(),
            _ => "other".to_owned(),
        }
    }
}

/// The RFC's name of a message (`ClientHello`) from the registry's (`client_hello`).
fn camel_case(name: &str) -> String {
    name.split('_')
        .flat_map(|word| {
            let mut letters = word.chars();
            letters
                .next()
                .map(|first| first.to_ascii_uppercase())
                .into_iter()
                .chain(letters)
        })
        .collect()
}

pub(crate) fn version(version: ProtocolVersion) -> String {
    match version {
        ProtocolVersion::TLS13 => "TLS 1.3".to_owned(),
        ProtocolVersion::TLS12 => "TLS 1.2".to_owned(),
        other => other.to_string(),
    }
}

fn key_kind(kind: KeyKind) -> String {
    match kind {
        KeyKind::Rsa { bits } => format!("RSA {bits}"),
        KeyKind::EcP256 => "ECDSA P-256".to_owned(),
        KeyKind::EcP384 => "ECDSA P-384".to_owned(),
        KeyKind::EcP521 => "ECDSA P-521".to_owned(),
        kind @ (KeyKind::RsaPss { .. }
        | KeyKind::Ed25519
        | KeyKind::MlDsa44
        | KeyKind::MlDsa65
        | KeyKind::MlDsa87) => kind.to_string(),
    }
}

fn encoded_len(operation: &Operation) -> usize {
    let mut bytes = Zeroizing::new(Vec::new());
    operation.encode(&mut bytes);
    bytes.len()
}

fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}

/// How many records may wait for the disk.
const QUEUE: usize = 1024;

/// Appends records to a file, on a thread of its own: a slow disk delays no handshake.
#[derive(Clone)]
pub(crate) struct RecordWriter {
    shared: Arc<Shared>,
}

struct Shared {
    queue: Mutex<Option<SyncSender<Box<HandshakeRecord>>>>,
    thread: Mutex<Option<JoinHandle<()>>>,
    lost: AtomicU64,
}

impl RecordWriter {
    /// # Errors
    ///
    /// The file cannot be opened for appending, or there is no thread to be had.
    pub(crate) fn open(path: &Path) -> io::Result<Self> {
        let file = OpenOptions::new().create(true).append(true).open(path)?;
        let (queue, records) = sync_channel(QUEUE);
        let thread = std::thread::Builder::new()
            .name("handshake-records".to_owned())
            .spawn(move || write_all(&records, file))?;
        Ok(Self {
            shared: Arc::new(Shared {
                queue: Mutex::new(Some(queue)),
                thread: Mutex::new(Some(thread)),
                lost: AtomicU64::new(0),
            }),
        })
    }

    fn write(&self, record: HandshakeRecord) {
        let queue = lock(&self.shared.queue);
        let sent = queue.as_ref().map(|queue| queue.try_send(Box::new(record)));
        if let Some(Err(TrySendError::Full(_))) = sent {
            // Once and then at every power of two: a full queue must not flood the log as well.
            let lost = self.shared.lost.fetch_add(1, Ordering::Relaxed) + 1;
            if lost.is_power_of_two() {
                warn!(
                    lost,
                    "handshake records are lost: the disk is too slow for them"
                );
            }
        }
    }

    /// Writes what waits and ends the thread. Blocks for the disk.
    pub(crate) fn close(&self) {
        drop(lock(&self.shared.queue).take());
        if let Some(thread) = lock(&self.shared.thread).take() {
            let _ = thread.join();
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn write_all(records: &Receiver<Box<HandshakeRecord>>, file: File) {
    let mut out = BufWriter::new(file);
    while let Ok(first) = records.recv() {
        let mut write = || -> io::Result<()> {
            write_one(&mut out, &first)?;
            for record in records.try_iter() {
                write_one(&mut out, &record)?;
            }
            out.flush()
        };
        if let Err(error) = write() {
            warn!(%error, "handshake records are lost: they cannot be written");
        }
    }
}

fn write_one(out: &mut impl Write, record: &HandshakeRecord) -> io::Result<()> {
    serde_json::to_writer(&mut *out, record)?;
    out.write_all(b"\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_have_the_names_of_the_rfc() {
        assert_eq!(camel_case("client_hello"), "ClientHello");
        assert_eq!(camel_case("finished"), "Finished");
        assert_eq!(camel_case("new_session_ticket"), "NewSessionTicket");
    }
}
