//! Our client and our server with every cipher suite of TLS 1.2. Both policies have TLS 1.2 alone: a client that
//! offers TLS 1.3 would take our server's random for that of a downgrade.

use std::sync::Arc;

use keyward_tls::{
    ClientConfig, Credential, NeedKind, OcspResponse, Policy, ServerConfig,
    SignedCertificateTimestampList,
};
use keyward_wire::values::{CipherSuite, NamedGroup, ProtocolVersion};

use crate::support::{Duo, KeyAlgorithm, Site, Visitor, identity};

/// What a suite's name says of its key exchange.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Exchange {
    EcdheEcdsa,
    EcdheRsa,
    DheRsa,
    Rsa,
}

fn exchange(suite: CipherSuite) -> Option<Exchange> {
    let (exchange, _) = suite.name().unwrap().split_once("_WITH_")?;
    Some(match exchange {
        "TLS_ECDHE_ECDSA" => Exchange::EcdheEcdsa,
        "TLS_ECDHE_RSA" => Exchange::EcdheRsa,
        "TLS_DHE_RSA" => Exchange::DheRsa,
        "TLS_RSA" => Exchange::Rsa,
        other => panic!("{other}"),
    })
}

fn is_cbc(suite: CipherSuite) -> bool {
    suite.name().unwrap().contains("_CBC_")
}

/// TLS 1.2 with one suite alone.
fn policy(suite: CipherSuite, groups: &[NamedGroup]) -> Policy {
    Policy {
        versions: vec![ProtocolVersion::TLS12],
        cipher_suites: vec![suite],
        groups: groups.to_vec(),
        ..Policy::legacy()
    }
}

fn client(policy: Policy) -> ClientConfig {
    ClientConfig {
        policy: policy.into(),
        resumption: false,
        ..ClientConfig::default()
    }
}

fn shake(suite: CipherSuite, kind: KeyAlgorithm, groups: &[NamedGroup]) -> Duo {
    let mut site = Site::new(&[kind]);
    site.policy = policy(suite, groups);
    let site = Arc::new(site);
    let visitor = Arc::new(Visitor::of(&site));
    let config = client(policy(suite, groups));
    let mut duo = Duo::with(&site, &visitor, config, ServerConfig::default());
    duo.handshake();
    duo
}

/// Each with every kind of certificate and every group that it fits, and data both ways.
#[test]
fn every_suite_certificate_and_group() {
    let curves = [
        NamedGroup::X25519,
        NamedGroup::SECP256R1,
        NamedGroup::SECP384R1,
        NamedGroup::SECP521R1,
    ];
    let fields = [NamedGroup::FFDHE2048, NamedGroup::FFDHE3072];
    let mut count = 0;
    for suite in Policy::legacy().cipher_suites {
        let Some(exchange) = exchange(suite) else {
            continue;
        };
        let kinds: &[KeyAlgorithm] = match exchange {
            Exchange::EcdheEcdsa => &[
                KeyAlgorithm::P256,
                KeyAlgorithm::P384,
                KeyAlgorithm::Ed25519,
            ],
            _ => &[KeyAlgorithm::Rsa2048],
        };
        let groups: &[NamedGroup] = match exchange {
            Exchange::EcdheEcdsa | Exchange::EcdheRsa => &curves,
            Exchange::DheRsa => &fields,
            Exchange::Rsa => &[NamedGroup::X25519],
        };
        for (kind, group) in kinds
            .iter()
            .flat_map(|kind| groups.iter().map(|group| (*kind, *group)))
        {
            let what = format!("{suite} {kind:?} {group}");
            // The certificate's curve has to be among the groups as well.
            let others = [NamedGroup::SECP256R1, NamedGroup::SECP384R1];
            let offered = [&[group][..], &others].concat();
            let mut duo = shake(suite, kind, &offered);
            duo.echo();
            for negotiated in [duo.client.negotiated(), duo.server.negotiated()] {
                let negotiated = negotiated.unwrap();
                assert_eq!(negotiated.version, ProtocolVersion::TLS12, "{what}");
                assert_eq!(negotiated.cipher_suite, suite, "{what}");
                assert!(negotiated.extended_master_secret && !negotiated.resumed);
                let expected = (exchange != Exchange::Rsa).then_some(group);
                assert_eq!(negotiated.group, expected, "{what}");
                assert_eq!(
                    negotiated.signature_scheme.is_some(),
                    exchange != Exchange::Rsa
                );
            }
            let chain = duo.site.identities[0].certificate.chain();
            assert_eq!(duo.client.peer_certificates(), chain, "{what}");
            assert_eq!(duo.visitor.take_asked(), [NeedKind::PeerCertificate]);
            count += 1;
        }
    }
    // 7 of ECDHE_ECDSA with 12, 7 of ECDHE_RSA with 4, 7 of DHE with 2, 6 of RSA.
    assert_eq!(count, 7 * 12 + 7 * 4 + 7 * 2 + 6);
}

/// Records of every length around a block, and more than one record, with each CBC algorithm; RFC 7366 where
/// both sides have it.
#[test]
fn data_of_every_length_under_cbc() {
    for suite in [
        CipherSuite::TLS_RSA_WITH_AES_128_CBC_SHA,
        CipherSuite::TLS_RSA_WITH_AES_256_CBC_SHA,
        CipherSuite::TLS_RSA_WITH_AES_128_CBC_SHA256,
        CipherSuite::TLS_RSA_WITH_AES_256_CBC_SHA256,
        CipherSuite::TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA384,
    ] {
        let mut duo = shake(suite, KeyAlgorithm::Rsa2048, &[NamedGroup::X25519]);
        for length in (0..=64).chain([1 << 14, (1 << 14) + 1, 50_000]) {
            let data: Vec<u8> = (0..length).map(|i: usize| i.to_le_bytes()[0]).collect();
            duo.client_received.clear();
            duo.server_received.clear();
            assert_eq!(duo.client.send(&data).unwrap(), length);
            assert_eq!(duo.server.send(&data).unwrap(), length);
            duo.run().unwrap();
            assert!(duo.server_received == data, "{suite} {length}");
            assert!(duo.client_received == data, "{suite} {length}");
        }
    }
}

#[test]
fn every_byte_may_come_alone() {
    for suite in [
        CipherSuite::TLS_RSA_WITH_AES_256_CBC_SHA,
        CipherSuite::TLS_DHE_RSA_WITH_AES_128_GCM_SHA256,
    ] {
        let mut site = Site::new(&[KeyAlgorithm::Rsa2048]);
        site.policy = policy(suite, &[NamedGroup::FFDHE2048]);
        let site = Arc::new(site);
        let visitor = Arc::new(Visitor::of(&site));
        let config = client(policy(suite, &[NamedGroup::FFDHE2048]));
        let mut duo = Duo::with(&site, &visitor, config, ServerConfig::default());
        duo.piece = 1;
        duo.handshake();
        duo.echo();
    }
}

/// Without `legacy` neither side has any of it, whatever is listed.
#[test]
fn legacy_suites_need_a_legacy_policy() {
    for suite in Policy::legacy().cipher_suites {
        let legacy = match exchange(suite) {
            None => continue,
            Some(Exchange::Rsa | Exchange::DheRsa) => true,
            Some(_) => is_cbc(suite),
        };
        let strict = Policy {
            legacy: false,
            ..policy(suite, &[NamedGroup::X25519, NamedGroup::FFDHE2048])
        };
        let name = "shop.example".parse().unwrap();
        let made = keyward_tls::ClientConnection::new(Arc::new(client(strict)), name);
        assert_eq!(made.is_err(), legacy, "{suite}");
    }
}

/// RFC 6066 §8 and RFC 6962 §3.3.1: what the site has beside its certificate comes to who decides on it, if our client
/// asks for it.
#[test]
fn an_ocsp_response_and_timestamps_come_with_the_certificate() {
    let list = vec![0, 5, 0, 3, 1, 2, 3];
    let plain = identity(KeyAlgorithm::P256);
    let credential = Credential::new(plain.certificate.chain().to_vec())
        .unwrap()
        .with_ocsp(OcspResponse(b"response".to_vec()))
        .unwrap()
        .with_scts(SignedCertificateTimestampList(list.clone()))
        .unwrap();
    let mut site = Site::new(&[]);
    site.identities.push(Arc::new(plain.with(credential)));
    let suite = CipherSuite::TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256;
    let groups = [NamedGroup::SECP256R1];
    site.policy = policy(suite, &groups);
    let site = Arc::new(site);
    for asks in [true, false] {
        let visitor = Arc::new(Visitor::default());
        let config = ClientConfig {
            request_ocsp: asks,
            request_scts: asks,
            ..client(policy(suite, &groups))
        };
        Duo::with(&site, &visitor, config, ServerConfig::default()).handshake();
        let ocsp = visitor.ocsp.lock().unwrap().clone();
        assert_eq!(ocsp, asks.then(|| b"response".to_vec()));
        let scts = visitor.scts.lock().unwrap().clone();
        assert_eq!(scts, asks.then(|| list.clone()));
    }
}
