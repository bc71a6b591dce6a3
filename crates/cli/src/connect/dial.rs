//! From a name to a TCP connection, with an error that says what to do.

use std::io::{self, ErrorKind};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use tokio::net::{TcpStream, lookup_host};
use tokio::time::timeout;

use super::target::Target;
use crate::failure::Failure;

/// A TCP connection.
pub(crate) struct Dialled {
    pub(crate) socket: TcpStream,
    pub(crate) address: SocketAddr,
    /// How long TCP's own handshake took: one round trip.
    pub(crate) took: Duration,
}

/// Tries every address of the host, in the order of the resolver, until one accepts.
pub(crate) async fn dial(target: &Target, limit: Duration) -> Result<Dialled, Failure> {
    let addresses = resolve(target, limit).await?;
    let mut failures = Vec::new();
    for address in addresses {
        let start = Instant::now();
        let connected = timeout(limit, TcpStream::connect(address))
            .await
            .unwrap_or_else(|_| Err(ErrorKind::TimedOut.into()));
        match connected {
            Ok(socket) => {
                // Handshake messages are small and answered at once.
                let _ = socket.set_nodelay(true);
                return Ok(Dialled {
                    socket,
                    address,
                    took: start.elapsed(),
                });
            }
            Err(cause) => failures.push(refused(address, &cause, limit)),
        }
    }
    Err(Failure::run_time(format!(
        "cannot connect to {target}: {}",
        failures.join("\n  ")
    )))
}

/// The same address a second time: the session may be known to this machine alone.
pub(crate) async fn dial_again(address: SocketAddr, limit: Duration) -> Result<Dialled, Failure> {
    let target = Target {
        host: address.ip().to_string(),
        port: address.port(),
    };
    dial(&target, limit).await
}

async fn resolve(target: &Target, limit: Duration) -> Result<Vec<SocketAddr>, Failure> {
    let host = &target.host;
    let lookup = lookup_host((host.as_str(), target.port));
    let found = match timeout(limit, lookup).await {
        Ok(Ok(addresses)) => addresses.collect(),
        Ok(Err(cause)) => {
            return Err(Failure::run_time(format!(
                "no address is known for {host}: {}; check the spelling, and whether this machine has \
                 DNS (getent hosts {host})",
                words(&cause)
            )));
        }
        Err(_) => Vec::new(),
    };
    if found.is_empty() {
        return Err(Failure::run_time(format!(
            "DNS gives no address for {host} within {} s; check whether this machine has DNS (getent \
             hosts {host})",
            limit.as_secs()
        )));
    }
    Ok(found)
}

fn refused(address: SocketAddr, cause: &io::Error, limit: Duration) -> String {
    match cause.kind() {
        ErrorKind::ConnectionRefused => format!(
            "nothing listens on {address} (connection refused); check the port, and whether the server \
             runs"
        ),
        ErrorKind::TimedOut => format!(
            "{address} does not answer within {} s; a firewall may drop the packets, or the machine is \
             down",
            limit.as_secs()
        ),
        ErrorKind::HostUnreachable | ErrorKind::NetworkUnreachable => format!(
            "there is no way to {address} ({}); check this machine's network",
            words(cause)
        ),
        _ => format!("{address}: {}", words(cause)),
    }
}

/// An operating system's error without its number.
fn words(cause: &io::Error) -> String {
    let text = cause.to_string();
    let text = text.split(" (os error").next().unwrap_or(&text);
    text.strip_prefix("failed to lookup address information: ")
        .unwrap_or(text)
        .to_owned()
}
