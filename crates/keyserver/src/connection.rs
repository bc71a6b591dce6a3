//! One edge's connection, from its hello to its end.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use keyward_protocol::io::{FrameReader, ReadError};
use keyward_protocol::{ErrorCode, ErrorReply, Frame, FrameError, FrameKind, GoingAway};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::watch;
use tokio::time::{sleep, timeout};
use tracing::{info, warn};

use crate::access::Lost;
use crate::dispatch::{Batch, Dispatch, Rejected};
use crate::greeting::{Greeted, catalog_frames};
use crate::in_flight::InFlight;
use crate::policy::EdgeGrant;
use crate::server::Shared;
use crate::writer::{self, Control};

/// After `going_away`, requests that were already under way have this long to arrive.
const CROSSING: Duration = Duration::from_millis(100);

/// As many frames that came together are handled before their requests are queued.
const TOGETHER: usize = 64;

/// A connection that is quiet for so long gives its buffers back.
const REST: Duration = Duration::from_secs(1);

/// After the last frame, how long the edge has to close from its side.
const LINGER: Duration = Duration::from_millis(500);

/// Why a connection ended.
#[derive(Debug)]
enum End {
    EdgeClosed,
    Idle(Duration),
    NotReading,
    Violation(String),
    Stopped,
    Cut(Lost),
    Read(ReadError),
}

impl fmt::Display for End {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::EdgeClosed => f.write_str("closed by the edge"),
            Self::Idle(limit) => write!(f, "nothing came for {limit:?}"),
            Self::NotReading => f.write_str("the edge does not read, or is gone"),
            Self::Violation(what) => write!(f, "the edge broke the protocol: {what}"),
            Self::Stopped => f.write_str("this key server stops"),
            Self::Cut(lost) => lost.fmt(f),
            Self::Read(error) => error.fmt(f),
        }
    }
}

/// Serves a connection until it ends.
pub(crate) async fn serve<S>(shared: Arc<Shared>, greeted: Greeted<S>, peer: &str)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let Greeted {
        mut reader,
        writer,
        edge,
        place,
        mut standing,
    } = greeted;
    info!(%peer, edge = edge.label(), "edge connected");
    let (control, controlled) = Control::channel();
    let in_flight = InFlight::new(shared.limits.in_flight, shared.limits.unsent_bytes);
    let mut writing = tokio::spawn(writer::run(
        writer,
        Arc::clone(&in_flight),
        controlled,
        shared.limits.write,
    ));
    let (grants, edge) = watch::channel(edge);
    let mut connection = Connection {
        edge: edge.clone(),
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
        shared
            .connected
            .enter(edge.label(), peer, &connection.dispatch.in_flight)
    };
    let killed = connection.dispatch.shared.killed.clone();
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
    let Connection {
        control, dispatch, ..
    } = connection;
    let edge = dispatch.edge();
    let edge = edge.label();
    if let End::Cut(lost) = &end {
        // At once: what is in flight is withdrawn with `dispatch`, and what was performed is not sent any more.
        writing.abort();
        dispatch.shared.metrics.connections_cut.add();
        warn!(%peer, edge, "connection cut: {lost}");
        return;
    }
    if let End::Violation(what) = &end {
        dispatch.shared.metrics.malformed.add();
        warn!(%peer, edge, "connection closed: {end}");
        let error = ErrorReply::new(ErrorCode::Malformed, what.as_str());
        control.send(&Frame::Error { id: 0, error }).await;
    } else {
        info!(%peer, edge, "edge disconnected: {end}");
    }
    // With the last sender gone, the writer sends what is left and close_notify.
    drop((control, dispatch));
    if !writing.is_finished() {
        let _ = tokio::join!(&mut writing, timeout(LINGER, reader.discard()));
    }
}

struct Connection {
    /// Changes when the rules do.
    edge: watch::Receiver<Arc<EdgeGrant>>,
    control: Control,
    dispatch: Dispatch,
}

impl Connection {
    /// Handles frames until the connection ends.
    async fn read<R: AsyncRead + Unpin>(&mut self, reader: &mut FrameReader<R>) -> End {
        let shared = Arc::clone(&self.dispatch.shared);
        let in_flight = Arc::clone(&self.dispatch.in_flight);
        let drained = async {
            shared.draining.cancelled().await;
            sleep(CROSSING).await;
            in_flight.empty().await;
        };
        tokio::pin!(drained);
        let mut told = false;
        // So long nothing has come.
        let mut quiet = Duration::ZERO;
        loop {
            let patience = match quiet {
                Duration::ZERO => REST.min(shared.limits.idle),
                quiet => shared.limits.idle.saturating_sub(quiet),
            };
            let next = tokio::select! {
                () = shared.draining.cancelled(), if !told => {
                    told = true;
                    let grace_ms = u32::try_from(shared.limits.shutdown.as_millis()).unwrap_or(u32::MAX);
                    self.control.send(&Frame::GoingAway(GoingAway { grace_ms })).await;
                    continue;
                }
                () = &mut drained => return End::Stopped,
                Ok(()) = self.edge.changed() => {
                    if let Err(end) = self.send_catalog(0).await {
                        return end;
                    }
                    continue;
                }
                next = timeout(patience, reader.next()) => next,
            };
            let Ok(next) = next else {
                quiet += patience;
                if quiet >= shared.limits.idle {
                    return End::Idle(shared.limits.idle);
                }
                reader.release();
                continue;
            };
            quiet = Duration::ZERO;
            if let Err(end) = self.handle(next, reader).await {
                return end;
            }
        }
    }

    /// Handles what has come, the first frame of it and those that have been read with it.
    async fn handle<R: AsyncRead + Unpin>(
        &mut self,
        first: Result<Option<Frame>, ReadError>,
        reader: &mut FrameReader<R>,
    ) -> Result<(), End> {
        let Some(first) = first.transpose() else {
            return Err(End::EdgeClosed);
        };
        let mut batch = self.dispatch.batch();
        let mut answers = Vec::new();
        let mut next = Some(first);
        let mut handled = 0;
        let mut end = None;
        while let Some(frame) = next.take() {
            let answered = match frame {
                Ok(frame) => self.frame(frame, &mut batch, &mut answers),
                Err(error) => self
                    .unreadable(error)
                    .map(|(id, error)| answers.push(Frame::Error { id, error })),
            };
            handled += 1;
            match answered {
                Err(violation) => end = Some(violation),
                Ok(()) if handled < TOGETHER => next = reader.take_buffered().transpose(),
                Ok(()) => {}
            }
        }
        // Requests are queued before an answer is waited with for an edge that does not read.
        for rejection in self.dispatch.queue(batch) {
            if !self.control.send_bytes(rejection).await {
                return Err(End::NotReading);
            }
        }
        for answer in &answers {
            self.send(answer).await?;
        }
        end.map_or(Ok(()), Err)
    }

    /// A frame that cannot be understood. If it is known where the next one begins, only this request is lost.
    fn unreadable(&self, error: ReadError) -> Result<(u32, ErrorReply), End> {
        let (id, reply) = match error {
            ReadError::Frame(error @ FrameError::UnsupportedOperation { id, .. }) => (
                id,
                ErrorReply::new(ErrorCode::Unsupported, error.to_string()),
            ),
            ReadError::Frame(FrameError::Body {
                kind: FrameKind::Request,
                id,
                cause,
            }) => {
                self.dispatch.shared.metrics.malformed.add();
                warn!(edge = self.dispatch.edge().label(), id, %cause, "refused: the request does not parse");
                (id, ErrorReply::new(ErrorCode::Malformed, cause.to_string()))
            }
            ReadError::Frame(error) => return Err(End::Violation(error.to_string())),
            error => return Err(End::Read(error)),
        };
        if id == 0 {
            return Err(End::Violation("request with id 0".to_owned()));
        }
        Ok((id, reply))
    }

    async fn send(&self, frame: &Frame) -> Result<(), End> {
        if self.control.send(frame).await {
            Ok(())
        } else {
            Err(End::NotReading)
        }
    }

    async fn send_catalog(&self, id: u32) -> Result<(), End> {
        for frame in catalog_frames(&self.dispatch.shared, &self.dispatch.edge(), id) {
            self.send(&frame).await?;
        }
        Ok(())
    }

    /// Handles a frame. Its answer, if it is known at once, is added to `answers`.
    fn frame(&self, frame: Frame, batch: &mut Batch, answers: &mut Vec<Frame>) -> Result<(), End> {
        match frame {
            Frame::Request { id, request } => match self.dispatch.request(batch, id, request) {
                Ok(()) => {}
                Err(Rejected::Answer(error)) => answers.push(Frame::Error { id, error }),
                Err(Rejected::Violation(what)) => return Err(End::Violation(what.to_owned())),
            },
            Frame::Cancel { id } => self.dispatch.in_flight.cancel(id),
            Frame::Ping { id } => answers.push(Frame::Pong { id }),
            Frame::CatalogRequest { id } => answers.extend(catalog_frames(
                &self.dispatch.shared,
                &self.dispatch.edge(),
                id,
            )),
            Frame::TicketKeysRequest { id } => answers.push(self.ticket_keys(id)),
            Frame::Error { id: 0, error } => {
                warn!(edge = self.dispatch.edge().label(), %error, "the edge reports an error");
            }
            Frame::Pong { .. } | Frame::Unknown { .. } => {}
            Frame::Hello(_) => return Err(End::Violation("a second hello".to_owned())),
            _ => {
                return Err(End::Violation(
                    "a frame that only key servers send".to_owned(),
                ));
            }
        }
        Ok(())
    }

    fn ticket_keys(&self, id: u32) -> Frame {
        match &self.dispatch.shared.tickets {
            Some(tickets) => Frame::TicketKeys {
                id,
                keys: tickets.for_edge(&self.dispatch.edge(), SystemTime::now()),
            },
            None => Frame::Error {
                id,
                error: ErrorReply::new(
                    ErrorCode::Unsupported,
                    "there are no session ticket keys here",
                ),
            },
        }
    }
}
