//! One connection: requests out, answers in, in any order.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use keyward_keyop::Operation;
use keyward_protocol::io::{FrameReader, FrameWriter, ReadError};
use keyward_protocol::{
    Capability, CatalogCollector, EncodedFrame, Frame, FrameError, FrameKind, Hello, Reply,
    TicketKeys, encode_request,
};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, timeout};
use tokio_util::sync::CancellationToken;
use tracing::{debug, warn};

use crate::changes::Changes;
use crate::config::Timings;
use crate::error::KeyClientError;
use crate::listing::{Catalogs, Listing};
use crate::pending::{Answer, Pending};
use crate::vitals::Vitals;

/// Frames that may wait to be written before who sends the next one waits.
const WRITE_QUEUE: usize = 256;

/// Frames that are written together at most.
const BATCH: usize = 64;

/// The side of a connection that callers use.
#[derive(Debug)]
pub(crate) struct Connection {
    pending: Pending,
    frames: mpsc::Sender<EncodedFrame>,
    hello: Hello,
    channel: Channel,
    vitals: Vitals,
    draining: AtomicBool,
    /// Cancelled when nothing new may be sent here: it is lost, or the key server goes away.
    retired: CancellationToken,
    /// Cancelled when it is lost.
    lost: CancellationToken,
}

/// What is known of the channel below.
#[derive(Debug)]
pub(crate) struct Channel {
    /// The key exchange of its TLS handshake.
    pub(crate) key_exchange: String,
    /// What the connection's establishment took: a packet there and one back.
    pub(crate) round_trip: Duration,
}

impl Connection {
    /// Starts the tasks of a connection whose hellos are exchanged: reading, writing, and watching whether the key server lives.
    /// `context.stop` ends it.
    pub(crate) fn start<R, W>(
        (reader, writer): (FrameReader<R>, FrameWriter<W>),
        hello: Hello,
        channel: Channel,
        context: Context,
    ) -> Arc<Self>
    where
        R: AsyncRead + Unpin + Send + 'static,
        W: AsyncWrite + Unpin + Send + 'static,
    {
        let (frames, queue) = mpsc::channel(WRITE_QUEUE);
        let connection = Arc::new(Self {
            pending: Pending::default(),
            frames,
            hello,
            vitals: Vitals::new(&context.timings, channel.round_trip, Instant::now()),
            channel,
            draining: AtomicBool::new(false),
            retired: CancellationToken::new(),
            lost: CancellationToken::new(),
        });
        tokio::spawn(write(
            Arc::clone(&connection),
            writer,
            queue,
            context.timings,
        ));
        connection.request_ticket_keys();
        tokio::spawn({
            let connection = Arc::clone(&connection);
            async move {
                let ping = || connection.try_send(&Frame::Ping { id: 0 });
                let stalled = || context.changes.tell();
                let cause = tokio::select! {
                    cause = connection.read(reader, &context) => cause,
                    cause = connection.vitals.watch(ping, stalled) => cause,
                    () = connection.lost.cancelled() => return,
                    () = context.stop.cancelled() => "the client was stopped".to_owned(),
                };
                connection.end(&cause);
            }
        });
        connection
    }

    /// Whether new requests may be sent.
    pub(crate) fn is_usable(&self) -> bool {
        !self.retired.is_cancelled()
    }

    /// Waits until nothing new may be sent.
    pub(crate) async fn retired(&self) {
        self.retired.cancelled().await;
    }

    /// Whether the key server goes away, and answers only what it has.
    pub(crate) fn is_draining(&self) -> bool {
        self.draining.load(Ordering::Relaxed)
    }

    /// What the key server says it is.
    pub(crate) fn software(&self) -> &str {
        &self.hello.software
    }

    /// The key exchange of its TLS handshake.
    pub(crate) fn key_exchange(&self) -> &str {
        &self.channel.key_exchange
    }

    /// What a ping and its answer take, if that is known.
    pub(crate) fn round_trip(&self) -> Option<Duration> {
        self.vitals.round_trip()
    }

    /// An operation was answered here in so long.
    pub(crate) fn note_answer(&self, took: Duration) {
        self.vitals.answered(took);
    }

    /// Whether the key server is silent though it owes something.
    pub(crate) fn is_stalled(&self) -> bool {
        self.vitals.is_stalled()
    }

    /// Waits until it is.
    pub(crate) async fn stalled(&self) {
        self.vitals.stalled().await;
    }

    /// How many operations wait for an answer here.
    pub(crate) fn in_flight(&self) -> usize {
        self.pending.len()
    }

    /// Sends an operation and waits for the answer. Dropping the future cancels it.
    pub(crate) async fn request(
        &self,
        operation: &Operation,
        until: Instant,
    ) -> Result<Reply, KeyClientError> {
        let (id, answer) = self.pending.begin(self.hello.max_in_flight)?;
        self.vitals.owes(Instant::now());
        let mut ticket = Ticket {
            connection: self,
            id,
            sent: false,
        };
        // The place in the queue first: the time spent on it is not the key server's.
        let Ok(place) = self.frames.reserve().await else {
            return Err(self.connection_lost());
        };
        let left = until.saturating_duration_since(Instant::now());
        let deadline_ms = u32::try_from(left.as_millis()).unwrap_or(u32::MAX);
        let frame = encode_request(id, deadline_ms, operation).map_err(|error| {
            KeyClientError::TooLarge {
                length: error.length,
            }
        })?;
        place.send(frame);
        ticket.sent = true;
        match answer.await {
            Ok(answer) => answer,
            Err(_) => Err(self.connection_lost()),
        }
    }

    /// The error of who waits for it when it dies.
    pub(crate) fn connection_lost(&self) -> KeyClientError {
        KeyClientError::ConnectionLost {
            cause: self
                .pending
                .lost()
                .unwrap_or_else(|| "it was closed".to_owned()),
        }
    }

    /// The connection is dead: everything that waits fails now. It is retired first, lest who is told of the failure tries again
    /// on this very connection.
    fn end(&self, cause: &str) {
        self.retired.cancel();
        self.pending.fail_all(cause);
        self.lost.cancel();
    }

    /// Reads until the connection dies, and returns how it did.
    async fn read<R: AsyncRead + Unpin>(
        &self,
        mut reader: FrameReader<R>,
        context: &Context,
    ) -> String {
        let mut catalog = CatalogCollector::default();
        loop {
            let frame = reader.next().await;
            // Whatever came, the peer is alive.
            if let Ok(frame) = &frame {
                let (now, was_stalled) = (Instant::now(), self.is_stalled());
                if let Some(Frame::Pong { .. }) = frame {
                    self.vitals.pong(now);
                }
                self.vitals.heard(now);
                if was_stalled {
                    context.changes.tell();
                }
            }
            let handled = match frame {
                Ok(Some(frame)) => self.handle(frame, &mut catalog, context),
                Ok(None) if self.draining.load(Ordering::Relaxed) => {
                    Err("the key server has stopped".to_owned())
                }
                Ok(None) => Err("the key server closed it".to_owned()),
                Err(ReadError::Frame(FrameError::Body {
                    kind: FrameKind::Reply,
                    id,
                    cause,
                })) => {
                    warn!(id, %cause, "the key server's reply cannot be read");
                    self.answer(
                        id,
                        Err(KeyClientError::InvalidReply {
                            cause: cause.to_string(),
                        }),
                    );
                    Ok(())
                }
                Err(error) => Err(error.to_string()),
            };
            if let Err(cause) = handled {
                return cause;
            }
        }
    }

    fn handle(
        &self,
        frame: Frame,
        collector: &mut CatalogCollector,
        context: &Context,
    ) -> Result<(), String> {
        match frame {
            Frame::Reply { id, reply } => self.answer(id, Ok(reply)),
            Frame::Error { id: 0, error } => {
                return Err(format!("the key server closed it: {error}"));
            }
            Frame::Error { id, error } => self.answer(id, Err(error.into())),
            Frame::Catalog { id, part } => match collector.push(id, part) {
                Ok(Some(complete)) => {
                    debug!(entries = complete.entries.len(), "catalog received");
                    context.catalogs.told(&context.listing, complete);
                    context.changes.tell();
                }
                Ok(None) => (),
                Err(error) => return Err(error.to_string()),
            },
            Frame::TicketKeys { keys, .. } => {
                debug!(
                    epoch = keys.epoch,
                    tenants = keys.tenants.len(),
                    "session ticket keys received"
                );
                context.ticket_keys.send_replace(Some(Arc::new(keys)));
            }
            Frame::GoingAway(going_away) => {
                debug!(grace_ms = going_away.grace_ms, "the key server stops");
                self.draining.store(true, Ordering::Relaxed);
                self.retired.cancel();
                context.changes.tell();
            }
            Frame::Ping { id } => self.try_send(&Frame::Pong { id }),
            Frame::Pong { .. } | Frame::Unknown { .. } => (),
            _ => return Err("the key server sent a frame that only edges send".to_owned()),
        }
        Ok(())
    }

    fn answer(&self, id: u32, answer: Answer) {
        self.pending.answer(id, answer);
        self.settle();
    }

    fn settle(&self) {
        if self.pending.len() == 0 {
            self.vitals.owes_nothing();
        }
    }

    /// Sends a frame that may as well be lost: if the queue is full, the peer does not read.
    fn try_send(&self, frame: &Frame) {
        if let Ok(bytes) = frame.encode() {
            let _ = self.frames.try_send(bytes);
        }
    }

    /// Asks for the catalog anew.
    pub(crate) fn request_catalog(&self) {
        self.try_send(&Frame::CatalogRequest { id: CATALOG_ID });
    }

    /// Asks for the session ticket keys, if the key server has some.
    pub(crate) fn request_ticket_keys(&self) {
        if self.hello.capabilities.contains(&Capability::TicketKeys) {
            self.try_send(&Frame::TicketKeysRequest { id: TICKET_KEYS_ID });
        }
    }

    /// Whether a key server that goes away still owes answers.
    pub(crate) fn has_pending(&self) -> bool {
        self.pending.len() > 0
    }

    /// Closes it.
    pub(crate) fn close(&self, cause: &str) {
        self.end(cause);
    }

    /// Waits until it is lost.
    pub(crate) async fn lost(&self) {
        self.lost.cancelled().await;
    }
}

/// Catalogs that were asked for; requests count up from 1 and are answered by another kind of frame.
pub(crate) const CATALOG_ID: u32 = u32::MAX;

/// Session ticket keys, likewise.
const TICKET_KEYS_ID: u32 = u32::MAX - 1;

/// What a connection's tasks share with the client.
#[derive(Clone)]
pub(crate) struct Context {
    pub(crate) timings: Timings,
    pub(crate) listing: Arc<Listing>,
    pub(crate) catalogs: Arc<Catalogs>,
    pub(crate) changes: Arc<Changes>,
    pub(crate) ticket_keys: watch::Sender<Option<Arc<TicketKeys>>>,
    pub(crate) stop: CancellationToken,
}

/// A request that waits; dropped early, it tells the key server.
struct Ticket<'a> {
    connection: &'a Connection,
    id: u32,
    sent: bool,
}

impl Drop for Ticket<'_> {
    fn drop(&mut self) {
        if self.connection.pending.forget(self.id) && self.sent {
            self.connection.try_send(&Frame::Cancel { id: self.id });
        }
        self.connection.settle();
    }
}

async fn write<W: AsyncWrite + Unpin>(
    connection: Arc<Connection>,
    mut writer: FrameWriter<W>,
    mut queue: mpsc::Receiver<EncodedFrame>,
    timings: Timings,
) {
    let mut frames = Vec::with_capacity(BATCH);
    loop {
        tokio::select! {
            () = connection.lost.cancelled() => break,
            // The connection itself holds a sender, so there is always a next one.
            _ = queue.recv_many(&mut frames, BATCH) => (),
        }
        match timeout(timings.ping_timeout, writer.write(&mut frames)).await {
            Ok(Ok(())) => (),
            Ok(Err(error)) => {
                connection.end(&error.to_string());
                return;
            }
            Err(_) => {
                connection.end("the key server does not read");
                return;
            }
        }
    }
    let _ = timeout(timings.ping_timeout, writer.shutdown()).await;
}
