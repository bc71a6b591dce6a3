//! What an edge counts and times of its handshakes, beside [`crate::counters`].

use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use keyward_keyclient::KeyClientError;
use keyward_observe::{Counter, Histogram, HistogramSnapshot};
use keyward_tls::{EarlyDataStatus, Error, NeedKind, Negotiated};
use keyward_wire::values::{AlertDescription, ProtocolVersion};

/// Key servers that are told apart. Their addresses come from DNS, so that the configuration is no bound.
const MAX_SERVERS: usize = 64;
/// What those beyond are called.
const OTHER_SERVERS: &str = "other";

/// The needs that a server's engine raises.
const NEEDS: [NeedKind; 6] = [
    NeedKind::Certificate,
    NeedKind::Session,
    NeedKind::PeerCertificate,
    NeedKind::KeyOperation,
    NeedKind::NewSession,
    NeedKind::EarlyData,
];

/// A number for each alert there can be.
#[derive(Debug)]
pub(crate) struct Alerts([Counter; 256]);

/// The measures of an edge.
#[derive(Debug, Default)]
pub(crate) struct Measured {
    handshakes: [Histogram; HandshakeKind::ALL.len()],
    needs: [Histogram; NEEDS.len()],
    key_answers: [Counter; KeyAnswerKind::ALL.len()],
    servers: RwLock<Vec<(Arc<str>, Arc<Histogram>)>>,
    pub(crate) alerts_sent: Alerts,
    pub(crate) alerts_received: Alerts,
    pub(crate) early_data_accepted: Counter,
    pub(crate) early_data_refused: Counter,
    pub(crate) reloads: Counter,
    pub(crate) reloads_failed: Counter,
}

/// A handshake that completed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum HandshakeKind {
    Tls13Full,
    Tls13Resumed,
    Tls12Full,
    Tls12Resumed,
}

impl HandshakeKind {
    pub(crate) const ALL: [Self; 4] = [
        Self::Tls13Full,
        Self::Tls13Resumed,
        Self::Tls12Full,
        Self::Tls12Resumed,
    ];

    pub(crate) fn of(negotiated: &Negotiated) -> Self {
        match (negotiated.version, negotiated.resumed) {
            (ProtocolVersion::TLS13, false) => Self::Tls13Full,
            (ProtocolVersion::TLS13, true) => Self::Tls13Resumed,
            (_, false) => Self::Tls12Full,
            (_, true) => Self::Tls12Resumed,
        }
    }

    pub(crate) const fn version(self) -> &'static str {
        match self {
            Self::Tls13Full | Self::Tls13Resumed => "TLS 1.3",
            Self::Tls12Full | Self::Tls12Resumed => "TLS 1.2",
        }
    }

    pub(crate) const fn kind(self) -> &'static str {
        match self {
            Self::Tls13Full | Self::Tls12Full => "full",
            Self::Tls13Resumed | Self::Tls12Resumed => "resumed",
        }
    }
}

/// What key servers said to an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum KeyAnswerKind {
    Performed,
    /// None in reach, or the connection was lost.
    Unavailable,
    Refused,
    UnknownKey,
    Overloaded,
    Expired,
    Failed,
}

impl KeyAnswerKind {
    pub(crate) const ALL: [Self; 7] = [
        Self::Performed,
        Self::Unavailable,
        Self::Refused,
        Self::UnknownKey,
        Self::Overloaded,
        Self::Expired,
        Self::Failed,
    ];

    pub(crate) fn of(error: Option<&KeyClientError>) -> Self {
        match error {
            None => Self::Performed,
            Some(
                KeyClientError::Unreachable { .. }
                | KeyClientError::NoneReachable { .. }
                | KeyClientError::ConnectionLost { .. },
            ) => Self::Unavailable,
            Some(KeyClientError::Refused { .. }) => Self::Refused,
            Some(KeyClientError::UnknownKey) => Self::UnknownKey,
            Some(KeyClientError::Overloaded) => Self::Overloaded,
            Some(KeyClientError::Expired) => Self::Expired,
            Some(_) => Self::Failed,
        }
    }

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Performed => "performed",
            Self::Unavailable => "unavailable",
            Self::Refused => "refused",
            Self::UnknownKey => "unknown_key",
            Self::Overloaded => "overloaded",
            Self::Expired => "expired",
            Self::Failed => "failed",
        }
    }
}

impl Measured {
    /// A handshake is complete, so long after its connection was accepted.
    pub(crate) fn handshake(&self, negotiated: &Negotiated, took: Duration) {
        self.handshakes[HandshakeKind::of(negotiated) as usize].record(took);
        match negotiated.early_data {
            EarlyDataStatus::NotOffered => {}
            EarlyDataStatus::Accepted => self.early_data_accepted.add(),
            EarlyDataStatus::Rejected => self.early_data_refused.add(),
        }
    }

    /// A handshake failed.
    pub(crate) fn failure(&self, error: &Error) {
        if let Some(alert) = error.alert() {
            self.alerts_sent.add(alert);
        }
        if let Error::AlertReceived(alert) = error {
            self.alerts_received.add(*alert);
        }
    }

    /// The engine waited so long for an answer.
    pub(crate) fn need(&self, kind: NeedKind, took: Duration) {
        if let Some(index) = NEEDS.iter().position(|known| *known == kind) {
            self.needs[index].record(took);
        }
    }

    /// The key servers have said something, or nothing.
    pub(crate) fn key_answer(&self, kind: KeyAnswerKind) {
        self.key_answers[kind as usize].add();
    }

    /// This key server has performed an operation, in so long.
    pub(crate) fn key_server(&self, server: &str, took: Duration) {
        let found = |servers: &[(Arc<str>, Arc<Histogram>)], name: &str| {
            let mut known = servers.iter();
            known
                .find(|(known, _)| &**known == name)
                .map(|(_, histogram)| Arc::clone(histogram))
        };
        let servers = self.servers.read().unwrap_or_else(PoisonError::into_inner);
        let known = found(&servers, server);
        drop(servers);
        let histogram = known.unwrap_or_else(|| {
            let mut servers = self.servers.write().unwrap_or_else(PoisonError::into_inner);
            let bounded = if servers.len() < MAX_SERVERS {
                server
            } else {
                OTHER_SERVERS
            };
            found(&servers, bounded).unwrap_or_else(|| {
                let histogram = Arc::<Histogram>::default();
                servers.push((bounded.into(), Arc::clone(&histogram)));
                histogram
            })
        });
        histogram.record(took);
    }

    pub(crate) fn handshake_times(
        &self,
    ) -> impl Iterator<Item = (HandshakeKind, HistogramSnapshot)> + '_ {
        let times = HandshakeKind::ALL.into_iter().zip(&self.handshakes);
        times.map(|(kind, time)| (kind, time.snapshot()))
    }

    pub(crate) fn need_times(&self) -> impl Iterator<Item = (NeedKind, HistogramSnapshot)> + '_ {
        let times = NEEDS.into_iter().zip(&self.needs);
        times.map(|(kind, time)| (kind, time.snapshot()))
    }

    pub(crate) fn key_answers(&self) -> impl Iterator<Item = (KeyAnswerKind, u64)> + '_ {
        let counts = KeyAnswerKind::ALL.into_iter().zip(&self.key_answers);
        counts.map(|(kind, count)| (kind, count.get()))
    }

    pub(crate) fn key_server_times(&self) -> Vec<(String, HistogramSnapshot)> {
        let servers = self.servers.read().unwrap_or_else(PoisonError::into_inner);
        let times = servers.iter();
        times
            .map(|(server, time)| (server.to_string(), time.snapshot()))
            .collect()
    }
}

impl Default for Alerts {
    fn default() -> Self {
        Self(std::array::from_fn(|_| Counter::default()))
    }
}

impl Alerts {
    pub(crate) fn add(&self, alert: AlertDescription) {
        self.0[usize::from(alert.0)].add();
    }

    /// Those that there were.
    pub(crate) fn seen(&self) -> impl Iterator<Item = (AlertDescription, u64)> + '_ {
        let counts = (0..=u8::MAX).zip(&self.0);
        counts
            .map(|(code, count)| (AlertDescription(code), count.get()))
            .filter(|(_, count)| *count > 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_stand_at_their_places() {
        for (i, kind) in HandshakeKind::ALL.into_iter().enumerate() {
            assert_eq!(kind as usize, i);
        }
        for (i, kind) in KeyAnswerKind::ALL.into_iter().enumerate() {
            assert_eq!(kind as usize, i);
        }
    }

    #[test]
    fn key_servers_beyond_the_bound_are_counted_together() {
        let measured = Measured::default();
        for i in 0..MAX_SERVERS + 10 {
            measured.key_server(&format!("server {i}"), Duration::ZERO);
        }
        measured.key_server("server 3", Duration::ZERO);
        let times = measured.key_server_times();
        assert_eq!(times.len(), MAX_SERVERS + 1);
        let count = |name| {
            times
                .iter()
                .find(|(known, _)| known == name)
                .unwrap()
                .1
                .count()
        };
        assert_eq!((count("server 3"), count(OTHER_SERVERS)), (2, 10));
    }

    #[test]
    fn an_alert_has_a_name() {
        let alerts = Alerts::default();
        alerts.add(AlertDescription::UNKNOWN_CA);
        alerts.add(AlertDescription::UNKNOWN_CA);
        alerts.add(AlertDescription(250));
        let seen: Vec<_> = alerts.seen().collect();
        assert_eq!(
            seen,
            [
                (AlertDescription::UNKNOWN_CA, 2),
                (AlertDescription(250), 1)
            ]
        );
    }
}
