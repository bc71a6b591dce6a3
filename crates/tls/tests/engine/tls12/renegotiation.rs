use std::sync::Arc;

use keyward_tls::PeerMisbehaved;
use keyward_wire::handshake;
use keyward_wire::values::{AlertDescription, AlertLevel, ContentType};

use super::HandClient;
use crate::support::{KeyAlgorithm, Site};

#[test]
fn a_client_hello_after_the_handshake_is_refused_and_the_connection_goes_on() {
    let site = Arc::new(Site::new(&[KeyAlgorithm::P256]));
    let mut client = HandClient::new(&site);
    client.handshake();
    let hello = handshake::to_message(&client.hello);
    let record = client.sealed(ContentType::HANDSHAKE, &hello);
    client.feed(&record).unwrap();
    let warning = [AlertLevel::WARNING.0, AlertDescription::NO_RENEGOTIATION.0];
    assert_eq!(client.records(), [(ContentType::ALERT, warning.to_vec())]);
    client.echo();

    let record = client.sealed(ContentType::HANDSHAKE, &hello);
    let error = client.feed(&record).unwrap_err();
    assert_eq!(error, PeerMisbehaved::Renegotiation.into());
}

#[test]
fn renegotiation_info_of_a_first_handshake_is_empty() {
    let site = Arc::new(Site::new(&[KeyAlgorithm::P256]));
    let mut client = HandClient::new(&site);
    client.hello.extensions.renegotiation_info = Some(vec![1]);
    let error = client.send_hello().unwrap_err();
    assert_eq!(error, PeerMisbehaved::BadRenegotiationInfo.into());
    assert_eq!(error.alert(), Some(AlertDescription::HANDSHAKE_FAILURE));
}
