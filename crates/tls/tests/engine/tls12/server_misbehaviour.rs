//! What our client does not take from a TLS 1.2 server.

use std::sync::Arc;

use keyward_tls::{ClientConfig, Error, PeerIncompatible, PeerMisbehaved, Policy, ServerConfig};
use keyward_wire::codec::Encode;
use keyward_wire::extensions::{KeyShareEntry, ServerKeyShare};
use keyward_wire::handshake::{CertificateTls12, ServerEcdhParams, ServerHello, ServerKeyExchange};
use keyward_wire::values::{
    AlertDescription, CipherSuite, CompressionMethod, EcPointFormat, ExtensionType, HandshakeType,
    NamedGroup, ProtocolVersion, SignatureScheme,
};

use super::flight::Flight;
use crate::support::{
    Duo, KeyAlgorithm, Site, Visitor, client_identity, identity, plain, with_unreadable_key_usage,
};

const SHAKE: CipherSuite = CipherSuite::TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256;

fn tls12() -> Policy {
    Policy {
        versions: vec![ProtocolVersion::TLS12],
        ..Policy::intermediate()
    }
}

/// The flight of an honest server, on its way.
fn flight() -> (Duo, Flight) {
    flight_of(KeyAlgorithm::P256, &tls12())
}

fn flight_of(key: KeyAlgorithm, policy: &Policy) -> (Duo, Flight) {
    let site = Site {
        policy: policy.clone(),
        ..Site::new(&[key])
    };
    let client = ClientConfig {
        policy: policy.clone().into(),
        alpn: vec![b"http/1.1".to_vec()],
        resumption: false,
        ..ClientConfig::default()
    };
    let visitor = Arc::new(Visitor::default());
    let mut duo = Duo::with(&Arc::new(site), &visitor, client, ServerConfig::default());
    duo.step_client().unwrap();
    Flight::take(&mut duo.client).give(&mut duo.server);
    duo.step_server().unwrap();
    let flight = Flight::take(&mut duo.server);
    (duo, flight)
}

#[track_caller]
fn refused(change: impl FnOnce(&mut Flight), error: impl Into<Error>, alert: AlertDescription) {
    let (mut duo, mut flight) = flight();
    change(&mut flight);
    flight.give(&mut duo.client);
    let found = duo.step_client().unwrap_err();
    assert_eq!(found, error.into());
    assert_eq!(found.alert(), Some(alert));
}

#[track_caller]
fn hello_refused(
    change: impl FnOnce(&mut ServerHello),
    error: impl Into<Error>,
    alert: AlertDescription,
) {
    refused(
        |flight| flight.edit(HandshakeType::SERVER_HELLO, change),
        error,
        alert,
    );
}

#[test]
fn a_flight_that_nobody_changes_is_taken() {
    let (mut duo, flight) = flight();
    flight.give(&mut duo.client);
    duo.handshake();
    duo.echo();
}

/// RFC 5246 §7.4.1.4: "If a client receives an extension type in ServerHello that it did not request in the
/// associated ClientHello, it MUST abort the handshake with an unsupported_extension fatal alert."
#[test]
fn extensions_that_were_not_asked_for() {
    type Change = fn(&mut ServerHello);
    let changes: [(Change, ExtensionType); 5] = [
        (
            |hello| hello.extensions.encrypt_then_mac = true,
            ExtensionType::ENCRYPT_THEN_MAC,
        ),
        (
            |hello| hello.extensions.session_ticket = true,
            ExtensionType::SESSION_TICKET,
        ),
        (
            |hello| hello.extensions.record_size_limit = Some(100),
            ExtensionType::RECORD_SIZE_LIMIT,
        ),
        (
            |hello| {
                hello
                    .extensions
                    .unknown
                    .push((ExtensionType(0x1234), vec![]));
            },
            ExtensionType(0x1234),
        ),
        (
            |hello| {
                let share = KeyShareEntry {
                    group: NamedGroup::X25519,
                    key_exchange: vec![9; 32],
                };
                hello.extensions.key_share = Some(ServerKeyShare::Share(share));
            },
            ExtensionType::KEY_SHARE,
        ),
    ];
    for (change, extension) in changes {
        hello_refused(
            change,
            PeerMisbehaved::UnsolicitedExtension(extension),
            AlertDescription::UNSUPPORTED_EXTENSION,
        );
    }
}

#[test]
fn a_choice_that_was_not_offered() {
    let illegal = AlertDescription::ILLEGAL_PARAMETER;
    for suite in [
        CipherSuite::TLS_RSA_WITH_AES_128_GCM_SHA256,
        CipherSuite::TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA,
        CipherSuite::TLS_AES_128_GCM_SHA256,
        CipherSuite(0x0a0a),
    ] {
        hello_refused(
            |hello| hello.cipher_suite = suite,
            PeerMisbehaved::UnofferedCipherSuite,
            illegal,
        );
    }
    hello_refused(
        |hello| hello.compression_method = CompressionMethod(1),
        PeerMisbehaved::Compression,
        illegal,
    );
    hello_refused(
        |hello| hello.extensions.alpn = Some(b"h2".to_vec()),
        PeerMisbehaved::UnofferedProtocol,
        illegal,
    );
    hello_refused(
        |hello| hello.extensions.ec_point_formats = Some(vec![EcPointFormat(1)]),
        PeerIncompatible::NoUncompressedPoints,
        illegal,
    );
}

/// RFC 7627 §5.2.
#[test]
fn a_server_without_extended_master_secret() {
    hello_refused(
        |hello| hello.extensions.extended_master_secret = false,
        PeerIncompatible::NoExtendedMasterSecret,
        AlertDescription::HANDSHAKE_FAILURE,
    );
}

/// RFC 5746 §3.4.
#[test]
fn renegotiation_info_of_a_first_handshake_is_empty() {
    hello_refused(
        |hello| hello.extensions.renegotiation_info = Some(vec![0; 24]),
        PeerMisbehaved::BadRenegotiationInfo,
        AlertDescription::HANDSHAKE_FAILURE,
    );
}

#[track_caller]
fn certificate_refused(chain: Vec<Vec<u8>>, error: PeerMisbehaved, alert: AlertDescription) {
    refused(
        |flight| {
            flight.edit(
                HandshakeType::CERTIFICATE,
                |certificate: &mut CertificateTls12| certificate.certificate_list = chain,
            );
        },
        error,
        alert,
    );
}

#[test]
fn certificates_that_cannot_be_used() {
    certificate_refused(
        Vec::new(),
        PeerMisbehaved::NoCertificate,
        AlertDescription::DECODE_ERROR,
    );
    certificate_refused(
        vec![vec![0x30, 0]],
        PeerMisbehaved::BadCertificate,
        AlertDescription::BAD_CERTIFICATE,
    );
    let ours = identity(KeyAlgorithm::P256);
    certificate_refused(
        vec![with_unreadable_key_usage(&ours.certificate.chain()[0])],
        PeerMisbehaved::BadCertificate,
        AlertDescription::BAD_CERTIFICATE,
    );
    let rsa = identity(KeyAlgorithm::Rsa2048);
    certificate_refused(
        vec![rsa.certificate.chain()[0].to_vec()],
        PeerMisbehaved::CertificateDoesNotFitSuite,
        AlertDescription::ILLEGAL_PARAMETER,
    );
    // On a curve that was not offered.
    let authority = keyward_pki::Authority::new("another").unwrap();
    let p521 = authority
        .issue_server(&["shop.example"], KeyAlgorithm::P521)
        .unwrap();
    certificate_refused(
        vec![p521.chain_der[0].to_vec()],
        PeerMisbehaved::CertificateDoesNotFitSuite,
        AlertDescription::ILLEGAL_PARAMETER,
    );
    // Of the right kind, but another's: the signature is not its.
    let other = identity(KeyAlgorithm::P384);
    certificate_refused(
        vec![other.certificate.chain()[0].to_vec()],
        PeerMisbehaved::BadSignature,
        AlertDescription::DECRYPT_ERROR,
    );
}

/// RFC 5246 §7.4.2: the certificate of an ephemeral exchange "MUST allow the key to be used for signing", that of RSA key
/// transport "MUST allow the key to be used for encryption".
#[test]
fn a_certificate_whose_key_is_for_something_else() {
    let mut params = rcgen::CertificateParams::new(vec!["shop.example".to_owned()]).unwrap();
    params.key_usages = vec![rcgen::KeyUsagePurpose::KeyAgreement];
    let key = rcgen::KeyPair::generate().unwrap();
    let for_agreement = params.self_signed(&key).unwrap().der().to_vec();
    certificate_refused(
        vec![for_agreement],
        PeerMisbehaved::CertificateNotForSuite,
        AlertDescription::UNSUPPORTED_CERTIFICATE,
    );

    let key_transport = Policy {
        versions: vec![ProtocolVersion::TLS12],
        cipher_suites: vec![CipherSuite::TLS_RSA_WITH_AES_128_GCM_SHA256],
        ..Policy::legacy()
    };
    let (mut duo, mut flight) = flight_of(KeyAlgorithm::Rsa2048, &key_transport);
    let for_signing = client_identity(KeyAlgorithm::Rsa2048);
    flight.edit(
        HandshakeType::CERTIFICATE,
        |certificate: &mut CertificateTls12| {
            certificate.certificate_list = vec![for_signing.certificate.chain()[0].to_vec()];
        },
    );
    flight.give(&mut duo.client);
    let error = duo.step_client().unwrap_err();
    assert_eq!(error, PeerMisbehaved::CertificateNotForSuite.into());
}

#[track_caller]
fn exchange_refused(
    change: impl FnOnce(&mut ServerKeyExchange),
    error: PeerMisbehaved,
    alert: AlertDescription,
) {
    refused(
        |flight| flight.edit(HandshakeType::SERVER_KEY_EXCHANGE, change),
        error,
        alert,
    );
}

/// RFC 5246 §7.4.3: "the signature algorithm and hash algorithm MUST be a pair listed in that extension."
#[test]
fn signatures_over_the_key_exchange() {
    let decrypt_error = AlertDescription::DECRYPT_ERROR;
    exchange_refused(
        |exchange| exchange.signature[9] ^= 1,
        PeerMisbehaved::BadSignature,
        decrypt_error,
    );
    exchange_refused(
        |exchange| exchange.signature.clear(),
        PeerMisbehaved::BadSignature,
        decrypt_error,
    );
    exchange_refused(
        |exchange| exchange.params.public[1] ^= 1,
        PeerMisbehaved::BadSignature,
        decrypt_error,
    );
    exchange_refused(
        |exchange| exchange.params.group = NamedGroup::SECP256R1,
        PeerMisbehaved::BadSignature,
        decrypt_error,
    );
    for scheme in [
        SignatureScheme::ECDSA_SHA1,
        SignatureScheme::RSA_PSS_RSAE_SHA256,
        SignatureScheme::ED25519,
        SignatureScheme(0x0404),
    ] {
        exchange_refused(
            |exchange| exchange.scheme = scheme,
            PeerMisbehaved::UnofferedSignatureScheme,
            AlertDescription::ILLEGAL_PARAMETER,
        );
    }
}

/// The server's flight with other parameters, rightly signed.
#[track_caller]
fn params_refused(params: ServerEcdhParams, error: PeerMisbehaved) {
    let (mut duo, mut flight) = flight();
    let negotiated = flight.get::<ServerHello>(HandshakeType::SERVER_HELLO);
    let key = duo.site.identities[0].private_key.clone();
    let client_random = client_random(&duo);
    flight.edit(
        HandshakeType::SERVER_KEY_EXCHANGE,
        |exchange: &mut ServerKeyExchange| {
            let content = keyward_keyop::tls12::server_key_exchange_message(
                &client_random,
                &negotiated.random,
                &params.to_bytes(),
            );
            exchange.params = params;
            exchange.scheme = SignatureScheme::ECDSA_SECP256R1_SHA256;
            let algorithm = keyward_crypto::signature::SignatureAlgorithm::EcdsaSha256;
            exchange.signature = key.sign(algorithm, &content).unwrap();
        },
    );
    flight.give(&mut duo.client);
    let found = duo.step_client().unwrap_err();
    assert_eq!(found, error.into());
    assert_eq!(found.alert(), Some(AlertDescription::ILLEGAL_PARAMETER));
}

/// As the server saw it.
fn client_random(duo: &Duo) -> [u8; 32] {
    duo.site
        .client_random
        .lock()
        .unwrap()
        .expect("a ClientHello")
}

/// RFC 8422 §5.4: what was not offered, and what is no point of its curve.
#[test]
fn groups_and_points() {
    let params = |group, public: &[u8]| ServerEcdhParams {
        group,
        public: public.to_vec(),
    };
    for group in [
        NamedGroup::SECP521R1,
        NamedGroup::X448,
        NamedGroup::FFDHE2048,
        NamedGroup(0x0a0a),
        // Offered for TLS 1.3 alone, where it is.
        NamedGroup::X25519MLKEM768,
    ] {
        params_refused(params(group, &[4; 65]), PeerMisbehaved::UnofferedGroup);
    }
    let bad = PeerMisbehaved::BadKeyShare;
    params_refused(params(NamedGroup::X25519, &[0; 32]), bad.clone());
    params_refused(params(NamedGroup::X25519, &[9; 31]), bad.clone());
    params_refused(params(NamedGroup::SECP256R1, &[4; 65]), bad.clone());
    params_refused(params(NamedGroup::SECP256R1, &[2; 33]), bad);
}

/// Every message of the flight has its place.
#[test]
fn the_order_of_messages() {
    use HandshakeType as H;
    let unexpected = AlertDescription::UNEXPECTED_MESSAGE;
    for (removed, next) in [
        (H::CERTIFICATE, H::SERVER_KEY_EXCHANGE),
        (H::SERVER_KEY_EXCHANGE, H::SERVER_HELLO_DONE),
    ] {
        refused(
            |flight| flight.remove(removed),
            PeerMisbehaved::UnexpectedHandshake(next),
            unexpected,
        );
    }
    for (before, typ) in [
        (H::CERTIFICATE, H::SERVER_HELLO),
        (H::SERVER_KEY_EXCHANGE, H::CERTIFICATE_REQUEST),
        (H::SERVER_KEY_EXCHANGE, H::CERTIFICATE_STATUS),
        (H::SERVER_HELLO_DONE, H::SERVER_KEY_EXCHANGE),
        (H::SERVER_HELLO_DONE, H::FINISHED),
        (H::SERVER_HELLO_DONE, H::NEW_SESSION_TICKET),
        (H::SERVER_HELLO_DONE, H::ENCRYPTED_EXTENSIONS),
    ] {
        refused(
            |flight| flight.insert_before(before, (typ, vec![0; 12])),
            PeerMisbehaved::UnexpectedHandshake(typ),
            unexpected,
        );
    }
}

/// RFC 5246 §7.4.1.1: HelloRequest "will be ignored by the client if the client is currently negotiating a session";
/// "This message MUST NOT be included in the message hashes".
#[test]
fn hello_requests_in_a_handshake_are_ignored_up_to_a_bound() {
    use HandshakeType as H;
    let (mut duo, mut flight) = flight();
    for before in [
        H::SERVER_HELLO,
        H::CERTIFICATE,
        H::SERVER_KEY_EXCHANGE,
        H::SERVER_HELLO_DONE,
    ] {
        flight.insert_before(before, (H::HELLO_REQUEST, Vec::new()));
    }
    flight.give(&mut duo.client);
    duo.handshake();
    duo.echo();

    refused(
        |flight| {
            for _ in 0..5 {
                flight.insert_before(H::CERTIFICATE, (H::HELLO_REQUEST, Vec::new()));
            }
        },
        PeerMisbehaved::Renegotiation,
        AlertDescription::UNEXPECTED_MESSAGE,
    );
}

/// CVE-2014-0224, against clients.
#[test]
fn an_early_change_cipher_spec() {
    use keyward_wire::values::ContentType;
    for messages in 1..=3 {
        refused(
            |flight| {
                flight.messages.truncate(messages);
                flight.rest = plain(ContentType::CHANGE_CIPHER_SPEC, &[1]);
            },
            PeerMisbehaved::UnexpectedRecord(ContentType::CHANGE_CIPHER_SPEC),
            AlertDescription::UNEXPECTED_MESSAGE,
        );
    }
}

/// A message behind ServerHelloDone cannot be an answer to what we have not sent.
#[test]
fn handshake_data_behind_the_flight() {
    let (mut duo, flight) = flight();
    let mut content = Vec::new();
    for (typ, body) in &flight.messages {
        content.extend(keyward_wire::handshake::frame(*typ, &body[..]));
    }
    content.extend([HandshakeType::NEW_SESSION_TICKET.0, 0]);
    let record = plain(keyward_wire::values::ContentType::HANDSHAKE, &content);
    duo.client.receive(&record);
    let error = duo.step_client().unwrap_err();
    assert_eq!(error, PeerMisbehaved::HandshakeAcrossKeyChange.into());
}

/// RFC 7507: a client that falls back says so, and a server that could do better refuses.
#[test]
fn a_fallback_is_announced() {
    let mut site = Site::new(&[KeyAlgorithm::P256]);
    site.policy = Policy::intermediate();
    let client = ClientConfig {
        policy: tls12().into(),
        fallback: true,
        ..ClientConfig::default()
    };
    let visitor = Arc::new(Visitor::default());
    let mut duo = Duo::with(&Arc::new(site), &visitor, client, ServerConfig::default());
    duo.step_client().unwrap();
    Flight::take(&mut duo.client).give(&mut duo.server);
    let error = duo.step_server().unwrap_err();
    assert_eq!(error, PeerMisbehaved::InappropriateFallback.into());
    duo.client.receive(duo.server.output());
    assert_eq!(
        duo.step_client(),
        Err(Error::AlertReceived(
            AlertDescription::INAPPROPRIATE_FALLBACK
        ))
    );
}

/// The suite that these tests speak of.
#[test]
fn the_suite_is_what_the_tests_think() {
    let (_, flight) = flight();
    let hello: ServerHello = flight.get(HandshakeType::SERVER_HELLO);
    assert_eq!(hello.cipher_suite, SHAKE);
}
