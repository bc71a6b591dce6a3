//! What costs a peer nothing must not keep the server busy.

use std::sync::Arc;

use keyward_tls::{Error, PeerMisbehaved};
use keyward_wire::values::ContentType;

use crate::support::{HandClient, KeyAlgorithm, Site};

fn client() -> HandClient {
    HandClient::new(&Arc::new(Site::new(&[KeyAlgorithm::P256])))
}

/// Feeds what `record` makes until the server has enough: after how many, and why.
fn until_refused(
    client: &mut HandClient,
    mut record: impl FnMut(&mut HandClient) -> Vec<u8>,
) -> (usize, Error) {
    for count in 0..1000 {
        let bytes = record(client);
        if let Err(error) = client.feed(&bytes) {
            return (count, error);
        }
    }
    panic!("a thousand records did not matter");
}

#[test]
fn empty_records() {
    let mut client = client();
    client.handshake();
    let empty = |client: &mut HandClient| client.sealed(ContentType::APPLICATION_DATA, b"");
    for _ in 0..32 {
        let record = empty(&mut client);
        client.feed(&record).unwrap();
    }
    let data = client.sealed(ContentType::APPLICATION_DATA, b"data");
    client.feed(&data).unwrap();
    assert_eq!(client.received, b"data");
    assert_eq!(
        until_refused(&mut client, empty),
        (32, PeerMisbehaved::TooManyEmptyRecords.into())
    );
}

#[test]
fn empty_records_with_alerts_between_them() {
    let mut client = client();
    client.handshake();
    let mut turn = 0;
    let (count, error) = until_refused(&mut client, |client| {
        turn += 1;
        match turn {
            10 | 20 | 30 => client.sealed(ContentType::ALERT, &[1, 90]),
            _ => client.sealed(ContentType::APPLICATION_DATA, b""),
        }
    });
    assert_eq!(
        (count, error),
        (35, PeerMisbehaved::TooManyEmptyRecords.into())
    );
}

#[test]
fn an_empty_record_where_no_data_may_flow_is_out_of_place() {
    let mut client = client();
    client.hello_and_keys();
    client.use_handshake_keys();
    let empty = client.sealed(ContentType::APPLICATION_DATA, b"");
    let error = PeerMisbehaved::UnexpectedRecord(ContentType::APPLICATION_DATA);
    assert_eq!(client.feed(&empty), Err(error.into()));
}

#[test]
fn change_cipher_specs() {
    let mut client = client();
    client.hello_and_keys();
    let record = |_: &mut HandClient| HandClient::plain(ContentType::CHANGE_CIPHER_SPEC, &[1]);
    assert_eq!(
        until_refused(&mut client, record),
        (32, PeerMisbehaved::TooManyEmptyRecords.into())
    );
}

#[test]
fn warnings() {
    let mut client = client();
    client.handshake();
    // user_canceled is the one alert of TLS 1.3 that ends nothing.
    assert_eq!(
        until_refused(&mut client, |client| client
            .sealed(ContentType::ALERT, &[1, 90])),
        (4, PeerMisbehaved::TooManyWarnings.into())
    );

    let mut client = self::client();
    let record = |_: &mut HandClient| HandClient::plain(ContentType::ALERT, &[1, 112]);
    assert_eq!(
        until_refused(&mut client, record),
        (4, PeerMisbehaved::TooManyWarnings.into())
    );
}
