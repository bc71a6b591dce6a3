//! Data that the server sends before it has the client's Finished (RFC 9846 §2).

use std::sync::Arc;

use keyward_tls::{ClientAuthentication, ClientCertificateRequest, Limits, ServerConfig};
use keyward_wire::values::ContentType;

use crate::support::{HandClient, KeyAlgorithm, Site};

fn finish(client: &mut HandClient) {
    let finished = client.finished();
    let record = client.sealed(ContentType::HANDSHAKE, &finished);
    client.use_application_keys();
    client.feed(&record).unwrap();
    assert_eq!(client.steps, ["HandshakeComplete"]);
}

#[test]
fn it_can_be_sent_to_a_client_that_is_asked_for_nothing() {
    let mut client = HandClient::new(&Arc::new(Site::new(&[KeyAlgorithm::P256])));
    assert_eq!(client.server.send(b"too early"), Ok(0));
    client.hello_and_keys();
    assert!(!client.server.is_handshake_complete());
    assert_eq!(client.server.send(b"hello"), Ok(5));
    let expected = (ContentType::APPLICATION_DATA, b"hello".to_vec());
    assert_eq!(client.records(), [expected]);
    finish(&mut client);
    assert!(client.server.send(b"again").is_ok_and(|sent| sent == 5));
}

/// RFC 9846 §2: "any data sent at that point is, of course, being sent to an unauthenticated peer."
#[test]
fn it_waits_for_a_client_that_is_asked_who_it_is() {
    let mut site = Site::new(&[KeyAlgorithm::P256]);
    site.client_authentication =
        ClientAuthentication::Required(ClientCertificateRequest::default());
    let mut client = HandClient::new(&Arc::new(site));
    client.hello_and_keys();
    assert_eq!(client.server.send(b"secret"), Ok(0));
    assert!(client.records().is_empty());
}

#[test]
fn no_key_is_changed_for_it() {
    let config = ServerConfig {
        limits: Limits {
            records_per_key: Some(2),
            ..Limits::default()
        },
        ..ServerConfig::default()
    };
    let site = Arc::new(Site::new(&[KeyAlgorithm::P256]));
    let mut client = HandClient::with_config(&site, config);
    client.hello_and_keys();
    let mut sent = 0;
    for _ in 0..5 {
        sent += client.server.send(b"x").unwrap();
    }
    assert_eq!(sent, 2, "the rest waits until the key can be changed");
    let data = (ContentType::APPLICATION_DATA, b"x".to_vec());
    assert_eq!(client.records(), [data.clone(), data]);
}
