use std::sync::Arc;

use keyward_crypto::signature::KeyKind;
use keyward_tls::{Credential, Error, PeerIncompatible};
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

/// A key whose holder does less than its kind could, an HSM's for example.
#[test]
fn a_key_signs_with_what_its_credential_says() {
    let offered = [Scheme::RSA_PSS_RSAE_SHA256, Scheme::RSA_PSS_RSAE_SHA512];
    let signs = |schemes: &[Scheme]| {
        let mut site = Site::new(&[KeyAlgorithm::Rsa2048, KeyAlgorithm::P256]);
        let identity = &site.identities[0];
        let chain = identity.certificate.chain().to_vec();
        let credential = Credential::new(chain).unwrap();
        let limited = credential.with_signing_schemes(schemes.to_vec());
        site.identities[0] = Arc::new(identity.with(limited));
        let mut client = HandClient::new(&Arc::new(site));
        let ecdsa = Scheme::ECDSA_SECP256R1_SHA256;
        client.hello.extensions.signature_algorithms = Some([&offered[..], &[ecdsa]].concat());
        client.handshake();
        client
            .server
            .negotiated()
            .unwrap()
            .signature_scheme
            .unwrap()
    };
    assert_eq!(signs(&offered), Scheme::RSA_PSS_RSAE_SHA256);
    let reversed: Vec<_> = offered.into_iter().rev().collect();
    assert_eq!(signs(&reversed), Scheme::RSA_PSS_RSAE_SHA512);
    // Neither what the client has not offered, nor what no RSA key of TLS 1.3 does.
    let others = [Scheme::RSA_PSS_RSAE_SHA384, Scheme::RSA_PKCS1_SHA256];
    assert_eq!(signs(&others), Scheme::ECDSA_SECP256R1_SHA256);
    assert_eq!(signs(&[]), Scheme::ECDSA_SECP256R1_SHA256);
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
