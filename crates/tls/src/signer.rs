//! The choice among credentials: which of them, and how its key will sign.

use std::sync::Arc;

use keyward_crypto::signature::{PublicKey, SignatureAlgorithm};
use keyward_keyop::{KeyId, OperationResult, Performed};
use keyward_wire::handshake::ClientHello;
use keyward_wire::values::{ProtocolVersion, SignatureScheme};

use crate::config::VerifySignatures;
use crate::credential::Credential;
use crate::error::{Error, KeyOperationFault};
use crate::needs::{KeyAnswer, NeedError, NeedKind};
use crate::policy::Policy;
use crate::time::UnixTime;

/// What a peer can verify, and whom it trusts.
pub(crate) struct Wishes<'a> {
    pub(crate) version: ProtocolVersion,
    /// `signature_algorithms`.
    pub(crate) schemes: &'a [SignatureScheme],
    /// What our own policy lets a key sign with, in order of preference; `None`: all that it can.
    pub(crate) ours: Option<&'a [SignatureScheme]>,
    /// `signature_algorithms_cert`, or the same again.
    pub(crate) certificate_schemes: &'a [SignatureScheme],
    /// `certificate_authorities`; empty: it does not say.
    pub(crate) authorities: &'a [Vec<u8>],
    /// `delegated_credential`; empty: it takes none.
    pub(crate) delegated: &'a [SignatureScheme],
    pub(crate) now: UnixTime,
}

impl<'a> Wishes<'a> {
    /// Those of a peer that has but one credential to be offered: no more than it needs.
    pub(crate) fn of_schemes(version: ProtocolVersion, schemes: &'a [SignatureScheme]) -> Self {
        Self {
            version,
            schemes,
            ours: None,
            certificate_schemes: schemes,
            authorities: &[],
            delegated: &[],
            now: UnixTime::default(),
        }
    }

    /// A TLS 1.3 client's. `schemes` is its `signature_algorithms`.
    pub(crate) fn of_client(
        hello: &'a ClientHello,
        schemes: &'a [SignatureScheme],
        policy: &'a Policy,
        now: UnixTime,
    ) -> Self {
        let extensions = &hello.extensions;
        Self {
            version: ProtocolVersion::TLS13,
            schemes,
            ours: policy.signature_schemes.as_deref(),
            // RFC 9846 §4.3.3: "If no "signature_algorithms_cert" extension is present, then the
            // "signature_algorithms" extension also applies to signatures appearing in certificates."
            certificate_schemes: extensions
                .signature_algorithms_cert
                .as_deref()
                .unwrap_or(schemes),
            authorities: extensions
                .certificate_authorities
                .as_deref()
                .unwrap_or_default(),
            // RFC 9345 §4.1.1: "When a (D)TLS version negotiated is less than 1.3, the server MUST ignore
            // this extension."
            delegated: extensions
                .delegated_credential
                .as_deref()
                .unwrap_or_default(),
            now,
        }
    }

    /// How this credential would sign for the peer, if it could.
    fn signer(&self, credential: &Arc<Credential>) -> Option<Signer> {
        let signer = |scheme, delegated| Signer {
            certificate: credential.clone(),
            scheme,
            delegated,
        };
        if let Some(delegated) = credential.delegated().filter(|delegated| {
            // RFC 9345 §4.1.1: "The algorithm field MUST be of a type advertised by the client in the
            // "signature_algorithms" extension of the ClientHello message and the
            // dc_cert_verify_algorithm field MUST be of a type advertised by the client in the
            // SignatureSchemeList".
            self.delegated.contains(&delegated.scheme())
                && self
                    .ours
                    .is_none_or(|ours| ours.contains(&delegated.scheme()))
                && self.schemes.contains(&delegated.delegation_scheme())
                && delegated.is_current(self.now)
        }) {
            return Some(signer(delegated.scheme(), true));
        }
        let able = credential.supported_schemes(self.version);
        let allowed = |scheme: &&SignatureScheme| {
            able.contains(scheme)
                && self.schemes.contains(scheme)
                && self.ours.is_none_or(|ours| ours.contains(scheme))
        };
        // Who says what a certificate's key may do knows more of it than a policy for all of them.
        let preferred = credential.signing_schemes().or(self.ours).unwrap_or(able);
        preferred
            .iter()
            .find(allowed)
            .map(|scheme| signer(*scheme, false))
    }

    /// The less, the better.
    fn rank(&self, credential: &Credential) -> (bool, bool) {
        (
            !self.verifies_chain(credential),
            !self.trusts_an_issuer(credential),
        )
    }

    /// RFC 9846 §4.5.1.2: "This fallback chain MUST NOT use the deprecated SHA-1 hash, unless the client
    /// specifically advertises that it is willing to accept SHA-1."
    fn tolerates_chain(&self, credential: &Credential) -> bool {
        credential
            .chain_signatures()
            .iter()
            .flat_map(|schemes| schemes.iter())
            .map(|scheme| SignatureScheme(*scheme))
            .filter(|scheme| SHA1.contains(scheme))
            .all(|scheme| self.certificate_schemes.contains(&scheme))
    }

    /// RFC 9846 §4.5.1.2: "All certificates provided by the sender MUST be signed by a signature
    /// algorithm advertised by the peer, if it is able to provide such a chain".
    fn verifies_chain(&self, credential: &Credential) -> bool {
        credential.chain_signatures().iter().all(|schemes| {
            schemes
                .iter()
                .any(|scheme| self.certificate_schemes.contains(&SignatureScheme(*scheme)))
        })
    }

    /// RFC 9846 §4.5.1.2: "If the peer sent a "certificate_authorities" extension, at least one of the
    /// certificates in the certificate chain SHOULD be issued by one of the listed CAs."
    fn trusts_an_issuer(&self, credential: &Credential) -> bool {
        self.authorities.is_empty()
            || credential
                .issuers()
                .iter()
                .any(|issuer| self.authorities.contains(issuer))
    }
}

const SHA1: [SignatureScheme; 2] = [SignatureScheme::RSA_PKCS1_SHA1, SignatureScheme::ECDSA_SHA1];

/// The first candidate that `fits` and whose key can sign for the peer; one whose chain the peer can
/// verify goes before one where it cannot, and one of an authority that it names before others.
pub(crate) fn choose(
    candidates: &[Arc<Credential>],
    wishes: &Wishes<'_>,
    fits: impl Fn(&Credential) -> bool,
) -> Option<Signer> {
    let mut signers = candidates
        .iter()
        .filter(|candidate| fits(candidate) && wishes.tolerates_chain(candidate))
        .filter_map(|candidate| wishes.signer(candidate));
    // With a single one there is no choice.
    if candidates.len() == 1 {
        return signers.next();
    }
    // Of those that are equal, the first.
    signers.min_by_key(|signer| wishes.rank(&signer.certificate))
}

/// The candidates in the order in which they serve this peer.
pub(crate) fn in_order<'c>(
    candidates: &'c [Arc<Credential>],
    wishes: &Wishes<'_>,
) -> Vec<&'c Arc<Credential>> {
    let mut candidates: Vec<_> = candidates.iter().collect();
    if candidates.len() > 1 {
        candidates.sort_by_key(|candidate| wishes.rank(candidate));
    }
    candidates
}

/// A credential with the scheme that its key, or the key that it delegates to, will sign with: only
/// [`choose`] makes one, so that they fit each other, the version and the peer.
#[derive(Clone, Debug)]
pub(crate) struct Signer {
    pub(crate) certificate: Arc<Credential>,
    pub(crate) scheme: SignatureScheme,
    /// By the key of the delegated credential.
    delegated: bool,
}

impl Signer {
    /// Whether the delegated credential's key signs.
    pub(crate) fn is_delegated(&self) -> bool {
        self.delegated
    }

    /// Names the key that signs.
    pub(crate) fn key(&self) -> KeyId {
        match self.certificate.delegated().filter(|_| self.delegated) {
            Some(delegated) => delegated.key(),
            None => self.certificate.key(),
        }
    }

    fn public_key(&self) -> &PublicKey {
        match self.certificate.delegated().filter(|_| self.delegated) {
            Some(delegated) => delegated.public_key(),
            None => self.certificate.public_key(),
        }
    }

    /// The signature over `message` in the answer to a key operation. The one way from there to a
    /// peer: it has been checked, or was made here by the key itself.
    pub(crate) fn signature(
        &self,
        verify: VerifySignatures,
        message: &[u8],
        answer: Result<KeyAnswer, NeedError>,
    ) -> Result<Vec<u8>, Error> {
        const WRONG: Error = Error::KeyOperation(KeyOperationFault::WrongSignature);
        let answer = answer.map_err(|error| Error::Need(NeedKind::KeyOperation, error))?;
        let proven = match &answer {
            // What somebody tells proves nothing.
            KeyAnswer::Told(_) => false,
            KeyAnswer::Performed(performed) if self.is_made_for(performed, message) => {
                verify != VerifySignatures::Always
            }
            KeyAnswer::Performed(_) => return Err(WRONG),
        };
        let OperationResult::Signature(signature) = answer.into_result() else {
            return Err(Error::KeyOperation(KeyOperationFault::WrongResult));
        };
        let key = self.public_key();
        let accepted = proven
            || self
                .certificate
                .accepts_signature(key, verify, self.scheme, message, &signature);
        accepted.then_some(signature).ok_or(WRONG)
    }

    /// Whether our key's private half has signed `message` as it should.
    fn is_made_for(&self, performed: &Performed, message: &[u8]) -> bool {
        SignatureAlgorithm::from_code(self.scheme.0).is_some_and(|algorithm| {
            performed.is_signature_of(self.public_key(), algorithm, message)
        })
    }
}
