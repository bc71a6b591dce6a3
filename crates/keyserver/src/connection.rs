//! One edge's connection, from its hello to its end.

use std::fmt;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use keyward_protocol::{Decoder, ErrorCode, ErrorReply, Frame, FrameError, FrameKind, GoingAway};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, ReadHalf};
use tokio::time::{sleep, timeout};
use tokio_rustls::server::TlsStream;
use tracing::{info, warn};
use zeroize::Zeroizing;

use crate::dispatch::{Dispatch, Rejected};
use crate::greeting::{Greeted, catalog_frames, discard};
use crate::in_flight::InFlight;
use crate::server::Shared;
use crate::writer::{self, Control};

/// After `going_away`, requests that were already under way have this long to arrive.
const CROSSING: Duration = Duration::from_millis(100);

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
    Io(io::Error),
}

impl fmt::Display for End {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::EdgeClosed => f.write_str("closed by the edge"),
            Self::Idle(limit) => write!(f, "nothing came for {limit:?}"),
            Self::NotReading => f.write_str("the edge does not read, or is gone"),
            Self::Violation(what) => write!(f, "the edge broke the protocol: {what}"),
            Self::Stopped => f.write_str("this key server stops"),
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
        decoder,
        edge,
    } = greeted;
    info!(%peer, edge = edge.label(), "edge connected");
    let (read_half, write_half) = tokio::io::split(stream);
    let (outgoing, incoming) = writer::queue(shared.limits.in_flight);
    let limit = shared.limits.write;
    let mut writing = tokio::spawn(writer::run(write_half, incoming, limit));
    let mut connection = Connection {
        stream: read_half,
        decoder,
        control: outgoing.control,
        dispatch: Dispatch {
            in_flight: Arc::new(InFlight::default()),
            replies: outgoing.replies,
            edge,
            shared,
        },
    };
    let end = tokio::select! {
        biased;
        _ = &mut writing => End::NotReading,
        end = connection.read() => end,
        () = connection.dispatch.shared.killed.cancelled() => {
            writing.abort();
            return;
        }
    };
    let Connection {
        mut stream,
        control,
        dispatch,
        ..
    } = connection;
    let edge = Arc::clone(&dispatch.edge);
    if let End::Violation(what) = &end {
        dispatch.shared.metrics.malformed.add();
        warn!(%peer, edge = edge.label(), "connection closed: {end}");
        let error = ErrorReply::new(ErrorCode::Malformed, what.as_str());
        control.send(&Frame::Error { id: 0, error }).await;
    } else {
        info!(%peer, edge = edge.label(), "edge disconnected: {end}");
    }
    dispatch.in_flight.cancel_all();
    // With the last sender gone, the writer sends what is left and close_notify.
    drop((control, dispatch));
    if !writing.is_finished() {
        let _ = tokio::join!(&mut writing, timeout(LINGER, discard(&mut stream)));
    }
}

struct Connection<S> {
    stream: ReadHalf<TlsStream<S>>,
    decoder: Decoder,
    control: Control,
    dispatch: Dispatch,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Connection<S> {
    async fn read(&mut self) -> End {
        let shared = Arc::clone(&self.dispatch.shared);
        let in_flight = Arc::clone(&self.dispatch.in_flight);
        let mut buffer = Zeroizing::new(vec![0; 16 * 1024]);
        let mut told = false;
        let drained = async {
            shared.draining.cancelled().await;
            sleep(CROSSING).await;
            in_flight.empty().await;
        };
        tokio::pin!(drained);
        if let Err(end) = self.frames().await {
            return end;
        }
        loop {
            let n = tokio::select! {
                () = shared.draining.cancelled(), if !told => {
                    told = true;
                    let grace_ms = u32::try_from(shared.limits.shutdown.as_millis()).unwrap_or(u32::MAX);
                    self.control.send(&Frame::GoingAway(GoingAway { grace_ms })).await;
                    continue;
                }
                () = &mut drained => return End::Stopped,
                read = timeout(shared.limits.idle, self.stream.read(&mut buffer)) => match read {
                    Err(_) => return End::Idle(shared.limits.idle),
                    Ok(Ok(0)) => return End::EdgeClosed,
                    Ok(Ok(n)) => n,
                    Ok(Err(error)) if error.kind() == io::ErrorKind::UnexpectedEof => return End::EdgeClosed,
                    Ok(Err(error)) => return End::Io(error),
                },
            };
            let mut rest = &buffer[..n];
            while !rest.is_empty() {
                rest = &rest[self.decoder.receive(rest)..];
                if let Err(end) = self.frames().await {
                    return end;
                }
            }
        }
    }

    /// Handles all whole frames that have come.
    async fn frames(&mut self) -> Result<(), End> {
        loop {
            let answer = match self.decoder.next_frame() {
                Ok(None) => return Ok(()),
                Ok(Some(frame)) => self.frame(frame).await?,
                Err(error @ FrameError::UnsupportedOperation { id, .. }) => Some(Frame::Error {
                    id,
                    error: ErrorReply::new(ErrorCode::Unsupported, error.to_string()),
                }),
                // Where the next frame begins is known: only this request is lost.
                Err(FrameError::Body {
                    kind: FrameKind::Request,
                    id,
                    cause,
                }) if id != 0 => {
                    let edge = self.dispatch.edge.label();
                    warn!(edge, id, %cause, "refused: the request does not parse");
                    self.dispatch.shared.metrics.malformed.add();
                    let error = ErrorReply::new(ErrorCode::Malformed, cause.to_string());
                    Some(Frame::Error { id, error })
                }
                Err(error) => return Err(End::Violation(error.to_string())),
            };
            if let Some(answer) = answer {
                self.send(&answer).await?;
            }
        }
    }

    async fn send(&self, frame: &Frame) -> Result<(), End> {
        if self.control.send(frame).await { Ok(()) } else { Err(End::NotReading) }
    }

    async fn frame(&mut self, frame: Frame) -> Result<Option<Frame>, End> {
        match frame {
            Frame::Request { id, request } => match self.dispatch.request(id, request) {
                Ok(()) => Ok(None),
                Err(Rejected::Answer(error)) => Ok(Some(Frame::Error { id, error })),
                Err(Rejected::Violation(what)) => Err(End::Violation(what.to_owned())),
            },
            Frame::Cancel { id } => {
                self.dispatch.in_flight.cancel(id);
                Ok(None)
            }
            Frame::Ping { id } => Ok(Some(Frame::Pong { id })),
            Frame::CatalogRequest { id } => {
                for frame in catalog_frames(&self.dispatch.shared, &self.dispatch.edge, id) {
                    self.send(&frame).await?;
                }
                Ok(None)
            }
            Frame::Error { id: 0, error } => {
                warn!(edge = self.dispatch.edge.label(), %error, "the edge reports an error");
                Ok(None)
            }
            Frame::Pong { .. } | Frame::Unknown { .. } => Ok(None),
            Frame::Hello(_) => Err(End::Violation("a second hello".to_owned())),
            _ => Err(End::Violation("a frame that only key servers send".to_owned())),
        }
    }
}
