//! The kinds of client certificate in a CertificateRequest (RFC 5246 §7.4.4, RFC 8422 §5.5).

use keyward_crypto::signature::{KeyKind, SignatureAlgorithm};
use keyward_wire::values::{ClientCertificateType, SignatureScheme};

/// The kinds of certificate with whose keys these schemes are made.
pub(crate) fn certificate_types(schemes: &[SignatureScheme]) -> Vec<ClientCertificateType> {
    [
        ClientCertificateType::ECDSA_SIGN,
        ClientCertificateType::RSA_SIGN,
    ]
    .into_iter()
    .filter(|wanted| {
        let of_kind = |scheme| certificate_type(scheme) == Some(*wanted);
        schemes.iter().any(|scheme| of_kind(*scheme))
    })
    .collect()
}

/// Whether a key of this kind belongs to one of the kinds of certificate.
pub(crate) fn fits_type(types: &[ClientCertificateType], key: KeyKind) -> bool {
    types.contains(&type_of_key(key))
}

fn certificate_type(scheme: SignatureScheme) -> Option<ClientCertificateType> {
    let algorithm = SignatureAlgorithm::from_code(scheme.0)?;
    [
        KeyKind::EcP256,
        KeyKind::Ed25519,
        KeyKind::Rsa { bits: 2048 },
        KeyKind::RsaPss {
            bits: 2048,
            hash: None,
        },
    ]
    .into_iter()
    .find(|kind| kind.supports(algorithm))
    .map(type_of_key)
}

/// RFC 8422 §3.1: to use "ECDSA_sign", "the client MUST possess a certificate containing an ECDSA- or
/// EdDSA-capable public key."
fn type_of_key(key: KeyKind) -> ClientCertificateType {
    match key {
        KeyKind::Rsa { .. } | KeyKind::RsaPss { .. } => ClientCertificateType::RSA_SIGN,
        _ => ClientCertificateType::ECDSA_SIGN,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kinds_follow_from_the_schemes() {
        use ClientCertificateType as T;
        use SignatureScheme as S;
        for (schemes, types) in [
            (vec![S::RSA_PKCS1_SHA256], vec![T::RSA_SIGN]),
            (vec![S::RSA_PSS_RSAE_SHA256], vec![T::RSA_SIGN]),
            (vec![S::RSA_PSS_PSS_SHA256], vec![T::RSA_SIGN]),
            (vec![S::ED25519], vec![T::ECDSA_SIGN]),
            (
                vec![S::RSA_PKCS1_SHA256, S::ECDSA_SECP384R1_SHA384],
                vec![T::ECDSA_SIGN, T::RSA_SIGN],
            ),
            (vec![S(0x0a0a)], vec![]),
        ] {
            assert_eq!(certificate_types(&schemes), types, "{schemes:?}");
        }
    }
}
