//! A certificate chain without its private key, and the choice among several.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use keyward_crypto::signature::{KeyKind, PublicKey, SignatureAlgorithm};
use keyward_keyop::{KeyId, OperationResult};
use keyward_wire::values::{ProtocolVersion, SignatureScheme};
use rustls_pki_types::CertificateDer;

use crate::config::VerifySignatures;
use crate::error::{Error, KeyOperationFault};
use crate::needs::{NeedError, NeedKind};

/// An OCSP response in DER, stapled to the leaf for clients that ask for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OcspResponse(pub Vec<u8>);

/// A chain and what the engine has to know of its leaf: whose key it is, and what that can sign.
pub struct Credential {
    chain: Vec<CertificateDer<'static>>,
    key: KeyId,
    public_key: PublicKey,
    ocsp: Option<OcspResponse>,
    /// Signatures that came from the key server, for the sample that is verified.
    signatures: AtomicU32,
}

impl Credential {
    /// Takes a chain, the leaf first.
    ///
    /// # Errors
    /// An empty chain; a leaf whose public key is not of a kind that the engine knows; a chain too
    /// long for a Certificate message.
    pub fn new(chain: Vec<CertificateDer<'static>>) -> Result<Self, CertificateError> {
        let leaf = chain.first().ok_or(CertificateError::Empty)?;
        if chain.iter().any(|certificate| certificate.is_empty()) {
            return Err(CertificateError::Empty);
        }
        let length: usize = chain.iter().map(|certificate| certificate.len()).sum();
        if length > Self::MAX_CHAIN_LEN {
            return Err(CertificateError::TooLong(length));
        }
        let public_key =
            PublicKey::from_certificate_der(leaf).map_err(|_| CertificateError::PublicKey)?;
        Ok(Self {
            key: KeyId::of_public_key(&public_key),
            public_key,
            chain,
            ocsp: None,
            signatures: AtomicU32::new(0),
        })
    }

    /// The most bytes that the certificates of a chain may have together; clients refuse more.
    pub const MAX_CHAIN_LEN: usize = 64 * 1024;

    /// Adds an OCSP response for the leaf.
    ///
    /// # Errors
    /// A response without bytes, or one too long to be stapled.
    pub fn with_ocsp(mut self, response: OcspResponse) -> Result<Self, CertificateError> {
        let length = response.0.len();
        if !(1..=Self::MAX_OCSP_LEN).contains(&length) {
            return Err(CertificateError::Ocsp(length));
        }
        self.ocsp = Some(response);
        Ok(self)
    }

    /// The most bytes of an OCSP response. In TLS 1.3 it is in an extension, of less than 2^16 bytes;
    /// real ones have one or two thousand.
    pub const MAX_OCSP_LEN: usize = 32 * 1024;

    /// The certificates, the leaf first.
    pub fn chain(&self) -> &[CertificateDer<'static>] {
        &self.chain
    }

    /// Names the private key.
    pub fn key(&self) -> KeyId {
        self.key
    }

    /// The leaf's public key.
    pub fn public_key(&self) -> &PublicKey {
        &self.public_key
    }

    /// The OCSP response that is stapled, if any.
    pub fn ocsp(&self) -> Option<&OcspResponse> {
        self.ocsp.as_ref()
    }

    /// The signature schemes that the key can serve in a version, in our order of preference. No
    /// SHA-1, and in TLS 1.3 no PKCS#1 v1.5.
    pub fn supported_schemes(&self, version: ProtocolVersion) -> &'static [SignatureScheme] {
        use SignatureScheme as S;
        let tls13 = version == ProtocolVersion::TLS13;
        match self.public_key.kind() {
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
        }
    }

    /// Has the next signature verified, whatever the sample says. Call it when another key server, or the
    /// same one on a new connection, answers for the key from here on.
    pub fn verify_next_signature(&self) {
        self.signatures.store(0, Ordering::Relaxed);
    }

    /// Whether a signature that the key server made may be sent: it is good, or it is not its turn to
    /// be verified.
    fn accepts_signature(
        &self,
        verify: VerifySignatures,
        scheme: SignatureScheme,
        message: &[u8],
        signature: &[u8],
    ) -> bool {
        // Whether or not it is looked at, it has to fit its message.
        if u16::try_from(signature.len()).is_err() {
            return false;
        }
        let turn = self
            .signatures
            .fetch_add(1, Ordering::Relaxed)
            .is_multiple_of(SAMPLE);
        let cheap = matches!(self.public_key.kind(), KeyKind::Rsa { .. });
        if !(verify == VerifySignatures::Always || cheap || turn) {
            return true;
        }
        let good = SignatureAlgorithm::from_code(scheme.0).is_some_and(|algorithm| {
            self.public_key
                .verify(algorithm, message, signature)
                .is_ok()
        });
        if !good {
            self.verify_next_signature();
        }
        good
    }
}

/// Where a sample of signatures is verified: one in this many.
const SAMPLE: u32 = 64;

impl fmt::Debug for Credential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credential")
            .field("key", &self.key)
            .field("kind", &self.public_key.kind())
            .field("certificates", &self.chain.len())
            .finish_non_exhaustive()
    }
}

/// Why a chain cannot be used.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum CertificateError {
    /// No certificate, or one without bytes.
    Empty,
    /// The leaf is no certificate, or its key is not RSA, P-256, P-384, P-521 or Ed25519.
    PublicKey,
    /// The chain has this many bytes, more than [`Credential::MAX_CHAIN_LEN`].
    TooLong(usize),
    /// The OCSP response has this many bytes: none, or more than [`Credential::MAX_OCSP_LEN`].
    Ocsp(usize),
}

impl fmt::Display for CertificateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("the chain has no certificate"),
            Self::PublicKey => f.write_str(
                "the first certificate does not parse, or its key is not RSA (2048 to 8192 bits, and \
                 not for RSASSA-PSS alone), P-256, P-384, P-521 or Ed25519",
            ),
            Self::Ocsp(length) => write!(
                f,
                "the OCSP response has {length} bytes, not 1 to {}",
                Credential::MAX_OCSP_LEN
            ),
            Self::TooLong(length) => write!(
                f,
                "the chain has {length} bytes, more than the {} that clients take",
                Credential::MAX_CHAIN_LEN
            ),
        }
    }
}

impl std::error::Error for CertificateError {}

/// A certificate with the scheme that its key will sign with: only [`choose`] makes one, so the two
/// fit each other, the version and the client.
#[derive(Clone, Debug)]
pub(crate) struct Signer {
    pub(crate) certificate: Arc<Credential>,
    pub(crate) scheme: SignatureScheme,
}

impl Signer {
    /// The signature over `message` in the answer to a key operation. The one way from there to a
    /// client: it has been checked.
    pub(crate) fn signature(
        &self,
        verify: VerifySignatures,
        message: &[u8],
        answer: Result<OperationResult, NeedError>,
    ) -> Result<Vec<u8>, Error> {
        let result = answer.map_err(|error| Error::Need(NeedKind::KeyOperation, error))?;
        let OperationResult::Signature(signature) = result else {
            return Err(Error::KeyOperation(KeyOperationFault::WrongResult));
        };
        if self
            .certificate
            .accepts_signature(verify, self.scheme, message, &signature)
        {
            Ok(signature)
        } else {
            Err(Error::KeyOperation(KeyOperationFault::WrongSignature))
        }
    }
}

/// The first candidate whose key `fits` and can sign with a scheme that the client offers.
pub(crate) fn choose(
    candidates: &[Arc<Credential>],
    version: ProtocolVersion,
    offered: &[SignatureScheme],
    fits: impl Fn(&Credential) -> bool,
) -> Option<Signer> {
    candidates
        .iter()
        .filter(|candidate| fits(candidate))
        .find_map(|candidate| {
            let scheme = candidate
                .supported_schemes(version)
                .iter()
                .find(|scheme| offered.contains(scheme))?;
            Some(Signer {
                certificate: candidate.clone(),
                scheme: *scheme,
            })
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_ocsp_response_that_cannot_be_stapled_is_refused() {
        let authority = keyward_pki::Authority::new("test").unwrap();
        let issued = authority
            .issue_server(&["shop.example"], keyward_pki::KeyAlgorithm::P256)
            .unwrap();
        for length in [0, Credential::MAX_OCSP_LEN + 1, 1 << 16] {
            let certificate = Credential::new(issued.chain_der.clone()).unwrap();
            assert_eq!(
                certificate.with_ocsp(OcspResponse(vec![0; length])).err(),
                Some(CertificateError::Ocsp(length))
            );
        }
    }
}
