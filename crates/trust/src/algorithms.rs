//! The signatures on certificates, revocation lists and OCSP responses that are accepted.

use std::sync::LazyLock;

use rustls_pki_types::{
    AlgorithmIdentifier, InvalidSignature, SignatureVerificationAlgorithm, alg_id,
};
use webpki::ALL_VERIFICATION_ALGS;
use webpki::aws_lc_rs::{
    RSA_PSS_2048_8192_SHA256_LEGACY_KEY as PSS_SHA256,
    RSA_PSS_2048_8192_SHA384_LEGACY_KEY as PSS_SHA384,
    RSA_PSS_2048_8192_SHA512_LEGACY_KEY as PSS_SHA512,
};

/// What rustls-webpki has (ECDSA, Ed25519, RSA of 2048 to 8192 bits, ML-DSA; no SHA-1), and RSASSA-PSS by keys that
/// are for nothing else (RFC 4055 §1.2), which it lacks.
pub(crate) fn accepted() -> &'static [&'static dyn SignatureVerificationAlgorithm] {
    static ALL: LazyLock<Vec<&'static dyn SignatureVerificationAlgorithm>> = LazyLock::new(|| {
        let for_pss = BY_KEYS_FOR_PSS.iter();
        let for_pss = for_pss.map(|algorithm| algorithm as &dyn SignatureVerificationAlgorithm);
        ALL_VERIFICATION_ALGS
            .iter()
            .copied()
            .chain(for_pss)
            .collect()
    });
    &ALL
}

/// RFC 9846 §4.3.3: "If the corresponding public key's parameters are present, then the parameters in the signature
/// MUST be identical to those in the public key." AlgorithmIdentifiers are compared byte by byte.
static BY_KEYS_FOR_PSS: [ByKeyForPss; 6] = [
    ByKeyForPss {
        key: WITHOUT_PARAMETERS,
        signature: PSS_SHA256,
    },
    ByKeyForPss {
        key: WITHOUT_PARAMETERS,
        signature: PSS_SHA384,
    },
    ByKeyForPss {
        key: WITHOUT_PARAMETERS,
        signature: PSS_SHA512,
    },
    ByKeyForPss {
        key: alg_id::RSA_PSS_SHA256,
        signature: PSS_SHA256,
    },
    ByKeyForPss {
        key: alg_id::RSA_PSS_SHA384,
        signature: PSS_SHA384,
    },
    ByKeyForPss {
        key: alg_id::RSA_PSS_SHA512,
        signature: PSS_SHA512,
    },
];

/// `id-RSASSA-PSS` (1.2.840.113549.1.1.10), alone.
const WITHOUT_PARAMETERS: AlgorithmIdentifier = AlgorithmIdentifier::from_slice(&[
    0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0a,
]);

/// The verification is that of any RSA key: what differs is what the key is called.
#[derive(Debug)]
struct ByKeyForPss {
    key: AlgorithmIdentifier,
    signature: &'static dyn SignatureVerificationAlgorithm,
}

impl SignatureVerificationAlgorithm for ByKeyForPss {
    fn verify_signature(
        &self,
        public_key: &[u8],
        message: &[u8],
        signature: &[u8],
    ) -> Result<(), InvalidSignature> {
        self.signature
            .verify_signature(public_key, message, signature)
    }

    fn public_key_alg_id(&self) -> AlgorithmIdentifier {
        self.key
    }

    fn signature_alg_id(&self) -> AlgorithmIdentifier {
        self.signature.signature_alg_id()
    }
}
