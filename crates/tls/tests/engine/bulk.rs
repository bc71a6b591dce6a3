use std::sync::Arc;

use keyward_tls::{Limits, ServerConfig};
use keyward_wire::values::ContentType;
use rustls::crypto::aws_lc_rs::cipher_suite;

use crate::support::{ClientOptions, HandClient, KeyAlgorithm, Pair, Site, client_config};

fn data(length: usize) -> Vec<u8> {
    (0..=250).cycle().take(length).collect()
}

#[test]
fn megabytes_both_ways_with_every_suite() {
    for suite in [
        cipher_suite::TLS13_AES_128_GCM_SHA256,
        cipher_suite::TLS13_AES_256_GCM_SHA384,
        cipher_suite::TLS13_CHACHA20_POLY1305_SHA256,
    ] {
        let client = client_config(ClientOptions {
            suites: vec![suite],
            ..ClientOptions::default()
        });
        let site = Arc::new(Site::new(&[KeyAlgorithm::P256]));
        let mut pair = Pair::new(&client, &site);
        pair.handshake();
        let data = data(2_000_000);
        pair.client_sends(&data);
        pair.server_sends(&data);
        pair.server.release_buffers();
        pair.echo();
    }
}

#[test]
fn send_takes_no_more_than_may_wait() {
    let limit = 40_000;
    let mut client = HandClient::with_config(
        &Arc::new(Site::new(&[KeyAlgorithm::P256])),
        ServerConfig {
            limits: Limits {
                output: limit,
                ..Limits::default()
            },
            ..ServerConfig::default()
        },
    );
    assert_eq!(client.server.send(b"too early").unwrap(), 0);
    client.handshake();
    let data = data(200_000);
    let sent = client.server.send(&data).unwrap();
    assert!(sent < data.len());
    assert!((limit..limit + 17_000).contains(&client.server.output().len()));
    assert_eq!(client.server.send(&data).unwrap(), 0);
    client.server.consume_output(20_000);
    assert!(client.server.send(&data[sent..]).unwrap() > 0);
}

/// RFC 8449 §4: the limit counts the content type.
#[test]
fn the_clients_record_size_limit_is_kept() {
    let mut client = HandClient::new(&Arc::new(Site::new(&[KeyAlgorithm::P256])));
    client.hello.extensions.record_size_limit = Some(101);
    client.handshake();
    client.server.send(&data(1000)).unwrap();
    let records = client.records();
    assert_eq!(records.len(), 10);
    assert!(records.iter().all(|(_, content)| content.len() == 100));
}

#[test]
fn padding_is_taken_off() {
    let mut client = HandClient::new(&Arc::new(Site::new(&[KeyAlgorithm::P256])));
    client.handshake();
    for padding in [0, 1, 16384 - 5] {
        let record = client.sealed_padded(ContentType::APPLICATION_DATA, b"hello", padding);
        client.feed(&record).unwrap();
        assert_eq!(client.received, b"hello");
        client.received.clear();
    }
}

/// A caller that does not read holds the peer up, and no more than a buffer is held.
#[test]
fn what_is_not_read_holds_the_peer_up() {
    let mut client = HandClient::new(&Arc::new(Site::new(&[KeyAlgorithm::P256])));
    client.handshake();
    let mut taken = 0;
    loop {
        let record = client.sealed(ContentType::APPLICATION_DATA, &data(10_000));
        let n = client.server.receive(&record);
        taken += n;
        let _ = client.server.step(client.now).unwrap();
        if n < record.len() {
            break;
        }
    }
    // Header, content type and tag, of which nothing is kept.
    let overhead = 5 + 1 + 16;
    assert!(taken <= Limits::default().received + overhead, "{taken}");
    assert_eq!(client.server.readable(), 10_000);
    let mut first = [0; 4000];
    assert_eq!(client.server.read(&mut first), 4000);
    assert_eq!(first[..], data(10_000)[..4000]);
    assert_eq!(client.server.peek(), &data(10_000)[4000..]);
}
