use std::sync::{Arc, Mutex};

use keyward_keyop::{KeyRules, Operation, OperationResult};
use keyward_tls::{Answer, CertificateRejection, ClientSession, Need, NeedError, NeedKind};
use rustls_pki_types::CertificateDer;

use super::{Identity, Site, revoked};

/// Who answers what a client asks: sessions, trust, its own certificates and their keys.
#[derive(Default)]
pub(crate) struct Visitor {
    /// What it presents if it is asked for a certificate; `None`: it has none.
    pub(crate) identities: Option<Vec<Arc<Identity>>>,
    /// The leaves that it trusts; `None`: all.
    pub(crate) trusted: Option<Vec<CertificateDer<'static>>>,
    /// Whether the servers of its sessions are trusted no more.
    pub(crate) distrusts_sessions: bool,
    /// The sessions that it has, the latest last.
    pub(crate) sessions: Mutex<Vec<ClientSession>>,
    /// Its key server signs something else than it is asked to.
    pub(crate) wrong_signature: bool,
    /// Its keys may be used as they were before RFC 7627.
    pub(crate) legacy: bool,
    /// Kinds of needs that are answered with an error.
    pub(crate) errors: Vec<(NeedKind, NeedError)>,
    /// The OCSP response that came with the last certificate, and its timestamps.
    pub(crate) ocsp: Mutex<Option<Vec<u8>>>,
    pub(crate) scts: Mutex<Option<Vec<u8>>>,
    /// What was asked, in order.
    pub(crate) asked: Mutex<Vec<NeedKind>>,
}

impl Visitor {
    pub(crate) fn answer(&self, need: Need) -> Answer {
        self.asked.lock().unwrap().push(need.kind());
        if let Some((_, error)) = self.errors.iter().find(|(kind, _)| *kind == need.kind()) {
            return need.fail(*error);
        }
        match need {
            Need::OfferSession(need) => {
                let session = self.sessions.lock().unwrap().pop();
                need.answer(Ok(session))
            }
            Need::PeerCertificate(need) => {
                *self.ocsp.lock().unwrap() = need.ocsp().map(<[u8]>::to_vec);
                *self.scts.lock().unwrap() = need.scts().map(<[u8]>::to_vec);
                let trusted = match &self.trusted {
                    Some(trusted) => trusted.contains(&need.chain()[0]),
                    None => true,
                };
                if need.is_resumed() && self.distrusts_sessions {
                    return need.answer(Err(revoked()));
                }
                let rejection = NeedError::Certificate(CertificateRejection::UnknownAuthority);
                need.answer(if trusted { Ok(()) } else { Err(rejection) })
            }
            Need::ClientCertificate(need) => {
                let certificates = self.identities.as_ref().map(|identities| {
                    let certificate = |identity: &Arc<Identity>| identity.certificate.clone();
                    identities.iter().map(certificate).collect()
                });
                need.answer(Ok(certificates))
            }
            Need::KeyOperation(need) => {
                let result = self.perform(need.operation());
                need.answer(Ok(result))
            }
            other => panic!("a client does not ask this: {other:?}"),
        }
    }

    /// What the key server does for a client: check, then perform.
    pub(crate) fn perform(&self, operation: &Operation) -> OperationResult {
        let identity = self
            .identities
            .iter()
            .flatten()
            .find(|identity| identity.certificate.key() == operation.key())
            .expect("the operation names a key of the visitor");
        let rules = KeyRules {
            client: true,
            legacy: self.legacy,
            ..KeyRules::signing(identity.private_key.public_key())
        };
        let checked = operation
            .check(&rules)
            .expect("the key server accepts what the engine asks");
        match checked.perform(&identity.private_key).unwrap() {
            OperationResult::Signature(mut signature) if self.wrong_signature => {
                signature[0] ^= 1;
                OperationResult::Signature(signature)
            }
            result => result,
        }
    }

    pub(crate) fn keep(&self, session: ClientSession) {
        self.sessions.lock().unwrap().push(session);
    }

    pub(crate) fn take_asked(&self) -> Vec<NeedKind> {
        std::mem::take(&mut self.asked.lock().unwrap())
    }

    /// Trusts nobody but this site.
    pub(crate) fn of(site: &Site) -> Self {
        let leaf = |identity: &Arc<Identity>| identity.certificate.chain()[0].clone();
        Self {
            trusted: Some(site.identities.iter().map(leaf).collect()),
            ..Self::default()
        }
    }
}
