//! What the key server shows on its admin address.

mod metrics;
mod page;

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use keyward_observe::{Exposition, Page, Subject};

use crate::config::AuditMode;
use crate::edge_identity::EdgeIdentity;
use crate::server::Shared;
use crate::store::{StoredKey, not_after};

/// The audit log's disk is taken for broken when records wait so long for it.
const STALLED: Duration = Duration::from_secs(5);

/// A key server, looked at.
pub(crate) struct Status(pub(crate) Arc<Shared>);

impl Subject for Status {
    fn metrics(&self, out: &mut Exposition<'_>) -> fmt::Result {
        metrics::write(&self.0, out)
    }

    fn not_ready(&self) -> Vec<String> {
        not_ready(&self.0)
    }

    fn page(&self) -> Page {
        page::page(&self.0)
    }
}

fn not_ready(shared: &Shared) -> Vec<String> {
    let mut reasons = Vec::new();
    if shared.draining.is_cancelled() {
        reasons.push("it stops: edges are told to go elsewhere".to_owned());
    }
    if shared.keys().keys().is_empty() {
        reasons.push("no key is loaded".to_owned());
    }
    // In relaxed mode operations go on, and the log shouts.
    if shared.audit.mode() == Some(AuditMode::Strict) {
        let audit = &shared.metrics.audit;
        if audit.is_failing() {
            reasons.push(
                "the audit log cannot be written, so operations are refused; see the log"
                    .to_owned(),
            );
        }
        let stalled = audit.stalled();
        if stalled >= STALLED {
            reasons.push(format!(
                "the audit log's disk has taken nothing for {} s, and answers wait for it",
                stalled.as_secs()
            ));
        }
    }
    reasons
}

/// A certificate of a key.
struct Certificate {
    key: Arc<StoredKey>,
    /// Its place among the key's certificates.
    number: usize,
    not_after: Option<i64>,
    names: Vec<String>,
}

/// The certificates of all keys; a key without one has none here.
fn certificates(shared: &Shared) -> Vec<Certificate> {
    let set = shared.keys();
    let keys = set.keys().iter();
    keys.flat_map(|key| {
        let chains = key.chains().iter().enumerate();
        let certificates = chains.filter_map(|(number, chain)| {
            let leaf = chain.certificates.first()?;
            let names = EdgeIdentity::from_certificate(leaf).map(|identity| identity.names);
            Some(Certificate {
                key: Arc::clone(key),
                number,
                not_after: not_after(leaf),
                names: names.unwrap_or_default(),
            })
        });
        certificates.collect::<Vec<_>>()
    })
    .collect()
}

fn now() -> i64 {
    let since_1970 = SystemTime::now().duration_since(UNIX_EPOCH);
    since_1970.map_or(0, |since| {
        i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
    })
}
