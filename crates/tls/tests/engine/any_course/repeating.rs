//! What makes two runs of one handshake alike to the byte: randomness that repeats itself, and answers that were given
//! before.

use std::collections::HashMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use keyward_crypto::CryptoError;
use keyward_crypto::hash::HashAlgorithm::Sha256;
use keyward_crypto::key_exchange::{Group, KeyExchangeError, KeyPair};
use keyward_crypto::random::SecureRandom;
use keyward_keyop::{Operation, OperationResult};
use keyward_tls::{Answer, ClientSession, Need, NewSessionKind};

use crate::support::{Site, Visitor};

/// The same bytes and key pairs in the same order, for each name.
#[derive(Debug)]
pub(super) struct Repeating {
    name: &'static str,
    drawn: AtomicU64,
}

impl Repeating {
    pub(super) fn new(name: &'static str) -> Self {
        Self {
            name,
            drawn: AtomicU64::new(0),
        }
    }
}

impl SecureRandom for Repeating {
    fn fill(&self, out: &mut [u8]) -> Result<(), CryptoError> {
        for chunk in out.chunks_mut(32) {
            let count = self.drawn.fetch_add(1, Ordering::Relaxed).to_be_bytes();
            let block = Sha256.digest(&[self.name.as_bytes(), &count].concat());
            chunk.copy_from_slice(&block[..chunk.len()]);
        }
        Ok(())
    }

    fn key_pair(&self, group: Group) -> Result<KeyPair, KeyExchangeError> {
        let mut private = vec![0; private_len(group)];
        self.fill(&mut private)?;
        // Below the order of every curve.
        private[0] = 0;
        KeyPair::from_private(group, &private)
    }
}

fn private_len(group: Group) -> usize {
    match group {
        Group::Secp384r1 => 48,
        Group::Secp521r1 => 66,
        _ => 32,
    }
}

/// Who answers both sides, always the same. Signatures and tickets have randomness of their own: what was made once is
/// given again to who asks the same.
pub(super) struct Answers {
    site: Site,
    visitor: Visitor,
    /// What the client resumes.
    session: Option<ClientSession>,
    results: Mutex<HashMap<Vec<u8>, OperationResult>>,
    tickets: Mutex<HashMap<Vec<u8>, Option<Vec<u8>>>>,
}

impl Answers {
    pub(super) fn new(site: Site, visitor: Visitor) -> Self {
        Self {
            site,
            visitor,
            session: None,
            results: Mutex::default(),
            tickets: Mutex::default(),
        }
    }

    pub(super) fn resume(&mut self, session: ClientSession) {
        self.session = Some(session);
    }

    /// How many different things were asked of the holder of keys and tickets.
    pub(super) fn known(&self) -> (usize, usize) {
        let results = self.results.lock().unwrap().len();
        (results, self.tickets.lock().unwrap().len())
    }

    pub(super) fn to_server(&self, need: Need) -> Answer {
        match need {
            Need::KeyOperation(need) => {
                let result = self.result(need.operation(), |op| self.site.perform(op));
                need.answer(Ok(result))
            }
            Need::NewSession(need) => {
                assert_eq!(*need.kind(), NewSessionKind::Ticket);
                let mut tickets = self.tickets.lock().unwrap();
                let state = need.state();
                let ticket = tickets
                    .entry(state.encode().to_vec())
                    .or_insert_with(|| self.site.tickets.seal(state))
                    .clone();
                need.answer(Ok(ticket))
            }
            // It is new in each run.
            Need::EarlyData(need) => need.answer(Ok(true)),
            need => self.site.answer(need),
        }
    }

    pub(super) fn to_client(&self, need: Need) -> Answer {
        match need {
            Need::KeyOperation(need) => {
                let result = self.result(need.operation(), |op| self.visitor.perform(op));
                need.answer(Ok(result))
            }
            Need::OfferSession(need) => need.answer(Ok(self.session.clone())),
            need => self.visitor.answer(need),
        }
    }

    fn result(
        &self,
        operation: &Operation,
        perform: impl FnOnce(&Operation) -> OperationResult,
    ) -> OperationResult {
        let mut results = self.results.lock().unwrap();
        let result = results
            .entry(asked(operation))
            .or_insert_with(|| perform(operation));
        match result {
            OperationResult::Signature(signature) => OperationResult::Signature(signature.clone()),
            OperationResult::MasterSecret(secret) => OperationResult::MasterSecret(secret.clone()),
        }
    }
}

/// All that an operation is over.
fn asked(operation: &Operation) -> Vec<u8> {
    let kind = format!("{:?}", operation.kind());
    let messages = match operation {
        Operation::Tls13ServerCertificateVerify(operation) => operation.messages.clone(),
        Operation::Tls12ServerKeyExchange(operation) => {
            [&operation.messages[..], &operation.params].concat()
        }
        Operation::Tls12RsaMasterSecret(operation) => operation.messages.clone(),
        Operation::Tls13ClientCertificateVerify(operation) => operation.messages.clone(),
        Operation::Tls12ClientCertificateVerify(operation) => operation.messages.clone(),
        other => panic!("a handshake does not ask for {other:?}"),
    };
    [kind.as_bytes(), &messages].concat()
}
