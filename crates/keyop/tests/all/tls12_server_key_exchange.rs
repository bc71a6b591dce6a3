//! Every check of `Tls12ServerKeyExchange`, broken once.

use keyward_crypto::key_exchange::Group;
use keyward_keyop::CheckError;
use keyward_wire::values::{
    CipherSuite, CompressionMethod, HandshakeType, NamedGroup, ProtocolVersion, SignatureScheme,
};

use crate::support::check;
use crate::support::identity::{ed25519, other_p256, p256, p384, rsa};
use crate::support::tls12_ecdhe::{
    Handshake, dh_params, dh_params_of, dhe, handshake, handshake_with, params, params_of,
};

const ECDSA_SUITE: CipherSuite = CipherSuite::TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256;
const RSA_SUITE: CipherSuite = CipherSuite::TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256;
const DHE_SUITE: CipherSuite = CipherSuite::TLS_DHE_RSA_WITH_AES_128_GCM_SHA256;
const CBC_SUITE: CipherSuite = CipherSuite::TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA;

type Row = (
    &'static str,
    fn() -> Handshake,
    fn(&mut Handshake),
    CheckError,
);
/// Something that is allowed.
type Case = (&'static str, fn(&mut Handshake));

#[test]
fn every_check_is_made() {
    for (name, start, break_it, expected) in [
        hellos(),
        suite_and_scheme(),
        params_rows(),
        dh_params_rows(),
    ]
    .concat()
    {
        let mut handshake = start();
        break_it(&mut handshake);
        let (identity, allowed) = (handshake.identity, handshake.allowed);
        let error = check(&handshake.operation(), &allowed.rules(identity)).expect_err(name);
        assert_eq!(error, expected, "{name}");
        assert!(!error.to_string().is_empty());
    }
}

fn hellos() -> Vec<Row> {
    fn unexpected(found: Option<HandshakeType>, expected: &'static str) -> CheckError {
        CheckError::UnexpectedMessage { found, expected }
    }
    vec![
        (
            "no messages",
            handshake,
            |h| h.edit = Vec::clear,
            unexpected(None, "ClientHello"),
        ),
        (
            "no ServerHello",
            handshake,
            |h| h.edit = |m| drop(m.pop()),
            unexpected(None, "ServerHello"),
        ),
        (
            "hellos in the wrong order",
            handshake,
            |h| h.edit = |m| m.swap(0, 1),
            unexpected(Some(HandshakeType::SERVER_HELLO), "ClientHello"),
        ),
        (
            "a message too many",
            handshake,
            |h| h.edit = |m| m.push(vec![14, 0, 0, 0]),
            unexpected(
                Some(HandshakeType::SERVER_HELLO_DONE),
                "nothing more before the private-key step",
            ),
        ),
        (
            "a client of TLS 1.1",
            handshake,
            |h| h.client_hello.legacy_version = ProtocolVersion(0x0302),
            CheckError::VersionNotOffered,
        ),
        (
            "a client of TLS 1.3 alone",
            handshake,
            |h| h.client_hello.extensions.supported_versions = Some(vec![ProtocolVersion::TLS13]),
            CheckError::VersionNotOffered,
        ),
        (
            "a server of TLS 1.1",
            handshake,
            |h| h.server_hello.legacy_version = ProtocolVersion(0x0302),
            CheckError::WrongVersion,
        ),
        (
            "a server of TLS 1.3",
            handshake,
            |h| h.server_hello.extensions.supported_versions = Some(ProtocolVersion::TLS13),
            CheckError::WrongVersion,
        ),
        (
            "another random",
            handshake,
            |h| h.server_hello.random[0] ^= 1,
            CheckError::RandomNotDerived,
        ),
        (
            "no downgrade sentinel",
            handshake,
            |h| h.server_hello.random = h.nonce.tls13_random(),
            CheckError::RandomNotDerived,
        ),
        (
            "a resumed session",
            handshake,
            |h| h.server_hello.session_id = h.client_hello.session_id.clone(),
            CheckError::Resumption,
        ),
        (
            "extended master secret without request",
            handshake,
            |h| h.client_hello.extensions.extended_master_secret = false,
            CheckError::UnsolicitedExtension,
        ),
        (
            "compression",
            handshake,
            |h| h.server_hello.compression_method = CompressionMethod(1),
            CheckError::Compression,
        ),
    ]
}

fn suite_and_scheme() -> Vec<Row> {
    vec![
        (
            "suite not offered",
            || {
                handshake_with(
                    p256(),
                    CipherSuite::TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
                    ECDSA,
                )
            },
            |_| (),
            CheckError::SuiteNotOffered(CipherSuite::TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384),
        ),
        (
            "suite of TLS 1.3",
            || handshake_with(p256(), CipherSuite::TLS_AES_128_GCM_SHA256, ECDSA),
            |_| (),
            CheckError::SuiteNotAllowed(CipherSuite::TLS_AES_128_GCM_SHA256),
        ),
        (
            "suite with RSA key transport",
            || handshake_with(rsa(), CipherSuite::TLS_RSA_WITH_AES_128_GCM_SHA256, PKCS1),
            |_| (),
            CheckError::SuiteNotAllowed(CipherSuite::TLS_RSA_WITH_AES_128_GCM_SHA256),
        ),
        (
            "CBC suite without legacy",
            || handshake_with(p256(), CBC_SUITE, ECDSA),
            |_| (),
            CheckError::SuiteNotAllowed(CBC_SUITE),
        ),
        (
            "RSA suite with an ECDSA key",
            || handshake_with(p256(), RSA_SUITE, ECDSA),
            |_| (),
            CheckError::SuiteKeyMismatch(RSA_SUITE),
        ),
        (
            "ECDSA suite with an RSA key",
            || handshake_with(rsa(), ECDSA_SUITE, PKCS1),
            |_| (),
            CheckError::SuiteKeyMismatch(ECDSA_SUITE),
        ),
        (
            "no signature_algorithms, which means SHA-1",
            handshake,
            |h| h.client_hello.extensions.signature_algorithms = None,
            CheckError::SchemeNotOffered(ECDSA),
        ),
        (
            "scheme not offered",
            || handshake_with(rsa(), RSA_SUITE, SignatureScheme::RSA_PKCS1_SHA512),
            |_| (),
            CheckError::SchemeNotOffered(SignatureScheme::RSA_PKCS1_SHA512),
        ),
        (
            "RSA with SHA-1",
            || handshake_with(rsa(), RSA_SUITE, SignatureScheme::RSA_PKCS1_SHA1),
            |_| (),
            CheckError::SchemeNotAllowed(SignatureScheme::RSA_PKCS1_SHA1),
        ),
        (
            "ECDSA with SHA-1",
            || handshake_with(p256(), ECDSA_SUITE, SignatureScheme::ECDSA_SHA1),
            |_| (),
            CheckError::SchemeNotAllowed(SignatureScheme::ECDSA_SHA1),
        ),
        (
            "ECDSA scheme with an RSA key",
            || handshake_with(rsa(), RSA_SUITE, ECDSA),
            |_| (),
            CheckError::SchemeKeyMismatch(ECDSA),
        ),
        (
            "ECDSA scheme with an Ed25519 key",
            || handshake_with(ed25519(), ECDSA_SUITE, ECDSA),
            |_| (),
            CheckError::SchemeKeyMismatch(ECDSA),
        ),
        (
            "RSA key that may not sign",
            || handshake_with(rsa(), RSA_SUITE, PKCS1),
            |h| h.allowed.rsa_signing = false,
            CheckError::SigningDisabled,
        ),
    ]
}

const ECDSA: SignatureScheme = SignatureScheme::ECDSA_SECP256R1_SHA256;
const PKCS1: SignatureScheme = SignatureScheme::RSA_PKCS1_SHA256;

fn params_rows() -> Vec<Row> {
    vec![
        (
            "explicit prime curve",
            handshake,
            |h| h.params[0] = 1,
            CheckError::CurveNotNamed { curve_type: 1 },
        ),
        (
            "explicit char2 curve",
            handshake,
            |h| h.params[0] = 2,
            CheckError::CurveNotNamed { curve_type: 2 },
        ),
        (
            "no supported_groups",
            handshake,
            |h| h.client_hello.extensions.supported_groups = None,
            CheckError::GroupNotOffered(NamedGroup::X25519),
        ),
        (
            "group not offered",
            handshake,
            |h| h.client_hello.extensions.supported_groups = Some(vec![NamedGroup::SECP256R1]),
            CheckError::GroupNotOffered(NamedGroup::X25519),
        ),
        (
            "a hybrid group",
            handshake,
            |h| h.params = params_of(NamedGroup::X25519MLKEM768, &[1; 200]),
            CheckError::GroupNotAllowed(NamedGroup::X25519MLKEM768),
        ),
        (
            "a finite field",
            handshake,
            |h| h.params = params_of(NamedGroup::FFDHE2048, &[1; 200]),
            CheckError::GroupNotAllowed(NamedGroup::FFDHE2048),
        ),
        (
            "X25519 too short",
            handshake,
            |h| h.params = params_of(NamedGroup::X25519, &[9; 31]),
            CheckError::InvalidPublicValue,
        ),
        (
            "P-256 off the curve",
            handshake,
            |h| {
                h.params = params(NamedGroup::SECP256R1);
                *h.params.last_mut().unwrap() ^= 1;
            },
            CheckError::InvalidPublicValue,
        ),
        (
            "P-256 compressed",
            handshake,
            |h| {
                let mut point = params(NamedGroup::SECP256R1)[4..][..33].to_vec();
                point[0] = 2;
                h.params = params_of(NamedGroup::SECP256R1, &point);
            },
            CheckError::InvalidPublicValue,
        ),
        (
            "a point of another curve",
            handshake,
            |h| h.params = params_of(NamedGroup::SECP384R1, &params(NamedGroup::SECP256R1)[4..]),
            CheckError::InvalidPublicValue,
        ),
    ]
}

fn dh_params_rows() -> Vec<Row> {
    vec![
        (
            "DHE without legacy",
            dhe,
            |h| h.allowed.legacy = false,
            CheckError::SuiteNotAllowed(DHE_SUITE),
        ),
        (
            "DHE with an ECDSA key",
            dhe,
            |h| h.identity = p256(),
            CheckError::SuiteKeyMismatch(DHE_SUITE),
        ),
        (
            "a field that the client does not offer",
            dhe,
            |h| h.params = dh_params(Group::Ffdhe3072),
            CheckError::GroupNotOffered(NamedGroup::FFDHE3072),
        ),
        (
            "a field that a client with others does not offer",
            dhe,
            |h| {
                // One of the range that nobody knows.
                h.client_hello.extensions.supported_groups = Some(vec![NamedGroup(0x01ff)]);
            },
            CheckError::GroupNotOffered(NamedGroup::FFDHE2048),
        ),
        (
            "a prime without a name",
            dhe,
            |h| {
                let mut p = Group::Ffdhe2048.prime().unwrap();
                p[100] ^= 1;
                h.params = dh_params_of(p, vec![2], vec![4; 256]);
            },
            CheckError::FieldNotNamed,
        ),
        (
            "a short prime",
            dhe,
            |h| h.params = dh_params_of(vec![0xff; 64], vec![2], vec![4; 64]),
            CheckError::FieldNotNamed,
        ),
        (
            "another generator",
            dhe,
            |h| {
                let p = Group::Ffdhe2048.prime().unwrap();
                h.params = dh_params_of(p, vec![5], vec![4; 256]);
            },
            CheckError::FieldNotNamed,
        ),
        (
            "the public value 1",
            dhe,
            |h| {
                let p = Group::Ffdhe2048.prime().unwrap();
                h.params = dh_params_of(p, vec![2], vec![1]);
            },
            CheckError::InvalidPublicValue,
        ),
        (
            "the public value p - 1",
            dhe,
            |h| {
                let p = Group::Ffdhe2048.prime().unwrap();
                let mut public = p.clone();
                *public.last_mut().unwrap() -= 1;
                h.params = dh_params_of(p, vec![2], public);
            },
            CheckError::InvalidPublicValue,
        ),
    ]
}

/// RFC 7919 §4: a client that names no finite field is an older one.
#[test]
fn a_client_that_names_no_field_gets_one_with_a_name() {
    for groups in [None, Some(vec![NamedGroup::X25519])] {
        let mut handshake = dhe();
        handshake.client_hello.extensions.supported_groups = groups;
        handshake.params = dh_params(Group::Ffdhe3072);
        let allowed = handshake.allowed;
        assert_eq!(check(&handshake.operation(), &allowed.rules(rsa())), Ok(()));
    }
}

#[test]
fn an_operation_for_another_key_is_refused() {
    let handshake = handshake();
    let allowed = handshake.allowed;
    let error = check(&handshake.operation(), &allowed.rules(other_p256()));
    assert_eq!(error, Err(CheckError::WrongKey));
}

#[test]
fn params_that_do_not_parse_are_malformed() {
    for params in [
        vec![],
        vec![3, 0],
        [params(NamedGroup::X25519), vec![0]].concat(),
    ] {
        let mut handshake = handshake();
        handshake.params = params;
        let (identity, allowed) = (handshake.identity, handshake.allowed);
        let error = check(&handshake.operation(), &allowed.rules(identity));
        assert!(matches!(error, Err(CheckError::Malformed(_))), "{error:?}");
    }
}

#[test]
fn what_is_right_passes() {
    let cases: [Case; 8] = [
        ("X25519", |_| ()),
        ("P-256", |h| h.params = params(NamedGroup::SECP256R1)),
        ("P-384", |h| h.params = params(NamedGroup::SECP384R1)),
        ("a client that offers TLS 1.3 as well", |h| {
            h.client_hello.extensions.supported_versions =
                Some(vec![ProtocolVersion::TLS13, ProtocolVersion::TLS12]);
        }),
        ("no session ID at all", |h| {
            h.client_hello.session_id.clear();
            h.server_hello.session_id.clear();
        }),
        ("a CBC suite under legacy", |h| {
            h.allowed.legacy = true;
            h.server_hello.cipher_suite = CBC_SUITE;
        }),
        ("P-521", |h| {
            h.client_hello.extensions.supported_groups = Some(vec![NamedGroup::SECP521R1]);
            h.params = params(NamedGroup::SECP521R1);
        }),
        ("DHE under legacy", |h| *h = dhe()),
    ];
    for (name, change) in cases {
        let mut handshake = handshake();
        change(&mut handshake);
        let (identity, allowed) = (handshake.identity, handshake.allowed);
        assert_eq!(
            check(&handshake.operation(), &allowed.rules(identity)),
            Ok(()),
            "{name}"
        );
    }
}

#[test]
fn in_tls12_an_ecdsa_scheme_names_a_hash_and_no_curve() {
    let handshake = handshake_with(p384(), ECDSA_SUITE, ECDSA);
    let allowed = handshake.allowed;
    assert_eq!(
        check(&handshake.operation(), &allowed.rules(p384())),
        Ok(())
    );
}
