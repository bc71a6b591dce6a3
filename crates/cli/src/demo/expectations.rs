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
