//! The key server's status page.

use std::collections::BTreeMap;
use std::time::SystemTime;

use keyward_keyop::OperationKind;
use keyward_observe::{Cell, Page, Table, Tone, expiry, span};

use super::{STALLED, certificates, metrics, now};
use crate::metrics::{Outcome, REASONS};
use crate::server::Shared;

/// Rows of a table that could grow without end.
const ROWS: usize = 200;
/// Names of a certificate that are shown.
const NAMES: usize = 4;

pub(super) fn page(shared: &Shared) -> Page {
    let mut page = Page::default();
    load(shared, &mut page);
    keys(shared, &mut page);
    edges(shared, &mut page);
    operations(shared, &mut page);
    times(shared, &mut page);
    audit(shared, &mut page);
    page
}

fn load(shared: &Shared, page: &mut Page) {
    let metrics = &shared.metrics;
    let (light, heavy) = shared.queue.lengths();
    let length = |count: usize| Cell::number(u64::try_from(count).unwrap_or(u64::MAX));
    page.section("Now");
    let mut facts = vec![
        ("Edges connected", Cell::number(metrics.connections.get())),
        ("Of at most", length(shared.limits.connections)),
        ("Waiting: elliptic curves", length(light)),
        ("Waiting: RSA", length(heavy)),
        ("Of at most, each", length(shared.limits.queue)),
        (
            "Connections turned away",
            Cell::number(metrics.connections_rejected.get()),
        ),
        (
            "Connections cut",
            Cell::number(metrics.connections_cut.get()),
        ),
        (
            "Broke the protocol",
            Cell::bad_number(metrics.malformed.get()),
        ),
        ("Reloads", Cell::number(metrics.reloads.get())),
        (
            "Reloads refused",
            Cell::bad_number(metrics.reloads_failed.get()),
        ),
    ];
    if let Some(not_after) = shared.access.borrow().certificate_not_after {
        facts.push(("Own certificate ends", expiry(not_after, now())));
    }
    if let Some(tickets) = &shared.tickets {
        let (epoch, epoch_s, unwritten) = tickets.state(SystemTime::now());
        let each = span(epoch_s.into());
        let epoch = Cell::from(format!("{epoch}, of {each} each"));
        facts.push(("Epoch of ticket keys", epoch));
        if unwritten {
            let file = Cell::from("cannot be written; see the log").tone(Tone::Bad);
            facts.push(("Root of ticket keys", file));
        }
    }
    page.facts(facts);
}

fn keys(shared: &Shared, page: &mut Page) {
    page.section("Keys");
    let set = shared.keys();
    let keys = set.keys();
    let mut by_key = BTreeMap::<_, Vec<_>>::new();
    for certificate in certificates(shared) {
        let id = certificate.key.id().to_string();
        by_key.entry(id).or_default().push(certificate);
    }
    let mut table = Table::new(
        &[
            "Key",
            "Kind",
            "Certificate for",
            "Ends",
            "ID (SHA-256 of the public key)",
        ],
        "No key is loaded.",
    );
    for key in keys.iter().take(ROWS) {
        let id = key.id().to_string();
        let kind = key.public_key().kind().to_string();
        let row = |names: Cell, ends: Cell| {
            let label = Cell::from(key.label());
            [
                label,
                Cell::from(kind.as_str()),
                names,
                ends,
                Cell::from(id.as_str()),
            ]
        };
        let certificates = by_key.remove(&id).unwrap_or_default();
        if certificates.is_empty() {
            table.row(row(Cell::from("none here: edges have it"), Cell::from("")));
        }
        for certificate in certificates {
            let ends = match certificate.not_after {
                Some(not_after) => expiry(not_after, now()),
                None => Cell::from("cannot be read").tone(Tone::Bad),
            };
            table.row(row(Cell::from(some(&certificate.names)), ends));
        }
    }
    page.table(table);
    more(page, keys.len(), "keys");
}

fn edges(shared: &Shared, page: &mut Page) {
    page.section("Edges connected");
    let (connected, count) = shared.connected.list(ROWS);
    let mut table = Table::new(
        &["Edge", "From", "Connected for", "Without answer"],
        "No edge is connected.",
    );
    for edge in connected {
        table.row([
            Cell::from(edge.edge),
            Cell::from(edge.peer),
            Cell::from(span(edge.since.elapsed().as_secs())),
            Cell::number(u64::try_from(edge.in_flight).unwrap_or(u64::MAX)),
        ]);
    }
    page.table(table);
    more(page, count, "connections");
}

fn operations(shared: &Shared, page: &mut Page) {
    page.section("Operations since the start");
    let mut columns = vec!["Edge", "Operation"];
    columns.extend(Outcome::ALL.iter().map(|outcome| match outcome {
        Outcome::UnknownKey => "unknown key",
        other => other.name(),
    }));
    let mut table = Table::new(&columns, "None was asked for.");
    let mut rows = 0;
    for (edge, operations) in shared.metrics.edges() {
        for kind in OperationKind::ALL {
            let counts = Outcome::ALL.map(|outcome| operations.get(kind, outcome));
            if counts.iter().all(|count| *count == 0) {
                continue;
            }
            rows += 1;
            if rows > ROWS {
                continue;
            }
            let cells = Outcome::ALL.into_iter().zip(counts);
            let cells = cells.map(|(outcome, count)| match outcome {
                Outcome::Performed | Outcome::Cancelled => Cell::number(count),
                _ => Cell::bad_number(count),
            });
            let names = [Cell::from(edge.as_str()), Cell::from(kind.name())];
            table.row(names.into_iter().chain(cells));
        }
    }
    page.table(table);
    more(page, rows, "rows");
    let refused = REASONS
        .into_iter()
        .map(|reason| (reason, shared.metrics.refusals(reason)))
        .filter(|(_, count)| *count > 0);
    let mut table = Table::new(&["Refused since", "Requests"], "Nothing was refused.");
    for (reason, count) in refused {
        let text = format!("{}: {reason}", metrics::reason_name(reason));
        table.row([Cell::from(text), Cell::bad_number(count)]);
    }
    page.table(table);
}

fn times(shared: &Shared, page: &mut Page) {
    let metrics = &shared.metrics;
    page.section("Times");
    let queue = metrics
        .queue_times()
        .map(|(algorithm, time)| (format!("Wait for a worker: {algorithm}"), time));
    let work = metrics
        .work_times()
        .map(|(operation, time)| (format!("Checks and key: {operation}"), time));
    let store = metrics
        .store_times()
        .map(|(algorithm, time)| (format!("The key alone: {algorithm}"), time));
    page.charts(queue.chain(work).chain(store));
}

fn audit(shared: &Shared, page: &mut Page) {
    page.section("Record of uses");
    let Some(mode) = shared.audit.mode() else {
        let off = Cell::from("off: nothing is recorded").tone(Tone::Warning);
        return page.facts([("Mode", off)]);
    };
    let audit = &shared.metrics.audit;
    let stalled = audit.stalled();
    let disk = if audit.is_failing() {
        Cell::from("the last record could not be written").tone(Tone::Bad)
    } else if stalled >= STALLED {
        let text = format!("takes nothing for {}", span(stalled.as_secs()));
        Cell::from(text).tone(Tone::Bad)
    } else {
        Cell::from("writes").tone(Tone::Good)
    };
    page.facts([
        ("Mode", Cell::from(mode.to_string())),
        ("Disk", disk),
        ("Records written", Cell::number(audit.recorded.get())),
        ("Waiting for the disk", Cell::number(audit.waiting())),
        ("Records lost", Cell::bad_number(audit.lost.get())),
    ]);
    page.charts([("From a use to its record on disk", audit.time.snapshot())]);
}

fn some(names: &[String]) -> String {
    let shown = names.iter().take(NAMES).map(String::as_str);
    let mut text = shown.collect::<Vec<_>>().join(", ");
    if names.len() > NAMES {
        text.push_str(&format!(" and {} more", names.len() - NAMES));
    }
    text
}

/// Says that a table does not show all.
fn more(page: &mut Page, count: usize, what: &str) {
    if count > ROWS {
        let text = format!("the first {ROWS} of {count} {what}");
        page.facts([("Shown", Cell::from(text))]);
    }
}
