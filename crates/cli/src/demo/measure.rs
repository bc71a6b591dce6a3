//! Playing the scenarios and taking down what each party saw.

use keyward_observe::{Event, HandshakeRecord, Party};
use serde::Serialize;

use super::client::{self, Seen, TlsRequest};
use super::recorder::Direction;
use super::scenario::{Kind, Scenario};
use super::stage::Stage;
use crate::failure::Failure;

/// The measurements of one handshake: what `keyward demo --json` prints.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Measurement {
    /// Which one; stable.
    pub(crate) name: &'static str,
    /// `TLS 1.3`, `TLS 1.2` or `HTTP`.
    pub(crate) version: &'static str,
    /// IANA name.
    pub(crate) cipher_suite: Option<String>,
    /// IANA name.
    pub(crate) group: Option<String>,
    /// The kind of the certificate that the client verified.
    pub(crate) certificate: Option<&'static str>,
    pub(crate) resumed: bool,
    /// Until the first byte of the response, TCP's own included.
    pub(crate) round_trips: u32,
    pub(crate) key_operations: u32,
    /// From the edge to the key server and back.
    pub(crate) key_operation_us: u64,
    /// From the SYN to the first byte of the response.
    pub(crate) total_us: u64,
}

/// A scenario that was played.
pub(crate) struct Played {
    pub(crate) scenario: &'static Scenario,
    pub(crate) measurement: Measurement,
    /// What the key server counted meanwhile.
    pub(crate) key_server_operations: u64,
    pub(crate) seen: Seen,
    /// The edge's view; none for plain HTTP.
    pub(crate) record: Option<HandshakeRecord>,
}

/// Plays one scenario; `earlier` has the one whose session it may take up again.
pub(crate) async fn play(
    stage: &mut Stage,
    scenario: &'static Scenario,
    earlier: &[Played],
) -> Result<Played, Failure> {
    play_unnamed(stage, scenario, earlier)
        .await
        .map_err(|failure| Failure::run_time(format!("{}: {failure}", scenario.name)))
}

async fn play_unnamed(
    stage: &mut Stage,
    scenario: &'static Scenario,
    earlier: &[Played],
) -> Result<Played, Failure> {
    let before = stage.key_server.operations().await?;
    let seen = match &scenario.tls {
        None => client::plain(stage.site.address()?).await?,
        Some(tls) => {
            let session = tls.resumes.and_then(|name| {
                let from = earlier.iter().find(|played| played.scenario.name == name)?;
                from.seen.session.as_deref()
            });
            client::tls(&TlsRequest {
                address: stage.edge.address()?,
                server_name: tls.site.name(),
                ca_pem: &stage.certificates.ca_pem,
                offer: tls.offer,
                session,
            })
            .await?
        }
    };
    let record = match &scenario.tls {
        None => None,
        Some(_) => Some(stage.record_of(&seen.local_address).await?),
    };
    let key_server_operations = stage.key_server.operations().await? - before;

    let certificate = seen.leaf.as_deref().map(|leaf| {
        let site = scenario.tls.as_ref().map(|tls| tls.site);
        site.and_then(|site| stage.certificates.kind_of(site, leaf))
            .map_or("unknown", Kind::name)
    });
    let measurement = Measurement {
        name: scenario.name,
        version: seen.version,
        cipher_suite: seen.cipher_suite.clone(),
        group: seen.group.clone(),
        certificate,
        resumed: seen.resumed,
        round_trips: seen.round_trips,
        key_operations: record.as_ref().map_or(0, |record| record.key_operations),
        key_operation_us: record.as_ref().map_or(0, HandshakeRecord::key_operation_us),
        total_us: micros(seen.total),
    };
    Ok(Played {
        scenario,
        measurement,
        key_server_operations,
        seen,
        record,
    })
}

impl Played {
    /// What there is to draw: the edge's record up to the response, or for plain HTTP what the
    /// client saw.
    pub(crate) fn story(&self) -> HandshakeRecord {
        let mut story = match &self.record {
            Some(record) => record.clone(),
            None => self.plain_story(),
        };
        // Data that came in one piece with the end of the handshake: what it was, the demo knows.
        for event in &mut story.events {
            if event.what == "application data" {
                event.what = match event.from {
                    Party::Client => "HTTP request",
                    _ => "HTTP response",
                }
                .to_owned();
            }
        }
        let is_response = |event: &Event| event.what == "HTTP response";
        if let Some(response) = story.events.iter().position(is_response) {
            story.events.truncate(response + 1);
        }
        story
    }

    fn plain_story(&self) -> HandshakeRecord {
        let mut story = HandshakeRecord::default();
        let start = self.seen.flights.first().map(|flight| flight.at);
        for flight in &self.seen.flights {
            let (from, to, what) = match flight.direction {
                Direction::Sent => (Party::Client, Party::Edge, "HTTP request"),
                Direction::Received => (Party::Edge, Party::Client, "HTTP response"),
            };
            let at = flight.at - start.unwrap_or_default();
            story
                .events
                .push(Event::new(micros(at), from, to, what, flight.bytes));
        }
        story
    }
}

fn micros(duration: std::time::Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}
