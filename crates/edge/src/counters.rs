//! Numbers of what an edge has done.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};

use keyward_tls::Negotiated;
use keyward_wire::values::ProtocolVersion;

use crate::measured::Measured;

/// Counts since the edge started; never decreasing, except for those in [`Counters::open`].
#[derive(Debug, Default)]
pub(crate) struct Counters {
    pub(crate) connections: AtomicU64,
    pub(crate) open: AtomicU64,
    pub(crate) accept_pauses: AtomicU64,
    tls13_full: AtomicU64,
    tls13_resumed: AtomicU64,
    tls12_full: AtomicU64,
    tls12_resumed: AtomicU64,
    pub(crate) key_operations: AtomicU64,
    pub(crate) delegated_signatures: AtomicU64,
    pub(crate) last_resort: AtomicU64,
    pub(crate) last_resort_failed: AtomicU64,
    pub(crate) early_data_accepted: AtomicU64,
    pub(crate) early_data_replayed: AtomicU64,
    pub(crate) early_data_turned_away: AtomicU64,
    pub(crate) requests: AtomicU64,
    pub(crate) upstream_failures: AtomicU64,
    failures: [AtomicU64; FailureCause::ALL.len()],
    /// What is timed, and what more there is to count.
    pub(crate) measured: Measured,
}

/// Why a handshake failed, as far as counting goes. The log line has the details.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum FailureCause {
    /// What came is no TLS, does not parse, or breaks the protocol.
    Protocol,
    /// Client and edge have no version, suite, group, scheme or protocol in common.
    Incompatible,
    /// The client ended it with an alert, for example since it does not trust the certificate.
    ClientAlert,
    /// The client closed the connection.
    ClientLeft,
    /// The client has no certificate where it needs one, or one that is not good.
    ClientCertificate,
    /// It took too long.
    Timeout,
    /// No site has the name.
    UnknownName,
    /// No key server in reach, or the connection to it was lost.
    KeyServerUnavailable,
    /// The key server refused the operation, or does not know the key.
    KeyServerRefused,
    /// The key server has too much to do, or its answer came too late.
    KeyServerOverloaded,
    /// The key server's answer cannot be used.
    KeyServerAnswer,
    /// The edge itself failed.
    Internal,
}

impl FailureCause {
    /// All of them, in the order of declaration.
    pub const ALL: [Self; 12] = [
        Self::Protocol,
        Self::Incompatible,
        Self::ClientAlert,
        Self::ClientLeft,
        Self::ClientCertificate,
        Self::Timeout,
        Self::UnknownName,
        Self::KeyServerUnavailable,
        Self::KeyServerRefused,
        Self::KeyServerOverloaded,
        Self::KeyServerAnswer,
        Self::Internal,
    ];

    /// A short name, for logs and metrics.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Protocol => "protocol",
            Self::Incompatible => "incompatible",
            Self::ClientAlert => "client-alert",
            Self::ClientLeft => "client-left",
            Self::ClientCertificate => "client-certificate",
            Self::Timeout => "timeout",
            Self::UnknownName => "unknown-name",
            Self::KeyServerUnavailable => "key-server-unavailable",
            Self::KeyServerRefused => "key-server-refused",
            Self::KeyServerOverloaded => "key-server-overloaded",
            Self::KeyServerAnswer => "key-server-answer",
            Self::Internal => "internal",
        }
    }

    /// Whether it is trouble of ours, which somebody has to look at, and not the client's.
    pub const fn is_ours(self) -> bool {
        matches!(
            self,
            Self::KeyServerUnavailable
                | Self::KeyServerRefused
                | Self::KeyServerOverloaded
                | Self::KeyServerAnswer
                | Self::Internal
        )
    }
}

impl fmt::Display for FailureCause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl Counters {
    pub(crate) fn add(counter: &AtomicU64) {
        counter.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn handshake(&self, negotiated: &Negotiated) {
        let tls13 = negotiated.version == ProtocolVersion::TLS13;
        Self::add(match (tls13, negotiated.resumed) {
            (true, false) => &self.tls13_full,
            (true, true) => &self.tls13_resumed,
            (false, false) => &self.tls12_full,
            (false, true) => &self.tls12_resumed,
        });
    }

    pub(crate) fn failure(&self, cause: FailureCause) {
        if let Some(index) = FailureCause::ALL.iter().position(|known| *known == cause) {
            Self::add(&self.failures[index]);
        }
    }

    pub(crate) fn read(&self) -> Counts {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Counts {
            connections: read(&self.connections),
            open_connections: read(&self.open),
            accept_pauses: read(&self.accept_pauses),
            handshakes_tls13_full: read(&self.tls13_full),
            handshakes_tls13_resumed: read(&self.tls13_resumed),
            handshakes_tls12_full: read(&self.tls12_full),
            handshakes_tls12_resumed: read(&self.tls12_resumed),
            key_operations: read(&self.key_operations),
            delegated_signatures: read(&self.delegated_signatures),
            last_resort: read(&self.last_resort),
            last_resort_failed: read(&self.last_resort_failed),
            early_data_accepted: read(&self.early_data_accepted),
            early_data_replayed: read(&self.early_data_replayed),
            early_data_turned_away: read(&self.early_data_turned_away),
            requests: read(&self.requests),
            upstream_failures: read(&self.upstream_failures),
            failures: FailureCause::ALL
                .iter()
                .zip(&self.failures)
                .map(|(cause, count)| (*cause, read(count)))
                .collect(),
        }
    }
}

/// A reading of an edge's counters.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Counts {
    /// Connections accepted.
    pub connections: u64,
    /// Connections that are there now.
    pub open_connections: u64,
    /// How often the connection limit made accepting pause.
    pub accept_pauses: u64,
    /// Full TLS 1.3 handshakes.
    pub handshakes_tls13_full: u64,
    /// Resumed TLS 1.3 handshakes.
    pub handshakes_tls13_resumed: u64,
    /// Full TLS 1.2 handshakes.
    pub handshakes_tls12_full: u64,
    /// Resumed TLS 1.2 handshakes.
    pub handshakes_tls12_resumed: u64,
    /// Private-key operations asked for.
    pub key_operations: u64,
    /// Handshakes that a delegated credential's key has signed, on this edge.
    pub delegated_signatures: u64,
    /// Private-key operations that the gokeyless server of last resort has done, since no key server did.
    pub last_resort: u64,
    /// Those that it was asked for and did not do either.
    pub last_resort_failed: u64,
    /// Handshakes whose early data was taken.
    pub early_data_accepted: u64,
    /// Those whose early data was not taken, since it was there before.
    pub early_data_replayed: u64,
    /// Those whose early data was not taken, since there was no room to remember it.
    pub early_data_turned_away: u64,
    /// HTTP requests.
    pub requests: u64,
    /// Requests and TCP-mode connections that the service behind did not serve.
    pub upstream_failures: u64,
    /// Failed handshakes by cause, every cause once.
    pub failures: Vec<(FailureCause, u64)>,
}

impl Counts {
    /// Failed handshakes of one cause.
    pub fn failed(&self, cause: FailureCause) -> u64 {
        self.failures
            .iter()
            .find_map(|(known, count)| (*known == cause).then_some(*count))
            .unwrap_or(0)
    }
}
