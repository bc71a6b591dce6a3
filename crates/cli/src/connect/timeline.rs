//! What was sent and received when, as a record that can be drawn.

use std::time::{Duration, Instant};

use keyward_observe::{Event, HandshakeRecord, Outcome, Party};
use keyward_tls::{TraceEvent, TraceItem};

/// Collects the events of one connection, timed from the first byte of TLS.
pub(crate) struct Timeline {
    start: Instant,
    record: HandshakeRecord,
    /// Made by the engine, and not yet written to the socket.
    unsent: Vec<Event>,
}

impl Timeline {
    pub(crate) fn new(connection: u64) -> Self {
        Self {
            start: Instant::now(),
            record: HandshakeRecord::new(connection),
            unsent: Vec::new(),
        }
    }

    pub(crate) fn elapsed(&self) -> Duration {
        self.start.elapsed()
    }

    pub(crate) fn note(&mut self, events: Vec<TraceEvent>) {
        let at = micros(self.start.elapsed());
        for event in events {
            let early = self.record.outcome != Outcome::Completed;
            match event {
                TraceEvent::Sent { what, len } => self.unsent.push(Event::new(
                    at,
                    Party::Client,
                    Party::Edge,
                    name(what, early),
                    len,
                )),
                TraceEvent::Received { what, len } => self.record.events.push(Event::new(
                    at,
                    Party::Edge,
                    Party::Client,
                    name(what, early),
                    len,
                )),
                _ => {}
            }
        }
    }

    /// The engine's output is on its way.
    pub(crate) fn flushed(&mut self) {
        let at = micros(self.start.elapsed());
        let sent = self
            .unsent
            .drain(..)
            .map(|event| Event { at_us: at, ..event });
        self.record.events.extend(sent);
    }

    pub(crate) fn failed(&mut self, cause: &str) {
        self.record.outcome = Outcome::Failed(cause.to_owned());
    }

    pub(crate) fn completed(&mut self) {
        self.record.outcome = Outcome::Completed;
    }

    pub(crate) const fn record(&self) -> &HandshakeRecord {
        &self.record
    }

    /// How often the client has waited for the server until now. A change_cipher_spec of TLS 1.3 that
    /// the client puts between two pieces of the server's flight is no reason to wait.
    pub(crate) fn round_trips(&self) -> usize {
        let events: Vec<&Event> = self
            .record
            .events
            .iter()
            .filter(|event| event.what != CHANGE_CIPHER_SPEC)
            .collect();
        events
            .chunk_by(|a, b| a.from == b.from)
            .filter(|flight| flight[0].from == Party::Edge)
            .count()
    }
}

const CHANGE_CIPHER_SPEC: &str = "ChangeCipherSpec";

pub(crate) fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}

/// What to call it in a drawing; `early`: before the handshake is complete.
fn name(item: TraceItem, early: bool) -> String {
    match item {
        TraceItem::Handshake(kind) => camel_case(&kind.to_string()),
        TraceItem::HelloRetryRequest => "HelloRetryRequest".to_owned(),
        TraceItem::ChangeCipherSpec => CHANGE_CIPHER_SPEC.to_owned(),
        TraceItem::Alert(description) => format!("Alert {description}"),
        TraceItem::ApplicationData if early => "early data".to_owned(),
        TraceItem::ApplicationData => "data".to_owned(),
        _ => "other".to_owned(),
    }
}

/// The RFC's name of a message (`ClientHello`) from the registry's (`client_hello`).
fn camel_case(name: &str) -> String {
    name.split('_')
        .flat_map(|word| {
            let mut letters = word.chars();
            letters
                .next()
                .map(|first| first.to_ascii_uppercase())
                .into_iter()
                .chain(letters)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use keyward_wire::values::HandshakeType;

    use super::*;

    fn sent(what: HandshakeType) -> TraceEvent {
        TraceEvent::Sent {
            what: TraceItem::Handshake(what),
            len: 100,
        }
    }

    fn received(what: HandshakeType) -> TraceEvent {
        TraceEvent::Received {
            what: TraceItem::Handshake(what),
            len: 100,
        }
    }

    #[test]
    fn round_trips_are_flights_of_the_server() {
        let mut timeline = Timeline::new(1);
        timeline.note(vec![sent(HandshakeType::CLIENT_HELLO)]);
        timeline.flushed();
        assert_eq!(timeline.round_trips(), 0);
        timeline.note(vec![
            received(HandshakeType::SERVER_HELLO),
            received(HandshakeType::CERTIFICATE),
        ]);
        // What is made while the server's flight comes in goes out behind it.
        timeline.note(vec![sent(HandshakeType::CLIENT_KEY_EXCHANGE)]);
        timeline.note(vec![received(HandshakeType::SERVER_HELLO_DONE)]);
        timeline.flushed();
        assert_eq!(timeline.round_trips(), 1);
        timeline.note(vec![received(HandshakeType::FINISHED)]);
        assert_eq!(timeline.round_trips(), 2);
        assert_eq!(timeline.record().events[0].what, "ClientHello");
        assert_eq!(timeline.record().events[3].what, "ServerHelloDone");
    }

    #[test]
    fn a_change_cipher_spec_between_pieces_costs_no_round_trip() {
        let mut timeline = Timeline::new(1);
        timeline.note(vec![sent(HandshakeType::CLIENT_HELLO)]);
        timeline.flushed();
        timeline.note(vec![
            received(HandshakeType::SERVER_HELLO),
            TraceEvent::Sent {
                what: TraceItem::ChangeCipherSpec,
                len: 1,
            },
        ]);
        timeline.flushed();
        timeline.note(vec![received(HandshakeType::FINISHED)]);
        assert_eq!(timeline.round_trips(), 1);
    }
}
