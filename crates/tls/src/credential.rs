//! A certificate chain without its private key, and what is presented with it.

use std::fmt;
use std::sync::atomic::{AtomicU32, Ordering};

use keyward_crypto::certificate::CertificateInfo;
use keyward_crypto::signature::{KeyKind, PublicKey, SignatureAlgorithm};
use keyward_keyop::KeyId;
use keyward_wire::codec::{Encode, Reader};
use keyward_wire::extensions::DelegatedCredential;
use keyward_wire::values::{ProtocolVersion, SignatureScheme};
use rustls_pki_types::CertificateDer;

use crate::config::VerifySignatures;
use crate::delegated_credential::Delegated;
use crate::signature_schemes;
use crate::tls13::CertificateMessages;

/// An OCSP response in DER, stapled to the leaf for clients that ask for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OcspResponse(pub Vec<u8>);

/// A `SignedCertificateTimestampList` (RFC 6962 §3.3), with its two-byte length: what certificate
/// transparency logs promised about the leaf, for clients that ask for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedCertificateTimestampList(pub Vec<u8>);

impl SignedCertificateTimestampList {
    /// The most bytes of a list; real ones have a few hundred.
    pub const MAX_LEN: usize = 16 * 1024;

    /// `SerializedSCT sct_list <1..2^16-1>`, each `opaque SerializedSCT<1..2^16-1>`.
    fn is_valid(&self) -> bool {
        let mut reader = Reader::new(&self.0);
        let list = reader.vector_u16("sct_list", 1..=Self::MAX_LEN);
        let sound = list.and_then(|mut list| {
            while !list.is_empty() {
                list.opaque_u16("SerializedSCT", 1..=0xffff)?;
            }
            reader.expect_end("sct_list")
        });
        sound.is_ok()
    }
}

/// A chain and what the engine has to know of its leaf: whose key it is, and what that can sign.
pub struct Credential {
    chain: Vec<CertificateDer<'static>>,
    key: KeyId,
    public_key: PublicKey,
    ocsp: Option<OcspResponse>,
    scts: Option<SignedCertificateTimestampList>,
    delegated: Option<Box<Delegated>>,
    signing_schemes: Option<Vec<SignatureScheme>>,
    may_sign: bool,
    issuers: Vec<Vec<u8>>,
    chain_signatures: Vec<&'static [u16]>,
    /// Its Certificate messages.
    pub(crate) messages: CertificateMessages,
    /// Signatures that came from the key server, for the sample that is verified.
    signatures: AtomicU32,
}

impl Credential {
    /// Takes a chain, the leaf first.
    ///
    /// # Errors
    /// An empty chain; a certificate that does not parse; a leaf whose public key is not of a kind that
    /// the engine knows; a chain too long for a Certificate message.
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
        // What cannot be read cannot be said to be harmless: whether the leaf's key may sign, whether an
        // issuer signed with SHA-1.
        let infos: Vec<_> = chain
            .iter()
            .enumerate()
            .map(|(at, der)| CertificateInfo::parse(der).ok_or(CertificateError::Unreadable(at)))
            .collect::<Result<_, _>>()?;
        let verified = infos.iter().filter(|info| !info.is_self_issued());
        Ok(Self {
            key: KeyId::of_public_key(&public_key),
            public_key,
            may_sign: infos.first().is_some_and(CertificateInfo::may_sign),
            issuers: infos.iter().map(|info| info.issuer().to_vec()).collect(),
            chain_signatures: verified.map(|info| info.signature_schemes()).collect(),
            chain,
            ocsp: None,
            scts: None,
            delegated: None,
            signing_schemes: None,
            messages: CertificateMessages::default(),
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

    /// Adds certificate transparency timestamps for the leaf.
    ///
    /// # Errors
    /// What is no list of timestamps, or one too long to be sent.
    pub fn with_scts(
        mut self,
        scts: SignedCertificateTimestampList,
    ) -> Result<Self, CertificateError> {
        if !scts.is_valid() {
            return Err(CertificateError::Scts);
        }
        self.scts = Some(scts);
        Ok(self)
    }

    /// Adds a delegated credential (RFC 9345): its key signs for clients that take it, in the place of the
    /// certificate's. When it has expired, the certificate's key signs again.
    ///
    /// # Errors
    /// One that no client would take: the certificate may not delegate, or has not signed this one; its
    /// key is RSA, or does not fit its scheme.
    pub fn with_delegated(
        mut self,
        credential: &DelegatedCredential,
    ) -> Result<Self, CertificateError> {
        if credential.to_bytes().len() > Self::MAX_DELEGATED_LEN {
            return Err(CertificateError::DelegatedCredential("it is too long"));
        }
        let delegated = Delegated::new(credential, &self.chain[0], &self.public_key)?;
        self.delegated = Some(Box::new(delegated));
        Ok(self)
    }

    /// The most bytes of a delegated credential, which is in an extension; real ones have some two
    /// hundred.
    pub const MAX_DELEGATED_LEN: usize = 16 * 1024;

    /// Says what the certificate's key may sign with, in order of preference: its holder may do less than the
    /// kind of key could. An empty list: the key signs nothing, and the credential serves clients that take its
    /// [delegated credential](Self::with_delegated), or RSA key transport.
    #[must_use]
    pub fn with_signing_schemes(mut self, schemes: Vec<SignatureScheme>) -> Self {
        self.signing_schemes = Some(schemes);
        self
    }

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

    /// The certificate transparency timestamps that are sent beside the leaf, if any.
    pub fn scts(&self) -> Option<&SignedCertificateTimestampList> {
        self.scts.as_ref()
    }

    /// The delegated credential, if there is one.
    pub(crate) fn delegated(&self) -> Option<&Delegated> {
        self.delegated.as_deref()
    }

    /// What the certificate's key may sign with, in order of preference; `None`: all that it can.
    pub(crate) fn signing_schemes(&self) -> Option<&[SignatureScheme]> {
        self.signing_schemes.as_deref()
    }

    /// The issuers of the chain's certificates, distinguished names in DER.
    pub(crate) fn issuers(&self) -> &[Vec<u8>] {
        &self.issuers
    }

    /// For each certificate whose signature a peer verifies, the schemes any of which covers it.
    pub(crate) fn chain_signatures(&self) -> &[&'static [u16]] {
        &self.chain_signatures
    }

    /// The signature schemes that the kind of key can serve in a version, in our order of preference. No
    /// SHA-1, and in TLS 1.3 no PKCS#1 v1.5. None if the certificate's Key Usage lacks
    /// `digitalSignature`.
    pub fn supported_schemes(&self, version: ProtocolVersion) -> &'static [SignatureScheme] {
        // RFC 9846 §4.5.1.2: "the digitalSignature bit MUST be set if the Key Usage extension is
        // present"; RFC 5246 §7.4.2 says the same for ECDHE.
        if self.may_sign {
            signature_schemes::of_key(self.public_key.kind(), version)
        } else {
            &[]
        }
    }

    /// Has the next signature verified, whatever the sample says. Call it when another key server, or the
    /// same one on a new connection, answers for the key from here on.
    pub fn verify_next_signature(&self) {
        self.signatures.store(0, Ordering::Relaxed);
    }

    /// Whether a signature that the key server made may be sent: it is good, or it is not its turn to
    /// be verified.
    pub(crate) fn accepts_signature(
        &self,
        public_key: &PublicKey,
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
        let cheap = matches!(
            public_key.kind(),
            KeyKind::Rsa { .. } | KeyKind::RsaPss { .. }
        );
        if !(verify == VerifySignatures::Always || cheap || turn) {
            return true;
        }
        let good = SignatureAlgorithm::from_code(scheme.0)
            .is_some_and(|algorithm| public_key.verify(algorithm, message, signature).is_ok());
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
    /// The leaf is no certificate, or its key is not RSA, P-256, P-384, P-521, Ed25519 or ML-DSA.
    PublicKey,
    /// The certificate at this place of the chain, counted from 0, does not parse as far as its extensions.
    Unreadable(usize),
    /// The chain has this many bytes, more than [`Credential::MAX_CHAIN_LEN`].
    TooLong(usize),
    /// The timestamps are no `SignedCertificateTimestampList`, or have more than
    /// [`SignedCertificateTimestampList::MAX_LEN`] bytes.
    Scts,
    /// The delegated credential would be refused: the text says why.
    DelegatedCredential(&'static str),
    /// The OCSP response has this many bytes: none, or more than [`Credential::MAX_OCSP_LEN`].
    Ocsp(usize),
}

impl fmt::Display for CertificateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("the chain has no certificate"),
            Self::PublicKey => f.write_str(
                "the first certificate does not parse, or its key is not RSA (2048 to 8192 bits; \
                 for RSASSA-PSS alone with SHA-256, SHA-384 or SHA-512), P-256, P-384, P-521, Ed25519 \
                 or ML-DSA",
            ),
            Self::Unreadable(at) => write!(
                f,
                "certificate {} of the chain does not parse; inspect it, and have it issued anew",
                at + 1
            ),
            Self::Scts => write!(
                f,
                "the timestamps are no SignedCertificateTimestampList of at most {} bytes",
                SignedCertificateTimestampList::MAX_LEN
            ),
            Self::DelegatedCredential(why) => {
                write!(f, "the delegated credential cannot be used: {why}")
            }
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

#[cfg(test)]
mod tests {
    use super::*;

    /// Nobody can say what a key may do, or how an issuer signed, that cannot be read.
    #[test]
    fn a_certificate_that_does_not_parse_is_refused() {
        let authority = keyward_pki::Authority::new("test").unwrap();
        let issued = authority
            .issue_server(&["shop.example"], keyward_pki::KeyAlgorithm::P256)
            .unwrap();
        let sound = &issued.chain_der[0];
        // Its Key Usage is no BIT STRING.
        let mut spoilt = sound.to_vec();
        let before = [0x55, 0x1d, 0x0f, 1, 1, 0xff, 4, 4];
        let at = spoilt.windows(8).position(|bytes| bytes == before);
        spoilt[at.unwrap() + before.len()] = 4;
        let spoilt = CertificateDer::from(spoilt);
        assert!(PublicKey::from_certificate_der(&spoilt).is_ok());
        for (chain, at) in [
            (vec![spoilt.clone()], 0),
            (vec![sound.clone(), spoilt], 1),
            (vec![sound.clone(), vec![0; 10].into()], 1),
        ] {
            let error = Credential::new(chain).unwrap_err();
            assert_eq!(error, CertificateError::Unreadable(at));
            let place = format!("certificate {} of the chain", at + 1);
            assert!(error.to_string().starts_with(&place), "{error}");
        }
    }

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
