//! A request's way to the service, and the response's way back.

use std::sync::Arc;

use http::{HeaderValue, Method, Request, Response, StatusCode, Version};
use hyper::body::Incoming;
use hyper::upgrade::OnUpgrade;
use tracing::{info, warn};

use super::body::{RequestBody, ResponseBody};
use super::headers::{self, About};
use super::host::{self, RequestHost};
use super::pool::UpstreamError;
use super::refusal::Refusal;
use super::serve::{Client, InFlight};
use super::upgrade;
use crate::counters::Counters;
use crate::early_data::Confirmation;

/// Answers a request, with the service's response or one of the edge's own.
pub(super) async fn forward(
    client: Arc<Client>,
    request: Request<Incoming>,
    early: Option<Arc<Confirmation>>,
) -> Response<ResponseBody> {
    let in_flight = InFlight::start(&client);
    Counters::add(&client.shared.counters.requests);
    let version = request.version();
    let method = request.method().clone();
    match exchange(&client, request, early, &in_flight).await {
        Ok(response) => response.map(|body| body.with_in_flight(in_flight)),
        Err(refusal) => {
            let peer = client.peer;
            let sni = client.server_name.as_deref().unwrap_or("-");
            let status = refusal.status.as_u16();
            let cause = &refusal.cause;
            if refusal.is_ours() {
                Counters::add(&client.shared.counters.upstream_failures);
                let upstream = client.service.address();
                warn!(%peer, sni, %method, status, upstream, cause, "the service failed a request");
            } else {
                info!(%peer, sni, %method, status, cause, "refused a request");
            }
            refusal
                .response(version)
                .map(|body| body.with_in_flight(in_flight))
        }
    }
}

async fn exchange(
    client: &Arc<Client>,
    mut request: Request<Incoming>,
    early: Option<Arc<Confirmation>>,
    in_flight: &InFlight,
) -> Result<Response<ResponseBody>, Refusal> {
    let ours = hyper::upgrade::on(&mut request);
    let (mut parts, body) = request.into_parts();
    headers::check_request(&parts)?;
    let host = host::of(&parts, client.server_name.as_deref())?;
    check_site(client, &host)?;

    let upgrade = headers::requested_upgrade(&parts);
    let early = match early {
        Some(early) if !may_be_early(client, &parts.method, upgrade.as_ref()) => {
            // RFC 8470 §3: what a replay could do harm with waits for the end of the handshake, which no
            // replay reaches.
            early.wait().await;
            false
        }
        early => early.is_some(),
    };
    let about = About {
        early,
        address: client.peer.ip(),
        certificate: client.certificate.as_ref(),
    };
    headers::to_service(&mut parts, &host, &about, upgrade.as_ref());
    let body = RequestBody::new(body, client.shared.timeouts.body);
    let (response, lease) = client
        .service
        .send(Request::from_parts(parts, body))
        .await
        .map_err(|error| Refusal::upstream(&error))?;

    if response.status() == StatusCode::SWITCHING_PROTOCOLS {
        lease.upgraded();
        return switch(client, upgrade.as_ref(), ours, response, in_flight)
            .map_err(|error| Refusal::upstream(&error));
    }
    let (mut parts, body) = response.into_parts();
    headers::to_client(&mut parts.headers);
    // The connection to the client has its own version, whatever the service speaks.
    parts.version = Version::default();
    parts.extensions.clear();
    let body = ResponseBody::upstream(body, client.service.timeout(), lease);
    Ok(Response::from_parts(parts, body))
}

/// Whether a request in early data is forwarded as such: the site says so, and the service gets nothing that
/// lasts longer than an answer.
fn may_be_early(client: &Client, method: &Method, upgrade: Option<&HeaderValue>) -> bool {
    let terms = client.site.early_data.as_ref();
    upgrade.is_none() && terms.is_some_and(|terms| terms.methods.contains(method))
}

/// RFC 9110 §15.5.20: "The 421 (Misdirected Request) status code indicates that the request was
/// directed at a server that is unable or unwilling to produce an authoritative response for the
/// target URI." The certificate that the client has checked, and what the site demands of its clients,
/// are not those of the host that it now asks for.
fn check_site(client: &Client, host: &RequestHost) -> Result<(), Refusal> {
    match client.shared.sites.find(Some(&host.name)) {
        Some(site) if Arc::ptr_eq(site, &client.site) => Ok(()),
        _ => Err(Refusal::misdirected(format!(
            "the host {} is not one of this connection's site",
            host.authority
        ))),
    }
}

fn switch(
    client: &Arc<Client>,
    asked: Option<&HeaderValue>,
    ours: OnUpgrade,
    response: Response<Incoming>,
    in_flight: &InFlight,
) -> Result<Response<ResponseBody>, UpstreamError> {
    if asked.is_none() {
        return Err(UpstreamError::UnaskedUpgrade);
    }
    upgrade::switch(client, ours, response, in_flight.clone())
}
