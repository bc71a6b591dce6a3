use std::sync::Arc;

use keyward_crypto::key_exchange::{Group, KeyPair};
use keyward_tls::{Error, InvalidMessage, PeerMisbehaved, Policy};
use keyward_wire::extensions::KeyShareEntry;
use keyward_wire::values::{
    CipherSuite, ContentType, ExtensionType, HandshakeType, NamedGroup, ProtocolVersion,
};
use rustls::HandshakeKind;
use rustls::crypto::aws_lc_rs::kx_group;

use crate::support::{ClientOptions, HandClient, KeyAlgorithm, Pair, Site, client_config};

#[test]
fn a_client_without_a_share_for_our_group_is_asked_for_one() {
    let mut site = Site::new(&[KeyAlgorithm::P256]);
    site.policy.groups = vec![NamedGroup::SECP384R1];
    let site = Arc::new(site);
    let client = client_config(ClientOptions {
        groups: vec![kx_group::X25519, kx_group::SECP384R1],
        ..ClientOptions::default()
    });
    let mut pair = Pair::new(&client, &site);
    pair.handshake();
    pair.echo();
    assert_eq!(
        pair.client.handshake_kind(),
        Some(HandshakeKind::FullWithHelloRetryRequest)
    );
    let negotiated = pair.server.negotiated().unwrap();
    assert!(negotiated.hello_retry_request);
    assert_eq!(negotiated.group, Some(NamedGroup::SECP384R1));
}

/// Secrecy from tomorrow's computers is worth a round trip; one curve instead of another is not.
#[test]
fn a_round_trip_is_spent_on_a_post_quantum_group_alone() {
    let site = Arc::new(Site::new(&[KeyAlgorithm::P256]));
    for (second, retried) in [(kx_group::X25519MLKEM768, true), (kx_group::X25519, false)] {
        let client = client_config(ClientOptions {
            groups: vec![kx_group::SECP384R1, second],
            ..ClientOptions::default()
        });
        let mut pair = Pair::new(&client, &site);
        pair.handshake();
        assert_eq!(
            pair.server.negotiated().unwrap().hello_retry_request,
            retried
        );
    }
}

#[test]
fn no_group_in_common() {
    let mut site = Site::new(&[KeyAlgorithm::P256]);
    site.policy.groups = vec![NamedGroup::SECP256R1];
    let error = HandClient::new(&Arc::new(site)).send_hello().unwrap_err();
    assert_eq!(error, keyward_tls::PeerIncompatible::NoGroup.into());
}

/// A client that was sent a HelloRetryRequest for P-256, and its new share.
fn retried() -> (HandClient, KeyShareEntry) {
    retried_with(|_| ())
}

fn retried_with(change: impl FnOnce(&mut HandClient)) -> (HandClient, KeyShareEntry) {
    let mut site = Site::new(&[KeyAlgorithm::P256]);
    site.policy = Policy {
        groups: vec![NamedGroup::SECP256R1],
        ..Policy::modern()
    };
    let mut client = HandClient::new(&Arc::new(site));
    client.hello.extensions.supported_groups =
        Some(vec![NamedGroup::X25519, NamedGroup::SECP256R1]);
    change(&mut client);
    client.send_hello().unwrap();
    assert!(client.take_server_hello().is_hello_retry_request());
    assert_eq!(
        client.records(),
        [(ContentType::CHANGE_CIPHER_SPEC, vec![1])]
    );
    let key_pair = KeyPair::generate(Group::Secp256r1).unwrap();
    let share = KeyShareEntry {
        group: NamedGroup::SECP256R1,
        key_exchange: key_pair.public().to_vec(),
    };
    client.use_key_pair(key_pair);
    (client, share)
}

#[test]
fn the_dummy_change_cipher_spec_is_sent_once() {
    let (mut client, share) = retried();
    client.hello.extensions.key_share = Some(vec![share]);
    client.send_hello().unwrap();
    client.take_server_hello();
    let (content_type, _) = client.next_record().unwrap();
    assert_eq!(
        content_type,
        ContentType::HANDSHAKE,
        "no second change_cipher_spec"
    );
}

#[test]
fn a_second_hello_by_hand_is_accepted() {
    let (mut client, share) = retried();
    client.hello.extensions.key_share = Some(vec![share]);
    client.handshake();
}

#[test]
fn a_second_hello_that_differs_is_refused() {
    type Change = fn(&mut HandClient);
    let changes: [Change; 10] = [
        |client| client.hello.random[0] ^= 1,
        |client| client.hello.session_id.clear(),
        |client| {
            let suites = &mut client.hello.cipher_suites;
            suites.insert(0, CipherSuite::TLS_AES_256_GCM_SHA384);
        },
        |client| client.hello.extensions.server_name = Some("blog.example".parse().unwrap()),
        |client| client.hello.extensions.alpn = Some(vec![b"h2".to_vec()]),
        |client| client.hello.extensions.signature_algorithms = None,
        |client| client.hello.extensions.extended_master_secret = true,
        |client| client.hello.extensions.unknown = vec![(0x5555.into(), vec![1])],
        |client| client.hello.legacy_version = ProtocolVersion(0x0302),
        |client| client.hello.extensions.cookie = Some(b"nobody's".to_vec()),
    ];
    for change in changes {
        let (mut client, share) = retried();
        client.hello.extensions.key_share = Some(vec![share]);
        change(&mut client);
        assert_eq!(
            client.send_hello(),
            Err(Error::PeerMisbehaved(
                PeerMisbehaved::SecondClientHelloDiffers
            ))
        );
    }
}

/// RFC 9846 §4.2.2 and RFC 9849 §6.1.5 let these differ: the key server, which is asked after them, has
/// to agree.
#[test]
fn what_may_differ_in_a_second_hello_may() {
    for extension in [
        ExtensionType::PADDING,
        ExtensionType::ENCRYPTED_CLIENT_HELLO,
    ] {
        let (mut client, share) = retried();
        client.hello.extensions.key_share = Some(vec![share]);
        client.hello.extensions.unknown = vec![(extension, vec![0; 50])];
        client.handshake();
    }
}

/// The key server takes the messages together up to a bound, and would be who refuses.
#[test]
fn two_hellos_of_the_largest_size_are_refused() {
    let (mut client, share) = retried_with(|client| {
        let padding = (ExtensionType::PADDING, vec![0; 40_000]);
        client.hello.extensions.unknown.push(padding);
    });
    client.hello.extensions.key_share = Some(vec![share]);
    let error = InvalidMessage::HandshakeMessageTooLarge(HandshakeType::CLIENT_HELLO);
    assert_eq!(client.send_hello(), Err(error.into()));
}

/// RFC 9846 §5.1: the keys change behind it. It is refused before it is answered.
#[test]
fn nothing_follows_the_second_hello_in_its_record() {
    let (mut client, share) = retried();
    client.hello.extensions.key_share = Some(vec![share]);
    let mut message = client.client_hello();
    message.push(20);
    let record = HandClient::plain(ContentType::HANDSHAKE, &message);
    assert_eq!(
        client.feed(&record),
        Err(Error::PeerMisbehaved(
            PeerMisbehaved::HandshakeAcrossKeyChange
        ))
    );
    assert_eq!(client.records(), [(ContentType::ALERT, vec![2, 10])]);
}

#[test]
fn a_second_hello_without_the_one_share_is_refused() {
    let (client, share) = retried();
    let old = client.hello.extensions.key_share.clone().unwrap();
    for shares in [old.clone(), vec![], vec![old[0].clone(), share.clone()]] {
        let (mut client, _) = retried();
        client.hello.extensions.key_share = Some(shares);
        assert_eq!(
            client.send_hello(),
            Err(Error::PeerMisbehaved(
                PeerMisbehaved::SecondClientHelloKeyShare
            ))
        );
    }
}

#[test]
fn early_data_in_the_second_hello_is_refused() {
    let (mut client, share) = retried();
    client.hello.extensions.key_share = Some(vec![share]);
    client.hello.extensions.early_data = true;
    assert_eq!(
        client.send_hello(),
        Err(Error::PeerMisbehaved(PeerMisbehaved::EarlyDataAfterRetry))
    );
}
