//! Delegated credentials (RFC 9345) that a server presents.

use std::sync::Arc;

use keyward_compression::decompress;
use keyward_crypto::hash::HashAlgorithm;
use keyward_crypto::private_key::PrivateKey;
use keyward_crypto::signature::{PublicKey, SignatureAlgorithm};
use keyward_keyop::tls13::{
    server_certificate_verify_message, server_delegated_credential_message, transcript_hash,
};
use keyward_tls::{CertificateError, ClientConfig, Credential, ServerConfig, UnixTime};
use keyward_wire::codec::{Decode, Encode};
use keyward_wire::extensions::DelegatedCredential;
use keyward_wire::handshake::{self, CertificateTls13, CertificateVerify, CompressedCertificate};
use keyward_wire::values::{CertificateCompressionAlgorithm, HandshakeType, SignatureScheme};
use rcgen::{CertificateParams, CustomExtension, KeyPair, KeyUsagePurpose};

use crate::support::{Duo, HandClient, Identity, KeyAlgorithm, Site, Visitor, identity, now};

const DAY_S: u32 = 24 * 60 * 60;

/// A certificate that is valid since yesterday.
fn leaf(delegates: bool) -> Identity {
    let mut params = CertificateParams::new(vec!["shop.example".to_owned()]).unwrap();
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.not_before =
        (std::time::SystemTime::now() - std::time::Duration::from_secs(DAY_S.into())).into();
    if delegates {
        let usage = [1, 3, 6, 1, 4, 1, 44363, 44];
        let usage = CustomExtension::from_oid_content(&usage, vec![5, 0]);
        params.custom_extensions = vec![usage];
    }
    let key = KeyPair::generate().unwrap();
    let der = params.self_signed(&key).unwrap().der().clone();
    Identity {
        certificate: Arc::new(Credential::new(vec![der]).unwrap()),
        private_key: Arc::new(PrivateKey::from_der(&key.serialize_der()).unwrap()),
        pkcs8: key.serialize_der(),
    }
}

/// Delegates from a leaf to the Ed25519 key of the fixtures.
fn delegate(leaf: &Identity, valid_time: u32) -> DelegatedCredential {
    let mut credential = DelegatedCredential {
        valid_time,
        dc_cert_verify_algorithm: SignatureScheme::ED25519,
        subject_public_key_info: delegated_key().spki_der().to_vec(),
        algorithm: SignatureScheme::ECDSA_SECP256R1_SHA256,
        signature: Vec::new(),
    };
    let certificate = &leaf.certificate.chain()[0];
    let message = server_delegated_credential_message(certificate, &credential);
    credential.signature = leaf
        .private_key
        .sign(SignatureAlgorithm::EcdsaSha256, &message)
        .unwrap();
    credential
}

fn delegated_key() -> PublicKey {
    let identity = identity(KeyAlgorithm::Ed25519);
    identity.private_key.public_key().clone()
}

/// A site whose certificate delegates: it has both keys.
fn site(valid_time: u32) -> Arc<Site> {
    let leaf = leaf(true);
    // Long enough to become smaller when compressed.
    let chain = vec![leaf.certificate.chain()[0].clone(); 3];
    let credential = || Credential::new(chain.clone()).unwrap();
    let delegated = delegate(&leaf, valid_time);
    let delegated = |credential: Credential| credential.with_delegated(&delegated).unwrap();
    let mut site = Site::new(&[]);
    site.identities = vec![
        Arc::new(identity(KeyAlgorithm::Ed25519).with(delegated(credential()))),
        Arc::new(leaf.with(delegated(credential()))),
    ];
    Arc::new(site)
}

fn client(site: &Arc<Site>) -> HandClient {
    let mut client = HandClient::new(site);
    client.hello.extensions.delegated_credential = Some(vec![
        SignatureScheme::ECDSA_SECP384R1_SHA384,
        SignatureScheme::ED25519,
    ]);
    client
}

/// Whether the signature in the flight is of this key.
fn signed_by(client: &HandClient, key: &PublicKey, algorithm: SignatureAlgorithm) -> bool {
    let mut before = Vec::new();
    for message in handshake::split(&client.messages).map(Result::unwrap) {
        if message.message_type == HandshakeType::CERTIFICATE_VERIFY {
            let verify = CertificateVerify::from_bytes(message.body).unwrap();
            assert_eq!(verify.scheme.0, algorithm.code());
            let hash = transcript_hash(&before, HashAlgorithm::Sha256).unwrap();
            let content = server_certificate_verify_message(&hash);
            return key.verify(algorithm, &content, &verify.signature).is_ok();
        }
        before.extend_from_slice(message.bytes);
    }
    panic!("no CertificateVerify");
}

#[test]
fn it_is_presented_to_who_takes_it_and_its_key_signs() {
    let site = site(2 * DAY_S);
    let mut client = client(&site);
    client.handshake();
    let certificate: CertificateTls13 = client.message();
    let sent = &certificate.certificate_list[0]
        .extensions
        .delegated_credential;
    let sent = DelegatedCredential::from_bytes(sent.as_ref().unwrap()).unwrap();
    assert_eq!(sent.subject_public_key_info, delegated_key().spki_der());
    assert!(signed_by(
        &client,
        &delegated_key(),
        SignatureAlgorithm::Ed25519
    ));
    let negotiated = client.server.negotiated().unwrap();
    assert_eq!(negotiated.signature_scheme, Some(SignatureScheme::ED25519));
}

/// RFC 9345 §4.1.1: "if the extension is not present, the server MUST NOT send a delegated credential."
#[test]
fn the_certificates_key_signs_for_others() {
    type Change = fn(&mut HandClient);
    let changes: [(u32, Change); 6] = [
        (2 * DAY_S, |c| {
            c.hello.extensions.delegated_credential = None;
        }),
        (2 * DAY_S, |c| {
            c.hello.extensions.delegated_credential =
                Some(vec![SignatureScheme::ECDSA_SECP256R1_SHA256]);
        }),
        // Expired half an hour ago.
        (DAY_S - 1800, |_| ()),
        // It expires later than in 7 days.
        (8 * DAY_S + 1800, |_| ()),
        (2 * DAY_S, |c| {
            c.now = UnixTime::from_secs(now().as_millis() / 1000 + 2 * u64::from(DAY_S));
        }),
        // Its own signature cannot be verified, and there is another way.
        (2 * DAY_S, |c| {
            c.hello.extensions.signature_algorithms = Some(vec![
                SignatureScheme::ED25519,
                SignatureScheme::ECDSA_SECP256R1_SHA256,
            ]);
            c.hello.extensions.delegated_credential =
                Some(vec![SignatureScheme::RSA_PSS_RSAE_SHA256]);
        }),
    ];
    for (valid_time, change) in changes {
        let site = site(valid_time);
        let mut client = client(&site);
        change(&mut client);
        client.handshake();
        let certificate: CertificateTls13 = client.message();
        let extensions = &certificate.certificate_list[0].extensions;
        assert!(extensions.delegated_credential.is_none());
        let leaf = site.identities[1].private_key.public_key();
        assert!(signed_by(&client, leaf, SignatureAlgorithm::EcdsaSha256));
    }
}

#[test]
fn it_is_in_a_compressed_certificate_as_well() {
    let zlib = CertificateCompressionAlgorithm::ZLIB;
    let config = ServerConfig {
        certificate_compression: vec![zlib],
        ..ServerConfig::default()
    };
    let mut client = HandClient::with_config(&site(2 * DAY_S), config);
    client.hello.extensions.compress_certificate = Some(vec![zlib]);
    client.hello.extensions.delegated_credential = Some(vec![SignatureScheme::ED25519]);
    client.handshake();
    let compressed: CompressedCertificate = client.message();
    let certificate = decompress(&compressed, 10_000).unwrap();
    let certificate = CertificateTls13::from_bytes(&certificate).unwrap();
    let extensions = &certificate.certificate_list[0].extensions;
    assert!(extensions.delegated_credential.is_some());
    assert!(signed_by(
        &client,
        &delegated_key(),
        SignatureAlgorithm::Ed25519
    ));
}

#[test]
fn one_that_no_client_would_take_is_refused() {
    let good = leaf(true);
    let refused = |leaf: &Identity, credential: &DelegatedCredential| {
        let chain = leaf.certificate.chain().to_vec();
        let outcome = Credential::new(chain).unwrap().with_delegated(credential);
        matches!(outcome, Err(CertificateError::DelegatedCredential(_)))
    };
    assert!(!refused(&good, &delegate(&good, DAY_S)));

    let mut spoilt = delegate(&good, DAY_S);
    spoilt.valid_time += 1;
    assert!(refused(&good, &spoilt));
    let other = leaf(true);
    assert!(refused(&other, &delegate(&good, DAY_S)), "of another leaf");
    let plain = leaf(false);
    assert!(
        refused(&plain, &delegate(&plain, DAY_S)),
        "no DelegationUsage"
    );
    let mut long = delegate(&good, DAY_S);
    long.signature = vec![0; 20_000];
    assert!(long.to_bytes().len() > Credential::MAX_DELEGATED_LEN && refused(&good, &long));
}

/// Our client, which takes delegated credentials or not.
fn our_client(site: &Arc<Site>, delegated_credentials: bool) -> Duo {
    let config = ClientConfig {
        delegated_credentials,
        ..ClientConfig::default()
    };
    Duo::with(site, &Arc::default(), config, ServerConfig::default())
}

#[test]
fn our_client_takes_it_if_it_is_to() {
    for takes in [true, false] {
        let mut duo = our_client(&site(2 * DAY_S), takes);
        duo.handshake();
        duo.echo();
        let scheme = duo.client.negotiated().unwrap().signature_scheme;
        let ed25519 = Some(SignatureScheme::ED25519);
        assert_eq!(scheme == ed25519, takes);
        assert_eq!(duo.server.negotiated().unwrap().signature_scheme, scheme);
    }
}

/// Our own client takes it, and is told of it when it is asked whether it trusts the certificate.
#[test]
fn our_client_takes_it() {
    let visitor = Arc::new(Visitor::default());
    for (asks, scheme) in [
        (true, SignatureScheme::ED25519),
        (false, SignatureScheme::ECDSA_SECP256R1_SHA256),
    ] {
        let config = ClientConfig {
            delegated_credentials: asks,
            resumption: false,
            ..ClientConfig::default()
        };
        let mut duo = Duo::with(&site(2 * DAY_S), &visitor, config, ServerConfig::default());
        duo.handshake();
        duo.echo();
        let negotiated = duo.client.negotiated().unwrap();
        assert_eq!(negotiated.signature_scheme, Some(scheme));
    }
}
