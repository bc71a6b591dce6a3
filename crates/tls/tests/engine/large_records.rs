//! A large record that is there as a whole is opened as it is received. Nothing but speed may show it.

use std::sync::Arc;

use keyward_tls::{Error, InvalidMessage, PeerMisbehaved, Step};
use keyward_wire::values::ContentType;
use proptest::prelude::*;

use crate::support::{HandClient, KeyAlgorithm, Site};

const NOT_REQUESTED: [u8; 5] = [24, 0, 0, 1, 0];

fn connected() -> HandClient {
    let mut client = HandClient::new(&Arc::new(Site::new(&[KeyAlgorithm::P256])));
    client.handshake();
    client
}

fn data(length: usize) -> Vec<u8> {
    (0..=250).cycle().take(length).collect()
}

#[test]
fn is_taken_alone_and_read_after_a_step() {
    let mut client = connected();
    let first = client.sealed(ContentType::APPLICATION_DATA, &data(16384));
    let second = client.sealed(ContentType::APPLICATION_DATA, &data(10_000));
    let both = [&first[..], &second].concat();
    assert_eq!(client.server.receive(&both), first.len());
    assert_eq!(client.server.readable(), 0);
    assert_eq!(client.server.read(&mut [0; 10]), 0);
    client.server.consume_readable(10);
    // What comes before the step waits behind it, up to the limit.
    assert_eq!(client.server.receive(&second), second.len());
    assert!(matches!(client.server.step(client.now), Ok(Step::Data)));
    assert_eq!(client.server.peek(), data(16384));
    client.step().unwrap();
    assert_eq!(client.received, [data(16384), data(10_000)].concat());
}

#[test]
fn comes_behind_the_rest_of_another() {
    for cut in [1, 4, 5, 6, 16384] {
        let mut client = connected();
        let first = client.sealed(ContentType::APPLICATION_DATA, &data(16384));
        let second = client.sealed(ContentType::APPLICATION_DATA, &data(10_000));
        assert_eq!(client.server.receive(&first[..cut]), cut);
        client.step().unwrap();
        let rest = [&first[cut..], &second].concat();
        assert_eq!(client.server.receive(&rest), first.len() - cut, "{cut}");
        client.step().unwrap();
        assert_eq!(client.server.receive(&second), second.len(), "{cut}");
        client.step().unwrap();
        assert_eq!(client.received, [data(16384), data(10_000)].concat());
    }
}

/// RFC 9846 §5.2: "If the decryption fails, the receiver MUST terminate the connection with a "bad_record_mac" alert."
#[test]
fn that_was_changed_is_refused_and_not_read() {
    let length = connected()
        .sealed(ContentType::APPLICATION_DATA, &data(16384))
        .len();
    for at in [5, 5000, length - 17, length - 16, length - 1] {
        let mut client = connected();
        let mut record = client.sealed(ContentType::APPLICATION_DATA, &data(16384));
        record[at] ^= 1;
        client.server.receive(&record);
        assert_eq!(client.server.readable(), 0);
        assert_eq!(client.step(), Err(Error::DecryptError), "{at}");
        assert!(client.server.peek().is_empty());
        assert!(client.received.is_empty());
        assert_eq!(client.records(), [(ContentType::ALERT, vec![2, 20])]);
    }
}

#[test]
fn that_is_no_data_is_what_it_is() {
    let mut client = connected();
    let update = client.sealed_padded(ContentType::HANDSHAKE, &NOT_REQUESTED, 8000);
    client.update_write_keys();
    let record = client.sealed(ContentType::APPLICATION_DATA, &data(9000));
    client.feed(&[update, record].concat()).unwrap();
    assert_eq!(client.received, data(9000));
    let close = client.sealed_padded(ContentType::ALERT, &[1, 0], 8000);
    client.feed(&close).unwrap();
    assert_eq!(client.steps, ["HandshakeComplete", "PeerClosed"]);
}

#[test]
fn without_anything_but_padding() {
    let mut client = connected();
    let record = client.sealed_inner(&[0; 9000]);
    assert_eq!(
        client.feed(&record),
        Err(InvalidMessage::NoContentType.into())
    );

    let mut client = connected();
    for _ in 0..32 {
        let empty = client.sealed_padded(ContentType::APPLICATION_DATA, b"", 9000);
        client.feed(&empty).unwrap();
    }
    let empty = client.sealed_padded(ContentType::APPLICATION_DATA, b"", 9000);
    assert_eq!(
        client.feed(&empty),
        Err(PeerMisbehaved::TooManyEmptyRecords.into())
    );
}

#[test]
fn of_too_much_is_refused() {
    let mut client = connected();
    let record = client.sealed(ContentType::APPLICATION_DATA, &data(16385));
    assert_eq!(
        client.feed(&record),
        Err(InvalidMessage::PlaintextTooLarge.into())
    );
}

/// The keys change with the KeyUpdate, also where it has been received and not yet looked at.
#[test]
fn under_old_keys_is_refused() {
    let mut client = connected();
    let update = client.sealed(ContentType::HANDSHAKE, &NOT_REQUESTED);
    client.server.receive(&update);
    let old = client.sealed(ContentType::APPLICATION_DATA, &data(9000));
    assert_eq!(client.feed(&old), Err(Error::DecryptError));
}

/// Data ends what KeyUpdates there were, and counts against the key.
#[test]
fn counts_as_data() {
    let mut client = connected();
    for _ in 0..3 {
        for _ in 0..32 {
            let update = client.sealed(ContentType::HANDSHAKE, &NOT_REQUESTED);
            client.update_write_keys();
            client.feed(&update).unwrap();
        }
        let record = client.sealed(ContentType::APPLICATION_DATA, &data(9000));
        client.feed(&record).unwrap();
    }
}

#[test]
fn is_forgotten_when_the_connection_ends() {
    let mut client = connected();
    let record = client.sealed(ContentType::APPLICATION_DATA, &data(9000));
    client.server.receive(&record);
    client
        .server
        .abort(keyward_wire::values::AlertDescription::INTERNAL_ERROR);
    assert!(matches!(client.server.step(client.now), Ok(Step::Closed)));
    assert_eq!(client.server.readable(), 0);
}

/// Records of these sizes, cut like this: what the server reads, and its trace.
fn outcome(sizes: &[usize], cuts: &[usize]) -> (Vec<u8>, String) {
    let mut client = connected();
    client.server.take_trace();
    let mut bytes = Vec::new();
    for (i, size) in sizes.iter().enumerate() {
        if i % 3 == 2 {
            bytes.extend(client.sealed_padded(ContentType::HANDSHAKE, &NOT_REQUESTED, *size));
            client.update_write_keys();
        }
        bytes.extend(client.sealed(ContentType::APPLICATION_DATA, &data(*size)));
    }
    let mut cuts = cuts.iter().copied().cycle();
    let mut rest = &bytes[..];
    while !rest.is_empty() {
        let (piece, more) = rest.split_at(rest.len().min(cuts.next().unwrap()));
        client.feed(piece).unwrap();
        rest = more;
    }
    let trace = format!("{:?}", client.server.take_trace());
    (client.received, trace)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn any_cut_gives_the_same(
        sizes in proptest::collection::vec(prop_oneof![1_usize..200, 4000_usize..16_000], 1..8),
        cuts in proptest::collection::vec(prop_oneof![1_usize..50, 1_usize..40_000], 1..8),
    ) {
        // Byte by byte nothing is ever there as a whole.
        prop_assert_eq!(outcome(&sizes, &cuts), outcome(&sizes, &[1]));
    }
}
