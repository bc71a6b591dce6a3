//! The edge's status page.

use keyward_keyclient::ConnectionState;
use keyward_observe::{Cell, Page, Table, Tone, expiry};

use super::{certificates_of, now};
use crate::edge::Shared;
use crate::measured::KeyAnswerKind;
use crate::sites::Service;

/// Rows of a table that could grow without end.
const ROWS: usize = 500;
/// Names of a certificate that are shown.
const NAMES: usize = 4;

pub(super) fn page(shared: &Shared) -> Page {
    let mut page = Page::default();
    load(shared, &mut page);
    sites(shared, &mut page);
    handshakes(shared, &mut page);
    key_servers(shared, &mut page);
    times(shared, &mut page);
    page
}

fn load(shared: &Shared, page: &mut Page) {
    let counts = shared.counters.read();
    let measured = &shared.counters.measured;
    let limit = u64::try_from(shared.connection_limit).unwrap_or(u64::MAX);
    page.section("Now");
    page.facts([
        ("Connections open", Cell::number(counts.open_connections)),
        ("Of at most", Cell::number(limit)),
        ("Connections accepted", Cell::number(counts.connections)),
        (
            "Pauses at the limit",
            Cell::bad_number(counts.accept_pauses),
        ),
        ("HTTP requests", Cell::number(counts.requests)),
        (
            "Not served by the service",
            Cell::bad_number(counts.upstream_failures),
        ),
        ("Reloads", Cell::number(measured.reloads.get())),
        (
            "Reloads refused",
            Cell::bad_number(measured.reloads_failed.get()),
        ),
    ]);
}

fn sites(shared: &Shared, page: &mut Page) {
    page.section("Sites");
    let columns = [
        "Site",
        "Service",
        "Key",
        "Certificate for",
        "Ends",
        "Key server",
    ];
    let mut table = Table::new(&columns, "There is none.");
    let mut rows = 0;
    for site in shared.sites.iter() {
        let service = match &site.service {
            Service::Http(service) => format!("HTTP, {}", service.address()),
            Service::Tcp(connector) => format!("TCP, {}", connector.address()),
        };
        let certificates = certificates_of(site);
        rows += certificates.len().max(1);
        if rows > ROWS {
            continue;
        }
        if certificates.is_empty() {
            let none = Cell::from("none: its handshakes fail").tone(Tone::Bad);
            table.row([Cell::from(site.title()), Cell::from(service.as_str()), none]);
        }
        for certificate in certificates {
            let ends = match certificate.not_after {
                Some(not_after) => expiry(not_after, now()),
                None => Cell::from("cannot be read").tone(Tone::Bad),
            };
            table.row([
                Cell::from(certificate.site),
                Cell::from(service.as_str()),
                Cell::from(certificate.kind),
                Cell::from(some(&certificate.names)),
                ends,
                match certificate.usable {
                    Some(true) => Cell::from("lets this edge use it").tone(Tone::Good),
                    Some(false) => Cell::from("does not let this edge use it").tone(Tone::Bad),
                    None => Cell::from("has told nothing yet").tone(Tone::Warning),
                },
            ]);
        }
    }
    page.table(table);
    if rows > ROWS {
        let text = format!("the first {ROWS} of {rows} certificates");
        page.facts([("Shown", Cell::from(text))]);
    }
}

fn handshakes(shared: &Shared, page: &mut Page) {
    let measured = &shared.counters.measured;
    page.section("Handshakes since the start");
    let mut facts: Vec<_> = measured
        .handshake_times()
        .map(|(kind, time)| {
            let name = format!("{}, {}", kind.version(), kind.kind());
            (name, Cell::number(time.count()))
        })
        .collect();
    let counts = shared.counters.read();
    let early = [
        (
            "Early data taken",
            Cell::number(measured.early_data_accepted.get()),
        ),
        (
            "Early data refused",
            Cell::number(measured.early_data_refused.get()),
        ),
        (
            "Early data seen before",
            Cell::number(counts.early_data_replayed),
        ),
        (
            "Signed by delegated keys",
            Cell::number(counts.delegated_signatures),
        ),
    ];
    facts.extend(early.map(|(name, cell)| (name.to_owned(), cell)));
    page.facts(facts);
    let mut table = Table::new(&["Failed for", "Handshakes", "Whose"], "None has failed.");
    for (cause, count) in counts.failures.iter().filter(|(_, count)| *count > 0) {
        let (count, whose) = match cause.is_ours() {
            true => (Cell::bad_number(*count), "ours"),
            false => (Cell::number(*count), "the client's"),
        };
        table.row([Cell::from(cause.name()), count, Cell::from(whose)]);
    }
    page.table(table);
    let mut table = Table::new(&["Alert", "Handshakes", "By"], "No alert has ended one.");
    let sent = measured.alerts_sent.seen().map(|seen| (seen, "the edge"));
    let received = measured
        .alerts_received
        .seen()
        .map(|seen| (seen, "the client"));
    for ((alert, count), by) in sent.chain(received) {
        let alert = Cell::from(alert.to_string());
        table.row([alert, Cell::number(count), Cell::from(by)]);
    }
    page.table(table);
}

fn key_servers(shared: &Shared, page: &mut Page) {
    let (keys, measured) = (&shared.resolver.keys, &shared.counters.measured);
    page.section("Key servers");
    let mut table = Table::new(
        &["Key server", "State", "Operations", "Failed", "In flight"],
        "None is known: its name is being resolved.",
    );
    for server in keys.servers() {
        let state = match server.connection {
            ConnectionState::Connected { .. } if server.stalled => {
                Cell::from("silent though it owes answers").tone(Tone::Bad)
            }
            ConnectionState::Connected { .. } if server.left_alone => {
                Cell::from("left alone for a while, since it failed").tone(Tone::Bad)
            }
            ConnectionState::Connected {
                software,
                key_exchange,
            } => Cell::from(format!("connected: {software}, {key_exchange}")).tone(Tone::Good),
            ConnectionState::Failed(why) => Cell::from(why.to_string()).tone(Tone::Bad),
            _ => Cell::from("connecting").tone(Tone::Warning),
        };
        let in_flight = u64::try_from(server.in_flight).unwrap_or(u64::MAX);
        table.row([
            Cell::from(server.server),
            state,
            Cell::number(server.answered),
            Cell::bad_number(server.failed),
            Cell::number(in_flight),
        ]);
    }
    page.table(table);
    let counts = keys.counts();
    page.facts(
        [
            (
                "Asked of a second one, since the first was slow",
                counts.hedged,
            ),
            ("Of these, answered by the second", counts.hedges_won),
            ("Asked elsewhere after a failure or silence", counts.moved),
        ]
        .map(|(name, count)| (name, Cell::number(count))),
    );
    page.facts(measured.key_answers().map(|(kind, count)| match kind {
        KeyAnswerKind::Performed => ("Operations performed".to_owned(), Cell::number(count)),
        other => (other.name().replace('_', " "), Cell::bad_number(count)),
    }));
}

fn times(shared: &Shared, page: &mut Page) {
    let measured = &shared.counters.measured;
    page.section("Times");
    let handshakes = measured.handshake_times().map(|(kind, time)| {
        let title = format!("Handshake: {}, {}", kind.version(), kind.kind());
        (title, time)
    });
    let servers = measured.key_server_times().into_iter();
    let servers = servers.map(|(server, time)| (format!("Key server {server}"), time));
    let needs = measured.need_times();
    let needs = needs.map(|(need, time)| (format!("Waited for: {need}"), time));
    page.charts(handshakes.chain(servers).chain(needs));
}

fn some(names: &[String]) -> String {
    let shown = names.iter().take(NAMES).map(String::as_str);
    let mut text = shown.collect::<Vec<_>>().join(", ");
    if names.len() > NAMES {
        text.push_str(&format!(" and {} more", names.len() - NAMES));
    }
    text
}
