//! One client's connection, to its end.

use std::fmt;
use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};

use keyward_protocol::gokeyless::{Decoder, ErrorCode, Malformed, Message, Reply};
use keyward_protocol::io::FrameWriter;
use keyward_protocol::{EncodedFrame, RefusalReason};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, ReadHalf};
use tokio::sync::watch;
use tokio::time::{sleep, timeout};
use tokio_rustls::server::TlsStream;
use tracing::{debug, info, warn};

use super::greeting::Greeted;
use super::request::{Asked, read};
use crate::access::Lost;
use crate::dialect::older;
use crate::dispatch::{Batch, Dispatch, Rejected};
use crate::in_flight::InFlight;
use crate::server::Shared;
use crate::work::Work;
use crate::writer::{self, Control};

/// When this key server stops, requests that were already under way have this long to arrive.
const CROSSING: Duration = Duration::from_millis(100);

/// After the last answer, how long the client has to close from its side.
const LINGER: Duration = Duration::from_millis(500);

/// Bytes read at a time; a usual message has 1024.
const CHUNK: usize = 4096;

/// Why a connection ended.
#[derive(Debug)]
enum End {
    Closed,
    Idle(Duration),
    NotReading,
    /// With the id of the message, for the answer.
    Malformed(u32, Malformed),
    Stopped,
    Cut(Lost),
    Io(io::Error),
}

impl fmt::Display for End {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Closed => f.write_str("closed by the client"),
            Self::Idle(limit) => write!(f, "nothing came for {limit:?}"),
            Self::NotReading => f.write_str("the client does not read, or is gone"),
            Self::Malformed(_, malformed) => {
                write!(f, "the client broke the protocol: {malformed}")
            }
            Self::Stopped => f.write_str("this key server stops"),
            Self::Cut(lost) => lost.fmt(f),
            Self::Io(error) => error.fmt(f),
        }
    }
}

/// Serves a connection until it ends.
pub(crate) async fn serve<S>(shared: Arc<Shared>, greeted: Greeted<S>, peer: &str)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let Greeted {
        stream,
        edge,
        place,
        mut standing,
    } = greeted;
    info!(%peer, edge = edge.label(), "gokeyless client connected");
    let (mut reader, writer) = tokio::io::split(stream);
    let writer = FrameWriter::new(writer);
    let (control, controlled) = Control::channel();
    let in_flight = InFlight::new(shared.limits.in_flight, shared.limits.unsent_bytes);
    let mut writing = tokio::spawn(writer::run(
        writer,
        Arc::clone(&in_flight),
        controlled,
        shared.limits.write,
    ));
    let (grants, edge) = watch::channel(edge);
    let connection = Connection {
        control,
        dispatch: Dispatch {
            in_flight,
            place,
            edge,
            shared,
        },
    };
    let shared = &connection.dispatch.shared;
    let _present = {
        let edge = connection.dispatch.edge();
        let in_flight = &connection.dispatch.in_flight;
        shared.connected.enter(edge.label(), peer, in_flight)
    };
    let killed = shared.killed.clone();
    let end = tokio::select! {
        biased;
        _ = &mut writing => End::NotReading,
        lost = standing.lost(&grants) => End::Cut(lost),
        end = connection.read(&mut reader) => end,
        () = killed.cancelled() => {
            writing.abort();
            return;
        }
    };
    let edge = connection.dispatch.edge();
    let edge = edge.label();
    match &end {
        End::Cut(lost) => {
            // At once: what is in flight is withdrawn with `dispatch`, and what was performed is not sent any more.
            writing.abort();
            shared.metrics.connections_cut.add();
            warn!(%peer, edge, "connection cut: {lost}");
            return;
        }
        End::Malformed(id, malformed) => {
            shared.metrics.malformed.add();
            warn!(%peer, edge, "connection closed: {end}");
            connection
                .answer(*id, &Reply::Error(malformed.code()))
                .await;
        }
        _ => info!(%peer, edge, "gokeyless client disconnected: {end}"),
    }
    // With the last sender gone, the writer sends what is left and close_notify.
    drop(connection);
    if !writing.is_finished() {
        let discard = async {
            let mut rest = [0; 1024];
            while matches!(reader.read(&mut rest).await, Ok(1..)) {}
        };
        let _ = tokio::join!(&mut writing, timeout(LINGER, discard));
    }
}

struct Connection {
    control: Control,
    dispatch: Dispatch,
}

impl Connection {
    /// Handles messages until the connection ends.
    async fn read<S>(&self, reader: &mut ReadHalf<TlsStream<S>>) -> End
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let shared = &self.dispatch.shared;
        let drained = async {
            shared.draining.cancelled().await;
            sleep(CROSSING).await;
            self.dispatch.in_flight.empty().await;
        };
        tokio::pin!(drained);
        let mut decoder = Decoder::new();
        let mut chunk = vec![0; CHUNK];
        loop {
            let read = tokio::select! {
                () = &mut drained => return End::Stopped,
                read = timeout(shared.limits.idle, reader.read(&mut chunk)) => read,
            };
            let bytes = match read {
                Err(_) => return End::Idle(shared.limits.idle),
                Ok(Ok(0)) => return End::Closed,
                // Without close_notify: the protocol's clients do not all say goodbye.
                Ok(Err(error)) if error.kind() == io::ErrorKind::UnexpectedEof => {
                    return End::Closed;
                }
                Ok(Err(error)) => return End::Io(error),
                Ok(Ok(read)) => &chunk[..read],
            };
            if let Err(end) = self.receive(&mut decoder, bytes).await {
                return end;
            }
        }
    }

    /// Handles the messages that came together.
    async fn receive(&self, decoder: &mut Decoder, bytes: &[u8]) -> Result<(), End> {
        let mut batch = self.dispatch.batch();
        let mut answers = Vec::new();
        let mut end = None;
        let mut taken = 0;
        while taken < bytes.len() && end.is_none() {
            taken += decoder.receive(&bytes[taken..]);
            match decoder.next_message() {
                Ok(None) => {}
                Ok(Some(message)) => {
                    let id = message.id();
                    let reply = self.message(message, &mut batch);
                    answers.extend(reply.map(|reply| (id, reply)));
                }
                Err((id, malformed)) => end = Some(End::Malformed(id, malformed)),
            }
        }
        // Requests are queued before an answer is waited with for a client that does not read.
        for rejection in self.dispatch.queue(batch) {
            if !self.control.send_bytes(rejection).await {
                return Err(End::NotReading);
            }
        }
        for (id, reply) in &answers {
            if !self.answer(*id, reply).await {
                return Err(End::NotReading);
            }
        }
        end.map_or(Ok(()), Err)
    }

    /// Queues what is asked for, or answers at once.
    fn message(&self, message: Message, batch: &mut Batch) -> Option<Reply> {
        let Shared {
            access,
            gokeyless_keys,
            refusals,
            limits,
            ..
        } = &*self.dispatch.shared;
        let (id, request) = (message.id(), message.into_request());
        let (name, client) = (request.server_name.clone(), request.client_ip);
        let edge = self.dispatch.edge();
        let keys = Arc::clone(&access.borrow().keys);
        match read(request, gokeyless_keys, &keys) {
            Asked::Ping(payload) => Some(Reply::Pong(payload.into())),
            Asked::Error(code, cause) => {
                if refusals.note(edge.label(), RefusalReason::Check, Instant::now()) {
                    warn!(
                        edge = edge.label(),
                        code = code.number(),
                        "gokeyless request refused: {cause}"
                    );
                }
                Some(Reply::Error(code))
            }
            Asked::Operation(operation) => {
                debug!(edge = edge.label(), key = %operation.key(), name = ?name.as_deref().map(<[u8]>::escape_ascii).map(|name| name.to_string()), ?client, "gokeyless request");
                let work = Work::Raw(operation);
                match self
                    .dispatch
                    .older_request(batch, id, work, limits.deadline)
                {
                    Ok(()) => None,
                    Err(Rejected::Answer(error)) => Some(Reply::Error(older(&error))),
                    Err(Rejected::Violation(_)) => Some(Reply::Error(ErrorCode::Internal)),
                }
            }
        }
    }

    /// Sends an answer that no worker makes; `false` if the connection cannot be written to any more.
    async fn answer(&self, id: u32, reply: &Reply) -> bool {
        let bytes: EncodedFrame = match reply.encode(id) {
            Ok(bytes) => bytes,
            // An echo of what came in a message fits into one.
            Err(error) => {
                warn!(%error, "reply lost");
                return true;
            }
        };
        self.control.send_bytes(bytes).await
    }
}
