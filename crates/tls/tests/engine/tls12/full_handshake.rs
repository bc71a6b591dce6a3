use std::sync::Arc;

use keyward_keyop::TLS12_DOWNGRADE_SENTINEL;
use keyward_tls::{Credential, NeedKind, OcspResponse, Policy, TraceEvent, TraceItem};
use keyward_wire::values::{
    CipherSuite, EcPointFormat, HandshakeType, NamedGroup, ProtocolVersion,
};
use rustls::HandshakeKind;
use rustls::crypto::aws_lc_rs::{cipher_suite, kx_group};

use super::{HandClient, options};
use crate::support::{ClientOptions, KeyAlgorithm, Pair, Site, client_config, identity};

/// Every suite with every group and every kind of certificate that it fits; the key server's own
/// check of each operation included.
#[test]
fn every_suite_group_and_certificate() {
    let ecdsa = [
        cipher_suite::TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
        cipher_suite::TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
        cipher_suite::TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256,
    ];
    let rsa = [
        cipher_suite::TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
        cipher_suite::TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
        cipher_suite::TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256,
    ];
    let kinds = [
        (KeyAlgorithm::P256, ecdsa),
        (KeyAlgorithm::P384, ecdsa),
        (KeyAlgorithm::Ed25519, ecdsa),
        (KeyAlgorithm::Rsa2048, rsa),
    ];
    for (kind, suites) in kinds {
        for suite in suites {
            for group in [kx_group::X25519, kx_group::SECP256R1, kx_group::SECP384R1] {
                let what = format!("{suite:?} {group:?} {kind:?}");
                let client = client_config(ClientOptions {
                    suites: vec![suite],
                    // The certificate's curve has to be among the groups as well.
                    groups: vec![group, kx_group::SECP256R1, kx_group::SECP384R1],
                    ..options()
                });
                let mut site = Site::new(&[kind]);
                site.policy.groups = vec![NamedGroup(group.name().into())];
                let site = Arc::new(site);
                let mut pair = Pair::new(&client, &site);
                pair.handshake();
                pair.echo();

                let negotiated = pair.server.negotiated().unwrap();
                assert_eq!(negotiated.version, ProtocolVersion::TLS12, "{what}");
                assert_eq!(
                    negotiated.cipher_suite.0,
                    u16::from(suite.suite()),
                    "{what}"
                );
                assert_eq!(
                    negotiated.group.unwrap().0,
                    u16::from(group.name()),
                    "{what}"
                );
                assert!(negotiated.signature_scheme.is_some() && negotiated.certificate.is_some());
                assert!(negotiated.extended_master_secret && !negotiated.resumed);
                assert_eq!(
                    pair.client.handshake_kind(),
                    Some(HandshakeKind::Full),
                    "{what}"
                );
                assert_eq!(
                    site.take_asked(),
                    [
                        NeedKind::Certificate,
                        NeedKind::KeyOperation,
                        NeedKind::NewSession
                    ],
                    "{what}"
                );
            }
        }
    }
}

#[test]
fn bulk_data_flows_both_ways() {
    for suite in [
        cipher_suite::TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
        cipher_suite::TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256,
    ] {
        let site = Arc::new(Site::new(&[KeyAlgorithm::P256]));
        let client = client_config(ClientOptions {
            suites: vec![suite],
            ..options()
        });
        let mut pair = Pair::new(&client, &site);
        pair.handshake();
        let data: Vec<u8> = (0..100_000_u32).flat_map(u32::to_be_bytes).collect();
        pair.client_sends(&data);
        pair.server_sends(&data);
        pair.client.send_close_notify();
        pair.run().unwrap();
        pair.server.close();
        pair.step_server().unwrap();
        assert_eq!(pair.steps, ["HandshakeComplete", "PeerClosed", "Closed"]);
    }
}

#[test]
fn every_byte_may_come_alone() {
    let site = Arc::new(Site::new(&[KeyAlgorithm::P256]));
    let mut pair = Pair::new(&client_config(options()), &site);
    pair.piece = 1;
    pair.handshake();
    pair.echo();
}

#[test]
fn a_client_of_both_versions_gets_tls12_where_the_policy_has_no_more() {
    let mut site = Site::new(&[KeyAlgorithm::P256]);
    site.alpn = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    let client = client_config(ClientOptions {
        alpn: vec![b"http/1.1".to_vec(), b"h2".to_vec()],
        ..options()
    });
    let mut pair = Pair::new(&client, &Arc::new(site));
    pair.handshake();
    let negotiated = pair.server.negotiated().unwrap();
    assert_eq!(negotiated.alpn.as_deref(), Some(&b"h2"[..]));
    assert_eq!(pair.client.alpn_protocol(), Some(&b"h2"[..]));
    assert_eq!(negotiated.server_name.as_deref(), Some("shop.example"));
}

#[test]
fn the_order_of_messages_is_the_rfcs() {
    use HandshakeType as H;
    let site = Arc::new(Site::new(&[KeyAlgorithm::P256]));
    let mut client = HandClient::new(&site);
    client.handshake();
    let sent: Vec<_> = client
        .server
        .take_trace()
        .into_iter()
        .filter_map(|event| match event {
            TraceEvent::Sent { what, .. } => Some(what),
            _ => None,
        })
        .collect();
    let expected = [
        TraceItem::Handshake(H::SERVER_HELLO),
        TraceItem::Handshake(H::CERTIFICATE),
        TraceItem::Handshake(H::SERVER_KEY_EXCHANGE),
        TraceItem::Handshake(H::SERVER_HELLO_DONE),
        TraceItem::Handshake(H::NEW_SESSION_TICKET),
        TraceItem::ChangeCipherSpec,
        TraceItem::Handshake(H::FINISHED),
        TraceItem::ApplicationData,
    ];
    assert_eq!(sent, expected);
}

#[test]
fn the_server_hello_says_no_more_than_it_was_asked() {
    let mut site = Site::new(&[KeyAlgorithm::P256]);
    site.policy.require_extended_master_secret = false;
    let site = Arc::new(site);
    let mut client = HandClient::new(&site);
    client.hello.extensions.extended_master_secret = false;
    client.hello.extensions.session_ticket = None;
    client.hello.extensions.server_name = None;
    client.handshake();
    let server_hello = client.server_hello.unwrap();
    assert!(
        server_hello.extensions.is_empty(),
        "{:?}",
        server_hello.extensions
    );
    assert_eq!(server_hello.random[24..], TLS12_DOWNGRADE_SENTINEL);
    assert_eq!(server_hello.session_id.len(), 32);
}

#[test]
fn the_server_hello_answers_what_it_was_asked() {
    let site = Arc::new(Site::new(&[KeyAlgorithm::P256]));
    let mut client = HandClient::new(&site);
    let extensions = &mut client.hello.extensions;
    extensions.renegotiation_info = Some(Vec::new());
    extensions.ec_point_formats = Some(vec![EcPointFormat::UNCOMPRESSED]);
    extensions.record_size_limit = Some(100);
    client.handshake();
    let extensions = client.server_hello.take().unwrap().extensions;
    assert!(extensions.server_name && extensions.extended_master_secret);
    assert!(extensions.session_ticket);
    assert_eq!(extensions.renegotiation_info, Some(Vec::new()));
    assert_eq!(
        extensions.ec_point_formats,
        Some(vec![EcPointFormat::UNCOMPRESSED])
    );
    assert_eq!(extensions.record_size_limit, Some(1 << 14));

    client.server.send(&[7; 250]).unwrap();
    client.step().unwrap();
    let lengths: Vec<_> = client
        .records()
        .iter()
        .map(|(_, content)| content.len())
        .collect();
    assert_eq!(lengths, [100, 100, 50]);
}

#[test]
fn the_signalling_suite_asks_for_renegotiation_info_too() {
    let site = Arc::new(Site::new(&[KeyAlgorithm::P256]));
    let mut client = HandClient::new(&site);
    client
        .hello
        .cipher_suites
        .push(CipherSuite::TLS_EMPTY_RENEGOTIATION_INFO_SCSV);
    client.handshake();
    let extensions = client.server_hello.unwrap().extensions;
    assert_eq!(extensions.renegotiation_info, Some(Vec::new()));
    assert!(client.server.negotiated().unwrap().secure_renegotiation);
}

/// RFC 5746 §3.6: a client with neither the extension nor the signalling suite gets no `renegotiation_info`.
#[test]
fn who_does_not_ask_for_renegotiation_info_gets_none() {
    let site = Arc::new(Site::new(&[KeyAlgorithm::P256]));
    let mut client = HandClient::new(&site);
    client.handshake();
    assert_eq!(
        client.server_hello.unwrap().extensions.renegotiation_info,
        None
    );
    assert!(!client.server.negotiated().unwrap().secure_renegotiation);
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
        client.send_hello().unwrap();
        let flight = client.take_flight();
        assert_eq!(flight.contains(&HandshakeType::CERTIFICATE_STATUS), asks);
        assert_eq!(
            client
                .server_hello
                .as_ref()
                .unwrap()
                .extensions
                .status_request,
            asks
        );
        let bytes = client.second_flight();
        client.feed(&bytes).unwrap();
        assert_eq!(client.steps, ["HandshakeComplete"]);
    }
}

/// The first certificate that fits, with forward secrecy before everything else.
#[test]
fn the_certificate_is_chosen_by_what_the_client_knows() {
    let mut site = Site::new(&[KeyAlgorithm::Rsa2048, KeyAlgorithm::P256]);
    site.policy = Policy::legacy();
    let site = Arc::new(site);
    let ecdsa = CipherSuite::TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256;
    let with_rsa = CipherSuite::TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256;
    let transport = CipherSuite::TLS_RSA_WITH_AES_128_GCM_SHA256;
    for (offered, taken) in [
        (vec![ecdsa, with_rsa], with_rsa),
        (vec![ecdsa], ecdsa),
        (vec![transport, ecdsa], ecdsa),
        (vec![transport, with_rsa], with_rsa),
        (vec![transport], transport),
    ] {
        let mut client = HandClient::new(&site);
        client.hello.cipher_suites = offered;
        client.handshake();
        assert_eq!(client.server.negotiated().unwrap().cipher_suite, taken);
    }
}
