//! Bytes both ways as they are: TCP mode and upgraded HTTP connections.

use std::fmt;
use std::io;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, copy_bidirectional};
use tokio_util::sync::CancellationToken;

use crate::activity::{Activity, Watched};

/// How a tunnel ended other than by both sides.
#[derive(Debug)]
pub(crate) enum TunnelError {
    /// One side failed, or went away without TLS's close_notify.
    Io(io::Error),
    /// No byte for so long.
    Idle(Duration),
    /// The edge stops.
    Cut,
}

impl fmt::Display for TunnelError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io(error) => error.fmt(f),
            Self::Idle(limit) => write!(f, "no byte for {} ms", limit.as_millis()),
            Self::Cut => f.write_str("the edge stops"),
        }
    }
}

/// Copies until both directions have ended; the end of one is passed on as the end of that
/// direction alone (half-close). Returns the bytes from `client` and those from `service`.
pub(crate) async fn run<C, U>(
    client: C,
    service: U,
    idle: Duration,
    cut: &CancellationToken,
) -> Result<(u64, u64), TunnelError>
where
    C: AsyncRead + AsyncWrite + Unpin,
    U: AsyncRead + AsyncWrite + Unpin,
{
    let activity = Activity::new();
    let mut client = Watched::new(client, activity.clone());
    let mut service = Watched::new(service, activity.clone());
    tokio::select! {
        ended = copy_bidirectional(&mut client, &mut service) => ended.map_err(TunnelError::Io),
        () = activity.quiet(idle) => Err(TunnelError::Idle(idle)),
        () = cut.cancelled() => Err(TunnelError::Cut),
    }
}
