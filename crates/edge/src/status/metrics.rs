//! The edge's metrics. docs/metrics.md explains each, and a test compares the two.

use std::fmt;

use keyward_observe::Exposition;

use super::{certificates_of, no_key_server, not_ready};
use crate::edge::Shared;

pub(super) fn write(shared: &Shared, out: &mut Exposition<'_>) -> fmt::Result {
    out.gauge(
        "keyward_edge_ready",
        "Whether handshakes can succeed: 1 or 0; /readyz says why not",
        i64::from(not_ready(shared).is_empty()),
    )?;
    handshakes(shared, out)?;
    key_servers(shared, out)?;
    traffic(shared, out)?;
    certificates(shared, out)
}

fn handshakes(shared: &Shared, out: &mut Exposition<'_>) -> fmt::Result {
    let measured = &shared.counters.measured;
    out.histograms(
        "keyward_edge_handshake_seconds",
        "From an accepted connection to the end of its handshake, of those that completed; the count is their number",
        measured
            .handshake_times()
            .map(|(kind, time)| ([("version", kind.version()), ("kind", kind.kind())], time)),
    )?;
    out.counters(
        "keyward_edge_handshake_failures",
        "Handshakes that failed, by cause",
        shared
            .counters
            .read()
            .failures
            .into_iter()
            .map(|(cause, count)| ([("cause", cause.name())], count)),
    )?;
    out.counters(
        "keyward_edge_alerts_sent",
        "Alerts that ended a handshake, sent by the edge",
        measured
            .alerts_sent
            .seen()
            .map(|(alert, count)| ([("alert", alert.to_string())], count)),
    )?;
    out.counters(
        "keyward_edge_alerts_received",
        "Alerts that ended a handshake, sent by the client",
        measured
            .alerts_received
            .seen()
            .map(|(alert, count)| ([("alert", alert.to_string())], count)),
    )?;
    out.histograms(
        "keyward_edge_need_seconds",
        "How long the engine waited for what it asked for, by what that was",
        measured
            .need_times()
            .map(|(need, time)| ([("need", need.name().replace(' ', "_"))], time)),
    )?;
    let counts = shared.counters.read();
    out.counters(
        "keyward_edge_early_data",
        "Handshakes whose client sent early data, by whether it was taken",
        [
            (
                [("verdict", "accepted")],
                measured.early_data_accepted.get(),
            ),
            ([("verdict", "refused")], measured.early_data_refused.get()),
        ],
    )?;
    out.counter(
        "keyward_edge_early_data_replays",
        "Early data that was not taken since it had been there before",
        counts.early_data_replayed,
    )?;
    out.counter(
        "keyward_edge_delegated_signatures",
        "Handshakes that a delegated credential's key signed, on this edge",
        counts.delegated_signatures,
    )
}

fn key_servers(shared: &Shared, out: &mut Exposition<'_>) -> fmt::Result {
    let measured = &shared.counters.measured;
    let counts = shared.counters.read();
    out.counters(
        "keyward_edge_last_resort_operations",
        "Private-key operations that the gokeyless server of last resort was asked for, by what came of them",
        [
            ([("verdict", "performed")], counts.last_resort),
            ([("verdict", "failed")], counts.last_resort_failed),
        ],
    )?;
    out.counters(
        "keyward_edge_key_operations",
        "Private-key operations asked of key servers, by what came of them",
        measured
            .key_answers()
            .map(|(kind, count)| ([("verdict", kind.name())], count)),
    )?;
    out.histograms(
        "keyward_edge_key_server_seconds",
        "From asking for an operation to its result, by the key server that gave it",
        measured
            .key_server_times()
            .into_iter()
            .map(|(server, time)| ([("server", server)], time)),
    )?;
    let counts = shared.resolver.keys.counts();
    out.counters(
        "keyward_edge_key_operations_again",
        "Private-key operations asked of a further key server, by the reason",
        [
            ([("reason", "slow")], counts.hedged),
            ([("reason", "failed")], counts.moved),
        ],
    )?;
    out.gauge(
        "keyward_edge_key_servers_reachable",
        "Whether any key server is connected: 1 or 0",
        i64::from(no_key_server(shared).is_none()),
    )
}

fn traffic(shared: &Shared, out: &mut Exposition<'_>) -> fmt::Result {
    let counts = shared.counters.read();
    out.gauge(
        "keyward_edge_open_connections",
        "Connections of clients that are open",
        i64::try_from(counts.open_connections).unwrap_or(i64::MAX),
    )?;
    out.gauge(
        "keyward_edge_open_connections_limit",
        "Connections that may be open",
        i64::try_from(shared.connection_limit).unwrap_or(i64::MAX),
    )?;
    out.counter(
        "keyward_edge_connections",
        "Connections that were accepted",
        counts.connections,
    )?;
    out.counter(
        "keyward_edge_accept_pauses",
        "How often the limit of connections made accepting pause",
        counts.accept_pauses,
    )?;
    out.counter("keyward_edge_requests", "HTTP requests", counts.requests)?;
    out.counter(
        "keyward_edge_upstream_failures",
        "Requests and TCP-mode connections that the service behind did not serve",
        counts.upstream_failures,
    )
}

fn certificates(shared: &Shared, out: &mut Exposition<'_>) -> fmt::Result {
    let measured = &shared.counters.measured;
    let sites: Vec<_> = shared
        .sites
        .iter()
        .map(|site| (site.title(), certificates_of(site)))
        .collect();
    out.gauges(
        "keyward_edge_site_certificates",
        "Certificates of a site whose keys this edge may use; with none, its handshakes fail",
        sites.iter().map(|(site, certificates)| {
            let usable = certificates
                .iter()
                .filter(|certificate| certificate.usable != Some(false));
            let usable = i64::try_from(usable.count()).unwrap_or(i64::MAX);
            ([("site", site.clone())], usable)
        }),
    )?;
    let all = sites.into_iter().flat_map(|(_, certificates)| certificates);
    let ends = all.filter_map(|certificate| {
        let labels = [
            ("site", certificate.site),
            ("certificate", certificate.number.to_string()),
            ("key_kind", certificate.kind),
        ];
        Some((labels, certificate.not_after?))
    });
    out.gauges(
        "keyward_edge_certificate_not_after_timestamp_seconds",
        "When the certificates of a site end, in seconds since 1970",
        ends,
    )?;
    out.counters(
        "keyward_edge_reloads",
        "How often a site's changed files were taken, or refused since one cannot be used",
        [
            ([("result", "taken")], measured.reloads.get()),
            ([("result", "refused")], measured.reloads_failed.get()),
        ],
    )
}
