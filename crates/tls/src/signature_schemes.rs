//! Which signature schemes go with which keys, and whether a peer's signature is good.

use keyward_crypto::hash::HashAlgorithm;
use keyward_crypto::signature::{KeyKind, PublicKey, SignatureAlgorithm};
use keyward_wire::values::{ProtocolVersion, SignatureScheme};

use crate::error::{Error, PeerMisbehaved};

/// The signature schemes that a key of this kind can serve in a version, in our order of preference. No
/// SHA-1, and in TLS 1.3 no PKCS#1 v1.5.
pub(crate) fn of_key(kind: KeyKind, version: ProtocolVersion) -> &'static [SignatureScheme] {
    use SignatureScheme as S;
    let tls13 = version == ProtocolVersion::TLS13;
    match kind {
        // RFC 9846 §4.3.3: the PKCS#1 v1.5 schemes "are not defined for use in signed TLS
        // handshake messages".
        KeyKind::Rsa { .. } if tls13 => &[
            S::RSA_PSS_RSAE_SHA256,
            S::RSA_PSS_RSAE_SHA384,
            S::RSA_PSS_RSAE_SHA512,
        ],
        KeyKind::Rsa { .. } => &[
            S::RSA_PSS_RSAE_SHA256,
            S::RSA_PSS_RSAE_SHA384,
            S::RSA_PSS_RSAE_SHA512,
            S::RSA_PKCS1_SHA256,
            S::RSA_PKCS1_SHA384,
            S::RSA_PKCS1_SHA512,
        ],
        KeyKind::RsaPss { hash: None, .. } => &[
            S::RSA_PSS_PSS_SHA256,
            S::RSA_PSS_PSS_SHA384,
            S::RSA_PSS_PSS_SHA512,
        ],
        // RFC 9846 §4.3.3: "If the corresponding public key's parameters are present, then the parameters
        // in the signature MUST be identical to those in the public key."
        KeyKind::RsaPss {
            hash: Some(hash), ..
        } => match hash {
            HashAlgorithm::Sha256 => &[S::RSA_PSS_PSS_SHA256],
            HashAlgorithm::Sha384 => &[S::RSA_PSS_PSS_SHA384],
            HashAlgorithm::Sha512 => &[S::RSA_PSS_PSS_SHA512],
            HashAlgorithm::Sha1 => &[],
        },
        // In TLS 1.3 a scheme is bound to a curve. In TLS 1.2 it is not (RFC 9846 §4.3.3), but
        // who takes the curve takes its hash, and one order for both is easier to reason about.
        KeyKind::EcP256 if tls13 => &[S::ECDSA_SECP256R1_SHA256],
        KeyKind::EcP384 if tls13 => &[S::ECDSA_SECP384R1_SHA384],
        KeyKind::EcP521 if tls13 => &[S::ECDSA_SECP521R1_SHA512],
        KeyKind::EcP256 => &[
            S::ECDSA_SECP256R1_SHA256,
            S::ECDSA_SECP384R1_SHA384,
            S::ECDSA_SECP521R1_SHA512,
        ],
        KeyKind::EcP384 => &[
            S::ECDSA_SECP384R1_SHA384,
            S::ECDSA_SECP256R1_SHA256,
            S::ECDSA_SECP521R1_SHA512,
        ],
        KeyKind::EcP521 => &[
            S::ECDSA_SECP521R1_SHA512,
            S::ECDSA_SECP384R1_SHA384,
            S::ECDSA_SECP256R1_SHA256,
        ],
        KeyKind::Ed25519 => &[S::ED25519],
        KeyKind::MlDsa44 if tls13 => &[S::MLDSA44],
        KeyKind::MlDsa65 if tls13 => &[S::MLDSA65],
        KeyKind::MlDsa87 if tls13 => &[S::MLDSA87],
        // TLS 1.2 has none for them (draft-ietf-tls-mldsa).
        KeyKind::MlDsa44 | KeyKind::MlDsa65 | KeyKind::MlDsa87 => &[],
    }
}

/// Whether TLS 1.2 has no such scheme (draft-ietf-tls-mldsa).
pub(crate) fn is_tls13_only(scheme: SignatureScheme) -> bool {
    let ml_dsa = [
        SignatureScheme::MLDSA44,
        SignatureScheme::MLDSA65,
        SignatureScheme::MLDSA87,
    ];
    ml_dsa.contains(&scheme)
}

/// A signature that a peer made over the handshake.
pub(crate) struct PeerSignature<'a> {
    pub(crate) scheme: SignatureScheme,
    pub(crate) signature: &'a [u8],
}

impl PeerSignature<'_> {
    /// Checks it: made over `content`, by `key`, with a scheme that we `accept` and that fits key and
    /// version.
    pub(crate) fn verify(
        &self,
        version: ProtocolVersion,
        accept: &[SignatureScheme],
        key: &PublicKey,
        content: &[u8],
    ) -> Result<(), Error> {
        // RFC 9846 §4.5.2: "If the CertificateVerify message is sent by a server, the signature
        // algorithm MUST be one offered in the client's "signature_algorithms" extension"; "If sent by a
        // client, the signature algorithm used in the signature MUST be one of those present in the
        // supported_signature_algorithms field of the "signature_algorithms" extension in the
        // CertificateRequest message."
        let fits = of_key(key.kind(), version).contains(&self.scheme);
        let algorithm = SignatureAlgorithm::from_code(self.scheme.0)
            .filter(|_| fits && accept.contains(&self.scheme))
            .ok_or(PeerMisbehaved::UnofferedSignatureScheme)?;
        // RFC 9846 §4.5.2: "If the verification fails, the receiver MUST terminate the handshake with
        // a "decrypt_error" alert."
        key.verify(algorithm, content, self.signature)
            .map_err(|_| PeerMisbehaved::BadSignature.into())
    }
}
