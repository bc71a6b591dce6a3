//! RFC 7627 §5: handshakes without the extension, and what resumption makes of it.

use std::sync::Arc;

use keyward_tls::{PeerIncompatible, PeerMisbehaved};
use keyward_wire::values::AlertDescription;

use super::HandClient;
use super::hand_client::Session;
use crate::support::{KeyAlgorithm, Site};

/// A site that goes on without.
fn tolerant() -> Arc<Site> {
    let mut site = Site::new(&[KeyAlgorithm::P256]);
    site.policy.require_extended_master_secret = false;
    Arc::new(site)
}

fn full(site: &Arc<Site>, extended: bool) -> Session {
    let mut client = HandClient::new(site);
    client.hello.extensions.extended_master_secret = extended;
    client.handshake();
    let negotiated = client.server.negotiated().unwrap();
    assert_eq!(negotiated.extended_master_secret, extended);
    client.session()
}

fn resuming(site: &Arc<Site>, session: &Session, extended: bool) -> HandClient {
    let mut client = HandClient::resuming(site, session);
    client.hello.extensions.extended_master_secret = extended;
    client
}

#[test]
fn both_handshakes_have_it_or_neither() {
    let site = tolerant();
    for extended in [true, false] {
        let session = full(&site, extended);
        let mut client = resuming(&site, &session, extended);
        client.abbreviated_handshake();
        let server_hello = client.server_hello.unwrap();
        assert_eq!(server_hello.extensions.extended_master_secret, extended);
    }
}

#[test]
fn a_session_without_is_not_resumed_by_a_client_with() {
    let site = tolerant();
    let session = full(&site, false);
    let mut client = resuming(&site, &session, true);
    client.session = None;
    client.handshake();
    let negotiated = client.server.negotiated().unwrap();
    assert!(!negotiated.resumed && negotiated.extended_master_secret);
}

#[test]
fn a_session_with_is_refused_to_a_client_without() {
    let site = tolerant();
    let session = full(&site, true);
    let mut client = resuming(&site, &session, false);
    let error = client.send_hello().unwrap_err();
    assert_eq!(
        error,
        PeerMisbehaved::ResumedWithoutExtendedMasterSecret.into()
    );
    assert_eq!(error.alert(), Some(AlertDescription::HANDSHAKE_FAILURE));
}

#[test]
fn a_client_without_is_refused_unless_the_policy_says_otherwise() {
    let site = Arc::new(Site::new(&[KeyAlgorithm::P256]));
    let mut client = HandClient::new(&site);
    client.hello.extensions.extended_master_secret = false;
    let error = client.send_hello().unwrap_err();
    assert_eq!(error, PeerIncompatible::NoExtendedMasterSecret.into());
    assert_eq!(error.alert(), Some(AlertDescription::HANDSHAKE_FAILURE));
}
