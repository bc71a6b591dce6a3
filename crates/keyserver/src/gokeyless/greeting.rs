//! The beginning of a connection: TLS, and who the client is. There is no hello.

use std::sync::Arc;

use keyward_protocol::RefusalReason;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_rustls::server::TlsStream;

use crate::access::{Door, Standing};
use crate::config::PeerAddress;
use crate::greeting::{TurnedAway, handshake, identify};
use crate::places::Place;
use crate::policy::EdgeGrant;
use crate::server::Shared;

/// A connection that may send requests.
pub(crate) struct Greeted<S> {
    pub(super) stream: TlsStream<S>,
    pub(super) edge: Arc<EdgeGrant>,
    /// One of the client's connections.
    pub(super) place: Place<String>,
    pub(super) standing: Standing,
}

/// Does the TLS handshake. The caller has the deadline.
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
    let now = Arc::clone(&access.borrow_and_update());
    let door = now.gokeyless.as_ref().ok_or(TurnedAway::NoDoor)?;
    let stream = handshake(&door.tls, io).await?;
    let (chain, since, identity) = identify(&stream)?;
    let policy = Arc::clone(&now.policy);
    match policy.edge(&identity, from) {
        Ok(grant) => {
            let counters = shared.metrics.edge(&grant.called());
            let Some(place) = shared.edges.take(grant.label().to_owned()) else {
                let limit = shared.limits.connections_per_edge;
                return Err(TurnedAway::TooMany(identity, limit));
            };
            Ok(Greeted {
                stream,
                place,
                edge: Arc::new(grant.counted(counters)),
                standing: Standing {
                    door: Door::Gokeyless,
                    chain,
                    since,
                    identity,
                    from,
                    access,
                    policy,
                },
            })
        }
        Err(RefusalReason::Network) => Err(TurnedAway::Network(identity, from)),
        Err(_) => Err(TurnedAway::UnknownEdge(identity)),
    }
}
