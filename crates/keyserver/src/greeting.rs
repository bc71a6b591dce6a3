//! The beginning of a connection: TLS, who the edge is, and the two hellos.

use std::fmt;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use keyward_protocol::io::{FrameReader, FrameWriter, ReadError};
use keyward_protocol::{
    ALPN, Capability, ErrorCode, ErrorReply, Frame, Hello, RefusalReason, VersionMismatch,
};
use rustls::ServerConfig;
use rustls_pki_types::{CertificateDer, UnixTime};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadHalf, WriteHalf};
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;
use tracing::debug;

use crate::access::{Access, Door, Standing};
use crate::catalog::catalog;
use crate::config::PeerAddress;
use crate::edge_identity::EdgeIdentity;
use crate::places::Place;
use crate::policy::EdgeGrant;
use crate::server::Shared;

/// How long a peer that was turned away has to read why.
const LINGER: Duration = Duration::from_millis(500);

/// A connection that may send requests.
pub(crate) struct Greeted<S> {
    pub(crate) reader: FrameReader<ReadHalf<TlsStream<S>>>,
    pub(crate) writer: FrameWriter<WriteHalf<TlsStream<S>>>,
    pub(crate) edge: Arc<EdgeGrant>,
    /// One of the edge's connections.
    pub(crate) place: Place<String>,
    pub(crate) standing: Standing,
}

/// Why a connection was turned away.
#[derive(Debug)]
pub(crate) enum TurnedAway {
    Tls(io::Error),
    NoAlpn,
    NoDoor,
    Certificate,
    UnknownEdge(EdgeIdentity),
    Network(EdgeIdentity, PeerAddress),
    TooMany(EdgeIdentity, usize),
    Read(ReadError),
    NoHello,
    Version(VersionMismatch),
    Write(io::Error),
    Closed,
}

impl fmt::Display for TurnedAway {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tls(error) => write!(f, "TLS handshake failed: {error}"),
            Self::NoAlpn => {
                f.write_str("the peer did not negotiate keyward/1 (ALPN): it is no edge")
            }
            Self::NoDoor => f.write_str("gokeyless clients are not let in any more"),
            Self::Certificate => f.write_str("the edge's certificate cannot be parsed"),
            Self::UnknownEdge(identity) => {
                write!(f, "no [[edge]] rule is about {identity} (names: ")?;
                f.debug_list().entries(&identity.names).finish()?;
                if let Some(id) = &identity.spiffe {
                    write!(f, ", spiffe: {id}")?;
                }
                write!(f, ", spki_sha256: {})", identity.spki_sha256)
            }
            Self::Network(identity, from) => {
                write!(
                    f,
                    "no [[edge]] rule about {identity} allows it to connect from {from}"
                )
            }
            Self::TooMany(identity, limit) => {
                write!(
                    f,
                    "{identity} has {limit} connections open, which is the limit"
                )
            }
            Self::Read(error) => write!(f, "no hello: {error}"),
            Self::NoHello => f.write_str("the first frame is no hello"),
            Self::Version(error) => error.fmt(f),
            Self::Write(error) => write!(f, "connection lost before the hello: {error}"),
            Self::Closed => f.write_str("closed before the hello"),
        }
    }
}

/// Does the TLS handshake and exchanges greetings. The caller has the deadline.
pub(crate) async fn greet<S>(
    shared: &Shared,
    io: S,
    from: PeerAddress,
) -> Result<Greeted<S>, TurnedAway>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    // What changes from here on, the connection looks at when it is greeted.
    let mut access = shared.access.subscribe();
    let Access { tls, policy, .. } = &*Arc::clone(&access.borrow_and_update());
    let stream = handshake(tls, io).await?;
    let (_, tls) = stream.get_ref();
    if tls.alpn_protocol() != Some(ALPN) {
        return Err(TurnedAway::NoAlpn);
    }
    let (chain, since, identity) = identify(&stream)?;
    let (read_half, write_half) = tokio::io::split(stream);
    let (mut reader, mut writer) = (FrameReader::new(read_half), FrameWriter::new(write_half));
    let mut hello = Hello::key_server(shared.limits.in_flight);
    if shared.tickets.is_some() {
        hello.capabilities.push(Capability::TicketKeys);
    }
    writer
        .send(&Frame::Hello(hello.clone()))
        .await
        .map_err(TurnedAway::Write)?;
    // The edge's hello is read in any case: a connection closed with bytes unread is reset, and the reason lost with it.
    let why = match receive_hello(&mut reader, &hello, &identity).await {
        Ok(()) => match policy.edge(&identity, from) {
            Ok(grant) => match shared.edges.take(grant.label().to_owned()) {
                Some(place) => {
                    let counters = shared.metrics.edge(&grant.called());
                    let edge = Arc::new(grant.counted(counters));
                    for frame in catalog_frames(shared, &edge, 0) {
                        writer.send(&frame).await.map_err(TurnedAway::Write)?;
                    }
                    return Ok(Greeted {
                        reader,
                        writer,
                        edge,
                        place,
                        standing: Standing {
                            door: Door::Keyward,
                            chain,
                            since,
                            identity,
                            from,
                            access,
                            policy: Arc::clone(policy),
                        },
                    });
                }
                None => TurnedAway::TooMany(identity, shared.limits.connections_per_edge),
            },
            Err(RefusalReason::Network) => TurnedAway::Network(identity, from),
            Err(_) => TurnedAway::UnknownEdge(identity),
        },
        Err(why) => why,
    };
    if let Some(error) = why.reply() {
        let _ = writer.send(&Frame::Error { id: 0, error }).await;
        let _ = timeout(LINGER, async {
            let _ = writer.shutdown().await;
            reader.discard().await;
        })
        .await;
    }
    Err(why)
}

/// The TLS handshake of a connection that was accepted.
pub(crate) async fn handshake<S>(tls: &Arc<ServerConfig>, io: S) -> Result<TlsStream<S>, TurnedAway>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let accepted = TlsAcceptor::from(Arc::clone(tls)).accept(io);
    match accepted.into_fallible().await {
        Ok(stream) => Ok(stream),
        Err((error, mut io)) => {
            // The alert is on its way. Bytes that nobody reads would make the kernel reset the connection under it.
            let _ = timeout(LINGER, async {
                let _ = io.shutdown().await;
                while matches!(io.read(&mut [0; 1024]).await, Ok(1..)) {}
            })
            .await;
            Err(TurnedAway::Tls(error))
        }
    }
}

/// The chain that was shown, leaf first, when, and whose it is.
pub(crate) fn identify<S>(
    stream: &TlsStream<S>,
) -> Result<(Vec<CertificateDer<'static>>, UnixTime, EdgeIdentity), TurnedAway> {
    let (_, tls) = stream.get_ref();
    let chain: Vec<_> = tls
        .peer_certificates()
        .unwrap_or_default()
        .iter()
        .map(|certificate| certificate.clone().into_owned())
        .collect();
    let since = UnixTime::now();
    let leaf = chain.first().ok_or(TurnedAway::Certificate)?;
    let identity = EdgeIdentity::from_certificate(leaf).ok_or(TurnedAway::Certificate)?;
    Ok((chain, since, identity))
}

async fn receive_hello<R: AsyncRead + Unpin>(
    reader: &mut FrameReader<R>,
    ours: &Hello,
    identity: &EdgeIdentity,
) -> Result<(), TurnedAway> {
    match reader.next().await.map_err(TurnedAway::Read)? {
        Some(Frame::Hello(theirs)) => {
            let version = ours.negotiate(&theirs).map_err(TurnedAway::Version)?;
            debug!(edge = %identity, version, software = ?theirs.software, "hello");
            Ok(())
        }
        Some(_) => Err(TurnedAway::NoHello),
        None => Err(TurnedAway::Closed),
    }
}

impl TurnedAway {
    /// What the edge is told, if it can be told.
    fn reply(&self) -> Option<ErrorReply> {
        match self {
            Self::UnknownEdge(_) => Some(ErrorReply::refused(RefusalReason::Edge)),
            Self::Network(..) => Some(ErrorReply::refused(RefusalReason::Network)),
            Self::TooMany(_, limit) => Some(ErrorReply::new(
                ErrorCode::Overloaded,
                format!("this edge has {limit} connections already"),
            )),
            Self::Version(error) => {
                Some(ErrorReply::new(ErrorCode::Unsupported, error.to_string()))
            }
            Self::NoHello | Self::Read(ReadError::Frame(_)) => Some(ErrorReply::new(
                ErrorCode::Malformed,
                "the first frame must be a hello",
            )),
            _ => None,
        }
    }
}

/// The catalog of an edge as frames.
pub(crate) fn catalog_frames(shared: &Shared, edge: &EdgeGrant, id: u32) -> Vec<Frame> {
    let access = Arc::clone(&shared.access.borrow());
    let catalog = catalog(edge, &access.policy, &access.keys);
    catalog.to_frames(id).unwrap_or_else(|error| {
        tracing::error!(edge = edge.label(), %error, "catalog not sent");
        vec![Frame::Error {
            id,
            error: ErrorReply::new(ErrorCode::Internal, "the catalog is too large"),
        }]
    })
}
