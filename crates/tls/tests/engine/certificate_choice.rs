use std::sync::Arc;

use keyward_crypto::signature::KeyKind;
use keyward_tls::{Error, PeerIncompatible};
use keyward_wire::values::SignatureScheme as Scheme;

use crate::support::{HandClient, KeyAlgorithm, Site};

fn client(offered: &[Scheme], kinds: &[KeyAlgorithm]) -> HandClient {
    let mut client = HandClient::new(&Arc::new(Site::new(kinds)));
    client.hello.extensions.signature_algorithms = Some(offered.to_vec());
    client
}

#[test]
fn the_first_certificate_that_fits_the_clients_schemes() {
    let both = [KeyAlgorithm::P256, KeyAlgorithm::Rsa2048];
    let ecdsa = Scheme::ECDSA_SECP256R1_SHA256;
    let rsa = Scheme::RSA_PSS_RSAE_SHA256;
    for (offered, expected) in [
        (&[ecdsa, rsa][..], ecdsa),
        (&[rsa, ecdsa], ecdsa),
        (&[ecdsa], ecdsa),
        (&[rsa], rsa),
        (&[Scheme::RSA_PSS_RSAE_SHA512], Scheme::RSA_PSS_RSAE_SHA512),
        // P-256 cannot do what is P-384's in TLS 1.3.
        (&[Scheme::ECDSA_SECP384R1_SHA384, rsa], rsa),
    ] {
        let mut client = client(offered, &both);
        client.handshake();
        let negotiated = client.server.negotiated().unwrap();
        assert_eq!(negotiated.signature_scheme, Some(expected), "{offered:?}");
        let certificate = negotiated.certificate.as_ref().unwrap();
        let is_rsa = matches!(certificate.public_key().kind(), KeyKind::Rsa { .. });
        assert_eq!(is_rsa, expected != ecdsa);
    }
}

#[test]
fn no_certificate_that_fits() {
    for (offered, kinds) in [
        (
            &[Scheme::ED25519][..],
            &[KeyAlgorithm::P256, KeyAlgorithm::Rsa2048][..],
        ),
        // RFC 9846 §4.3.3: PKCS#1 v1.5 is for certificates alone; SHA-1 is not for us.
        (
            &[Scheme::RSA_PKCS1_SHA256, Scheme::RSA_PKCS1_SHA1],
            &[KeyAlgorithm::Rsa2048],
        ),
        // RFC 9846 §4.3.3: these are for keys that say of themselves that they are for PSS.
        (
            &[
                Scheme::RSA_PSS_PSS_SHA256,
                Scheme::RSA_PSS_PSS_SHA384,
                Scheme::RSA_PSS_PSS_SHA512,
            ],
            &[KeyAlgorithm::Rsa2048],
        ),
        (&[Scheme::ECDSA_SECP384R1_SHA384], &[KeyAlgorithm::P256]),
        (&[Scheme::ECDSA_SECP256R1_SHA256], &[KeyAlgorithm::P384]),
        (&[Scheme::ECDSA_SECP256R1_SHA256], &[]),
    ] {
        let error = client(offered, kinds).send_hello().unwrap_err();
        assert_eq!(error, PeerIncompatible::NoSignatureScheme.into());
    }
}

#[test]
fn a_client_that_says_nothing_about_signatures() {
    let mut client = client(&[], &[KeyAlgorithm::P256]);
    client.hello.extensions.signature_algorithms = None;
    assert_eq!(
        client.send_hello(),
        Err(Error::PeerIncompatible(
            PeerIncompatible::MissingSignatureAlgorithms
        ))
    );
}
