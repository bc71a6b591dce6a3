//! Counters of what the key server did.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use keyward_crypto::signature::KeyKind;
use keyward_keyop::OperationKind;
use keyward_observe::{Counter, Histogram, HistogramSnapshot};
use keyward_protocol::RefusalReason;

const KINDS: usize = OperationKind::ALL.len();

/// Names of edges that are told apart; what rules call edges beyond that is counted together. Rules are read anew while the
/// key server runs, so their number alone is no bound.
const MAX_EDGES: usize = 1000;
/// What those beyond are called.
const OTHER_EDGES: &str = "other";

/// The live counters. All are totals since the start, but `connections`.
#[derive(Debug, Default)]
pub(crate) struct Metrics {
    edges: Mutex<BTreeMap<String, Arc<EdgeOperations>>>,
    /// By the reason's number; the first is for those that this version does not know.
    refused: [Counter; REASONS.len() + 1],
    queue_time: [Histogram; Algorithm::ALL.len()],
    store_time: [Histogram; Algorithm::ALL.len()],
    work_time: [Histogram; KINDS],
    pub(crate) malformed: Counter,
    pub(crate) audit: AuditMetrics,
    pub(crate) connections: Counter,
    pub(crate) connections_accepted: Counter,
    pub(crate) connections_rejected: Counter,
    pub(crate) connections_cut: Counter,
    pub(crate) reloads: Counter,
    pub(crate) reloads_failed: Counter,
}

/// Why requests are refused.
pub(crate) const REASONS: [RefusalReason; 7] = [
    RefusalReason::Edge,
    RefusalReason::Key,
    RefusalReason::Operation,
    RefusalReason::Name,
    RefusalReason::Check,
    RefusalReason::Rate,
    RefusalReason::Network,
];

/// The requests of the edges that one rule is about, by kind and outcome.
#[derive(Debug, Default)]
pub(crate) struct EdgeOperations([[Counter; Outcome::ALL.len()]; KINDS]);

/// What became of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    Performed,
    Refused,
    UnknownKey,
    Overloaded,
    Expired,
    Failed,
    /// It was withdrawn before the work, by cancel or by the end of its connection.
    Cancelled,
}

impl Outcome {
    pub(crate) const ALL: [Self; 7] = [
        Self::Performed,
        Self::Refused,
        Self::UnknownKey,
        Self::Overloaded,
        Self::Expired,
        Self::Failed,
        Self::Cancelled,
    ];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Performed => "performed",
            Self::Refused => "refused",
            Self::UnknownKey => "unknown_key",
            Self::Overloaded => "overloaded",
            Self::Expired => "expired",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
        }
    }
}

/// What a key's operation costs, roughly: which queue it waits in, and how long it takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Algorithm {
    Rsa,
    Ecdsa,
    Ed25519,
    MlDsa,
}

impl Algorithm {
    pub(crate) const ALL: [Self; 4] = [Self::Rsa, Self::Ecdsa, Self::Ed25519, Self::MlDsa];

    pub(crate) const fn of(kind: KeyKind) -> Self {
        match kind {
            KeyKind::Rsa { .. } | KeyKind::RsaPss { .. } => Self::Rsa,
            KeyKind::EcP256 | KeyKind::EcP384 | KeyKind::EcP521 => Self::Ecdsa,
            KeyKind::Ed25519 => Self::Ed25519,
            KeyKind::MlDsa44 | KeyKind::MlDsa65 | KeyKind::MlDsa87 => Self::MlDsa,
        }
    }

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Rsa => "rsa",
            Self::Ecdsa => "ecdsa",
            Self::Ed25519 => "ed25519",
            Self::MlDsa => "ml-dsa",
        }
    }
}

fn index(kind: OperationKind) -> usize {
    OperationKind::ALL
        .iter()
        .position(|known| *known == kind)
        .expect("ALL has every kind")
}

impl EdgeOperations {
    /// One more request came to this.
    pub(crate) fn count(&self, kind: OperationKind, outcome: Outcome) {
        self.0[index(kind)][outcome as usize].add();
    }

    pub(crate) fn get(&self, kind: OperationKind, outcome: Outcome) -> u64 {
        self.0[index(kind)][outcome as usize].get()
    }

    /// Requests of all kinds that came to this.
    pub(crate) fn total(&self, outcome: Outcome) -> u64 {
        self.0.iter().map(|kind| kind[outcome as usize].get()).sum()
    }
}

impl Metrics {
    /// The counters of the edges that rules call by this name: asked for once a connection.
    pub(crate) fn edge(&self, name: &str) -> Arc<EdgeOperations> {
        let mut edges = self.edges.lock().unwrap_or_else(PoisonError::into_inner);
        let known = edges.contains_key(name) || edges.len() < MAX_EDGES;
        let name = if known { name } else { OTHER_EDGES };
        Arc::clone(edges.entry(name.to_owned()).or_default())
    }

    /// The counters of all edges that were ever connected.
    pub(crate) fn edges(&self) -> Vec<(String, Arc<EdgeOperations>)> {
        let edges = self.edges.lock().unwrap_or_else(PoisonError::into_inner);
        let edges = edges.iter();
        edges
            .map(|(name, edge)| (name.clone(), Arc::clone(edge)))
            .collect()
    }

    pub(crate) fn refused(&self, reason: RefusalReason) {
        let known = REASONS.iter().position(|known| *known == reason);
        self.refused[known.map_or(0, |i| i + 1)].add();
    }

    pub(crate) fn refusals(&self, reason: RefusalReason) -> u64 {
        let known = REASONS.iter().position(|known| *known == reason);
        self.refused[known.map_or(0, |i| i + 1)].get()
    }

    /// An operation was worked on, whatever came of it.
    pub(crate) fn worked(
        &self,
        key: KeyKind,
        operation: OperationKind,
        (queued, work): (Duration, Duration),
    ) {
        self.queue_time[Algorithm::of(key) as usize].record(queued);
        self.work_time[index(operation)].record(work);
    }

    /// The key itself took so long, in its store.
    pub(crate) fn stored(&self, key: KeyKind, time: Duration) {
        self.store_time[Algorithm::of(key) as usize].record(time);
    }

    pub(crate) fn queue_times(
        &self,
    ) -> impl Iterator<Item = (&'static str, HistogramSnapshot)> + '_ {
        let times = Algorithm::ALL.into_iter().zip(&self.queue_time);
        times.map(|(algorithm, time)| (algorithm.name(), time.snapshot()))
    }

    pub(crate) fn store_times(
        &self,
    ) -> impl Iterator<Item = (&'static str, HistogramSnapshot)> + '_ {
        let times = Algorithm::ALL.into_iter().zip(&self.store_time);
        times.map(|(algorithm, time)| (algorithm.name(), time.snapshot()))
    }

    pub(crate) fn work_times(
        &self,
    ) -> impl Iterator<Item = (&'static str, HistogramSnapshot)> + '_ {
        let times = OperationKind::ALL.into_iter().zip(&self.work_time);
        times.map(|(kind, time)| (kind.name(), time.snapshot()))
    }

    pub(crate) fn snapshot(&self) -> MetricsSnapshot {
        let edges = self.edges();
        let of_kind = |kind, outcome| edges.iter().map(|(_, edge)| edge.get(kind, outcome)).sum();
        let all = |outcome| edges.iter().map(|(_, edge)| edge.total(outcome)).sum();
        MetricsSnapshot {
            performed: OperationKind::ALL.map(|kind| of_kind(kind, Outcome::Performed)),
            refused: all(Outcome::Refused),
            rate_limited: self.refusals(RefusalReason::Rate),
            unknown_key: all(Outcome::UnknownKey),
            overloaded: all(Outcome::Overloaded),
            expired: all(Outcome::Expired),
            malformed: self.malformed.get(),
            failed: all(Outcome::Failed),
            cancelled: all(Outcome::Cancelled),
            audit_records: self.audit.recorded.get(),
            audit_lost: self.audit.lost.get(),
            connections: self.connections.get(),
            connections_accepted: self.connections_accepted.get(),
            connections_rejected: self.connections_rejected.get(),
            connections_cut: self.connections_cut.get(),
            reloads: self.reloads.get(),
            reloads_failed: self.reloads_failed.get(),
        }
    }
}

/// How the record of uses comes along.
#[derive(Debug)]
pub(crate) struct AuditMetrics {
    begin: Instant,
    pub(crate) recorded: Counter,
    pub(crate) lost: Counter,
    waiting: AtomicU64,
    /// Milliseconds since `begin`: when a record last got to the disk, or the first of those that wait began to.
    progress_ms: AtomicU64,
    /// Whether the last record was lost.
    failing: AtomicBool,
    pub(crate) time: Histogram,
}

impl Default for AuditMetrics {
    fn default() -> Self {
        Self {
            begin: Instant::now(),
            recorded: Counter::default(),
            lost: Counter::default(),
            waiting: AtomicU64::new(0),
            progress_ms: AtomicU64::new(0),
            failing: AtomicBool::new(false),
            time: Histogram::default(),
        }
    }
}

impl AuditMetrics {
    /// A record waits for the disk.
    pub(crate) fn waits(&self) {
        if self.waiting.fetch_add(1, Ordering::Relaxed) == 0 {
            self.progress();
        }
    }

    /// A record is on disk; it came at `since`.
    pub(crate) fn recorded(&self, since: Instant) {
        self.waiting.fetch_sub(1, Ordering::Relaxed);
        self.progress();
        self.recorded.add();
        self.time.record(since.elapsed());
        // A store only where it changes something: a line that all read costs less than one that all write.
        if self.failing.load(Ordering::Relaxed) {
            self.failing.store(false, Ordering::Relaxed);
        }
    }

    /// A record cannot be written.
    pub(crate) fn lost(&self) {
        self.waiting.fetch_sub(1, Ordering::Relaxed);
        self.lost.add();
        self.failing.store(true, Ordering::Relaxed);
    }

    /// Records that wait for the disk.
    pub(crate) fn waiting(&self) -> u64 {
        self.waiting.load(Ordering::Relaxed)
    }

    /// Whether the last record that there was could not be written.
    pub(crate) fn is_failing(&self) -> bool {
        self.failing.load(Ordering::Relaxed)
    }

    /// How long records have been waiting without any of them getting to the disk.
    pub(crate) fn stalled(&self) -> Duration {
        if self.waiting() == 0 {
            return Duration::ZERO;
        }
        let progress = Duration::from_millis(self.progress_ms.load(Ordering::Relaxed));
        self.begin.elapsed().saturating_sub(progress)
    }

    fn progress(&self) {
        let now = u64::try_from(self.begin.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.progress_ms.store(now, Ordering::Relaxed);
    }
}

/// The counters at one moment. Totals since the start, but `connections`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct MetricsSnapshot {
    performed: [u64; KINDS],
    /// Requests that policy or the operation's own checks refused.
    pub refused: u64,
    /// Those of them that came too often.
    pub rate_limited: u64,
    /// Requests for keys that are not here.
    pub unknown_key: u64,
    /// Requests beyond a queue or a connection's bound.
    pub overloaded: u64,
    /// Requests whose deadline passed before the work.
    pub expired: u64,
    /// Requests and connections that broke the protocol.
    pub malformed: u64,
    /// Operations that failed here.
    pub failed: u64,
    /// Requests that were withdrawn before the work, by cancel or by the end of their connection.
    pub cancelled: u64,
    /// Records of the audit log that are on disk.
    pub audit_records: u64,
    /// Records that could not be put there. In strict mode nothing was done for them.
    pub audit_lost: u64,
    /// Connections open now.
    pub connections: u64,
    /// Connections whose edge was accepted.
    pub connections_accepted: u64,
    /// Connections that were turned away: limit, TLS, unknown edge.
    pub connections_rejected: u64,
    /// Connections that were cut: the edge's certificate was revoked, or its rules removed.
    pub connections_cut: u64,
    /// How often changed files were taken.
    pub reloads: u64,
    /// How often they were not, since something is wrong with them.
    pub reloads_failed: u64,
}

impl MetricsSnapshot {
    /// Operations of this kind that were performed.
    pub fn performed(&self, kind: OperationKind) -> u64 {
        self.performed[index(kind)]
    }

    /// Operations of all kinds that were performed.
    pub fn performed_total(&self) -> u64 {
        self.performed.iter().sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn outcomes_and_algorithms_stand_at_their_places() {
        for (i, outcome) in Outcome::ALL.into_iter().enumerate() {
            assert_eq!(outcome as usize, i);
        }
        for (i, algorithm) in Algorithm::ALL.into_iter().enumerate() {
            assert_eq!(algorithm as usize, i);
        }
    }

    #[test]
    fn edges_beyond_the_bound_are_counted_together() {
        let metrics = Metrics::default();
        let kind = OperationKind::Tls13ServerCertificateVerify;
        for i in 0..MAX_EDGES + 50 {
            metrics
                .edge(&format!("edge-{i}"))
                .count(kind, Outcome::Performed);
        }
        assert_eq!(metrics.edges().len(), MAX_EDGES + 1);
        let other = metrics.edge(OTHER_EDGES);
        assert_eq!(other.get(kind, Outcome::Performed), 50);
        metrics.edge("edge-3").count(kind, Outcome::Performed);
        assert_eq!(metrics.edge("edge-3").total(Outcome::Performed), 2);
        assert_eq!(metrics.snapshot().performed_total(), MAX_EDGES as u64 + 51);
    }

    #[test]
    fn a_log_that_writes_again_is_well() {
        let audit = AuditMetrics::default();
        audit.waits();
        audit.waits();
        audit.lost();
        assert!(audit.is_failing());
        assert_eq!(audit.waiting(), 1);
        audit.recorded(Instant::now());
        assert!(!audit.is_failing());
        assert_eq!((audit.waiting(), audit.stalled()), (0, Duration::ZERO));
    }

    #[test]
    fn a_log_that_waits_for_its_disk_shows() {
        let audit = AuditMetrics::default();
        audit.waits();
        std::thread::sleep(Duration::from_millis(30));
        audit.waits();
        assert!(audit.stalled() >= Duration::from_millis(25));
        audit.recorded(Instant::now());
        assert!(audit.stalled() < Duration::from_millis(25));
    }
}
