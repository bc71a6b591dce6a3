//! The beginning of a connection: TLS, who the edge is, and the two hellos.

use std::fmt;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use keyward_protocol::{
    ALPN, Decoder, ErrorCode, ErrorReply, Frame, FrameError, Hello, RefusalReason, VersionMismatch,
};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::time::timeout;
use tokio_rustls::server::TlsStream;
use tracing::debug;
use zeroize::Zeroizing;

use crate::catalog::catalog;
use crate::edge_identity::EdgeIdentity;
use crate::policy::EdgeGrant;
use crate::server::Shared;

/// How long a peer that was turned away has to read why.
const LINGER: Duration = Duration::from_millis(500);

/// A connection that may send requests.
pub(crate) struct Greeted<S> {
    pub(crate) stream: TlsStream<S>,
    /// Has what the edge sent behind its hello.
    pub(crate) decoder: Decoder,
    pub(crate) edge: Arc<EdgeGrant>,
}

/// Why a connection was turned away.
#[derive(Debug)]
pub(crate) enum TurnedAway {
    Tls(io::Error),
    NoAlpn,
    Certificate,
    UnknownEdge(EdgeIdentity),
    Frame(FrameError),
    NoHello,
    Version(VersionMismatch),
    Io(io::Error),
    Closed,
}

impl fmt::Display for TurnedAway {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tls(error) => write!(f, "TLS handshake failed: {error}"),
            Self::NoAlpn => f.write_str("the peer did not negotiate keyward/1 (ALPN): it is no edge"),
            Self::Certificate => f.write_str("the edge's certificate cannot be parsed"),
            Self::UnknownEdge(identity) => {
                write!(f, "no [[edge]] rule is about {identity} (names: ")?;
                f.debug_list().entries(&identity.names).finish()?;
                write!(f, ", spki_sha256: {})", identity.spki_sha256)
            }
            Self::Frame(error) => write!(f, "no hello: {error}"),
            Self::NoHello => f.write_str("the first frame is no hello"),
            Self::Version(error) => error.fmt(f),
            Self::Io(error) => write!(f, "connection lost before the hello: {error}"),
            Self::Closed => f.write_str("closed before the hello"),
        }
    }
}

/// Does the TLS handshake and exchanges greetings. The caller has the deadline.
pub(crate) async fn greet<S>(shared: &Shared, io: S) -> Result<Greeted<S>, TurnedAway>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let mut stream = match shared.tls.accept(io).into_fallible().await {
        Ok(stream) => stream,
        Err((error, mut io)) => {
            // The alert is on its way. Bytes that nobody reads would make the kernel reset the connection under it.
            linger(&mut io).await;
            return Err(TurnedAway::Tls(error));
        }
    };
    let (_, tls) = stream.get_ref();
    if tls.alpn_protocol() != Some(ALPN) {
        return Err(TurnedAway::NoAlpn);
    }
    let identity = tls
        .peer_certificates()
        .and_then(|chain| chain.first())
        .and_then(|leaf| EdgeIdentity::from_certificate(leaf))
        .ok_or(TurnedAway::Certificate)?;
    let hello = Hello::key_server(shared.limits.in_flight);
    send(&mut stream, &Frame::Hello(hello.clone())).await?;
    let mut decoder = Decoder::new();
    let refused = match receive_hello(&mut stream, &mut decoder).await {
        Ok(theirs) => match hello.negotiate(&theirs) {
            Ok(version) => {
                debug!(edge = %identity, version, software = ?theirs.software, "hello");
                None
            }
            Err(error) => {
                let reply = ErrorReply::new(ErrorCode::Unsupported, error.to_string());
                Some((reply, TurnedAway::Version(error)))
            }
        },
        Err(error @ (TurnedAway::Frame(_) | TurnedAway::NoHello)) => {
            let reply = ErrorReply::new(ErrorCode::Malformed, "the first frame must be a hello");
            Some((reply, error))
        }
        Err(error) => return Err(error),
    };
    let refused = match (refused, shared.policy.edge(&identity)) {
        (None, Some(grant)) => {
            let edge = Arc::new(grant);
            for frame in catalog_frames(shared, &edge, 0) {
                send(&mut stream, &frame).await?;
            }
            return Ok(Greeted {
                stream,
                decoder,
                edge,
            });
        }
        (Some(refused), _) => refused,
        (None, None) => (ErrorReply::refused(RefusalReason::Edge), TurnedAway::UnknownEdge(identity)),
    };
    let (reply, why) = refused;
    send(&mut stream, &Frame::Error { id: 0, error: reply }).await?;
    linger(&mut stream).await;
    Err(why)
}

/// The catalog of an edge as frames.
pub(crate) fn catalog_frames(shared: &Shared, edge: &EdgeGrant, id: u32) -> Vec<Frame> {
    let catalog = catalog(edge, &shared.policy, shared.store.as_ref());
    catalog.to_frames(id).unwrap_or_else(|error| {
        tracing::error!(edge = edge.label(), %error, "catalog not sent");
        vec![Frame::Error {
            id,
            error: ErrorReply::new(ErrorCode::Internal, "the catalog is too large"),
        }]
    })
}

/// Closes our direction and reads what the peer still sends, for a moment.
pub(crate) async fn linger<S: AsyncRead + AsyncWrite + Unpin>(stream: &mut S) {
    let _ = timeout(LINGER, async {
        let _ = stream.shutdown().await;
        discard(stream).await;
    })
    .await;
}

/// Reads and forgets until the peer closes.
pub(crate) async fn discard<R: AsyncRead + Unpin>(reader: &mut R) {
    let mut buffer = Zeroizing::new([0; 1024]);
    while matches!(reader.read(&mut buffer[..]).await, Ok(1..)) {}
}

async fn send<W: AsyncWrite + Unpin>(stream: &mut W, frame: &Frame) -> Result<(), TurnedAway> {
    let bytes = frame.encode().map_err(|error| TurnedAway::Io(io::Error::other(error)))?;
    stream.write_all(&bytes).await.map_err(TurnedAway::Io)?;
    stream.flush().await.map_err(TurnedAway::Io)
}

async fn receive_hello<R: AsyncRead + Unpin>(stream: &mut R, decoder: &mut Decoder) -> Result<Hello, TurnedAway> {
    let mut buffer = Zeroizing::new([0; 4096]);
    loop {
        match decoder.next_frame().map_err(TurnedAway::Frame)? {
            Some(Frame::Hello(hello)) => return Ok(hello),
            Some(_) => return Err(TurnedAway::NoHello),
            None => (),
        }
        let n = stream.read(&mut buffer[..]).await.map_err(TurnedAway::Io)?;
        if n == 0 {
            return Err(TurnedAway::Closed);
        }
        // The decoder has room for a whole frame and none is complete, so it takes all.
        decoder.receive(&buffer[..n]);
    }
}
