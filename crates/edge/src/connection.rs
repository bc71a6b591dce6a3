//! One client's connection, from accept to end.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use keyward_tls::{Error, NeedError, NeedKind, PeerIncompatible};
use keyward_wire::values::AlertDescription;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::Instant;
use tracing::{debug, error, info, warn};

use crate::activity::{Activity, Watched};
use crate::counters::FailureCause;
use crate::early_data::EarlyStream;
use crate::edge::Shared;
use crate::http::{self, Client, ClientCertificate, Ended, Load, Protocol};
use crate::listener::Slot;
use crate::needs::Findings;
use crate::record::{self, Recorder};
use crate::sites::{Service, Site};
use crate::stream::{Reached, StreamError, TlsStream};
use crate::tcp;

type Socket = Watched<TcpStream>;
type Stream = TlsStream<Socket>;
type EarlySocket = EarlyStream<Socket>;

/// Serves a connection to its end.
pub(crate) async fn serve(
    socket: TcpStream,
    peer: SocketAddr,
    number: u64,
    slot: Slot,
    shared: Arc<Shared>,
) {
    // Latency is what an edge is for; TLS flights are written whole.
    if let Err(cause) = socket.set_nodelay(true) {
        debug!(%peer, %cause, "the client left before the handshake");
        return;
    }
    let activity = Activity::new();
    let recorder = Recorder::new(shared.records.clone(), number, peer.to_string());
    let stream = TlsStream::new(
        Watched::new(socket, activity.clone()),
        shared.tls.clone(),
        shared.resolver.clone(),
        recorder,
    );
    let mut stream = match stream {
        Ok(stream) => stream,
        Err(cause) => {
            shared.counters.failure(FailureCause::Internal);
            error!(%peer, %cause, "the TLS engine does not start");
            return;
        }
    };
    let deadline = Instant::now() + shared.timeouts.handshake;
    let Some((site, reached)) = handshake(&mut stream, peer, deadline, &shared).await else {
        return;
    };
    let server_name = stream.findings().server_name.clone();
    let negotiated = stream.negotiated();
    let alpn = negotiated.and_then(|negotiated| negotiated.alpn.clone());
    match &site.service {
        Service::Tcp(connector) => {
            tcp::serve(stream, connector, peer, server_name.as_deref(), &shared).await;
            drop(slot);
        }
        Service::Http(service) => {
            let certificate = negotiated
                .and_then(|negotiated| ClientCertificate::new(&negotiated.peer_certificates));
            let protocol = match alpn.as_deref() {
                Some(b"h2") => Protocol::Http2,
                _ => Protocol::Http1,
            };
            let client = |early| {
                Arc::new(Client {
                    peer,
                    server_name,
                    certificate,
                    early,
                    service: service.clone(),
                    site: site.clone(),
                    shared: shared.clone(),
                    activity,
                    load: Load::new(),
                    _slot: slot,
                })
            };
            match reached {
                Reached::End => {
                    let client = client(None);
                    let done = std::future::ready(true);
                    let ended = http::serve(stream, protocol, client.clone(), done).await;
                    log_end(&client, &ended);
                }
                Reached::EarlyData => {
                    let stream = EarlyStream::new(stream);
                    let client = client(Some(stream.confirmation()));
                    let rest = rest_of_handshake(&stream, &client, deadline);
                    let ended = http::serve(stream.clone(), protocol, client.clone(), rest).await;
                    log_end(&client, &ended);
                }
            }
        }
    }
}

fn log_end(client: &Client, ended: &Ended) {
    let peer = client.peer;
    let sni = client.server_name.as_deref().unwrap_or("-");
    match ended {
        // Why it failed has been said.
        Ended::Handshake => {}
        Ended::Closed => debug!(%peer, sni, "a connection ended"),
        Ended::Overdue(http::Overdue::Idle) => debug!(%peer, sni, "closed an idle connection"),
        Ended::Overdue(cause) => info!(%peer, sni, %cause, "closed a connection"),
        Ended::Cut => info!(%peer, sni, "cut a connection: the edge stops"),
        // hyper has answered with 400, 431 and the like where it could.
        Ended::Failed(cause) if cause.is_parse() => {
            info!(%peer, sni, %cause, "refused a connection: what came is no valid HTTP");
        }
        Ended::Failed(cause) => {
            let source = std::error::Error::source(cause).map(ToString::to_string);
            debug!(%peer, sni, %cause, source, "a connection failed");
        }
    }
}

/// Completes the handshake, or as much of it as early data does not wait for, or logs and counts why not.
async fn handshake(
    stream: &mut Stream,
    peer: SocketAddr,
    deadline: Instant,
    shared: &Shared,
) -> Option<(Arc<Site>, Reached)> {
    let result = tokio::select! {
        result = stream.handshake() => result.map_err(Failure::Stream),
        () = tokio::time::sleep_until(deadline) => {
            // RFC 9846 §6.1, user_canceled: "the sender is canceling the handshake for some reason
            // unrelated to a protocol failure".
            stream.abort(AlertDescription::USER_CANCELED).await;
            Err(Failure::TimedOut(shared.timeouts.handshake))
        }
        () = shared.cut.cancelled() => Err(Failure::Cut),
    };
    let operations = u64::from(stream.findings().key_operations);
    shared
        .counters
        .key_operations
        .fetch_add(operations, std::sync::atomic::Ordering::Relaxed);
    let failure = match (result, &stream.findings().site) {
        (Ok(reached), Some(site)) => {
            let site = site.clone();
            if reached == Reached::End {
                complete(stream, peer, &site, shared);
            }
            return Some((site, reached));
        }
        (Err(failure), _) => failure,
        (Ok(_), None) => Failure::Stream(StreamError::Tls(Error::Internal(
            "the handshake is complete without a site",
        ))),
    };
    report(&failure, stream, peer, shared);
    if matches!(
        &failure,
        Failure::Stream(StreamError::Tls(_)) | Failure::TimedOut(_)
    ) {
        linger(stream, shared).await;
    }
    None
}

/// The same for what early data did not wait for; whether it succeeds.
async fn rest_of_handshake(stream: &EarlySocket, client: &Client, deadline: Instant) -> bool {
    let Client { peer, shared, .. } = client;
    let result = tokio::select! {
        result = stream.complete() => result.map_err(Failure::Stream),
        () = tokio::time::sleep_until(deadline) => {
            stream.with(|stream| stream.abort_now(AlertDescription::USER_CANCELED));
            Err(Failure::TimedOut(shared.timeouts.handshake))
        }
    };
    match result {
        Ok(()) => {
            stream.with(|stream| complete(stream, *peer, &client.site, shared));
            stream.open().await;
            true
        }
        Err(failure) => {
            stream.with(|stream| report(&failure, stream, *peer, shared));
            false
        }
    }
}

/// Counts and tells of a handshake that is complete.
fn complete(stream: &mut Stream, peer: SocketAddr, site: &Site, shared: &Shared) {
    let Some(negotiated) = stream.negotiated().cloned() else {
        return;
    };
    shared.counters.handshake(&negotiated);
    let measured = &shared.counters.measured;
    measured.handshake(&negotiated, stream.age());
    debug!(
        %peer,
        sni = negotiated.server_name.as_deref().unwrap_or("-"),
        version = record::version(negotiated.version),
        suite = %negotiated.cipher_suite,
        resumed = negotiated.resumed,
        early_data = ?negotiated.early_data,
        "a handshake is complete"
    );
    let http = matches!(site.service, Service::Http(_));
    stream.recorder().completed(&negotiated, http);
}

/// Why a handshake did not complete.
enum Failure {
    Stream(StreamError),
    TimedOut(Duration),
    Cut,
}

fn report(failure: &Failure, stream: &mut Stream, peer: SocketAddr, shared: &Shared) {
    let findings = stream.findings();
    let server_name = findings.server_name.clone();
    let sni = server_name.as_deref().unwrap_or("-");
    let (count, cause) = explain(failure, findings);
    shared.counters.failure(count);
    let measured = &shared.counters.measured;
    match failure {
        Failure::Stream(StreamError::Tls(error)) => measured.failure(error),
        Failure::TimedOut(_) => measured.alerts_sent.add(AlertDescription::USER_CANCELED),
        Failure::Stream(_) | Failure::Cut => {}
    }
    if count == FailureCause::Internal {
        error!(%peer, sni, cause, "a handshake failed");
    } else if count.is_ours() {
        warn!(%peer, sni, cause, "a handshake failed for want of the key server");
    } else if count == FailureCause::ClientLeft {
        debug!(%peer, sni, cause, "refused a connection");
    } else {
        info!(%peer, sni, cause, "refused a connection");
    }
    stream.recorder().failed(server_name.as_deref(), &cause);
}

/// The cause, for the counter and for the log.
fn explain(failure: &Failure, findings: &Findings) -> (FailureCause, String) {
    let error = match failure {
        Failure::TimedOut(limit) => {
            let cause = format!("the handshake took longer than {} ms", limit.as_millis());
            return (FailureCause::Timeout, cause);
        }
        Failure::Cut => return (FailureCause::ClientLeft, "the edge stops".to_owned()),
        Failure::Stream(StreamError::Tls(error)) => error,
        Failure::Stream(error) => return (FailureCause::ClientLeft, error.to_string()),
    };
    if let (Error::Need(NeedKind::KeyOperation, error), Some(cause)) = (error, &findings.key_server)
    {
        let count = match error {
            NeedError::Unavailable => FailureCause::KeyServerUnavailable,
            NeedError::Overloaded | NeedError::Expired => FailureCause::KeyServerOverloaded,
            _ => FailureCause::KeyServerRefused,
        };
        return (count, cause.to_string());
    }
    let (count, cause) = match error {
        Error::Need(NeedKind::Certificate, NeedError::UnrecognizedName) => (
            FailureCause::UnknownName,
            match &findings.server_name {
                Some(name) => format!("no site has the name {name}"),
                None => "the client sends no server name, and there is no default site".to_owned(),
            },
        ),
        Error::Need(NeedKind::Certificate, _) if findings.no_certificate => (
            FailureCause::KeyServerUnavailable,
            "the key server has not told a certificate chain for this site yet".to_owned(),
        ),
        Error::Need(NeedKind::PeerCertificate, _) => (
            FailureCause::ClientCertificate,
            match &findings.client_certificate {
                Some(rejection) => format!("the client's certificate: {rejection}"),
                None => error.to_string(),
            },
        ),
        Error::PeerIncompatible(
            PeerIncompatible::NoClientCertificate | PeerIncompatible::NoTls12ClientCertificate,
        ) => (FailureCause::ClientCertificate, error.to_string()),
        Error::PeerIncompatible(_) => (FailureCause::Incompatible, error.to_string()),
        Error::AlertReceived(_) => (FailureCause::ClientAlert, error.to_string()),
        Error::PeerTruncated => (FailureCause::ClientLeft, error.to_string()),
        Error::KeyOperation(_) => (FailureCause::KeyServerAnswer, error.to_string()),
        Error::InvalidMessage(_) | Error::PeerMisbehaved(_) | Error::DecryptError => {
            (FailureCause::Protocol, error.to_string())
        }
        _ => (FailureCause::Internal, error.to_string()),
    };
    (count, cause)
}

/// How long a refused client's connection is kept, and how much of what it still sends is read.
const LINGER: Duration = Duration::from_millis(500);
const LINGER_BYTES: u64 = 256 * 1024;

/// Ends a refused connection so that its alert arrives: closing a socket with unread bytes resets
/// the connection, and a reset makes the client's kernel drop the alert that it has not read yet.
async fn linger(stream: &mut Stream, shared: &Shared) {
    let end = async {
        let _ = stream.socket().shutdown().await;
        let mut rest = stream.socket().take(LINGER_BYTES);
        let mut sink = [0; 4096];
        while matches!(rest.read(&mut sink).await, Ok(read) if read > 0) {}
    };
    tokio::select! {
        _ = tokio::time::timeout(LINGER, end) => {}
        () = shared.cut.cancelled() => {}
    }
}
