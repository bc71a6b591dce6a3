//! TCP mode: what is inside TLS goes to the service as it is.

use std::net::SocketAddr;

use tokio::io::{AsyncRead, AsyncWrite};
use tracing::{debug, info, warn};

use crate::counters::Counters;
use crate::edge::Shared;
use crate::tunnel::{self, TunnelError};
use crate::upstream::Connector;

/// Serves a connection to its end.
pub(crate) async fn serve<S>(
    stream: S,
    connector: &Connector,
    peer: SocketAddr,
    server_name: Option<&str>,
    shared: &Shared,
) where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let sni = server_name.unwrap_or("-");
    let upstream = connector.address();
    let connected = tokio::select! {
        connected = connector.connect() => connected,
        () = shared.cut.cancelled() => return,
    };
    let service = match connected {
        Ok(service) => service,
        Err(cause) => {
            Counters::add(&shared.counters.upstream_failures);
            warn!(%peer, sni, %upstream, %cause, "the service failed a connection");
            // Without close_notify: the client can tell this from a service that has nothing to say.
            return;
        }
    };
    match tunnel::run(stream, service, shared.timeouts.tunnel, &shared.cut).await {
        Ok((up, down)) => debug!(%peer, sni, up, down, "a connection ended"),
        Err(cause @ TunnelError::Idle(_)) => info!(%peer, sni, %cause, "closed a connection"),
        Err(cause) => debug!(%peer, sni, %cause, "a connection was ended"),
    }
}
