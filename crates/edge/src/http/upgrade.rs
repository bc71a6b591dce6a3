//! Connections that change from HTTP/1.1 to another protocol, such as WebSocket.

use std::sync::Arc;

use http::header::{CONNECTION, UPGRADE};
use http::{HeaderMap, HeaderValue, Response};
use hyper::body::Incoming;
use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;
use tracing::debug;

use super::body::ResponseBody;
use super::headers;
use super::pool::UpstreamError;
use super::serve::{Client, InFlight};
use crate::tunnel;

/// Passes a `101 Switching Protocols` on, and then bytes both ways in a task of its own.
pub(super) fn switch(
    client: &Arc<Client>,
    ours: OnUpgrade,
    mut response: Response<Incoming>,
    in_flight: InFlight,
) -> Result<Response<ResponseBody>, UpstreamError> {
    let protocol = response
        .headers()
        .get(UPGRADE)
        .cloned()
        .ok_or(UpstreamError::UnaskedUpgrade)?;
    let theirs = hyper::upgrade::on(&mut response);
    let task = tunnel_task(client.clone(), ours, theirs, in_flight);
    client.shared.tasks.spawn(task);

    let (mut parts, _) = response.into_parts();
    headers::to_client(&mut parts.headers);
    announce(&mut parts.headers, protocol);
    parts.extensions.clear();
    Ok(Response::from_parts(parts, ResponseBody::own("")))
}

fn announce(headers: &mut HeaderMap, protocol: HeaderValue) {
    headers.insert(CONNECTION, HeaderValue::from_static("upgrade"));
    headers.insert(UPGRADE, protocol);
}

async fn tunnel_task(
    client: Arc<Client>,
    ours: OnUpgrade,
    theirs: OnUpgrade,
    // The connection is in use as long as the tunnel is there.
    _in_flight: InFlight,
) {
    let shared = &client.shared;
    let ended = match tokio::try_join!(ours, theirs) {
        Ok((ours, theirs)) => tunnel::run(
            TokioIo::new(ours),
            TokioIo::new(theirs),
            shared.timeouts.tunnel,
            &shared.cut,
        )
        .await
        .map_err(|error| error.to_string()),
        Err(error) => Err(error.to_string()),
    };
    let peer = client.peer;
    match ended {
        Ok((up, down)) => debug!(%peer, up, down, "an upgraded connection ended"),
        Err(cause) => debug!(%peer, cause, "an upgraded connection was ended"),
    }
}
