//! Where the engine's needs go, and their answers come from: at once, or turns later.

use std::collections::VecDeque;
use std::sync::Arc;

use keyward_tls::{
    Answer, CertificateAnswer, CertificateNeed, Need, NeedError, NewSessionKind, Policy,
};

use crate::credentials::{self, Loaded};
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
}

/// How many turns of the loop a need waits under `-async`.
const LATE: u64 = 3;

impl<'a> Desk<'a> {
    pub(crate) fn new(options: &'a Options, sessions: &'a mut Sessions) -> Result<Self, Failure> {
        Ok(Self {
            loaded: credentials::load(&options.credentials, options.needs.ocsp)?,
            policy: Arc::new(policy(&options.negotiation)?),
            options,
            sessions,
            open: VecDeque::new(),
            stored_by_id: false,
        })
    }

    pub(crate) fn sessions(&self) -> &Sessions {
        self.sessions
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
            other => Err(unimplemented(format!("the need of a {}", other.kind()))),
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
        let needs = &self.options.needs;
        if needs.fail_certificate || needs.ocsp == Ocsp::Fail {
            return Ok(Err(NeedError::Internal));
        }
        let certificates = self.loaded.certificates.iter();
        Ok(Ok(CertificateAnswer {
            candidates: certificates.map(|(_, it)| it.clone()).collect(),
            policy: self.policy.clone(),
            alpn: match &self.options.negotiation.alpn {
                Alpn::Decline => Vec::new(),
                Alpn::Select(protocol) => vec![protocol.clone()],
                Alpn::Reject => vec![b"of no client".to_vec()],
            },
            ..CertificateAnswer::default()
        }))
    }
}
