//! HelloRetryRequest (RFC 9846 §4.2.4): asked for by our server, and by one that asks for what it must not.

use std::sync::Arc;

use keyward_tls::{ClientConfig, Error, InvalidMessage, PeerMisbehaved, Policy};
use keyward_wire::extensions::ServerKeyShare;
use keyward_wire::handshake::ServerHello;
use keyward_wire::values::{
    AlertDescription, CipherSuite, ContentType, ExtensionType, HandshakeType, NamedGroup,
};

use crate::support::{Duo, HandServer, KeyAlgorithm, Site, Visitor};

#[test]
fn a_server_gets_the_group_that_it_asks_for() {
    let mut site = Site::new(&[KeyAlgorithm::P256]);
    site.policy.groups = vec![NamedGroup::SECP384R1];
    let site = Arc::new(site);
    let visitor = Arc::new(Visitor::of(&site));
    for _ in 0..2 {
        let mut duo = Duo::new(&site, &visitor);
        duo.handshake();
        duo.echo();
        let negotiated = duo.client.negotiated().unwrap();
        assert!(negotiated.hello_retry_request);
        assert_eq!(negotiated.group, Some(NamedGroup::SECP384R1));
        assert_eq!(duo.client_steps, ["HandshakeComplete"]);
    }
    // The second resumed, with a binder over both ClientHellos.
    let mut duo = Duo::new(&site, &visitor);
    duo.handshake();
    assert!(duo.client.negotiated().unwrap().resumed);
}

#[test]
fn a_client_may_leave_its_shares_out() {
    let site = Arc::new(Site::new(&[KeyAlgorithm::P256]));
    let config = ClientConfig {
        key_shares: 0,
        ..ClientConfig::default()
    };
    let mut duo = Duo::with(&site, &Arc::default(), config, Default::default());
    duo.handshake();
    assert!(duo.client.negotiated().unwrap().hello_retry_request);
}

/// A request for X25519 from a server whose client sent a share for P-256 alone.
fn request(server: &HandServer) -> ServerHello {
    ServerHello::hello_retry_request(
        server.hello.session_id.clone(),
        CipherSuite::TLS_AES_128_GCM_SHA256,
        Some(NamedGroup::X25519),
        None,
    )
}

fn server() -> HandServer {
    let policy = Policy {
        groups: vec![NamedGroup::SECP256R1, NamedGroup::X25519],
        ..Policy::default()
    };
    HandServer::new(ClientConfig {
        policy: Arc::new(policy),
        key_shares: 1,
        ..ClientConfig::default()
    })
}

/// RFC 9846 §4.2.2: the second ClientHello is the first but for what was asked for.
#[test]
fn the_second_client_hello_changes_what_it_must_and_nothing_else() {
    let mut server = server();
    let first = server.hello.clone();
    let mut request = request(&server);
    request.extensions.cookie = Some(b"cookie".to_vec());
    server.send_plain(&request).unwrap();
    // RFC 9846 §E.4: the dummy change_cipher_spec "immediately before its second flight".
    assert_eq!(
        server.next_record(),
        Some((ContentType::CHANGE_CIPHER_SPEC, vec![1]))
    );
    server.take_client_hello();
    let second = &server.hello;
    let shares = second.extensions.key_share.as_ref().unwrap();
    assert_eq!(shares.len(), 1);
    assert_eq!(shares[0].group, NamedGroup::X25519);
    // RFC 9846 §4.3.2: "the client MUST copy the contents of the extension received in the HelloRetryRequest
    // into a "cookie" extension in the new ClientHello."
    assert_eq!(second.extensions.cookie.as_deref(), Some(&b"cookie"[..]));
    let mut same = second.clone();
    same.extensions.cookie = None;
    same.extensions.key_share = first.extensions.key_share.clone();
    assert_eq!(same, first);
    server.handshake();
    assert!(server.client.negotiated().unwrap().hello_retry_request);
}

/// A cookie alone: the shares stay.
#[test]
fn a_cookie_is_reason_enough() {
    let mut server = HandServer::new(ClientConfig::default());
    let shares = server.hello.extensions.key_share.clone();
    let mut request = request(&server);
    request.extensions.key_share = None;
    request.extensions.cookie = Some(vec![7; 1000]);
    server.send_plain(&request).unwrap();
    server.take_client_hello();
    assert_eq!(server.hello.extensions.key_share, shares);
    server.handshake();
}

#[track_caller]
fn refuses(
    change: impl FnOnce(&mut ServerHello),
    error: impl Into<Error>,
    alert: AlertDescription,
) {
    let mut server = server();
    let mut request = request(&server);
    change(&mut request);
    let outcome = server.send_plain(&request);
    server.refused(outcome, error, alert);
}

/// "Clients MUST abort the handshake with an "illegal_parameter" alert if the HelloRetryRequest would not result
/// in any change in the ClientHello."
#[test]
fn a_request_for_nothing() {
    refuses(
        |request| request.extensions.key_share = None,
        PeerMisbehaved::PointlessRetry,
        AlertDescription::ILLEGAL_PARAMETER,
    );
}

/// RFC 9846 §4.3.8: "the client MUST verify that (1) the selected_group field corresponds to a group which was
/// provided in the "supported_groups" extension in the original ClientHello and (2) the selected_group field does
/// not correspond to a group which was provided in the "key_share" extension in the original ClientHello."
#[test]
fn a_request_for_a_group_that_is_there_or_cannot_be() {
    for group in [
        NamedGroup::SECP256R1,
        NamedGroup::SECP384R1,
        NamedGroup::X448,
        NamedGroup(0x2a2a),
    ] {
        refuses(
            |request| request.extensions.key_share = Some(ServerKeyShare::Retry(group)),
            PeerMisbehaved::UnofferedGroup,
            AlertDescription::ILLEGAL_PARAMETER,
        );
    }
}

/// "Upon receipt of a HelloRetryRequest, the client MUST check the legacy_version, legacy_session_id_echo,
/// cipher_suite, and legacy_compression_method as specified in [§4.2.3]".
#[test]
fn a_request_that_is_no_server_hello_of_ours() {
    let illegal = AlertDescription::ILLEGAL_PARAMETER;
    refuses(
        |request| request.session_id[3] ^= 1,
        PeerMisbehaved::SessionIdNotEchoed,
        illegal,
    );
    refuses(
        |request| request.cipher_suite = CipherSuite(0x1304),
        PeerMisbehaved::UnofferedCipherSuite,
        illegal,
    );
    refuses(
        |request| request.compression_method.0 = 1,
        PeerMisbehaved::Compression,
        illegal,
    );
    refuses(
        |request| request.legacy_version.0 = 0x0302,
        PeerMisbehaved::LegacyVersion,
        AlertDescription::PROTOCOL_VERSION,
    );
    refuses(
        |request| request.extensions.supported_versions.as_mut().unwrap().0 = 0x0303,
        PeerMisbehaved::UnofferedVersion,
        illegal,
    );
}

/// "A HelloRetryRequest MUST NOT contain any extensions that were not first offered by the client in its
/// ClientHello, with the exception of optionally the "cookie" (see [§4.3.2]) extension."
#[test]
fn a_request_with_an_unknown_extension() {
    let extension = ExtensionType(0x3a3a);
    refuses(
        |request| request.extensions.unknown = vec![(extension, Vec::new())],
        PeerMisbehaved::UnsolicitedExtension(extension),
        AlertDescription::UNSUPPORTED_EXTENSION,
    );
}

/// The cookie is returned in an extension, and all of them have less than 2^16 bytes.
#[test]
fn a_cookie_that_cannot_be_returned() {
    refuses(
        |request| request.extensions.cookie = Some(vec![7; 60_000]),
        InvalidMessage::HandshakeMessageTooLarge(HandshakeType::SERVER_HELLO),
        AlertDescription::ILLEGAL_PARAMETER,
    );
}

/// "If a client receives a second HelloRetryRequest in the same connection (i.e., where the ClientHello was itself
/// in response to a HelloRetryRequest), it MUST abort the handshake with an "unexpected_message" alert."
#[test]
fn a_second_request() {
    let mut server = server();
    let request = request(&server);
    server.send_plain(&request).unwrap();
    let outcome = server.send_plain(&request);
    server.refused(
        outcome,
        PeerMisbehaved::SecondRetry,
        AlertDescription::UNEXPECTED_MESSAGE,
    );
}

/// A server that was sent a second ClientHello.
fn retried() -> HandServer {
    let mut server = server();
    let request = request(&server);
    server.send_plain(&request).unwrap();
    server.take_client_hello();
    server
}

/// "Upon receiving the ServerHello, clients MUST check that the cipher suite supplied in the ServerHello is the
/// same as that in the HelloRetryRequest and otherwise abort the handshake with an "illegal_parameter" alert."
#[test]
fn another_cipher_suite_afterwards() {
    let mut server = retried();
    let mut hello = server.server_hello();
    hello.cipher_suite = CipherSuite::TLS_CHACHA20_POLY1305_SHA256;
    let outcome = server.send_server_hello(&hello);
    server.misbehaved(outcome, PeerMisbehaved::ChangedAfterRetry);
}

/// "The value of selected_version in the HelloRetryRequest "supported_versions" extension MUST be retained in the
/// ServerHello, and a client MUST abort the handshake with an "illegal_parameter" alert if the value changes."
#[test]
fn another_version_afterwards() {
    let mut server = retried();
    let mut hello = server.server_hello();
    hello.extensions.supported_versions = None;
    hello.extensions.key_share = None;
    hello.cipher_suite = CipherSuite::TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256;
    let outcome = server.send_server_hello(&hello);
    server.misbehaved(outcome, PeerMisbehaved::ChangedAfterRetry);
}

/// RFC 9846 §4.3.8: "the client MUST verify that the selected NamedGroup in the ServerHello is the same as that in
/// the HelloRetryRequest."
#[test]
fn another_group_afterwards() {
    let mut server = retried();
    let mut hello = server.server_hello();
    if let Some(ServerKeyShare::Share(share)) = &mut hello.extensions.key_share {
        share.group = NamedGroup::SECP256R1;
    }
    let outcome = server.send_server_hello(&hello);
    server.misbehaved(outcome, PeerMisbehaved::UnofferedGroup);
}

/// Nothing may follow a message that waits for an answer.
#[test]
fn data_behind_the_request() {
    let mut server = server();
    let mut bytes = keyward_wire::handshake::to_message(&request(&server));
    bytes.push(2);
    let outcome = server.feed(&crate::support::plain(ContentType::HANDSHAKE, &bytes));
    server.refused(
        outcome,
        PeerMisbehaved::HandshakeAcrossKeyChange,
        AlertDescription::UNEXPECTED_MESSAGE,
    );
}
