//! What `keyward demo --check` verifies.

use std::fmt;

use super::measure::Played;
use super::site;

/// Everything that is not as it should be, one line each. Empty is good.
pub(crate) fn broken(played: &[Played]) -> Vec<String> {
    played.iter().flat_map(broken_by_one).collect()
}

/// How many expectations [`broken`] looks at.
pub(crate) fn count(played: &[Played]) -> usize {
    played.iter().map(|one| expectations(one).len()).sum()
}

fn broken_by_one(played: &Played) -> Vec<String> {
    expectations(played)
        .into_iter()
        .filter(|expectation| !expectation.holds)
        .map(|expectation| {
            format!(
                "{}: {}: expected {}, found {}",
                played.scenario.name, expectation.what, expectation.expected, expectation.found
            )
        })
        .collect()
}

struct Expectation {
    what: &'static str,
    expected: String,
    found: String,
    holds: bool,
}

fn equal<T: PartialEq + fmt::Debug>(what: &'static str, expected: &T, found: &T) -> Expectation {
    Expectation {
        what,
        expected: format!("{expected:?}"),
        found: format!("{found:?}"),
        holds: expected == found,
    }
}

fn expectations(played: &Played) -> Vec<Expectation> {
    let (expect, found) = (&played.scenario.expect, &played.measurement);
    let suites = expect.cipher_suites;
    let suite = found.cipher_suite.as_deref();
    let mut all = vec![
        equal("version", &expect.version, &found.version),
        Expectation {
            what: "cipher suite",
            expected: match suites {
                [] => "none".to_owned(),
                _ => format!("one of {}", suites.join(", ")),
            },
            found: suite.unwrap_or("none").to_owned(),
            holds: suite.map_or(suites.is_empty(), |suite| suites.contains(&suite)),
        },
        equal("resumed", &expect.resumed, &found.resumed),
        // The client has verified the chain and the name by now: s2n-tls ends a handshake otherwise.
        equal(
            "verified certificate",
            &expect.certificate.map(super::scenario::Kind::name),
            &found.certificate,
        ),
        equal("round trips", &expect.round_trips, &found.round_trips),
        equal(
            "private-key operations by the edge's record",
            &expect.key_operations,
            &found.key_operations,
        ),
        equal(
            "private-key operations by the key server's counter",
            &u64::from(expect.key_operations),
            &played.key_server_operations,
        ),
        equal("status", &"HTTP/1.1 200 OK", &played.seen.status.as_str()),
        Expectation {
            what: "response body",
            expected: format!("the site's page, {} bytes", site::PAGE.len()),
            found: format!("{} bytes", played.seen.body.len()),
            holds: played.seen.body == site::PAGE.as_bytes(),
        },
    ];
    if expect.has_group {
        all.push(Expectation {
            what: "key exchange group",
            expected: "one".to_owned(),
            found: found.group.clone().unwrap_or("none".to_owned()),
            holds: found.group.is_some(),
        });
    }
    if let Some(record) = &played.record {
        // Both ends have to tell the same story.
        all.push(equal(
            "version by the edge's record",
            &Some(expect.version),
            &record.version.as_deref(),
        ));
        all.push(equal(
            "cipher suite by the edge's record",
            &suite,
            &record.cipher_suite.as_deref(),
        ));
        all.push(equal(
            "resumed by the edge's record",
            &expect.resumed,
            &record.resumed,
        ));
    }
    all
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use keyward_observe::HandshakeRecord;

    use super::*;
    use crate::demo::client::Seen;
    use crate::demo::measure::Measurement;
    use crate::demo::scenario::SCENARIOS;

    /// A full TLS 1.3 handshake as it should be.
    fn good() -> Played {
        let scenario = SCENARIOS
            .iter()
            .find(|scenario| scenario.name == "tls13-full-ecdsa")
            .unwrap();
        let suite = "TLS_AES_128_GCM_SHA256".to_owned();
        let group = Some("x25519".to_owned());
        Played {
            scenario,
            measurement: Measurement {
                name: scenario.name,
                version: "TLS 1.3",
                cipher_suite: Some(suite.clone()),
                group: group.clone(),
                certificate: Some("ECDSA P-256"),
                resumed: false,
                round_trips: 3,
                key_operations: 1,
                key_operation_us: 400,
                total_us: 2000,
            },
            key_server_operations: 1,
            record: Some(HandshakeRecord {
                version: Some("TLS 1.3".to_owned()),
                cipher_suite: Some(suite.clone()),
                key_operations: 1,
                ..HandshakeRecord::default()
            }),
            seen: Seen {
                local_address: "127.0.0.1:1".to_owned(),
                version: "TLS 1.3",
                cipher_suite: Some(suite),
                group,
                leaf: None,
                resumed: false,
                round_trips: 3,
                total: Duration::from_millis(2),
                flights: Vec::new(),
                status: "HTTP/1.1 200 OK".to_owned(),
                body: site::PAGE.as_bytes().to_vec(),
                session: None,
            },
        }
    }

    #[test]
    fn what_is_as_it_should_be_breaks_nothing() {
        assert_eq!(broken(&[good()]), [""; 0]);
        assert_eq!(count(&[good()]), 13);
    }

    type Deviate = fn(&mut Played);

    #[test]
    fn each_deviation_is_named() {
        let deviations: [(&str, Deviate); 12] = [
            ("version:", |played| {
                played.measurement.version = "TLS 1.2";
            }),
            ("cipher suite:", |played| {
                played.measurement.cipher_suite = Some("TLS_NULL".to_owned());
            }),
            ("cipher suite:", |played| {
                played.measurement.cipher_suite = None;
            }),
            ("key exchange group:", |played| {
                played.measurement.group = None;
            }),
            ("resumed:", |played| {
                played.measurement.resumed = true;
            }),
            ("verified certificate:", |played| {
                played.measurement.certificate = Some("unknown");
            }),
            ("round trips:", |played| {
                played.measurement.round_trips = 4;
            }),
            ("edge's record:", |played| {
                played.measurement.key_operations = 2;
            }),
            ("key server's counter:", |played| {
                played.key_server_operations = 0;
            }),
            ("status:", |played| {
                played.seen.status = "HTTP/1.1 502 Bad Gateway".to_owned();
            }),
            ("response body:", |played| played.seen.body.clear()),
            ("version by the edge's record:", |played| {
                played.record = Some(HandshakeRecord::default());
            }),
        ];
        for (name, deviate) in deviations {
            let mut played = good();
            deviate(&mut played);
            let broken = broken(&[played]).join("\n");
            assert!(
                broken.contains(name) && broken.contains("tls13-full-ecdsa: "),
                "{name} is not in {broken:?}"
            );
        }
    }
}
