//! EncryptedExtensions to Finished: what a client must not take of them.

use keyward_tls::{ClientConfig, Error, InvalidMessage, PeerMisbehaved};
use keyward_wire::extensions::{CertificateRequestExtensions, NewSessionTicketExtensions};
use keyward_wire::handshake::{
    self, CertificateRequestTls13, CertificateTls13, CertificateVerify, EncryptedExtensions,
    NewSessionTicketTls13,
};
use keyward_wire::values::{
    AlertDescription, ContentType, ExtensionType, HandshakeType, SignatureScheme,
};

use crate::support::{HandServer, KeyAlgorithm, identity, plain};

fn server() -> HandServer {
    HandServer::new(ClientConfig {
        alpn: vec![b"h2".to_vec()],
        request_ocsp: false,
        ..ClientConfig::default()
    })
}

/// A server that has sent its ServerHello.
fn hello_sent() -> HandServer {
    let mut server = server();
    let hello = server.server_hello();
    server.send_server_hello(&hello).unwrap();
    server
}

#[track_caller]
fn refuses_extensions(
    extensions: EncryptedExtensions,
    error: impl Into<Error>,
    alert: AlertDescription,
) {
    let mut server = hello_sent();
    let outcome = server.send(&extensions);
    server.refused(outcome, error, alert);
}

/// RFC 9846 §4.3: "Upon receiving such an extension, an endpoint MUST abort the handshake with an
/// "unsupported_extension" alert."
#[test]
fn extensions_that_were_not_offered() {
    for (extensions, typ) in [
        (
            EncryptedExtensions {
                record_size_limit: Some(1000),
                ..EncryptedExtensions::default()
            },
            ExtensionType::RECORD_SIZE_LIMIT,
        ),
        (
            EncryptedExtensions {
                early_data: true,
                ..EncryptedExtensions::default()
            },
            ExtensionType::EARLY_DATA,
        ),
        (
            EncryptedExtensions {
                unknown: vec![(ExtensionType(0x4a4a), vec![1])],
                ..EncryptedExtensions::default()
            },
            ExtensionType(0x4a4a),
        ),
    ] {
        refuses_extensions(
            extensions,
            PeerMisbehaved::UnsolicitedExtension(typ),
            AlertDescription::UNSUPPORTED_EXTENSION,
        );
    }
}

/// RFC 9846 §4.4.1: "The client MUST check EncryptedExtensions for the presence of any forbidden extensions and if
/// any are found MUST abort the handshake with an "illegal_parameter" alert."
#[test]
fn extensions_of_another_message() {
    for typ in [
        ExtensionType::KEY_SHARE,
        ExtensionType::SUPPORTED_VERSIONS,
        ExtensionType::SIGNATURE_ALGORITHMS,
        ExtensionType::EXTENDED_MASTER_SECRET,
        ExtensionType::STATUS_REQUEST,
    ] {
        let mut server = hello_sent();
        let [high, low] = typ.0.to_be_bytes();
        let outcome = server.send_raw(&[8, 0, 0, 6, 0, 4, high, low, 0, 0]);
        assert!(matches!(
            outcome,
            Err(Error::InvalidMessage(InvalidMessage::Handshake(..)))
        ));
        assert_eq!(server.alert(), AlertDescription::ILLEGAL_PARAMETER, "{typ}");
    }
}

#[test]
fn a_protocol_that_was_not_offered() {
    refuses_extensions(
        EncryptedExtensions {
            alpn: Some(b"http/1.1".to_vec()),
            ..EncryptedExtensions::default()
        },
        PeerMisbehaved::UnofferedProtocol,
        AlertDescription::ILLEGAL_PARAMETER,
    );
}

/// RFC 9846 §4.3.7: "As of TLS 1.3, servers are permitted to send the "supported_groups" extension to the client."
#[test]
fn the_servers_groups_are_taken_notice_of_and_no_more() {
    let mut server = hello_sent();
    server
        .send(&EncryptedExtensions {
            server_name: true,
            supported_groups: Some(vec![keyward_wire::values::NamedGroup::X448]),
            ..EncryptedExtensions::default()
        })
        .unwrap();
    server.authenticate();
    server.finish().unwrap();
    server.take_client_finished();
}

// --- the order of messages ---

/// RFC 9846 §A.1: each state has the messages that lead on from it, and no others.
#[test]
fn messages_out_of_order() {
    type Step = fn(&mut HandServer) -> Result<(), Error>;
    let extensions: Step = |server| server.send(&EncryptedExtensions::default());
    let request: Step = |server| server.send(&request());
    let certificate: Step = |server| {
        let certificate = server.certificate();
        server.send(&certificate)
    };
    let verify: Step = |server| {
        let verify = server.certificate_verify();
        server.send(&verify)
    };
    let finished: Step = |server| {
        let finished = server.finished();
        server.send(&finished)
    };
    let ticket: Step = |server| {
        server.send(&NewSessionTicketTls13 {
            ticket_lifetime: 1,
            ticket_age_add: 0,
            ticket_nonce: Vec::new(),
            ticket: vec![1],
            extensions: NewSessionTicketExtensions::default(),
        })
    };
    let hello: Step = |server| {
        let hello = server.server_hello();
        server.send(&hello)
    };
    let all = [
        ("EncryptedExtensions", extensions),
        ("CertificateRequest", request),
        ("Certificate", certificate),
        ("CertificateVerify", verify),
        ("Finished", finished),
        ("NewSessionTicket", ticket),
        ("ServerHello", hello),
    ];
    // The legal way with everything in it, and what else may come at each point.
    let way = [
        (extensions, &["EncryptedExtensions"][..]),
        (request, &["CertificateRequest", "Certificate"]),
        (certificate, &["Certificate"]),
        (verify, &["CertificateVerify"]),
        (finished, &["Finished"]),
    ];
    for reached in 0..way.len() {
        for (name, step) in all {
            let mut server = hello_sent();
            for (before, _) in &way[..reached] {
                before(&mut server).unwrap();
            }
            let outcome = step(&mut server);
            if way[reached].1.contains(&name) {
                outcome.unwrap();
                continue;
            }
            assert!(
                matches!(
                    outcome,
                    Err(Error::PeerMisbehaved(PeerMisbehaved::UnexpectedHandshake(
                        _
                    )))
                ),
                "{name} as message {reached}: {outcome:?}"
            );
            assert_eq!(server.alert(), AlertDescription::UNEXPECTED_MESSAGE);
        }
    }
}

/// RFC 9846 §5: what is not encrypted after the ServerHello is no part of the handshake.
#[test]
fn a_message_without_protection() {
    let mut server = hello_sent();
    let message = handshake::to_message(&EncryptedExtensions::default());
    let outcome = server.feed(&plain(ContentType::HANDSHAKE, &message));
    server.refused(
        outcome,
        PeerMisbehaved::PlaintextRecord,
        AlertDescription::UNEXPECTED_MESSAGE,
    );
}

/// RFC 9846 §5.1: "Handshake messages MUST NOT span key changes."
#[test]
fn data_behind_a_server_hello() {
    let mut server = server();
    let hello = server.server_hello();
    let mut bytes = handshake::to_message(&hello);
    bytes.extend(handshake::to_message(&EncryptedExtensions::default()));
    let outcome = server.feed(&plain(ContentType::HANDSHAKE, &bytes));
    server.refused(
        outcome,
        PeerMisbehaved::HandshakeAcrossKeyChange,
        AlertDescription::UNEXPECTED_MESSAGE,
    );
}

/// RFC 9846 §5: change_cipher_spec is dropped until "the peer's Finished message has been received".
#[test]
fn change_cipher_specs_are_dropped_until_finished() {
    let mut server = server();
    let ccs = plain(ContentType::CHANGE_CIPHER_SPEC, &[1]);
    server.feed(&ccs).unwrap();
    server.begin();
    server.feed(&ccs).unwrap();
    server.authenticate();
    server.feed(&ccs).unwrap();
    server.finish().unwrap();
    server.take_client_finished();
    let outcome = server.feed(&ccs);
    server.refused(
        outcome,
        PeerMisbehaved::UnexpectedRecord(ContentType::CHANGE_CIPHER_SPEC),
        AlertDescription::UNEXPECTED_MESSAGE,
    );
}

#[test]
fn application_data_before_finished() {
    let mut server = hello_sent();
    let record = server.sealed(ContentType::APPLICATION_DATA, b"early");
    let outcome = server.feed(&record);
    server.refused(
        outcome,
        PeerMisbehaved::UnexpectedRecord(ContentType::APPLICATION_DATA),
        AlertDescription::UNEXPECTED_MESSAGE,
    );
}

// --- CertificateRequest ---

fn request() -> CertificateRequestTls13 {
    CertificateRequestTls13 {
        certificate_request_context: Vec::new(),
        extensions: CertificateRequestExtensions {
            signature_algorithms: Some(vec![SignatureScheme::ECDSA_SECP256R1_SHA256]),
            ..CertificateRequestExtensions::default()
        },
    }
}

/// A server that has sent EncryptedExtensions.
fn begun() -> HandServer {
    let mut server = server();
    server.begin();
    server
}

/// RFC 9846 §4.4.2: "This field SHALL be zero length unless used for the post-handshake authentication exchanges".
#[test]
fn a_certificate_request_with_a_context() {
    let mut server = begun();
    let outcome = server.send(&CertificateRequestTls13 {
        certificate_request_context: vec![1],
        ..request()
    });
    server.misbehaved(outcome, PeerMisbehaved::CertificateRequestContext);
}

/// RFC 9846 §4.4.2: "The "signature_algorithms" extension MUST be specified".
#[test]
fn a_certificate_request_without_signature_algorithms() {
    let mut server = begun();
    let outcome = server.send(&CertificateRequestTls13::default());
    assert!(matches!(outcome, Err(Error::InvalidMessage(_))));
    assert_eq!(server.alert(), AlertDescription::MISSING_EXTENSION);
}

/// RFC 9846 §4.4.2: "Clients MUST ignore unrecognized extensions."
#[test]
fn a_certificate_request_with_unknown_extensions() {
    let mut server = begun();
    let mut request = request();
    request.extensions.unknown = vec![(ExtensionType(0x5a5a), vec![1, 2, 3])];
    server.send(&request).unwrap();
    server.authenticate();
    server.finish().unwrap();
    assert_eq!(
        server.take_client_finished(),
        [HandshakeType::CERTIFICATE, HandshakeType::FINISHED]
    );
}

// --- Certificate ---

#[track_caller]
fn refuses_certificate(
    change: impl FnOnce(&mut CertificateTls13),
    error: impl Into<Error>,
    alert: AlertDescription,
) {
    let mut server = begun();
    let mut certificate = server.certificate();
    change(&mut certificate);
    let outcome = server.send(&certificate);
    server.refused(outcome, error, alert);
}

/// RFC 9846 §4.5.1.3: "If the server supplies an empty Certificate message, the client MUST abort the handshake with
/// a "decode_error" alert."
#[test]
fn no_certificate_at_all() {
    refuses_certificate(
        |certificate| certificate.certificate_list.clear(),
        PeerMisbehaved::NoCertificate,
        AlertDescription::DECODE_ERROR,
    );
}

#[test]
fn a_certificate_with_a_context() {
    refuses_certificate(
        |certificate| certificate.certificate_request_context = vec![1],
        PeerMisbehaved::CertificateRequestContext,
        AlertDescription::ILLEGAL_PARAMETER,
    );
}

#[test]
fn a_certificate_that_is_none() {
    refuses_certificate(
        |certificate| certificate.certificate_list[0].cert_data = vec![0x30, 0],
        PeerMisbehaved::BadCertificate,
        AlertDescription::BAD_CERTIFICATE,
    );
    refuses_certificate(
        |certificate| {
            let leaf = &mut certificate.certificate_list[0].cert_data;
            *leaf = crate::support::with_unreadable_key_usage(leaf);
        },
        PeerMisbehaved::BadCertificate,
        AlertDescription::BAD_CERTIFICATE,
    );
}

/// RFC 9846 §4.5.1: "Extensions in the Certificate message from the server MUST correspond to ones from the
/// ClientHello message."
#[test]
fn a_certificate_with_extensions_that_were_not_asked_for() {
    let alert = AlertDescription::UNSUPPORTED_EXTENSION;
    refuses_certificate(
        |certificate| certificate.certificate_list[0].extensions.status_request = Some(vec![1]),
        PeerMisbehaved::UnsolicitedExtension(ExtensionType::STATUS_REQUEST),
        alert,
    );
    refuses_certificate(
        |certificate| {
            let extensions = &mut certificate.certificate_list[0].extensions;
            extensions.signed_certificate_timestamp = Some(vec![0, 4, 0, 2, 1, 1]);
        },
        PeerMisbehaved::UnsolicitedExtension(ExtensionType::SIGNED_CERTIFICATE_TIMESTAMP),
        alert,
    );
    refuses_certificate(
        |certificate| {
            let extensions = &mut certificate.certificate_list[0].extensions;
            extensions.unknown = vec![(ExtensionType(0x6a6a), Vec::new())];
        },
        PeerMisbehaved::UnsolicitedExtension(ExtensionType(0x6a6a)),
        alert,
    );
}

// --- CertificateVerify ---

#[track_caller]
fn refuses_verify(
    kind: KeyAlgorithm,
    change: impl FnOnce(&mut CertificateVerify),
    error: PeerMisbehaved,
    alert: AlertDescription,
) {
    let mut server = begun();
    let mut verify_with = server.identity.clone();
    server.identity = identity(kind);
    let certificate = server.certificate();
    server.send(&certificate).unwrap();
    std::mem::swap(&mut server.identity, &mut verify_with);
    let mut verify = server.certificate_verify();
    change(&mut verify);
    let outcome = server.send(&verify);
    server.refused(outcome, error, alert);
}

/// RFC 9846 §4.5.2: "the signature algorithm MUST be one offered in the client's "signature_algorithms" extension";
/// "the signature algorithm MUST be compatible with the key in the sender's end-entity certificate. The SHA-1
/// algorithm MUST NOT be used in any signatures of CertificateVerify messages."
#[test]
fn a_signature_of_another_scheme() {
    use SignatureScheme as S;
    for scheme in [
        S::ECDSA_SECP384R1_SHA384,
        S::RSA_PSS_RSAE_SHA256,
        S::ED25519,
        S::ECDSA_SHA1,
        S::RSA_PKCS1_SHA256,
        S(0x7a7a),
    ] {
        refuses_verify(
            KeyAlgorithm::P256,
            |verify| verify.scheme = scheme,
            PeerMisbehaved::UnofferedSignatureScheme,
            AlertDescription::ILLEGAL_PARAMETER,
        );
    }
    // RFC 9846 §4.3.3: the PKCS#1 v1.5 schemes "are not defined for use in signed TLS handshake messages", although
    // they are offered, for certificates.
    refuses_verify(
        KeyAlgorithm::Rsa2048,
        |verify| verify.scheme = S::RSA_PKCS1_SHA256,
        PeerMisbehaved::UnofferedSignatureScheme,
        AlertDescription::ILLEGAL_PARAMETER,
    );
}

/// RFC 9846 §4.5.2: "If the verification fails, the receiver MUST terminate the handshake with a
/// "decrypt_error" alert."
#[test]
fn a_wrong_signature() {
    let alert = AlertDescription::DECRYPT_ERROR;
    refuses_verify(
        KeyAlgorithm::P256,
        |verify| verify.signature[20] ^= 1,
        PeerMisbehaved::BadSignature,
        alert,
    );
    refuses_verify(
        KeyAlgorithm::P256,
        |verify| verify.signature.clear(),
        PeerMisbehaved::BadSignature,
        alert,
    );
}

/// Somebody else's certificate, without its key; and our own signature over another handshake.
#[test]
fn a_signature_of_another_key_or_handshake() {
    let mut server = begun();
    let mine = server.identity.clone();
    server.identity = identity(KeyAlgorithm::Ed25519);
    let certificate = server.certificate();
    server.send(&certificate).unwrap();
    server.identity = mine;
    let verify = server.certificate_verify();
    let outcome = server.send(&verify);
    server.misbehaved(outcome, PeerMisbehaved::UnofferedSignatureScheme);

    let mut other = begun();
    let certificate = other.certificate();
    other.send(&certificate).unwrap();
    let recorded = other.certificate_verify();
    let mut server = begun();
    server.send(&certificate).unwrap();
    let outcome = server.send(&recorded);
    server.refused(
        outcome,
        PeerMisbehaved::BadSignature,
        AlertDescription::DECRYPT_ERROR,
    );
}

// --- Finished ---

/// RFC 9846 §4.5.3: "Recipients of Finished messages MUST verify that the contents are correct and if incorrect MUST
/// terminate the connection with a "decrypt_error" alert."
#[test]
fn a_wrong_finished() {
    for at in [0, 31] {
        let mut server = begun();
        server.authenticate();
        let mut finished = server.finished();
        finished.verify_data[at] ^= 1;
        let outcome = server.send(&finished);
        server.refused(
            outcome,
            PeerMisbehaved::BadFinished,
            AlertDescription::DECRYPT_ERROR,
        );
    }
    let mut server = begun();
    server.authenticate();
    let mut finished = server.finished();
    finished.verify_data.push(0);
    let outcome = server.send(&finished);
    assert_eq!(outcome, Err(PeerMisbehaved::BadFinished.into()));
}

#[test]
fn data_behind_a_finished() {
    let mut server = begun();
    server.authenticate();
    let mut bytes = handshake::to_message(&server.finished());
    bytes.extend([24, 0]);
    let record = server.sealed(ContentType::HANDSHAKE, &bytes);
    let outcome = server.feed(&record);
    server.refused(
        outcome,
        PeerMisbehaved::HandshakeAcrossKeyChange,
        AlertDescription::UNEXPECTED_MESSAGE,
    );
}

/// A record whose every bit counts.
#[test]
fn a_record_that_was_changed() {
    let mut server = hello_sent();
    let message = handshake::to_message(&EncryptedExtensions::default());
    let mut record = server.sealed(ContentType::HANDSHAKE, &message);
    record[7] ^= 1;
    let outcome = server.feed(&record);
    server.refused(
        outcome,
        Error::DecryptError,
        AlertDescription::BAD_RECORD_MAC,
    );
}
