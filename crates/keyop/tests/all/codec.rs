//! Operations and results as bytes.

use keyward_keyop::{
    KeyId, Operation, OperationKind, OperationResult, Role, Tls13ServerCertificateVerify,
};
use keyward_wire::codec::{Decode, DecodeErrorKind, Encode};
use keyward_wire::values::SignatureScheme;
use proptest::prelude::*;

use crate::support::identity::{p256, rsa};
use crate::support::{
    Allowed, check, delegation, nonce, tls12_client, tls12_ecdhe, tls12_rsa, tls13, tls13_client,
};
use crate::{certificate_request, tls13_transcript_hash};

fn operations() -> [Operation; 8] {
    [
        tls13::handshake().operation(),
        tls12_ecdhe::handshake().operation(),
        tls12_rsa::handshake().operation(),
        tls13_client::handshake().operation(),
        tls12_client::handshake().operation(),
        delegation::operation(),
        certificate_request::request(
            p256(),
            SignatureScheme::ECDSA_SECP256R1_SHA256,
            &["shop.example", "*.shop.example"],
        ),
        tls13_transcript_hash::operation(p256(), SignatureScheme::ECDSA_SECP256R1_SHA256, 32),
    ]
}

#[test]
fn operations_come_back_as_they_were() {
    for operation in operations() {
        let bytes = operation.to_bytes();
        let decoded = Operation::from_bytes(&bytes).unwrap();
        assert_eq!(decoded.kind(), operation.kind());
        assert_eq!(decoded.key(), operation.key());
        assert_eq!(decoded.to_bytes(), bytes);
        assert_eq!(bytes[0], operation.kind().code());
    }
}

#[test]
fn the_form_on_the_wire_is_fixed() {
    let operation = Operation::Tls13ServerCertificateVerify(Tls13ServerCertificateVerify {
        key: KeyId::from_bytes([1; 32]),
        scheme: SignatureScheme::ED25519,
        server_nonce: nonce(),
        messages: vec![0xee; 3],
    });
    let expected = [
        &[1][..],
        &[1; 32],
        &[8, 7],
        &[0x5a; 32],
        &[0, 0, 3],
        &[0xee; 3],
    ]
    .concat();
    assert_eq!(operation.to_bytes(), expected);

    let signature = OperationResult::Signature(vec![7, 8]);
    assert_eq!(signature.to_bytes(), [1, 0, 2, 7, 8]);
    let secret = OperationResult::MasterSecret(keyward_crypto::hkdf::Secret::from_slice(&[9; 48]));
    assert_eq!(secret.to_bytes(), [&[2][..], &[9; 48]].concat());
}

#[test]
fn results_come_back_as_they_were() {
    for bytes in [vec![1, 0, 1, 7], [&[2][..], &[9; 48]].concat()] {
        assert_eq!(
            OperationResult::from_bytes(&bytes).unwrap().to_bytes(),
            bytes
        );
    }
    for bytes in [
        vec![],
        vec![1],
        vec![1, 0, 0],
        vec![2; 48],
        vec![3, 0, 1, 7],
        vec![1, 0, 1, 7, 7],
    ] {
        assert!(OperationResult::from_bytes(&bytes).is_err(), "{bytes:?}");
    }
}

#[test]
fn secrets_do_not_show() {
    let text = format!(
        "{:?}",
        OperationResult::MasterSecret(keyward_crypto::hkdf::Secret::from_slice(&[9; 48]))
    );
    assert_eq!(text, "MasterSecret(secret)");
    assert!(format!("{:?}", operations()[0]).contains("ServerNonce(secret)"));
}

#[test]
fn an_unknown_kind_is_told_apart() {
    for code in [0, 9, 255] {
        let error = Operation::from_bytes(&[code]).unwrap_err();
        assert_eq!(
            (error.what, error.kind),
            ("OperationKind", DecodeErrorKind::IllegalValue)
        );
        assert_eq!(OperationKind::from_code(code), None);
    }
}

#[test]
fn more_messages_than_may_be_are_refused_before_they_are_copied() {
    let mut bytes = vec![1];
    bytes.extend([0; 66]);
    bytes.extend([2, 0, 1]);
    bytes.extend(vec![0; 0x2_0001]);
    let error = Operation::from_bytes(&bytes).unwrap_err();
    assert_eq!(error.kind, DecodeErrorKind::IllegalLength);
}

#[test]
fn kinds_have_names() {
    for kind in OperationKind::ALL {
        assert_eq!(kind.name().parse(), Ok(kind));
        let typed = kind.is_typed().then_some(kind);
        assert_eq!(OperationKind::from_code(kind.code()), typed);
        assert_eq!(OperationKind::TYPED.contains(&kind), kind.is_typed());
    }
    let error = "sign-anything".parse::<OperationKind>().unwrap_err();
    assert!(error.to_string().contains("tls12-rsa-master-secret"));
}

/// All that a stranger can send: decoded, checked with both kinds of key, never a panic.
fn decode_and_check(bytes: &[u8]) {
    let Ok(operation) = Operation::from_bytes(bytes) else {
        return;
    };
    assert_eq!(operation.to_bytes(), bytes);
    for identity in [p256(), rsa(), delegation::leaf()] {
        let allowed = Allowed {
            rsa_decryption: true,
            legacy: true,
            client: operation.kind().role() == Some(Role::Client),
            transcript_hash: true,
            now: delegation::NOW,
            ..Allowed::default()
        };
        let _ = check(&operation, &allowed.rules(identity));
    }
}

proptest! {
    #[test]
    fn noise_does_not_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        decode_and_check(&bytes);
        let _ = OperationResult::from_bytes(&bytes);
    }

    #[test]
    fn noise_for_messages_does_not_panic(
        kind in 1_u8..=5,
        messages in proptest::collection::vec(any::<u8>(), 0..300),
    ) {
        let mut bytes = vec![kind];
        let key = if kind == 3 { rsa().id() } else { p256().id() };
        key.encode(&mut bytes);
        if kind != 3 {
            SignatureScheme::ECDSA_SECP256R1_SHA256.encode(&mut bytes);
        }
        if kind <= 3 {
            nonce().encode(&mut bytes);
        }
        let len = u32::try_from(messages.len()).unwrap().to_be_bytes();
        bytes.extend_from_slice(&len[1..]);
        bytes.extend_from_slice(&messages);
        if kind == 2 {
            bytes.extend([0, 0]);
        }
        prop_assert!(Operation::from_bytes(&bytes).is_ok());
        decode_and_check(&bytes);
    }

    #[test]
    fn a_changed_byte_does_not_panic(which in 0_usize..8, at in any::<prop::sample::Index>(), value: u8) {
        let mut bytes = operations()[which].to_bytes();
        let at = at.index(bytes.len());
        bytes[at] = value;
        decode_and_check(&bytes);
    }

    #[test]
    fn a_cut_operation_is_refused(which in 0_usize..8, at in any::<prop::sample::Index>()) {
        let bytes = operations()[which].to_bytes();
        prop_assert!(Operation::from_bytes(&bytes[..at.index(bytes.len())]).is_err());
    }
}
