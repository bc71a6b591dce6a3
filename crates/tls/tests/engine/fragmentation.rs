//! How bytes are cut on their way makes no difference.

use std::sync::Arc;

use keyward_tls::{Limits, ServerConfig};
use keyward_wire::values::ContentType;
use proptest::prelude::*;

use crate::support::{ClientOptions, HandClient, KeyAlgorithm, Pair, Site, client_config};

#[test]
fn one_byte_pieces_both_ways() {
    let client = client_config(ClientOptions::default());
    let site = Arc::new(Site::new(&[KeyAlgorithm::P256]));
    let mut pair = Pair::new(&client, &site);
    pair.piece = 1;
    pair.handshake();
    pair.echo();
}

#[test]
fn a_hello_in_records_of_one_byte() {
    let mut client = HandClient::new(&Arc::new(Site::new(&[KeyAlgorithm::P256])));
    let hello = client.client_hello();
    for byte in hello {
        client
            .feed(&HandClient::plain(ContentType::HANDSHAKE, &[byte]))
            .unwrap();
    }
    client.take_server_hello();
    client.take_flight();
    for byte in client.finished() {
        let record = client.sealed(ContentType::HANDSHAKE, &[byte]);
        client.feed(&record).unwrap();
    }
    assert_eq!(client.steps, ["HandshakeComplete"]);
}

/// Finished, data and close in one read.
#[test]
fn coalesced_records() {
    let mut client = HandClient::new(&Arc::new(Site::new(&[KeyAlgorithm::P256])));
    client.hello_and_keys();
    let finished = client.finished();
    let mut bytes = HandClient::plain(ContentType::CHANGE_CIPHER_SPEC, &[1]);
    bytes.extend(client.sealed(ContentType::HANDSHAKE, &finished));
    client.use_application_keys();
    for word in [&b"one "[..], b"two ", b"three"] {
        bytes.extend(client.sealed(ContentType::APPLICATION_DATA, word));
    }
    bytes.extend(client.sealed(ContentType::ALERT, &[1, 0]));
    client.feed(&bytes).unwrap();
    assert_eq!(client.steps, ["HandshakeComplete", "PeerClosed"]);
    assert_eq!(client.received, b"one two three");
}

/// The client's whole side of a connection, cut into pieces: what the server gets of it.
fn outcome(cuts: &[usize]) -> (Vec<&'static str>, Vec<u8>, usize) {
    let mut client = HandClient::new(&Arc::new(Site::new(&[KeyAlgorithm::P256])));
    let mut cuts = cuts.iter().copied().cycle();
    let mut feed = |client: &mut HandClient, bytes: &[u8]| {
        let mut rest = bytes;
        while !rest.is_empty() {
            let (piece, more) = rest.split_at(rest.len().min(cuts.next().unwrap()));
            client.feed(piece).unwrap();
            rest = more;
        }
    };
    let hello = client.client_hello();
    let mut bytes = Vec::new();
    for piece in hello.chunks(57) {
        bytes.extend(HandClient::plain(ContentType::HANDSHAKE, piece));
    }
    feed(&mut client, &bytes);
    client.take_server_hello();
    client.take_flight();
    let mut bytes = HandClient::plain(ContentType::CHANGE_CIPHER_SPEC, &[1]);
    for piece in client.finished().chunks(20) {
        bytes.extend(client.sealed(ContentType::HANDSHAKE, piece));
    }
    client.use_application_keys();
    bytes.extend(client.sealed(ContentType::APPLICATION_DATA, b"before"));
    bytes.extend(client.sealed(ContentType::HANDSHAKE, &[24, 0, 0]));
    bytes.extend(client.sealed(ContentType::HANDSHAKE, &[1, 0]));
    client.update_write_keys();
    bytes.extend(client.sealed(ContentType::APPLICATION_DATA, b"after"));
    bytes.extend(client.sealed(ContentType::ALERT, &[1, 0]));
    feed(&mut client, &bytes);
    let events = client.server.take_trace().len();
    (client.steps, client.received, events)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn any_cut_gives_the_same(cuts in proptest::collection::vec(1_usize..200, 1..20)) {
        prop_assert_eq!(outcome(&cuts), outcome(&[usize::MAX]));
    }
}

#[test]
fn no_record_is_longer_than_the_configuration_says() {
    for (sent_record, longest) in [(Some(100), 100), (Some(1), 64), (None, 1 << 14)] {
        let config = ServerConfig {
            limits: Limits {
                sent_record,
                ..Limits::default()
            },
            ..ServerConfig::default()
        };
        let client = client_config(ClientOptions::default());
        let site = Arc::new(Site::new(&[KeyAlgorithm::P256]));
        let mut pair = Pair::with_config(&client, &site, config);
        pair.handshake();
        pair.server.send(&[7; 20_000]).unwrap();
        // Header, content type and tag.
        let mut lengths = Vec::new();
        let mut output = pair.server.output();
        while let Some(([_, _, _, high, low], rest)) = output.split_first_chunk() {
            let length = usize::from(u16::from_be_bytes([*high, *low]));
            lengths.push(length - 17);
            output = &rest[length..];
        }
        assert_eq!(lengths.iter().max(), Some(&longest));
        assert_eq!(lengths.iter().sum::<usize>(), 20_000);
    }
}
