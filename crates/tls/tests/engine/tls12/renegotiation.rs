//! Renegotiation: refused, or secured as RFC 5746 says.

use std::sync::Arc;

use keyward_tls::{
    ClientAuthentication, ClientCertificateRequest, ClientConfig, Error, Misuse, NeedKind,
    PeerIncompatible, PeerMisbehaved, Policy, ServerConfig,
};
use keyward_wire::handshake;
use keyward_wire::values::{
    AlertDescription, AlertLevel, CipherSuite, ContentType, HandshakeType, ProtocolVersion,
};

use super::HandClient;
use crate::support::{Duo, Failed, KeyAlgorithm, Site, Visitor, client_identity};

// --- refused, which is the default ---

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

// --- allowed by name ---

fn policy() -> Policy {
    Policy {
        versions: vec![ProtocolVersion::TLS12],
        renegotiation: true,
        ..Policy::legacy()
    }
}

fn site() -> Site {
    Site {
        policy: policy(),
        ..Site::new(&[KeyAlgorithm::Rsa2048])
    }
}

fn duo_with(site: Site, visitor: Visitor, client: Policy) -> Duo {
    let config = ClientConfig {
        policy: client.into(),
        alpn: site.alpn.clone(),
        ..ClientConfig::default()
    };
    let mut duo = Duo::with(
        &Arc::new(site),
        &Arc::new(visitor),
        config,
        ServerConfig::default(),
    );
    duo.handshake();
    duo.client_steps.clear();
    duo
}

/// RFC 5746 §3.5 and §3.7, both sides of it: each Finished binds the next handshake.
#[test]
fn both_sides_renegotiate_a_bounded_number_of_times() {
    let mut duo = duo_with(site(), Visitor::default(), policy());
    for _ in 0..4 {
        duo.client_received.clear();
        duo.server.request_renegotiation().unwrap();
        // Data flows on meanwhile.
        assert_eq!(duo.server.send(b"before").unwrap(), 6);
        duo.run().unwrap();
        assert_eq!(duo.client_steps, ["HandshakeComplete"]);
        assert_eq!(duo.client_received, b"before");
        duo.client_steps.clear();
        assert!(!duo.client.negotiated().unwrap().resumed);
        duo.echo();
    }
    assert_eq!(
        duo.server.request_renegotiation(),
        Err(Misuse::NoRenegotiation)
    );
    duo.echo();
}

#[test]
fn the_keys_change_with_each() {
    let mut duo = duo_with(site(), Visitor::default(), policy());
    let export = |duo: &Duo| {
        let mut ours = [[0; 32]; 2];
        duo.client
            .export_keying_material(b"EXPERIMENTAL test", None, &mut ours[0])
            .unwrap();
        duo.server
            .export_keying_material(b"EXPERIMENTAL test", None, &mut ours[1])
            .unwrap();
        assert_eq!(ours[0], ours[1]);
        ours[0]
    };
    let before = export(&duo);
    duo.server.request_renegotiation().unwrap();
    duo.run().unwrap();
    assert_ne!(export(&duo), before);
}

/// Neither side speaks of it again.
#[test]
fn the_application_protocol_stays() {
    let site = Site {
        alpn: vec![b"http/1.1".to_vec()],
        ..site()
    };
    let mut duo = duo_with(site, Visitor::default(), policy());
    for _ in 0..2 {
        duo.server.request_renegotiation().unwrap();
        duo.run().unwrap();
        let ours = [duo.client.negotiated(), duo.server.negotiated()];
        for negotiated in ours {
            let alpn = negotiated.unwrap().alpn.as_deref();
            assert_eq!(alpn, Some(&b"http/1.1"[..]));
        }
    }
    assert_eq!(duo.client_steps.len(), 2);
}

/// What renegotiation is mostly used for: a client's certificate under the cover of a first handshake.
#[test]
fn clients_authenticate_themselves_each_time() {
    let authentication = ClientAuthentication::Required(ClientCertificateRequest::default());
    let site = Site {
        client_authentication: authentication,
        ..site()
    };
    let visitor = Visitor {
        identities: Some(vec![client_identity(KeyAlgorithm::P256)]),
        ..Visitor::default()
    };
    let mut duo = duo_with(site, visitor, policy());
    duo.server.request_renegotiation().unwrap();
    duo.run().unwrap();
    assert_eq!(duo.client_steps, ["HandshakeComplete"]);
    let chain = client_identity(KeyAlgorithm::P256)
        .certificate
        .chain()
        .to_vec();
    assert_eq!(duo.server.peer_certificates(), chain);
    duo.echo();
}

#[test]
fn cbc_suites_with_encrypt_then_mac_stay_so() {
    let cbc = || Policy {
        cipher_suites: vec![CipherSuite::TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA],
        ..policy()
    };
    let site = Site {
        policy: cbc(),
        ..site()
    };
    let mut duo = duo_with(site, Visitor::default(), cbc());
    duo.server.request_renegotiation().unwrap();
    duo.run().unwrap();
    assert_eq!(duo.client_steps, ["HandshakeComplete"]);
    duo.echo();
}

/// RFC 5246 §7.4.1.1: the client "may, if it wishes, respond with a no_renegotiation alert."
#[test]
fn a_client_whose_policy_does_not_allow_it_says_so_and_goes_on() {
    let client = Policy {
        renegotiation: false,
        ..policy()
    };
    let mut duo = duo_with(site(), Visitor::default(), client);
    for _ in 0..4 {
        duo.server.request_renegotiation().unwrap();
        duo.run().unwrap();
        assert!(duo.client_steps.is_empty());
        duo.echo();
    }
    duo.server.request_renegotiation().unwrap();
    let error = PeerMisbehaved::Renegotiation.into();
    assert_eq!(duo.run(), Err(Failed::Client(error)));
}

/// The server asks only where its own policy allows it; RFC 7627 §5.3, RFC 9113 §9.2.1 forbid it elsewhere.
#[test]
fn there_is_none_where_it_would_not_be_secure() {
    let without = |change: fn(&mut Site, &mut Policy)| {
        let (mut site, mut client) = (site(), policy());
        change(&mut site, &mut client);
        let mut duo = duo_with(site, Visitor::default(), client);
        assert_eq!(
            duo.server.request_renegotiation(),
            Err(Misuse::NoRenegotiation)
        );
        duo.echo();
    };
    without(|site, _| site.policy.renegotiation = false);
    without(|site, _| site.alpn = vec![b"h2".to_vec()]);
    without(|site, client| {
        site.policy.versions = vec![ProtocolVersion::TLS13];
        client.versions = vec![ProtocolVersion::TLS13];
    });
}

// --- by hand ---

/// A client whose first handshake is done.
fn client() -> HandClient {
    let mut client = HandClient::new(&Arc::new(site()));
    client.hello.extensions.renegotiation_info = Some(Vec::new());
    client.handshake();
    client
}

/// Sends a ClientHello that renegotiates, with what RFC 5746 §3.5 wants of it.
fn renegotiate(
    client: &mut HandClient,
    change: impl FnOnce(&mut handshake::ClientHello),
) -> Result<(), Error> {
    client.hello.random = [0xd2; 32];
    client.hello.extensions.renegotiation_info = Some(client.verify_data[0].clone());
    change(&mut client.hello);
    client.messages = handshake::to_message(&client.hello);
    let message = client.messages.clone();
    let record = client.sealed(ContentType::HANDSHAKE, &message);
    client.feed(&record)
}

/// RFC 5746 §3.7: "The server MUST include a "renegotiation_info" extension containing the saved client_verify_data
/// and server_verify_data in the ServerHello."
#[test]
fn the_server_hello_repeats_both_finished() {
    let mut client = client();
    let expected = client.verify_data.concat();
    assert_eq!(expected.len(), 24);
    renegotiate(&mut client, |_| {}).unwrap();
    assert_eq!(
        client.take_flight().last(),
        Some(&HandshakeType::SERVER_HELLO_DONE)
    );
    let extensions = client.server_hello.take().unwrap().extensions;
    assert_eq!(extensions.renegotiation_info, Some(expected));
}

/// Under keys that no Finished has confirmed, data is not taken.
#[test]
fn data_between_change_cipher_spec_and_finished_is_refused() {
    let mut client = client();
    renegotiate(&mut client, |_| {}).unwrap();
    client.take_flight();
    let exchange = client.client_key_exchange();
    let record = client.sealed(ContentType::HANDSHAKE, &exchange);
    client.feed(&record).unwrap();
    // Under the old keys it is still the old connection.
    let record = client.sealed(ContentType::APPLICATION_DATA, b"before");
    client.feed(&record).unwrap();
    assert_eq!(client.received, b"before");
    let record = client.sealed(ContentType::CHANGE_CIPHER_SPEC, &[1]);
    client.feed(&record).unwrap();
    client.change_cipher_spec();
    assert_eq!(client.server.send(b"response").unwrap(), 0);
    let record = client.sealed(ContentType::APPLICATION_DATA, b"after");
    let error = PeerMisbehaved::UnexpectedRecord(ContentType::APPLICATION_DATA);
    assert_eq!(client.feed(&record), Err(error.into()));
    assert_eq!(client.received, b"before");
}

/// The same to its end: what a client that does everything right gets.
#[test]
fn a_whole_renegotiation_by_hand() {
    let mut client = client();
    renegotiate(&mut client, |_| {}).unwrap();
    client.take_flight();
    finish_renegotiation(&mut client);
}

/// From behind the server's first flight to the end, with data both ways.
#[track_caller]
fn finish_renegotiation(client: &mut HandClient) {
    client.steps.clear();
    let exchange = client.client_key_exchange();
    let record = client.sealed(ContentType::HANDSHAKE, &exchange);
    client.feed(&record).unwrap();
    let record = client.sealed(ContentType::CHANGE_CIPHER_SPEC, &[1]);
    client.feed(&record).unwrap();
    client.change_cipher_spec();
    let finished = client.finished();
    let record = client.sealed(ContentType::HANDSHAKE, &finished);
    client.feed(&record).unwrap();
    assert_eq!(client.take_flight().last(), Some(&HandshakeType::FINISHED));
    assert_eq!(client.steps, ["HandshakeComplete"]);
    client.echo();
}

/// Who knows a ticket or a session ID has not proved that it has the secret, but a resumption would
/// say at its ServerHello who the client is, amid the data of a connection that somebody else may have begun.
#[test]
fn a_session_is_not_resumed_by_renegotiation() {
    let other = client().session();
    assert!(!other.ticket.is_empty());
    let by_ticket = |hello: &mut handshake::ClientHello| {
        hello.extensions.session_ticket = Some(other.ticket.clone());
        hello.session_id = b"any".to_vec();
    };
    let by_id = |hello: &mut handshake::ClientHello| {
        hello.extensions.session_ticket = None;
        hello.session_id = vec![7; 32];
    };
    let changes: [&dyn Fn(&mut handshake::ClientHello); 2] = [&by_ticket, &by_id];
    for change in changes {
        let mut client = client();
        client.site.take_asked();
        renegotiate(&mut client, change).unwrap();
        assert!(!client.server.negotiated().unwrap().resumed);
        assert!(!client.site.take_asked().contains(&NeedKind::Session));
        assert_eq!(
            client.take_flight().last(),
            Some(&HandshakeType::SERVER_HELLO_DONE)
        );
        let session_id = client.server_hello.as_ref().unwrap().session_id.clone();
        assert_ne!(session_id, client.hello.session_id);
        finish_renegotiation(&mut client);
    }
}

#[track_caller]
fn refused(change: impl FnOnce(&mut handshake::ClientHello), error: impl Into<Error>) {
    let mut client = client();
    let found = renegotiate(&mut client, change).unwrap_err();
    assert_eq!(found, error.into());
}

/// RFC 5746 §3.7: the SCSV must not be there, the extension must, and say what the client's last Finished said;
/// otherwise "the server MUST abort the handshake", with handshake_failure.
#[test]
fn a_renegotiation_that_is_not_bound_to_the_connection_is_refused() {
    let error = PeerMisbehaved::BadRenegotiationInfo;
    let alert = Error::from(error.clone()).alert();
    assert_eq!(alert, Some(AlertDescription::HANDSHAKE_FAILURE));
    refused(
        |hello| hello.extensions.renegotiation_info = None,
        error.clone(),
    );
    refused(
        |hello| hello.extensions.renegotiation_info = Some(Vec::new()),
        error.clone(),
    );
    refused(
        |hello| hello.extensions.renegotiation_info.as_mut().unwrap()[11] ^= 1,
        error.clone(),
    );
    refused(
        |hello| {
            let scsv = CipherSuite::TLS_EMPTY_RENEGOTIATION_INFO_SCSV;
            hello.cipher_suites.push(scsv);
        },
        error,
    );
}

#[test]
fn a_renegotiation_that_leads_elsewhere_is_refused() {
    refused(
        |hello| hello.extensions.server_name = Some("blog.example".parse().unwrap()),
        PeerMisbehaved::ChangedByRenegotiation,
    );
    refused(
        |hello| hello.extensions.server_name = None,
        PeerMisbehaved::ChangedByRenegotiation,
    );
    refused(
        |hello| hello.extensions.extended_master_secret = false,
        PeerMisbehaved::ChangedByRenegotiation,
    );
    refused(
        |hello| hello.extensions.supported_versions = Some(vec![ProtocolVersion::TLS13]),
        PeerIncompatible::NoVersion,
    );
}

/// A client that has not said that it knows RFC 5746 is not renegotiated with (§4.4).
#[test]
fn a_client_without_secure_renegotiation_is_refused() {
    let mut client = HandClient::new(&Arc::new(site()));
    client.handshake();
    renegotiate(&mut client, |_| {}).unwrap();
    let warning = [AlertLevel::WARNING.0, AlertDescription::NO_RENEGOTIATION.0];
    assert_eq!(client.records(), [(ContentType::ALERT, warning.to_vec())]);
}
