use std::sync::Arc;

use keyward_tls::{Error, NeedError, NeedKind, PeerIncompatible, PeerMisbehaved, Policy};
use keyward_wire::handshake::{self, RsaClientKeyExchange};
use keyward_wire::values::{
    AlertDescription, CipherSuite, ContentType, EcPointFormat, HandshakeType,
};

use super::HandClient;
use crate::support::{KeyAlgorithm, Site};

fn legacy() -> Arc<Site> {
    let mut site = Site::new(&[KeyAlgorithm::Rsa2048]);
    site.policy = Policy::legacy();
    Arc::new(site)
}

#[test]
fn a_whole_handshake() {
    for extended in [true, false] {
        let site = legacy();
        let mut client = HandClient::rsa(&site);
        client.hello.extensions.extended_master_secret = extended;
        client.handshake();
        let negotiated = client.server.negotiated().unwrap();
        assert_eq!(
            negotiated.cipher_suite,
            CipherSuite::TLS_RSA_WITH_AES_128_GCM_SHA256
        );
        assert_eq!(
            (negotiated.group, negotiated.signature_scheme),
            (None, None)
        );
        assert_eq!(negotiated.extended_master_secret, extended);
        assert_eq!(
            site.take_asked(),
            [
                NeedKind::Certificate,
                NeedKind::KeyOperation,
                NeedKind::NewSession
            ]
        );
    }
}

#[test]
fn a_client_without_any_extension_is_served() {
    let site = legacy();
    let mut client = HandClient::rsa(&site);
    client.hello.extensions = Default::default();
    client.handshake();
    assert!(client.server_hello.unwrap().extensions.is_empty());
}

/// RFC 8422 §5.1.2: the formats of points matter to who "has used the Supported Groups extension".
#[test]
fn point_formats_are_nothing_to_it() {
    let mut client = HandClient::rsa(&legacy());
    client.hello.extensions.ec_point_formats = Some(vec![EcPointFormat(1)]);
    client.handshake();
}

#[test]
fn without_legacy_it_is_not_there() {
    let mut site = Site::new(&[KeyAlgorithm::Rsa2048]);
    let suite = CipherSuite::TLS_RSA_WITH_AES_128_GCM_SHA256;
    for listed in [false, true] {
        if listed {
            // Listed alone is not enough: the policy has to be called legacy.
            site.policy.cipher_suites.push(suite);
        }
        let site = Arc::new(Site {
            policy: site.policy.clone(),
            ..Site::new(&[KeyAlgorithm::Rsa2048])
        });
        let error = HandClient::rsa(&site).send_hello().unwrap_err();
        assert_eq!(error, PeerIncompatible::NoCipherSuite.into());
        assert_eq!(error.alert(), Some(AlertDescription::HANDSHAKE_FAILURE));
    }
}

#[test]
fn an_ecdsa_certificate_does_not_serve_it() {
    let mut site = Site::new(&[KeyAlgorithm::P256]);
    site.policy = Policy::legacy();
    let error = HandClient::rsa(&Arc::new(site)).send_hello().unwrap_err();
    assert_eq!(error.alert(), Some(AlertDescription::HANDSHAKE_FAILURE));
}

/// Whatever is wrong with the premaster secret, the server goes on to the client's Finished, and says
/// that it does not decrypt.
#[test]
fn a_bad_premaster_secret_shows_at_the_finished_alone() {
    let mut outcomes = Vec::new();
    for bad in ["version", "short", "long", "random"] {
        let site = legacy();
        let mut client = HandClient::rsa(&site);
        match bad {
            "version" => client.premaster[1] = 2,
            "short" => client.premaster.truncate(47),
            "long" => client.premaster.push(0),
            _ => {}
        }
        client.send_hello().unwrap();
        client.take_flight();
        let mut exchange = client.client_key_exchange();
        if bad == "random" {
            exchange[6..].fill(0x5a);
        }
        let record = HandClient::plain(ContentType::HANDSHAKE, &exchange);
        client.feed(&record).unwrap();
        let last = client.change_cipher_spec();
        client.feed(&last).unwrap();
        assert_eq!(
            client.records(),
            [],
            "{bad}: nothing is said before the Finished"
        );
        let finished = client.finished();
        let record = client.sealed(ContentType::HANDSHAKE, &finished);
        let error = client.feed(&record).unwrap_err();
        outcomes.push((error, client.records(), client.server.take_trace().len()));
    }
    assert_eq!(outcomes[0].0, Error::DecryptError);
    assert!(
        outcomes.iter().all(|outcome| *outcome == outcomes[0]),
        "{outcomes:?}"
    );
}

#[test]
fn a_ciphertext_of_another_length_is_refused_before_the_key_server_sees_it() {
    for length in [0, 255, 257] {
        let site = legacy();
        let mut client = HandClient::rsa(&site);
        client.send_hello().unwrap();
        client.take_flight();
        site.take_asked();
        let exchange = handshake::to_message(&RsaClientKeyExchange {
            encrypted_premaster_secret: vec![7; length],
        });
        let error = client
            .feed_plain(ContentType::HANDSHAKE, &exchange)
            .unwrap_err();
        assert_eq!(error, PeerMisbehaved::BadClientKeyExchange.into());
        assert_eq!(site.take_asked(), []);
    }
}

#[test]
fn no_server_key_exchange_is_sent() {
    let mut client = HandClient::rsa(&legacy());
    client.send_hello().unwrap();
    let flight = client.take_flight();
    let expected = [
        HandshakeType::SERVER_HELLO,
        HandshakeType::CERTIFICATE,
        HandshakeType::SERVER_HELLO_DONE,
    ];
    assert_eq!(flight, expected);
}

#[test]
fn a_key_server_out_of_reach_is_an_internal_error() {
    let mut site = Site::new(&[KeyAlgorithm::Rsa2048]);
    site.policy = Policy::legacy();
    site.errors
        .push((NeedKind::KeyOperation, NeedError::Unavailable));
    let mut client = HandClient::rsa(&Arc::new(site));
    client.send_hello().unwrap();
    client.take_flight();
    let bytes = client.second_flight();
    let error = client.feed(&bytes).unwrap_err();
    assert_eq!(
        error,
        Error::Need(NeedKind::KeyOperation, NeedError::Unavailable)
    );
    assert_eq!(error.alert(), Some(AlertDescription::INTERNAL_ERROR));
}
