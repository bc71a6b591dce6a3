use std::sync::{Arc, Mutex};

use keyward_crypto::random::SystemRandom;
use keyward_keyop::{KeyRules, Operation, OperationResult, Performed};
use keyward_pki::KeyAlgorithm;
use keyward_tls::tickets::TicketKeys;
use keyward_tls::{
    Answer, CertificateAnswer, ClientAuthentication, Need, NeedError, NeedId, NeedKind,
    OfferedSession, PeerRole, Policy, SessionState,
};

use super::{Identity, identity, revoked};

/// Who answers the needs: certificates, keys and tickets in one place.
pub(crate) struct Site {
    pub(crate) identities: Vec<Arc<Identity>>,
    pub(crate) policy: Policy,
    pub(crate) alpn: Vec<Vec<u8>>,
    pub(crate) session_context: Vec<u8>,
    pub(crate) names: Vec<&'static str>,
    pub(crate) tickets: TicketKeys,
    pub(crate) client_authentication: ClientAuthentication,
    pub(crate) max_early_data: u32,
    /// Whether a client's certificate is to be trusted.
    pub(crate) trust: Result<(), NeedError>,
    /// Whether clients whose sessions are to be resumed are trusted no more.
    pub(crate) distrusts_sessions: bool,
    /// The early data that was seen.
    pub(crate) early_data: Mutex<Vec<[u8; 32]>>,
    /// Sessions kept by id (TLS 1.2).
    pub(crate) sessions: Mutex<Vec<(Vec<u8>, SessionState)>>,
    /// Kinds of needs that are answered with an error.
    pub(crate) errors: Vec<(NeedKind, NeedError)>,
    /// The random of the last ClientHello.
    pub(crate) client_random: Mutex<Option<[u8; 32]>>,
    /// The id of the first need that was asked.
    pub(crate) first_id: Mutex<Option<NeedId>>,
    /// What was asked, in order.
    pub(crate) asked: Mutex<Vec<NeedKind>>,
}

impl Site {
    pub(crate) fn new(algorithms: &[KeyAlgorithm]) -> Self {
        Self {
            identities: algorithms.iter().map(|kind| identity(*kind)).collect(),
            policy: Policy::intermediate(),
            alpn: Vec::new(),
            session_context: Vec::new(),
            names: vec!["shop.example", "blog.example"],
            tickets: TicketKeys::new(&[[0x5e; 32]], Arc::new(SystemRandom)).unwrap(),
            client_authentication: ClientAuthentication::Off,
            max_early_data: u32::MAX,
            trust: Ok(()),
            distrusts_sessions: false,
            early_data: Mutex::default(),
            sessions: Mutex::default(),
            errors: Vec::new(),
            client_random: Mutex::default(),
            first_id: Mutex::default(),
            asked: Mutex::default(),
        }
    }

    /// Answers as a whole Keyward would.
    pub(crate) fn answer(&self, need: Need) -> Answer {
        self.asked.lock().unwrap().push(need.kind());
        self.first_id.lock().unwrap().get_or_insert(need.id());
        if let Some((_, error)) = self.errors.iter().find(|(kind, _)| *kind == need.kind()) {
            return need.fail(*error);
        }
        match need {
            Need::Certificate(need) => {
                *self.client_random.lock().unwrap() = Some(need.client_hello().random);
                let answer = match need.server_name() {
                    Some(name) if !self.names.contains(&name) => Err(NeedError::UnrecognizedName),
                    _ => Ok(self.certificate()),
                };
                need.answer(answer)
            }
            Need::Session(need) => {
                let found = need
                    .offered()
                    .iter()
                    .enumerate()
                    .find_map(|(index, offered)| Some((index, self.session(offered)?)));
                need.answer(Ok(found))
            }
            Need::KeyOperation(need) => {
                let result = self.perform(need.operation());
                need.answer(Ok(result))
            }
            Need::NewSession(need) => match need.kind() {
                keyward_tls::NewSessionKind::SessionId(id) => {
                    let entry = (id.clone(), need.state().clone());
                    self.sessions.lock().unwrap().push(entry);
                    need.answer(Ok(Some(Vec::new())))
                }
                _ => {
                    let ticket = self.tickets.seal(need.state());
                    need.answer(Ok(ticket))
                }
            },
            Need::PeerCertificate(need) => {
                assert_eq!(need.role(), PeerRole::Client);
                assert!(need.name().is_none() && !need.chain().is_empty());
                match need.is_resumed() && self.distrusts_sessions {
                    true => need.answer(Err(revoked())),
                    false => need.answer(self.trust),
                }
            }
            Need::EarlyData(need) => {
                let mut seen = self.early_data.lock().unwrap();
                let fresh = !seen.contains(&need.unique());
                seen.push(need.unique());
                need.answer(Ok(fresh))
            }
            other => panic!("an unknown need: {other:?}"),
        }
    }

    pub(crate) fn certificate(&self) -> CertificateAnswer {
        CertificateAnswer {
            candidates: self
                .identities
                .iter()
                .map(|identity| identity.certificate.clone())
                .collect(),
            policy: Arc::new(self.policy.clone()),
            alpn: self.alpn.clone(),
            session_context: self.session_context.clone(),
            client_authentication: self.client_authentication.clone(),
            max_early_data: self.max_early_data,
        }
    }

    fn session(&self, offered: &OfferedSession) -> Option<SessionState> {
        match offered {
            OfferedSession::Ticket(ticket) => self.tickets.open(ticket),
            OfferedSession::SessionId(id) => {
                let sessions = self.sessions.lock().unwrap();
                let found = sessions.iter().find(|(known, _)| known == id)?;
                Some(found.1.clone())
            }
        }
    }

    /// What the key server does: check, then perform.
    pub(crate) fn perform(&self, operation: &Operation) -> OperationResult {
        self.perform_here(operation).into_result()
    }

    /// What a process does that has the key and the engine.
    pub(crate) fn perform_here(&self, operation: &Operation) -> Performed {
        let identity = self
            .identities
            .iter()
            .find(|identity| identity.private_key_id() == operation.key())
            .expect("the operation names a key of the site");
        let rules = KeyRules {
            rsa_decryption: true,
            legacy: self.policy.legacy,
            ..KeyRules::signing(identity.private_key.public_key())
        };
        let checked = operation
            .check(&rules)
            .expect("the key server accepts what the engine asks");
        checked.perform_here(&identity.private_key).unwrap()
    }

    pub(crate) fn take_asked(&self) -> Vec<NeedKind> {
        std::mem::take(&mut self.asked.lock().unwrap())
    }
}
