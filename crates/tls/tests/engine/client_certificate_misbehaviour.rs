//! Clients that break the rules of client authentication in TLS 1.3, one rule each.

use std::sync::Arc;

use keyward_compression::{DecompressError, compress};
use keyward_crypto::hash::HashAlgorithm;
use keyward_crypto::signature::SignatureAlgorithm;
use keyward_keyop::tls13::{client_certificate_verify_message, transcript_hash};
use keyward_tls::{
    ClientAuthentication, ClientCertificateRequest, Error, PeerMisbehaved, ServerConfig,
};
use keyward_wire::codec::Encode;
use keyward_wire::extensions::CertificateEntryExtensions;
use keyward_wire::handshake::{
    self, CertificateEntry, CertificateRequestTls13, CertificateTls13, CertificateVerify,
};
use keyward_wire::values::{
    AlertDescription, CertificateCompressionAlgorithm, ContentType, ExtensionType, HandshakeType,
    SignatureScheme,
};

use crate::support::{HandClient, KeyAlgorithm, Site, client_identity, with_unreadable_key_usage};

const ZLIB: CertificateCompressionAlgorithm = CertificateCompressionAlgorithm::ZLIB;

/// A client that has read the server's flight, with a CertificateRequest in it.
fn asked_with(config: ServerConfig) -> HandClient {
    let mut site = Site::new(&[KeyAlgorithm::P256]);
    let request = ClientCertificateRequest::default();
    site.client_authentication = ClientAuthentication::Optional(request);
    let mut client = HandClient::with_config(&Arc::new(site), config);
    client.hello_and_keys();
    client
}

fn asked() -> HandClient {
    asked_with(ServerConfig::default())
}

fn certificate() -> CertificateTls13 {
    let chain = client_identity(KeyAlgorithm::P256)
        .certificate
        .chain()
        .to_vec();
    CertificateTls13 {
        certificate_request_context: Vec::new(),
        certificate_list: chain
            .iter()
            .map(|certificate| CertificateEntry {
                cert_data: certificate.to_vec(),
                extensions: CertificateEntryExtensions::default(),
            })
            .collect(),
    }
}

fn send(client: &mut HandClient, certificate: &CertificateTls13) -> Result<(), Error> {
    client.send_message(&handshake::to_message(certificate))
}

/// A good signature over the messages so far.
fn certificate_verify(client: &HandClient) -> CertificateVerify {
    let hash = transcript_hash(&client.messages, HashAlgorithm::Sha256).unwrap();
    let identity = client_identity(KeyAlgorithm::P256);
    let message = client_certificate_verify_message(&hash);
    CertificateVerify {
        scheme: SignatureScheme::ECDSA_SECP256R1_SHA256,
        signature: identity
            .private_key
            .sign(SignatureAlgorithm::EcdsaSha256, &message)
            .unwrap(),
    }
}

fn finish(client: &mut HandClient) {
    let finished = client.finished();
    let record = client.sealed(ContentType::HANDSHAKE, &finished);
    client.use_application_keys();
    client.feed(&record).unwrap();
    assert_eq!(client.steps, ["HandshakeComplete"]);
}

/// That the client is refused so, with this alert.
#[track_caller]
fn refused(outcome: Result<(), Error>, expected: PeerMisbehaved, alert: AlertDescription) {
    let error = outcome.unwrap_err();
    assert_eq!(error, Error::PeerMisbehaved(expected));
    assert_eq!(error.alert(), Some(alert));
}

#[track_caller]
fn unexpected(outcome: Result<(), Error>, typ: HandshakeType) {
    let expected = PeerMisbehaved::UnexpectedHandshake(typ);
    refused(outcome, expected, AlertDescription::UNEXPECTED_MESSAGE);
}

#[test]
fn one_that_keeps_to_them_all_is_accepted() {
    let mut client = asked();
    let request: CertificateRequestTls13 = client.message();
    assert!(request.certificate_request_context.is_empty());
    assert!(request.extensions.signature_algorithms.is_some());
    assert!(request.extensions.compress_certificate.is_none());
    send(&mut client, &certificate()).unwrap();
    let verify = certificate_verify(&client);
    client
        .send_message(&handshake::to_message(&verify))
        .unwrap();
    finish(&mut client);
    assert_eq!(client.server.peer_certificates().len(), 1);
}

/// RFC 9846 §4.5.1: "The client MUST send a Certificate message if and only if the server has requested
/// certificate-based client authentication".
#[test]
fn a_finished_in_the_place_of_a_certificate() {
    let mut client = asked();
    let finished = client.finished();
    unexpected(client.send_message(&finished), HandshakeType::FINISHED);

    let mut client = HandClient::new(&Arc::new(Site::new(&[KeyAlgorithm::P256])));
    client.hello_and_keys();
    let outcome = send(&mut client, &certificate());
    unexpected(outcome, HandshakeType::CERTIFICATE);
}

#[test]
fn a_certificate_without_proof() {
    let mut client = asked();
    send(&mut client, &certificate()).unwrap();
    let finished = client.finished();
    unexpected(client.send_message(&finished), HandshakeType::FINISHED);
}

#[test]
fn a_proof_without_certificate() {
    let mut client = asked();
    send(&mut client, &CertificateTls13::default()).unwrap();
    let verify = certificate_verify(&client);
    let outcome = client.send_message(&handshake::to_message(&verify));
    unexpected(outcome, HandshakeType::CERTIFICATE_VERIFY);

    let mut client = asked();
    let verify = certificate_verify(&client);
    let outcome = client.send_message(&handshake::to_message(&verify));
    unexpected(outcome, HandshakeType::CERTIFICATE_VERIFY);
}

/// RFC 9846 §4.5.2: "If the verification fails, the receiver MUST terminate the handshake with a
/// "decrypt_error" alert."
#[test]
fn a_wrong_signature() {
    let mut client = asked();
    send(&mut client, &certificate()).unwrap();
    let mut verify = certificate_verify(&client);
    *verify.signature.last_mut().unwrap() ^= 1;
    let outcome = client.send_message(&handshake::to_message(&verify));
    refused(
        outcome,
        PeerMisbehaved::BadSignature,
        AlertDescription::DECRYPT_ERROR,
    );

    // Of another transcript.
    let mut client = asked();
    let verify = certificate_verify(&client);
    send(&mut client, &certificate()).unwrap();
    let outcome = client.send_message(&handshake::to_message(&verify));
    refused(
        outcome,
        PeerMisbehaved::BadSignature,
        AlertDescription::DECRYPT_ERROR,
    );
}

/// RFC 9846 §4.5.2: "the signature algorithm used in the signature MUST be one of those present in the
/// supported_signature_algorithms field of the "signature_algorithms" extension in the CertificateRequest
/// message."
#[test]
fn a_scheme_that_was_not_asked_for_or_does_not_fit() {
    for scheme in [
        SignatureScheme::ECDSA_SHA1,
        SignatureScheme::RSA_PKCS1_SHA256,
        SignatureScheme::ECDSA_SECP384R1_SHA384,
        SignatureScheme::RSA_PSS_RSAE_SHA256,
        SignatureScheme::ED25519,
        SignatureScheme(0x0a0a),
    ] {
        let mut client = asked();
        send(&mut client, &certificate()).unwrap();
        let mut verify = certificate_verify(&client);
        verify.scheme = scheme;
        let outcome = client.send_message(&handshake::to_message(&verify));
        let expected = PeerMisbehaved::UnofferedSignatureScheme;
        refused(outcome, expected, AlertDescription::ILLEGAL_PARAMETER);
    }
}

#[test]
fn a_context_that_the_request_had_not() {
    let mut client = asked();
    let mut certificate = certificate();
    certificate.certificate_request_context = vec![1];
    let outcome = send(&mut client, &certificate);
    let expected = PeerMisbehaved::CertificateRequestContext;
    refused(outcome, expected, AlertDescription::ILLEGAL_PARAMETER);
}

/// RFC 9846 §4.5.1: "Extensions in the Certificate message from the client MUST correspond to extensions in
/// the CertificateRequest message from the server."
#[test]
fn an_extension_that_was_not_asked_for() {
    type Change = fn(&mut CertificateEntryExtensions);
    let changes: [(Change, ExtensionType); 3] = [
        (
            |e| e.status_request = Some(vec![1]),
            ExtensionType::STATUS_REQUEST,
        ),
        (
            |e| e.signed_certificate_timestamp = Some(vec![0, 3, 0, 1, 0]),
            ExtensionType::SIGNED_CERTIFICATE_TIMESTAMP,
        ),
        (
            |e| e.unknown.push((ExtensionType(0xfafa), Vec::new())),
            ExtensionType(0xfafa),
        ),
    ];
    for (change, typ) in changes {
        let mut client = asked();
        let mut certificate = certificate();
        change(&mut certificate.certificate_list[0].extensions);
        let outcome = send(&mut client, &certificate);
        let expected = PeerMisbehaved::UnsolicitedExtension(typ);
        refused(outcome, expected, AlertDescription::UNSUPPORTED_EXTENSION);
    }
}

/// RFC 9345 §4.1.2: "If the server receives a delegated credential without having indicated support in its
/// CertificateRequest, then the server MUST abort with an "unexpected_message" alert."
#[test]
fn a_delegated_credential_that_was_not_asked_for() {
    let mut client = asked();
    let mut certificate = certificate();
    certificate.certificate_list[0]
        .extensions
        .delegated_credential = Some(vec![1; 100]);
    let outcome = send(&mut client, &certificate);
    let expected = PeerMisbehaved::UnaskedDelegatedCredential;
    refused(outcome, expected, AlertDescription::UNEXPECTED_MESSAGE);
}

#[test]
fn a_leaf_that_is_no_certificate() {
    let of_us = certificate();
    for leaf in [
        b"no certificate".to_vec(),
        with_unreadable_key_usage(&of_us.certificate_list[0].cert_data),
    ] {
        let mut client = asked();
        let mut certificate = certificate();
        certificate.certificate_list[0].cert_data = leaf;
        let outcome = send(&mut client, &certificate);
        refused(
            outcome,
            PeerMisbehaved::BadCertificate,
            AlertDescription::BAD_CERTIFICATE,
        );
    }
}

/// RFC 9846 §4.5.1.2: "the digitalSignature bit MUST be set if the Key Usage extension is present".
#[test]
fn a_leaf_that_may_not_sign() {
    let mut params = rcgen::CertificateParams::new(vec!["edge.example".to_owned()]).unwrap();
    params.key_usages = vec![rcgen::KeyUsagePurpose::KeyAgreement];
    let key = rcgen::KeyPair::generate().unwrap();
    let leaf = params.self_signed(&key).unwrap().der().to_vec();
    let mut client = asked();
    let mut certificate = certificate();
    certificate.certificate_list[0].cert_data = leaf;
    let outcome = send(&mut client, &certificate);
    let expected = PeerMisbehaved::CertificateNotForSigning;
    refused(outcome, expected, AlertDescription::UNSUPPORTED_CERTIFICATE);
}

// --- compressed ---

fn compressing() -> ServerConfig {
    ServerConfig {
        certificate_compression: vec![ZLIB],
        ..ServerConfig::default()
    }
}

/// A chain that becomes smaller.
fn long_chain() -> CertificateTls13 {
    let mut certificate = certificate();
    let leaf = certificate.certificate_list.remove(0);
    certificate.certificate_list = vec![leaf; 3];
    certificate
}

#[test]
fn a_compressed_certificate_is_as_good_where_it_was_offered() {
    let compressed = compress(ZLIB, &long_chain().to_bytes()).unwrap();
    let mut client = asked_with(compressing());
    let request: CertificateRequestTls13 = client.message();
    assert_eq!(request.extensions.compress_certificate, Some(vec![ZLIB]));
    client
        .send_message(&handshake::to_message(&compressed))
        .unwrap();
    let verify = certificate_verify(&client);
    client
        .send_message(&handshake::to_message(&verify))
        .unwrap();
    finish(&mut client);
    assert_eq!(client.server.peer_certificates().len(), 3);

    let mut client = asked();
    let outcome = client.send_message(&handshake::to_message(&compressed));
    unexpected(outcome, HandshakeType::COMPRESSED_CERTIFICATE);
}

/// RFC 8879 §4: "The algorithm MUST be one of the algorithms listed in the peer's compress_certificate
/// extension."
#[test]
fn a_compression_that_was_not_offered() {
    let brotli = CertificateCompressionAlgorithm::BROTLI;
    let compressed = compress(brotli, &long_chain().to_bytes()).unwrap();
    let mut client = asked_with(compressing());
    let outcome = client.send_message(&handshake::to_message(&compressed));
    let expected = PeerMisbehaved::UnofferedCompression(brotli);
    refused(outcome, expected, AlertDescription::ILLEGAL_PARAMETER);
}

/// RFC 8879 §4: "If, after decompression, the specified length does not match the actual length, the party
/// receiving the invalid message MUST abort the connection with the "bad_certificate" alert."
#[test]
fn a_compressed_certificate_that_is_not_what_it_says() {
    let good = compress(ZLIB, &long_chain().to_bytes()).unwrap();
    let length = good.uncompressed_length;
    for (length, bytes, expected) in [
        (length - 1, None, DecompressError::WrongLength),
        (length + 1, None, DecompressError::WrongLength),
        (64 * 1024 + 1, None, DecompressError::TooLong),
        (length, Some(vec![7; 50]), DecompressError::Corrupt),
    ] {
        let mut compressed = good.clone();
        compressed.uncompressed_length = length;
        if let Some(bytes) = bytes {
            compressed.compressed_certificate_message = bytes;
        }
        let mut client = asked_with(compressing());
        let outcome = client.send_message(&handshake::to_message(&compressed));
        let expected = PeerMisbehaved::CompressedCertificate(expected);
        refused(outcome, expected, AlertDescription::BAD_CERTIFICATE);
    }
}
