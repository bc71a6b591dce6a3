//! Values without meaning (RFC 8701): what our client sends of them, that no server may take one up, and that those of
//! servers change nothing.

use std::sync::Arc;

use keyward_tls::{
    ClientAuthentication, ClientConfig, Error, PeerIncompatible, PeerMisbehaved, Policy,
    ServerConfig,
};
use keyward_wire::codec::Decode as _;
use keyward_wire::extensions::{CertificateRequestExtensions, KeyShareEntry, ServerKeyShare};
use keyward_wire::handshake::{
    CertificateRequestTls13, CertificateVerify, ClientHello, EncryptedExtensions, ServerHello,
};
use keyward_wire::values::{
    AlertDescription, CipherSuite, ContentType, ExtensionType, HandshakeType, NamedGroup,
    ProtocolVersion, SignatureScheme,
};

use crate::support::{Duo, HandClient, HandServer, KeyAlgorithm, Site, Visitor, client_identity};

/// RFC 8701 §2: {0x0A,0x0A} to {0xFA,0xFA}.
fn is_reserved(value: u16) -> bool {
    value & 0x0f0f == 0x0a0a && value >> 8 == value & 0xff
}

fn server() -> HandServer {
    HandServer::new(ClientConfig::default())
}

/// What a ClientHello has of them, place by place.
fn reserved(hello: &ClientHello) -> Vec<(&'static str, u16)> {
    let extensions = &hello.extensions;
    let shares = extensions.key_share.iter().flatten();
    [
        ("suite", hello.cipher_suites.iter().map(|it| it.0).collect()),
        (
            "group",
            extensions
                .supported_groups
                .iter()
                .flatten()
                .map(|it| it.0)
                .collect(),
        ),
        ("share", shares.map(|share| share.group.0).collect()),
        (
            "version",
            extensions
                .supported_versions
                .iter()
                .flatten()
                .map(|it| it.0)
                .collect(),
        ),
        (
            "scheme",
            extensions
                .signature_algorithms
                .iter()
                .flatten()
                .map(|it| it.0)
                .collect::<Vec<_>>(),
        ),
        (
            "extension",
            extensions.types().iter().map(|it| it.0).collect(),
        ),
    ]
    .into_iter()
    .flat_map(|(place, values)| values.into_iter().map(move |value| (place, value)))
    .filter(|(_, value)| is_reserved(*value))
    .collect()
}

fn the(place: &str, hello: &ClientHello) -> u16 {
    let all = reserved(hello);
    all.iter().find(|(known, _)| *known == place).unwrap().1
}

#[test]
fn every_list_has_one_in_front() {
    let hello = server().hello;
    let places: Vec<_> = reserved(&hello).iter().map(|(place, _)| *place).collect();
    assert_eq!(
        places,
        [
            "suite",
            "group",
            "share",
            "version",
            "scheme",
            "extension",
            "extension"
        ]
    );
    let extensions = &hello.extensions;
    assert!(is_reserved(hello.cipher_suites[0].0));
    assert!(is_reserved(
        extensions.supported_groups.as_ref().unwrap()[0].0
    ));
    let share = &extensions.key_share.as_ref().unwrap()[0];
    assert_eq!(share.group.0, the("group", &hello));
    assert_eq!(share.key_exchange, [0]);
    let modes = extensions.psk_key_exchange_modes.as_ref().unwrap();
    assert_eq!((modes.len(), (modes[0].0 - 0x0b) % 0x1f), (2, 0));
    let lengths: Vec<_> = extensions
        .unknown
        .iter()
        .map(|(_, data)| data.len())
        .collect();
    assert_eq!(lengths, [0, 1]);
}

#[test]
fn they_change_from_connection_to_connection() {
    let first = reserved(&server().hello);
    assert!((0..20).any(|_| reserved(&server().hello) != first));
}

#[test]
fn they_can_be_turned_off() {
    let server = HandServer::new(ClientConfig {
        grease: false,
        ..ClientConfig::default()
    });
    assert_eq!(reserved(&server.hello), []);
}

#[test]
fn a_client_without_shares_stays_without() {
    let server = HandServer::new(ClientConfig {
        key_shares: keyward_tls::KeyShares::First(0),
        ..ClientConfig::default()
    });
    assert_eq!(server.hello.extensions.key_share, Some(Vec::new()));
}

/// RFC 9846 §4.2.2: "the client MUST send the same ClientHello without modification, except" for what the
/// HelloRetryRequest asks for: one share.
#[test]
fn a_second_client_hello_repeats_them() {
    for (group, cookie) in [
        (Some(NamedGroup::SECP256R1), None),
        (None, Some(b"cookie".to_vec())),
    ] {
        let mut server = server();
        let first = server.hello.clone();
        server
            .send_plain(&ServerHello::hello_retry_request(
                first.session_id.clone(),
                CipherSuite::TLS_AES_128_GCM_SHA256,
                group,
                cookie.clone(),
            ))
            .unwrap();
        let message = loop {
            let (content_type, content) = server.next_record().unwrap();
            if content_type == ContentType::HANDSHAKE {
                break content;
            }
        };
        let second = ClientHello::from_bytes(&message[4..]).unwrap();
        assert_eq!(
            keyward_keyop::tls13::changed_after_retry(&first, &second),
            None
        );
        let without_share = |hello| {
            let mut all = reserved(hello);
            all.retain(|(place, _)| *place != "share");
            all
        };
        assert_eq!(without_share(&first), without_share(&second));
        let shares = second.extensions.key_share.unwrap();
        match group {
            Some(group) => assert_eq!((shares.len(), shares[0].group), (1, group)),
            None => assert_eq!(Some(shares), first.extensions.key_share),
        }
    }
}

/// RFC 8701 §3.1: "Clients MUST reject GREASE values when negotiated by the server."
#[test]
fn a_server_that_takes_one_up_in_its_server_hello() {
    type Edit = fn(&mut ServerHello, &ClientHello);
    let cases: [(Edit, Error); 5] = [
        (
            |answer, hello| {
                answer.extensions.supported_versions = Some(ProtocolVersion(the("version", hello)));
            },
            PeerMisbehaved::UnofferedVersion.into(),
        ),
        (
            |answer, hello| {
                answer.legacy_version = ProtocolVersion(the("version", hello));
                answer.extensions.supported_versions = None;
            },
            PeerIncompatible::NoVersion.into(),
        ),
        (
            |answer, hello| answer.cipher_suite = CipherSuite(the("suite", hello)),
            PeerMisbehaved::UnofferedCipherSuite.into(),
        ),
        (
            |answer, hello| {
                answer.extensions.key_share = Some(ServerKeyShare::Share(KeyShareEntry {
                    group: NamedGroup(the("group", hello)),
                    key_exchange: vec![0],
                }));
            },
            PeerMisbehaved::UnofferedGroup.into(),
        ),
        (
            |answer, hello| {
                let typ = ExtensionType(the("extension", hello));
                answer.extensions.unknown.push((typ, Vec::new()));
            },
            // Which of the two it is depends on the values.
            PeerMisbehaved::UnsolicitedExtension(ExtensionType(0)).into(),
        ),
    ];
    for (edit, expected) in cases {
        let mut server = server();
        let hello = server.hello.clone();
        let mut answer = server.server_hello();
        edit(&mut answer, &hello);
        let error = server.send_plain(&answer).unwrap_err();
        match error {
            Error::PeerMisbehaved(PeerMisbehaved::UnsolicitedExtension(typ)) => {
                assert!(is_reserved(typ.0));
            }
            error => assert_eq!(error, expected),
        }
    }
}

#[test]
fn a_server_that_takes_one_up_in_a_hello_retry_request() {
    let mut server = server();
    let retry = ServerHello::hello_retry_request(
        server.hello.session_id.clone(),
        CipherSuite::TLS_AES_128_GCM_SHA256,
        Some(NamedGroup(the("group", &server.hello))),
        None,
    );
    let outcome = server.send_plain(&retry);
    server.misbehaved(outcome, PeerMisbehaved::UnofferedGroup);
}

#[test]
fn a_server_that_takes_one_up_later() {
    // In EncryptedExtensions.
    let mut server = server();
    let hello = server.server_hello();
    server.send_server_hello(&hello).unwrap();
    let typ = ExtensionType(the("extension", &server.hello));
    let outcome = server.send(&EncryptedExtensions {
        unknown: vec![(typ, Vec::new())],
        ..EncryptedExtensions::default()
    });
    server.refused(
        outcome,
        PeerMisbehaved::UnsolicitedExtension(typ),
        AlertDescription::UNSUPPORTED_EXTENSION,
    );

    // In its Certificate.
    let mut server = self::server();
    server.begin();
    let mut certificate = server.certificate();
    let typ = ExtensionType(the("extension", &server.hello));
    certificate.certificate_list[0]
        .extensions
        .unknown
        .push((typ, Vec::new()));
    let outcome = server.send(&certificate);
    server.refused(
        outcome,
        PeerMisbehaved::UnsolicitedExtension(typ),
        AlertDescription::UNSUPPORTED_EXTENSION,
    );

    // In its CertificateVerify.
    let mut server = self::server();
    server.begin();
    let certificate = server.certificate();
    server.send(&certificate).unwrap();
    let verify = CertificateVerify {
        scheme: SignatureScheme(the("scheme", &server.hello)),
        ..server.certificate_verify()
    };
    let outcome = server.send(&verify);
    server.misbehaved(outcome, PeerMisbehaved::UnofferedSignatureScheme);
}

/// RFC 8701 §4.2: "When processing a CertificateRequest or NewSessionTicket, clients MUST NOT treat GREASE values
/// differently from any unknown value."
#[test]
fn those_of_a_certificate_request_are_passed_over() {
    let visitor = Visitor {
        identities: Some(vec![client_identity(KeyAlgorithm::P256)]),
        ..Visitor::default()
    };
    let mut server = HandServer::with(ClientConfig::default(), &Arc::new(visitor));
    server.begin();
    server
        .send(&CertificateRequestTls13 {
            certificate_request_context: Vec::new(),
            extensions: CertificateRequestExtensions {
                signature_algorithms: Some(vec![
                    SignatureScheme(0x5a5a),
                    SignatureScheme::ECDSA_SECP256R1_SHA256,
                ]),
                unknown: vec![(ExtensionType(0xcaca), vec![1, 2, 3])],
                ..CertificateRequestExtensions::default()
            },
        })
        .unwrap();
    server.authenticate();
    server.finish().unwrap();
    assert_eq!(
        server.take_client_finished(),
        [
            HandshakeType::CERTIFICATE,
            HandshakeType::CERTIFICATE_VERIFY,
            HandshakeType::FINISHED
        ]
    );
}

/// RFC 8701 §4.1, for who turns it on.
#[test]
fn a_server_has_them_in_tickets_and_certificate_requests() {
    for grease in [true, false] {
        let mut site = Site::new(&[KeyAlgorithm::P256]);
        site.client_authentication = ClientAuthentication::Optional(Default::default());
        let config = ServerConfig {
            grease,
            ..ServerConfig::default()
        };
        let mut client = HandClient::with_config(&Arc::new(site), config);
        client.hello_and_keys();
        let request: CertificateRequestTls13 = client.message();
        let schemes = request.extensions.signature_algorithms.unwrap();
        assert_eq!(is_reserved(schemes[0].0), grease);
        let unknown = request.extensions.unknown;
        assert_eq!(unknown.len(), usize::from(grease));

        let site = Arc::new(Site::new(&[KeyAlgorithm::P256]));
        let config = ServerConfig {
            grease,
            ..ServerConfig::default()
        };
        let mut client = HandClient::with_config(&site, config);
        client.handshake_for_tickets();
        for ticket in &client.tickets {
            let unknown = &ticket.extensions.unknown;
            assert!(unknown.iter().all(|(typ, _)| is_reserved(typ.0)));
            assert_eq!(unknown.len(), usize::from(grease));
        }
    }
}

/// All of it at once, on both sides: with client authentication, a retry, resumption and early data.
#[test]
fn our_two_sides_get_along() {
    for groups in [
        vec![NamedGroup::X25519MLKEM768],
        vec![NamedGroup::SECP384R1],
    ] {
        let mut site = Site::new(&[KeyAlgorithm::P256]);
        site.policy.groups = groups;
        site.client_authentication = ClientAuthentication::Required(Default::default());
        let site = Arc::new(site);
        let visitor = Visitor {
            identities: Some(vec![client_identity(KeyAlgorithm::P256)]),
            ..Visitor::default()
        };
        let visitor = Arc::new(visitor);
        for resumed in [false, true, true] {
            let client = ClientConfig {
                early_data: true,
                ..ClientConfig::default()
            };
            let server = ServerConfig {
                grease: true,
                early_data: 100,
                ..ServerConfig::default()
            };
            let mut duo = Duo::with(&site, &visitor, client, server);
            duo.handshake();
            duo.echo();
            assert_eq!(duo.client.negotiated().unwrap().resumed, resumed);
        }
    }
    for policy in [Policy::intermediate(), Policy::legacy()] {
        let mut site = Site::new(&[KeyAlgorithm::Rsa2048]);
        site.policy = Policy {
            versions: vec![ProtocolVersion::TLS12],
            ..policy.clone()
        };
        let site = Arc::new(site);
        let visitor = Arc::default();
        for resumed in [false, true] {
            let client = ClientConfig {
                policy: site.policy.clone().into(),
                ..ClientConfig::default()
            };
            let mut duo = Duo::with(&site, &visitor, client, ServerConfig::default());
            duo.handshake();
            duo.echo();
            assert_eq!(duo.client.negotiated().unwrap().resumed, resumed);
        }
    }
}
