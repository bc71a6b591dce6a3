//! Counters of what the key server did.

use std::sync::atomic::{AtomicU64, Ordering};

use keyward_keyop::OperationKind;
use keyward_protocol::RefusalReason;

const KINDS: usize = OperationKind::ALL.len();

/// The live counters. All are totals since the start, but `connections`.
#[derive(Debug, Default)]
pub(crate) struct Metrics {
    performed: [Counter; KINDS],
    refused: Counter,
    rate_limited: Counter,
    pub(crate) unknown_key: Counter,
    pub(crate) overloaded: Counter,
    pub(crate) expired: Counter,
    pub(crate) malformed: Counter,
    pub(crate) failed: Counter,
    pub(crate) cancelled: Counter,
    pub(crate) audit_records: Counter,
    pub(crate) audit_lost: Counter,
    pub(crate) connections: Counter,
    pub(crate) connections_accepted: Counter,
    pub(crate) connections_rejected: Counter,
    pub(crate) connections_cut: Counter,
    pub(crate) reloads: Counter,
    pub(crate) reloads_failed: Counter,
}

/// One counter. Nothing is ordered by it, so relaxed is enough.
#[derive(Debug, Default)]
pub(crate) struct Counter(AtomicU64);

impl Counter {
    pub(crate) fn add(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn subtract(&self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }

    fn load(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

fn index(kind: OperationKind) -> usize {
    OperationKind::ALL
        .iter()
        .position(|known| *known == kind)
        .expect("ALL has every kind")
}

impl Metrics {
    pub(crate) fn performed(&self, kind: OperationKind) {
        self.performed[index(kind)].add();
    }

    pub(crate) fn refused(&self, reason: RefusalReason) {
        self.refused.add();
        if reason == RefusalReason::Rate {
            self.rate_limited.add();
        }
    }

    pub(crate) fn snapshot(&self) -> MetricsSnapshot {
        MetricsSnapshot {
            performed: std::array::from_fn(|i| self.performed[i].load()),
            refused: self.refused.load(),
            rate_limited: self.rate_limited.load(),
            unknown_key: self.unknown_key.load(),
            overloaded: self.overloaded.load(),
            expired: self.expired.load(),
            malformed: self.malformed.load(),
            failed: self.failed.load(),
            cancelled: self.cancelled.load(),
            audit_records: self.audit_records.load(),
            audit_lost: self.audit_lost.load(),
            connections: self.connections.load(),
            connections_accepted: self.connections_accepted.load(),
            connections_rejected: self.connections_rejected.load(),
            connections_cut: self.connections_cut.load(),
            reloads: self.reloads.load(),
            reloads_failed: self.reloads_failed.load(),
        }
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
