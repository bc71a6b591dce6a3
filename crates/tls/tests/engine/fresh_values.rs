//! What has to be new each time is: randoms, key shares, session IDs, and what a ticket comes with.

use std::collections::HashSet;
use std::sync::Arc;

use keyward_tls::{ClientConfig, KeyShares};
use keyward_wire::codec::Decode;
use keyward_wire::extensions::{KeyShareEntry, ServerKeyShare};
use keyward_wire::handshake::ServerHello;
use keyward_wire::values::NamedGroup;

use crate::support::{HandClient, HandServer, KeyAlgorithm, Site};

fn site() -> Arc<Site> {
    Arc::new(Site::new(&[KeyAlgorithm::P256]))
}

/// RFC 9846 §4.3.8: "The key_exchange values for each KeyShareEntry MUST be generated independently." The X25519 share
/// inside a hybrid one is no exception.
#[test]
fn a_clients_shares_are_new_in_each_hello_and_in_each_entry() {
    let config = || {
        let mut config = ClientConfig {
            key_shares: KeyShares::First(2),
            grease: false,
            ..ClientConfig::default()
        };
        let policy = Arc::make_mut(&mut config.policy);
        policy.groups = vec![NamedGroup::X25519MLKEM768, NamedGroup::X25519];
        config
    };
    let mut seen = HashSet::new();
    for _ in 0..8 {
        let hello = HandServer::new(config()).hello;
        assert!(seen.insert(hello.random.to_vec()), "a random again");
        assert_eq!(hello.session_id.len(), 32, "RFC 9846 §E.4");
        assert!(seen.insert(hello.session_id), "a session ID again");
        let shares = hello.extensions.key_share.unwrap();
        assert_eq!(shares.len(), 2);
        for KeyShareEntry {
            group,
            key_exchange,
        } in shares
        {
            // An X25519 share is the end of a hybrid one as well.
            let x25519 = key_exchange[key_exchange.len() - 32..].to_vec();
            assert!(seen.insert(x25519), "{group}: a share again");
        }
    }
}

/// RFC 9846 §4.2.3: ServerHello.random "MUST be generated independently of the ClientHello.random."
#[test]
fn a_server_answers_the_same_hello_with_a_new_random_and_a_new_share() {
    let first = HandClient::new(&site()).hello;
    let mut seen = HashSet::new();
    for _ in 0..8 {
        let mut client = HandClient::new(&site());
        client.hello = first.clone();
        client.send_hello().unwrap();
        let (_, message) = client.next_record().unwrap();
        let hello = ServerHello::from_bytes(&message[4..]).unwrap();
        assert_ne!(hello.random, first.random);
        assert!(seen.insert(hello.random.to_vec()), "a random again");
        let Some(ServerKeyShare::Share(share)) = hello.extensions.key_share else {
            panic!("a share for X25519 was there");
        };
        assert!(seen.insert(share.key_exchange), "a share again");
    }
}

/// RFC 9846 §4.7.1, ticket_age_add: "The server MUST generate a fresh value for each ticket it sends."; ticket_nonce:
/// "A per-ticket value that is unique across all tickets issued on this connection."
#[test]
fn each_ticket_has_an_age_of_its_own_and_its_psk() {
    let site = site();
    let mut ages = HashSet::new();
    for _ in 0..8 {
        let mut client = HandClient::new(&site);
        let tickets = client.handshake_for_tickets();
        assert_eq!(tickets.len(), 2);
        let distinct = |values: Vec<&[u8]>| values.iter().collect::<HashSet<_>>().len() == 2;
        let nonces = client.tickets.iter().map(|ticket| &ticket.ticket_nonce[..]);
        assert!(distinct(nonces.collect()), "nonces");
        assert!(
            distinct(tickets.iter().map(|(_, psk)| psk.as_bytes()).collect()),
            "PSKs"
        );
        assert!(
            distinct(tickets.iter().map(|(ticket, _)| &ticket[..]).collect()),
            "tickets"
        );
        ages.extend(client.tickets.iter().map(|ticket| ticket.ticket_age_add));
    }
    // Two of sixteen are the same once in 36 million runs.
    assert_eq!(ages.len(), 16, "{ages:?}");
}
