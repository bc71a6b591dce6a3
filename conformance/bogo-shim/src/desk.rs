//! Where the engine's needs go, and their answers come from: at once, or turns later.

use std::collections::VecDeque;
use std::sync::Arc;

use keyward_tls::{
    Answer, CertificateAnswer, CertificateNeed, CertificateRejection, ClientAuthentication,
    ClientCertificateRequest, Need, NeedError, NewSessionKind, PeerCertificateNeed, Policy,
};

use crate::credentials::{self, Loaded};
use crate::expectations;
use crate::failure::{Failure, unimplemented, unmet};
use crate::options::{Alpn, Ocsp, Options};
use crate::policy::policy;
use crate::sessions::Sessions;

pub(crate) struct Desk<'a> {
    options: &'a Options,
    sessions: &'a mut Sessions,
    loaded: Loaded,
    policy: Arc<Policy>,
    /// Each with the turn from which on it may be answered.
    open: VecDeque<(u64, Need)>,
    stored_by_id: bool,
    presented: Presented,
}

/// What the peer presented beside its chain.
#[derive(Clone, Debug, Default)]
pub(crate) struct Presented {
    pub(crate) ocsp: Option<Vec<u8>>,
    pub(crate) scts: Option<Vec<u8>>,
}

/// How many turns of the loop a need waits under `-async`.
const LATE: u64 = 3;

impl<'a> Desk<'a> {
    pub(crate) fn new(options: &'a Options, sessions: &'a mut Sessions) -> Result<Self, Failure> {
        Ok(Self {
            loaded: credentials::load(options)?,
            policy: Arc::new(policy(options)?),
            options,
            sessions,
            open: VecDeque::new(),
            stored_by_id: false,
            presented: Presented::default(),
        })
    }

    pub(crate) fn sessions(&self) -> &Sessions {
        self.sessions
    }

    pub(crate) fn sessions_mut(&mut self) -> &mut Sessions {
        self.sessions
    }

    pub(crate) fn presented(&self) -> &Presented {
        &self.presented
    }

    /// From here on the expectations of a retry are the ones that count.
    pub(crate) fn switch_to(&mut self, options: &'a Options) {
        self.options = options;
    }

    pub(crate) fn loaded(&self) -> &Loaded {
        &self.loaded
    }

    /// Whether the session can be resumed by its id.
    pub(crate) fn stored_by_id(&self) -> bool {
        self.stored_by_id
    }

    pub(crate) fn take(&mut self, need: Need, turn: u64) {
        let wait = if self.options.run.is_async { LATE } else { 0 };
        self.open.push_back((turn + wait, need));
    }

    pub(crate) fn is_idle(&self) -> bool {
        self.open.is_empty()
    }

    /// The next answer that is due. The work is done only now, not when the need came.
    pub(crate) fn answer(&mut self, turn: u64) -> Result<Option<Answer>, Failure> {
        match self.open.front() {
            Some((due, _)) if *due <= turn => {}
            _ => return Ok(None),
        }
        match self.open.pop_front() {
            Some((_, need)) => self.answer_to(need).map(Some),
            None => Ok(None),
        }
    }

    fn answer_to(&mut self, need: Need) -> Result<Answer, Failure> {
        match need {
            Need::Certificate(need) => {
                let answer = self.certificate(&need)?;
                Ok(need.answer(answer))
            }
            Need::Session(need) => {
                let session = self.sessions.find(&need);
                Ok(need.answer(Ok(session)))
            }
            Need::KeyOperation(need) => {
                let (id, operation) = need.into_parts();
                let result = self.loaded.keys.perform(&operation)?;
                Ok(Answer::key_operation(id, Ok(result)))
            }
            Need::NewSession(need) => {
                let ticket = if self.options.needs.skip_ticket {
                    None
                } else {
                    self.stored_by_id |= matches!(need.kind(), NewSessionKind::SessionId(_));
                    self.sessions.keep(&need)
                };
                Ok(need.answer(Ok(ticket)))
            }
            Need::PeerCertificate(need) => {
                let verdict = self.peer_certificate(&need);
                Ok(need.answer(verdict))
            }
            Need::ClientCertificate(need) if self.options.needs.fail_certificate => {
                Ok(need.answer(Err(NeedError::Internal)))
            }
            Need::ClientCertificate(need) => {
                expectations::certificate_request(self.options, &need)?;
                let candidates = self.loaded.candidates(need.authorities());
                let candidates = Some(candidates).filter(|them| !them.is_empty());
                Ok(need.answer(Ok(candidates)))
            }
            Need::OfferSession(need) => {
                let session = self.sessions.offer();
                Ok(need.answer(Ok(session)))
            }
            Need::EarlyData(need) => {
                let fresh = self.sessions.is_fresh(need.unique());
                Ok(need.answer(Ok(fresh)))
            }
            other => Err(unimplemented(format!("the need of a {}", other.kind()))),
        }
    }

    fn peer_certificate(&mut self, need: &PeerCertificateNeed) -> Result<(), NeedError> {
        let rejects = if need.is_resumed() {
            self.options.peer.rejects_session()
        } else {
            self.options.peer.rejects()
        };
        self.presented = Presented {
            ocsp: need.ocsp().map(<[u8]>::to_vec),
            scts: need.scts().map(<[u8]>::to_vec),
        };
        let options = self.options;
        if rejects {
            return Err(NeedError::Certificate(CertificateRejection::Unknown));
        }
        if options.needs.ocsp == Ocsp::Fail && !need.is_resumed() {
            return Err(NeedError::Certificate(
                CertificateRejection::BadStatusResponse,
            ));
        }
        Ok(())
    }

    fn client_authentication(&self) -> ClientAuthentication {
        let request = ClientCertificateRequest {
            signature_schemes: self.options.negotiation.verified_schemes().to_vec(),
            authorities: self.options.peer.authorities.clone(),
        };
        match &self.options.peer {
            peer if peer.require => ClientAuthentication::Required(request),
            peer if peer.verify => ClientAuthentication::Optional(request),
            _ => ClientAuthentication::Off,
        }
    }

    fn certificate(
        &self,
        need: &CertificateNeed,
    ) -> Result<Result<CertificateAnswer, NeedError>, Failure> {
        let expect = &self.options.expect;
        if expect.no_server_name && need.server_name().is_some() {
            return Err(unmet("the client sent a server name"));
        }
        if let Some(expected) = &expect.server_name
            && need.server_name() != Some(expected)
        {
            return Err(unmet(format!(
                "the server name is {:?}",
                need.server_name()
            )));
        }
        if let Some(expected) = &expect.advertised_alpn {
            let offered = need.client_hello().extensions.alpn.iter().flatten();
            let offered: Vec<u8> = offered
                .flat_map(|protocol| {
                    u8::try_from(protocol.len())
                        .into_iter()
                        .chain(protocol.iter().copied())
                })
                .collect();
            if offered != *expected {
                return Err(unmet(format!(
                    "the client offers the protocols {offered:?}"
                )));
            }
        }
        let schemes = need
            .client_hello()
            .extensions
            .signature_algorithms
            .as_deref();
        expectations::verify_schemes(self.options, schemes.unwrap_or_default())?;
        let needs = &self.options.needs;
        if needs.fail_certificate || needs.ocsp == Ocsp::Fail {
            return Ok(Err(NeedError::Internal));
        }
        let authorities = need
            .client_hello()
            .extensions
            .certificate_authorities
            .as_deref();
        Ok(Ok(CertificateAnswer {
            candidates: self.loaded.candidates(authorities.unwrap_or_default()),
            policy: self.policy.clone(),
            alpn: match &self.options.negotiation.alpn {
                Alpn::Decline => Vec::new(),
                Alpn::Select(protocol) => vec![protocol.clone()],
                Alpn::Reject => vec![b"of no client".to_vec()],
            },
            client_authentication: self.client_authentication(),
            ..CertificateAnswer::default()
        }))
    }
}
