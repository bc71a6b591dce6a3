//! The key server's metrics. docs/metrics.md explains each, and a test compares the two.

use std::fmt;
use std::time::SystemTime;

use keyward_keyop::OperationKind;
use keyward_observe::Exposition;
use keyward_protocol::RefusalReason;

use super::{certificates, not_ready};
use crate::metrics::{Outcome, REASONS};
use crate::server::Shared;

pub(super) fn write(shared: &Shared, out: &mut Exposition<'_>) -> fmt::Result {
    out.gauge(
        "keyward_keyserver_ready",
        "Whether it can do its work: 1 or 0; /readyz says why not",
        i64::from(not_ready(shared).is_empty()),
    )?;
    operations(shared, out)?;
    times(shared, out)?;
    connections(shared, out)?;
    keys(shared, out)?;
    audit(shared, out)?;
    let metrics = &shared.metrics;
    out.counters(
        "keyward_keyserver_reloads",
        "How often changed files were taken, or refused since something is wrong with them",
        [
            ([("result", "taken")], metrics.reloads.get()),
            ([("result", "refused")], metrics.reloads_failed.get()),
        ],
    )?;
    if let Some(tickets) = &shared.tickets {
        let (epoch, epoch_s, unwritten) = tickets.state(SystemTime::now());
        out.gauge(
            "keyward_keyserver_ticket_epoch",
            "Number of the present epoch of session ticket keys",
            i64::try_from(epoch).unwrap_or(i64::MAX),
        )?;
        out.gauge(
            "keyward_keyserver_ticket_epoch_duration_seconds",
            "How long an epoch lasts",
            i64::from(epoch_s),
        )?;
        out.gauge(
            "keyward_keyserver_ticket_root_unwritten",
            "1 if the file with the root of the session ticket keys could not be written in this epoch",
            i64::from(unwritten),
        )?;
    }
    Ok(())
}

fn operations(shared: &Shared, out: &mut Exposition<'_>) -> fmt::Result {
    let mut counted = Vec::new();
    for (edge, operations) in shared.metrics.edges() {
        for kind in OperationKind::ALL {
            for outcome in Outcome::ALL {
                let count = operations.get(kind, outcome);
                // What never happened is not listed, but for what shows that an edge is there at all.
                let first = kind == OperationKind::ALL[0] && outcome == Outcome::Performed;
                if count > 0 || first {
                    let labels = [
                        ("edge", edge.clone()),
                        ("operation", kind.name().to_owned()),
                        ("verdict", outcome.name().to_owned()),
                    ];
                    counted.push((labels, count));
                }
            }
        }
    }
    out.counters(
        "keyward_keyserver_operations",
        "Requests for private-key operations, by the rule's name for the edge, kind and verdict",
        counted,
    )?;
    let reasons = REASONS.into_iter();
    out.counters(
        "keyward_keyserver_refusals",
        "Requests that were refused, by the class of rule that refused them",
        reasons.map(|reason| {
            (
                [("reason", reason_name(reason))],
                shared.metrics.refusals(reason),
            )
        }),
    )?;
    out.counter(
        "keyward_keyserver_malformed",
        "Requests and connections that broke the protocol",
        shared.metrics.malformed.get(),
    )
}

/// A reason's name in metrics.
pub(super) const fn reason_name(reason: RefusalReason) -> &'static str {
    match reason {
        RefusalReason::Edge => "edge",
        RefusalReason::Key => "key",
        RefusalReason::Operation => "operation",
        RefusalReason::Name => "name",
        RefusalReason::Check => "check",
        RefusalReason::Rate => "rate",
        RefusalReason::Network => "network",
        _ => "other",
    }
}

fn times(shared: &Shared, out: &mut Exposition<'_>) -> fmt::Result {
    let metrics = &shared.metrics;
    out.histograms(
        "keyward_keyserver_queue_seconds",
        "From the arrival of a request to the beginning of the work, by the key's algorithm",
        metrics
            .queue_times()
            .map(|(algorithm, time)| ([("algorithm", algorithm)], time)),
    )?;
    out.histograms(
        "keyward_keyserver_work_seconds",
        "Checks and use of the key together, by operation",
        metrics
            .work_times()
            .map(|(operation, time)| ([("operation", operation)], time)),
    )?;
    out.histograms(
        "keyward_keyserver_store_seconds",
        "Use of the key in its store alone, by the key's algorithm",
        metrics
            .store_times()
            .map(|(algorithm, time)| ([("algorithm", algorithm)], time)),
    )
}

fn connections(shared: &Shared, out: &mut Exposition<'_>) -> fmt::Result {
    let metrics = &shared.metrics;
    out.gauge(
        "keyward_keyserver_open_connections",
        "Connections of edges that are open",
        signed(metrics.connections.get()),
    )?;
    out.gauge(
        "keyward_keyserver_open_connections_limit",
        "Connections that may be open",
        i64::try_from(shared.limits.connections).unwrap_or(i64::MAX),
    )?;
    out.counters(
        "keyward_keyserver_connections",
        "Connections that were accepted, turned away (limit, TLS, unknown edge), or cut since the edge is not to be here any more",
        [
            ([("verdict", "accepted")], metrics.connections_accepted.get()),
            ([("verdict", "rejected")], metrics.connections_rejected.get()),
            ([("verdict", "cut")], metrics.connections_cut.get()),
        ],
    )?;
    let (light, heavy) = shared.queue.lengths();
    out.gauges(
        "keyward_keyserver_queue_length",
        "Requests that wait for a worker: light ones (elliptic curves, ML-DSA) and heavy ones (RSA)",
        [("light", light), ("heavy", heavy)]
            .map(|(cost, length)| ([("cost", cost)], i64::try_from(length).unwrap_or(i64::MAX))),
    )
}

fn keys(shared: &Shared, out: &mut Exposition<'_>) -> fmt::Result {
    out.gauge(
        "keyward_keyserver_keys",
        "Keys that are loaded",
        i64::try_from(shared.keys().keys().len()).unwrap_or(i64::MAX),
    )?;
    let ends = certificates(shared).into_iter().filter_map(|certificate| {
        let labels = [
            ("key", certificate.key.label().to_owned()),
            ("key_id", certificate.key.id().to_string()),
            ("certificate", certificate.number.to_string()),
        ];
        Some((labels, certificate.not_after?))
    });
    out.gauges(
        "keyward_keyserver_certificate_not_after_timestamp_seconds",
        "When the certificates of a key end, in seconds since 1970",
        ends,
    )?;
    if let Some(not_after) = shared.access.borrow().certificate_not_after {
        out.gauge(
            "keyward_keyserver_channel_certificate_not_after_timestamp_seconds",
            "When the certificate that edges are shown ends, in seconds since 1970",
            not_after,
        )?;
    }
    Ok(())
}

fn audit(shared: &Shared, out: &mut Exposition<'_>) -> fmt::Result {
    if !shared.audit.is_on() {
        return Ok(());
    }
    let audit = &shared.metrics.audit;
    out.counters(
        "keyward_keyserver_audit_records",
        "Records of uses that are on disk, or that could not be put there",
        [
            ([("result", "written")], audit.recorded.get()),
            ([("result", "lost")], audit.lost.get()),
        ],
    )?;
    out.gauge(
        "keyward_keyserver_audit_waiting_records",
        "Records that wait for the disk",
        signed(audit.waiting()),
    )?;
    out.gauge(
        "keyward_keyserver_audit_stalled_seconds",
        "How long records have been waiting without any of them getting to the disk",
        audit.stalled().as_secs_f64(),
    )?;
    out.histogram(
        "keyward_keyserver_audit_seconds",
        "From a use to its record on disk",
        &audit.time.snapshot(),
    )
}

fn signed(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}
