//! Attacks of docs/attacks.md that no other test stands for.

use std::collections::HashSet;
use std::sync::Arc;

use keyward_tls::{ClientConfig, Error, PeerMisbehaved, Policy, ServerConfig};
use keyward_wire::values::{CipherSuite, HandshakeType, ProtocolVersion};

use crate::support::{Duo, KeyAlgorithm, Site, Visitor};

/// Both sides with one suite.
fn duo(version: ProtocolVersion, suite: CipherSuite) -> Duo {
    let mut policy = Policy::legacy();
    policy.versions = vec![version];
    policy.cipher_suites = vec![suite];
    let mut site = Site::new(&[KeyAlgorithm::P256, KeyAlgorithm::Rsa2048]);
    site.policy = policy.clone();
    let visitor = Visitor::of(&site);
    let client = ClientConfig {
        policy: Arc::new(policy),
        ..ClientConfig::default()
    };
    Duo::with(
        &Arc::new(site),
        &Arc::new(visitor),
        client,
        ServerConfig::default(),
    )
}

fn tls13() -> Duo {
    duo(ProtocolVersion::TLS13, CipherSuite::TLS_AES_128_GCM_SHA256)
}

fn tls12() -> Duo {
    duo(
        ProtocolVersion::TLS12,
        CipherSuite::TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
    )
}

/// What a stream is made of, headers included.
fn records(mut bytes: &[u8]) -> Vec<&[u8]> {
    let mut records = Vec::new();
    while !bytes.is_empty() {
        let length = usize::from(u16::from_be_bytes([bytes[3], bytes[4]]));
        let (record, rest) = bytes.split_at(5 + length);
        records.push(record);
        bytes = rest;
    }
    records
}

/// What the client says, up to where it waits, taken from it.
fn from_client(duo: &mut Duo) -> Vec<u8> {
    duo.step_client().unwrap();
    let bytes = duo.client.output().to_vec();
    duo.client.consume_output(bytes.len());
    bytes
}

/// The same of the server.
fn from_server(duo: &mut Duo) -> Vec<u8> {
    duo.step_server().unwrap();
    let bytes = duo.server.output().to_vec();
    duo.server.consume_output(bytes.len());
    bytes
}

#[test]
fn a_hello_that_comes_back_is_refused() {
    for mut duo in [tls13(), tls12()] {
        let hello = from_client(&mut duo);
        duo.client.receive(&hello);
        let unexpected = PeerMisbehaved::UnexpectedHandshake(HandshakeType::CLIENT_HELLO);
        assert_eq!(duo.step_client(), Err(Error::PeerMisbehaved(unexpected)));
    }
}

#[test]
fn a_flight_that_comes_back_is_refused() {
    for mut duo in [tls13(), tls12()] {
        let hello = from_client(&mut duo);
        duo.server.receive(&hello);
        let flight = from_server(&mut duo);
        duo.server.receive(&flight);
        let error = duo.step_server().unwrap_err();
        assert!(matches!(error, Error::PeerMisbehaved(_)), "{error:?}");
    }
}

/// Nor is one the end of the record before: what will be encrypted next cannot be fitted to it.
#[test]
fn every_cbc_record_has_an_iv_of_its_own() {
    for suite in [
        CipherSuite::TLS_RSA_WITH_AES_128_CBC_SHA,
        CipherSuite::TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA384,
    ] {
        let mut duo = duo(ProtocolVersion::TLS12, suite);
        duo.handshake();
        for _ in 0..100 {
            assert_eq!(duo.server.send(b"the same").unwrap(), 8);
        }
        let output = from_server(&mut duo);
        let records = records(&output);
        assert_eq!(records.len(), 100);
        let ivs: HashSet<&[u8]> = records.iter().map(|record| &record[5..21]).collect();
        assert_eq!(ivs.len(), records.len());
        for pair in records.windows(2) {
            assert!(!pair[0].ends_with(&pair[1][5..21]));
            assert!(!pair[0].windows(16).any(|block| block == &pair[1][5..21]));
        }
    }
}

/// In TLS 1.2 the explicit part is on the wire; in TLS 1.3 the sequence number that makes the nonce is not.
#[test]
fn no_nonce_is_used_twice() {
    let mut duo = tls12();
    duo.handshake();
    let mut seen = [HashSet::new(), HashSet::new()];
    for round in 0..100 {
        duo.client.send(&vec![7; round]).unwrap();
        duo.server.send(&vec![7; 200 * round]).unwrap();
        let sent = [from_client(&mut duo), from_server(&mut duo)];
        for (sent, seen) in sent.iter().zip(&mut seen) {
            for record in records(sent) {
                assert!(seen.insert(record[5..13].to_vec()), "a nonce comes again");
            }
        }
    }
    assert!(seen.iter().all(|seen| seen.len() > 90));
}

/// Up to the client's last flight, or a whole handshake and then data: what comes next from the client.
fn about_to_send(duo: &mut Duo, data: bool) -> Vec<u8> {
    if data {
        duo.handshake();
        for word in [&b"one"[..], b"two", b"three"] {
            assert_eq!(duo.client.send(word).unwrap(), word.len());
        }
    } else {
        let hello = from_client(duo);
        duo.server.receive(&hello);
        let flight = from_server(duo);
        duo.client.receive(&flight);
    }
    from_client(duo)
}

/// Neither at the beginning of encryption nor later; and nothing is read beyond the gap.
#[test]
fn no_record_can_be_left_out() {
    for (is_tls13, data) in [(true, false), (true, true), (false, false), (false, true)] {
        let make = if is_tls13 { tls13 } else { tls12 };
        let count = records(&about_to_send(&mut make(), data)).len();
        assert!(count >= 2);
        for left_out in 0..count {
            let mut duo = make();
            let sent = about_to_send(&mut duo, data);
            let mut records = records(&sent);
            let gap = records.remove(left_out);
            duo.server.receive(&records.concat());
            let outcome = duo.step_server();
            // TLS 1.3's change_cipher_spec is there for others to see. And behind the last record a gap does not show
            // before the end of the stream.
            let harmless = is_tls13 && gap[0] == 20;
            let is_last = left_out + 1 == count;
            assert_eq!(outcome.is_ok(), harmless || is_last, "{outcome:?}");
            assert_eq!(duo.server.is_handshake_complete(), data || harmless);
            assert!(b"onetwothree".starts_with(&duo.server_received));
            assert!(duo.server_received.len() < 11);
            duo.server.receive_eof();
            assert!(duo.step_server().is_err());
        }
    }
}
