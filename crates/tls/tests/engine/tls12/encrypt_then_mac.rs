//! RFC 7366.

use std::sync::Arc;

use keyward_tls::{ClientConfig, PeerMisbehaved, Policy, ServerConfig};
use keyward_wire::handshake::{ClientHello, ServerHello};
use keyward_wire::values::{CipherSuite, ExtensionType, HandshakeType, ProtocolVersion};

use super::flight::Flight;
use crate::support::{Duo, KeyAlgorithm, Site, Visitor};

const CBC: CipherSuite = CipherSuite::TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA256;
const GCM: CipherSuite = CipherSuite::TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256;

fn duo(server: CipherSuite) -> Duo {
    let policy = |cipher_suites| Policy {
        versions: vec![ProtocolVersion::TLS12],
        cipher_suites,
        ..Policy::legacy()
    };
    let mut site = Site::new(&[KeyAlgorithm::Rsa2048]);
    site.policy = policy(vec![server]);
    let client = ClientConfig {
        policy: policy(vec![GCM, CBC]).into(),
        ..ClientConfig::default()
    };
    let visitor = Arc::new(Visitor::default());
    Duo::with(&Arc::new(site), &visitor, client, ServerConfig::default())
}

/// The server's flight up to its ServerHelloDone; `change` is done to the ClientHello before it comes.
fn first_flight(duo: &mut Duo, change: impl FnOnce(&mut ClientHello)) -> Flight {
    duo.step_client().unwrap();
    let mut hello = Flight::take(&mut duo.client);
    hello.edit(HandshakeType::CLIENT_HELLO, change);
    hello.give(&mut duo.server);
    duo.step_server().unwrap();
    Flight::take(&mut duo.server)
}

fn agreed(flight: &Flight) -> bool {
    let hello: ServerHello = flight.get(HandshakeType::SERVER_HELLO);
    hello.extensions.encrypt_then_mac
}

/// RFC 7366 §2: "If the server is capable of meeting this requirement, it responds with an encrypt_then_mac in
/// its server_hello."
#[test]
fn a_cbc_suite_has_it_for_who_asks() {
    let mut duo = duo(CBC);
    let flight = first_flight(&mut duo, |hello| {
        assert!(hello.extensions.encrypt_then_mac, "our client asks");
    });
    assert!(agreed(&flight));
    flight.give(&mut duo.client);
    duo.handshake();
    duo.echo();
}

#[test]
fn a_client_that_does_not_ask_is_not_told() {
    let mut duo = duo(CBC);
    let flight = first_flight(&mut duo, |hello| hello.extensions.encrypt_then_mac = false);
    assert!(!agreed(&flight));
}

/// RFC 7366 §3: "If a server receives an encrypt-then-MAC request extension from a client and then selects a
/// stream or Authenticated Encryption with Associated Data (AEAD) ciphersuite, it MUST NOT send an
/// encrypt-then-MAC response extension back to the client."
#[test]
fn an_aead_suite_has_it_not() {
    let mut duo = duo(GCM);
    let mut flight = first_flight(&mut duo, |_| {});
    assert!(!agreed(&flight));
    flight.edit(HandshakeType::SERVER_HELLO, |hello: &mut ServerHello| {
        hello.extensions.encrypt_then_mac = true;
    });
    flight.give(&mut duo.client);
    assert_eq!(
        duo.step_client(),
        Err(PeerMisbehaved::ForbiddenExtension(ExtensionType::ENCRYPT_THEN_MAC).into())
    );
}

/// Whoever takes the extension out on the way is found at the first Finished: the two sides disagree.
#[test]
fn it_cannot_be_taken_out_on_the_way() {
    let mut duo = duo(CBC);
    let mut flight = first_flight(&mut duo, |_| {});
    flight.edit(HandshakeType::SERVER_HELLO, |hello: &mut ServerHello| {
        hello.extensions.encrypt_then_mac = false;
    });
    flight.give(&mut duo.client);
    duo.step_client().unwrap();
    Flight::take(&mut duo.client).give(&mut duo.server);
    assert_eq!(duo.step_server(), Err(keyward_tls::Error::DecryptError));
}
