//! What the server's first flight of TLS 1.3 says, and what it does not.

use std::sync::Arc;

use keyward_tls::{Credential, OcspResponse};
use keyward_wire::extensions::MaxFragmentLength;
use keyward_wire::handshake::{CertificateTls13, EncryptedExtensions, ServerHello};
use keyward_wire::values::{ContentType, EcPointFormat, ExtensionType};

use crate::support::{HandClient, KeyAlgorithm, Site, identity};

fn site() -> Arc<Site> {
    let mut site = Site::new(&[KeyAlgorithm::P256]);
    site.alpn = vec![b"h2".to_vec()];
    Arc::new(site)
}

/// RFC 9846 §4.3: "Implementations MUST NOT send extension responses ... if the remote endpoint did not
/// send the corresponding extension requests".
#[test]
fn encrypted_extensions_answer_what_was_asked_and_no_more() {
    let mut client = HandClient::new(&site());
    client.hello.extensions.server_name = None;
    client.handshake();
    let answer: EncryptedExtensions = client.message();
    assert!(answer.is_empty(), "{answer:?}");

    let mut client = HandClient::new(&site());
    client.hello.extensions.alpn = Some(vec![b"h2".to_vec()]);
    client.hello.extensions.record_size_limit = Some(16385);
    client.handshake();
    let answer: EncryptedExtensions = client.message();
    let expected = EncryptedExtensions {
        server_name: true,
        alpn: Some(b"h2".to_vec()),
        record_size_limit: Some(16385),
        ..EncryptedExtensions::default()
    };
    assert_eq!(answer, expected);
}

#[test]
fn an_ocsp_response_is_stapled_for_who_asks() {
    let plain = identity(KeyAlgorithm::P256);
    let certificate = Credential::new(plain.certificate.chain().to_vec()).unwrap();
    let certificate = certificate.with_ocsp(OcspResponse(b"response".to_vec()));
    let mut site = Site::new(&[]);
    site.identities
        .push(Arc::new(plain.with(certificate.unwrap())));
    let site = Arc::new(site);
    for asks in [true, false] {
        let mut client = HandClient::new(&site);
        client.hello.extensions.status_request = asks;
        client.handshake();
        let chain: CertificateTls13 = client.message();
        let leaf = &chain.certificate_list[0].extensions;
        let expected = asks.then(|| b"response".to_vec());
        assert_eq!(leaf.status_request, expected);
    }
}

/// RFC 9846 §E.4: the dummy change_cipher_spec is for clients in compatibility mode: "The client always
/// provides a non-empty session ID in the ClientHello".
#[test]
fn a_change_cipher_spec_for_who_has_a_session_id() {
    for session_id in [vec![7; 32], vec![]] {
        let asks = !session_id.is_empty();
        let mut client = HandClient::new(&site());
        client.hello.session_id.clone_from(&session_id);
        client.send_hello().unwrap();
        assert_eq!(client.take_server_hello().session_id, session_id);
        let (next, _) = client.next_record().unwrap();
        assert_eq!(next == ContentType::CHANGE_CIPHER_SPEC, asks);
    }
}

/// RFC 9846 §4.2.3: "The ServerHello MUST only include extensions which are required to establish the cryptographic
/// context and negotiate the protocol version." Offers that are for TLS 1.2, or that a server never answers, change
/// nothing; §4.3.6, §4.3.9 and §4.5.1.1 name some.
#[test]
fn a_client_that_offers_everything_gets_no_more_than_tls13_has() {
    let mut client = HandClient::new(&site());
    let extensions = &mut client.hello.extensions;
    extensions.alpn = Some(vec![b"h2".to_vec()]);
    extensions.record_size_limit = Some(16385);
    extensions.extended_master_secret = true;
    extensions.encrypt_then_mac = true;
    extensions.session_ticket = Some(Vec::new());
    extensions.renegotiation_info = Some(Vec::new());
    extensions.ec_point_formats = Some(vec![EcPointFormat::UNCOMPRESSED]);
    extensions.max_fragment_length = Some(MaxFragmentLength::Bytes4096);
    extensions.status_request = true;
    extensions.signed_certificate_timestamp = true;
    extensions.post_handshake_auth = true;
    extensions.signature_algorithms_cert = extensions.signature_algorithms.clone();
    // status_request_v2, and one of nobody's.
    extensions.unknown = vec![
        (ExtensionType(17), Vec::new()),
        (ExtensionType(0x5678), vec![1]),
    ];
    client.handshake();
    let hello: ServerHello = client.message();
    assert_eq!(
        hello.extensions.types(),
        [ExtensionType::SUPPORTED_VERSIONS, ExtensionType::KEY_SHARE]
    );
    let answer: EncryptedExtensions = client.message();
    let expected = EncryptedExtensions {
        server_name: true,
        alpn: Some(b"h2".to_vec()),
        record_size_limit: Some(16385),
        ..EncryptedExtensions::default()
    };
    assert_eq!(answer, expected);
    let chain: CertificateTls13 = client.message();
    let mut entries = chain.certificate_list.iter();
    assert!(entries.all(|entry| entry.extensions.is_empty()));
}
