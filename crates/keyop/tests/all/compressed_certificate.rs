//! What a TLS 1.3 server signs may hold a CompressedCertificate (RFC 8879): its leaf is checked all the same.

use keyward_compression::{ALGORITHMS, DecompressError, compress};
use keyward_keyop::{CheckError, MAX_MESSAGES_LEN};
use keyward_wire::codec::Encode;
use keyward_wire::handshake::{CertificateTls13, CompressedCertificate, to_message};
use keyward_wire::values::CertificateCompressionAlgorithm;

use crate::support::check;
use crate::support::identity::{Identity, other_p256, p256};
use crate::support::tls13::{Handshake, certificate, handshake};

/// A chain that becomes smaller.
fn chain(identity: &Identity) -> CertificateTls13 {
    let mut chain = certificate(identity);
    chain.certificate_list = vec![chain.certificate_list.remove(0); 3];
    chain
}

/// Checks a handshake with `message` in the place of Certificate.
fn check_with(
    message: &CompressedCertificate,
    change: impl Fn(&mut Handshake),
) -> Result<(), CheckError> {
    let mut handshake = handshake();
    handshake.client_hello.extensions.compress_certificate = Some(ALGORITHMS.to_vec());
    change(&mut handshake);
    let (identity, allowed) = (handshake.identity, handshake.allowed);
    let mut messages = handshake.messages();
    *messages.last_mut().unwrap() = to_message(message);
    let mut operation = handshake.operation();
    let keyward_keyop::Operation::Tls13ServerCertificateVerify(inner) = &mut operation else {
        panic!("a TLS 1.3 operation");
    };
    inner.messages = messages.concat();
    check(&operation, &allowed.rules(identity))
}

fn compressed(
    algorithm: CertificateCompressionAlgorithm,
    certificate: &CertificateTls13,
) -> CompressedCertificate {
    compress(algorithm, &certificate.to_bytes()).unwrap()
}

#[test]
fn the_leaf_in_it_is_the_one_of_the_key() {
    for algorithm in ALGORITHMS {
        let good = compressed(algorithm, &chain(p256()));
        assert_eq!(check_with(&good, |_| ()), Ok(()));
        let other = compressed(algorithm, &chain(other_p256()));
        assert_eq!(
            check_with(&other, |_| ()),
            Err(CheckError::CertificateOfAnotherKey)
        );
        let mut context = chain(p256());
        context.certificate_request_context = vec![1];
        let context = compressed(algorithm, &context);
        assert_eq!(
            check_with(&context, |_| ()),
            Err(CheckError::CertificateContext)
        );
    }
}

#[test]
fn an_algorithm_that_the_client_does_not_offer_is_refused() {
    let good = compressed(CertificateCompressionAlgorithm::ZLIB, &chain(p256()));
    let refused = CheckError::CompressionNotOffered(CertificateCompressionAlgorithm::ZLIB);
    for offered in [None, Some(vec![CertificateCompressionAlgorithm::ZSTD])] {
        let change = |handshake: &mut Handshake| {
            handshake.client_hello.extensions.compress_certificate = offered.clone();
        };
        assert_eq!(check_with(&good, change), Err(refused.clone()));
    }
}

#[test]
fn what_does_not_decompress_is_refused() {
    let good = compressed(CertificateCompressionAlgorithm::ZLIB, &chain(p256()));
    let cases = [
        (
            CompressedCertificate {
                uncompressed_length: 1,
                ..good.clone()
            },
            DecompressError::WrongLength,
        ),
        (
            CompressedCertificate {
                uncompressed_length: u32::try_from(MAX_MESSAGES_LEN).unwrap() + 1,
                ..good.clone()
            },
            DecompressError::TooLong,
        ),
        (
            CompressedCertificate {
                compressed_certificate_message: vec![1, 2, 3],
                ..good
            },
            DecompressError::Corrupt,
        ),
    ];
    for (message, expected) in cases {
        let error = check_with(&message, |_| ()).unwrap_err();
        assert_eq!(error, CheckError::CompressedCertificate(expected));
        assert!(!error.to_string().is_empty());
    }
}

#[test]
fn what_is_in_it_is_a_certificate_message() {
    let noise = compress(CertificateCompressionAlgorithm::BROTLI, &[1; 500]).unwrap();
    assert!(matches!(
        check_with(&noise, |_| ()),
        Err(CheckError::Malformed(_))
    ));
}
