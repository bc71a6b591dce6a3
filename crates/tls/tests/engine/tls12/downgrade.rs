use std::sync::Arc;

use keyward_tls::{PeerIncompatible, PeerMisbehaved, Policy};
use keyward_wire::values::{AlertDescription, CipherSuite, EcPointFormat, ProtocolVersion};

use super::{HandClient, options};
use crate::support::{ClientOptions, Failure, KeyAlgorithm, Pair, Site, client_config};

#[test]
fn a_fallback_below_what_both_speak_is_refused() {
    let site = Arc::new(Site::new(&[KeyAlgorithm::P256]));
    let mut client = HandClient::new(&site);
    client
        .hello
        .cipher_suites
        .push(CipherSuite::TLS_FALLBACK_SCSV);
    let error = client.send_hello().unwrap_err();
    assert_eq!(error, PeerMisbehaved::InappropriateFallback.into());
    assert_eq!(
        error.alert(),
        Some(AlertDescription::INAPPROPRIATE_FALLBACK)
    );
}

/// RFC 7507 §3 makes no exception for a fallback so far that nothing is in common.
#[test]
fn a_fallback_below_all_versions_is_refused_as_one() {
    let mut modern = Site::new(&[KeyAlgorithm::P256]);
    modern.policy = Policy::modern();
    for (site, version) in [
        (Site::new(&[KeyAlgorithm::P256]), ProtocolVersion(0x0302)),
        (modern, ProtocolVersion::TLS12),
    ] {
        let mut client = HandClient::new(&Arc::new(site));
        client.hello.legacy_version = version;
        let suites = &mut client.hello.cipher_suites;
        suites.push(CipherSuite::TLS_FALLBACK_SCSV);
        assert_eq!(
            client.send_hello().unwrap_err(),
            PeerMisbehaved::InappropriateFallback.into()
        );
    }
}

#[test]
fn a_fallback_to_the_best_of_the_server_is_none() {
    let mut site = Site::new(&[KeyAlgorithm::P256]);
    site.policy.versions = vec![ProtocolVersion::TLS12];
    let mut client = HandClient::new(&Arc::new(site));
    client
        .hello
        .cipher_suites
        .push(CipherSuite::TLS_FALLBACK_SCSV);
    client.handshake();
}

/// The sentinel works: a client of TLS 1.3 that is brought down to TLS 1.2 notices.
#[test]
fn a_client_of_tls13_notices_the_downgrade() {
    let mut site = Site::new(&[KeyAlgorithm::P256]);
    site.policy.versions = vec![ProtocolVersion::TLS12];
    let client = client_config(ClientOptions {
        versions: vec![&rustls::version::TLS12, &rustls::version::TLS13],
        ..options()
    });
    let failure = Pair::new(&client, &Arc::new(site)).run().unwrap_err();
    let Failure::Client(error) = failure else {
        panic!("the server refused: {failure:?}");
    };
    let misbehaved = rustls::PeerMisbehaved::AttemptedDowngradeToTls12WhenTls13IsSupported;
    assert_eq!(error, misbehaved.into());
}

#[test]
fn a_policy_without_tls12_refuses_it() {
    let mut site = Site::new(&[KeyAlgorithm::P256]);
    site.policy = Policy::modern();
    let error = HandClient::new(&Arc::new(site)).send_hello().unwrap_err();
    assert_eq!(error, PeerIncompatible::NoVersion.into());
    assert_eq!(error.alert(), Some(AlertDescription::PROTOCOL_VERSION));
}

#[test]
fn nothing_in_common_is_a_handshake_failure() {
    type Change = fn(&mut HandClient);
    let cases: [(Change, PeerIncompatible); 6] = [
        (
            |client| client.hello.cipher_suites = vec![CipherSuite(0x0005)],
            PeerIncompatible::NoCipherSuite,
        ),
        (
            |client| client.hello.extensions.supported_groups = None,
            PeerIncompatible::NoGroup,
        ),
        (
            |client| client.hello.extensions.signature_algorithms = None,
            PeerIncompatible::NoSignatureScheme,
        ),
        (
            // The curve of the certificate is not among the client's.
            |client| {
                let groups = client.hello.extensions.supported_groups.as_mut().unwrap();
                groups.truncate(1);
            },
            PeerIncompatible::NoSignatureScheme,
        ),
        (
            |client| drop(client.hello.cipher_suites.drain(..1)),
            PeerIncompatible::NoCipherSuite,
        ),
        (
            |client| client.hello.extensions.ec_point_formats = Some(vec![EcPointFormat(1)]),
            PeerIncompatible::NoUncompressedPoints,
        ),
    ];
    let site = Arc::new(Site::new(&[KeyAlgorithm::P256]));
    for (change, expected) in cases {
        let mut client = HandClient::new(&site);
        change(&mut client);
        assert_eq!(client.send_hello().unwrap_err(), expected.into());
    }
}
