//! Keyward's engine, with every need answered at once.

use std::cell::Cell;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use keyward_bench::{Result, processor_time};
use keyward_crypto::private_key::PrivateKey;
use keyward_crypto::random::{SecureRandom, SystemRandom};
use keyward_keyop::{KeyRules, Operation, OperationResult};
use keyward_pki::Issued;
use keyward_tls::tickets::TicketKeys;
use keyward_tls::{
    Answer, CertificateAnswer, Credential, Need, Policy, ServerConfig, ServerConnection, Step,
    UnixTime,
};

use crate::{Connection, Server};

/// One key operation in this many is split into its checks and the signature.
const SAMPLE: u32 = 32;

pub(crate) struct KeywardServer(Rc<Shared>);

struct Shared {
    config: Arc<ServerConfig>,
    certificate: Arc<Credential>,
    policy: Arc<Policy>,
    key: PrivateKey,
    tickets: TicketKeys,
    key_operations: Cell<u32>,
    checking: Cell<Duration>,
    signing: Cell<Duration>,
}

impl KeywardServer {
    pub(crate) fn new(issued: &Issued) -> Result<Self> {
        let mut ticket_key = [0; 32];
        SystemRandom.fill(&mut ticket_key)?;
        Ok(Self(Rc::new(Shared {
            config: Arc::new(ServerConfig::default()),
            certificate: Arc::new(Credential::new(issued.chain_der.clone())?),
            policy: Arc::new(Policy::intermediate()),
            key: PrivateKey::from_der(issued.key_der.secret_der())?,
            tickets: TicketKeys::new(&[ticket_key], Arc::new(SystemRandom))?,
            key_operations: Cell::default(),
            checking: Cell::default(),
            signing: Cell::default(),
        })))
    }

    /// What the checks of a key operation took, on average.
    pub(crate) fn mean_check(&self) -> Duration {
        self.0.checking.get() / (self.0.key_operations.get() / SAMPLE).max(1)
    }

    /// What the signature took then.
    pub(crate) fn mean_signing(&self) -> Duration {
        self.0.signing.get() / (self.0.key_operations.get() / SAMPLE).max(1)
    }
}

impl Server for KeywardServer {
    type Connection = KeywardConnection;

    fn accept(&self) -> Result<KeywardConnection> {
        Ok(KeywardConnection {
            shared: self.0.clone(),
            engine: ServerConnection::new(self.0.config.clone())?,
            is_handshaking: true,
        })
    }
}

pub(crate) struct KeywardConnection {
    shared: Rc<Shared>,
    engine: ServerConnection,
    is_handshaking: bool,
}

impl Connection for KeywardConnection {
    fn exchange(&mut self, mut input: &[u8], output: &mut Vec<u8>) -> Result<()> {
        let now = UnixTime::now();
        while !input.is_empty() {
            let taken = self.engine.receive(input);
            input = &input[taken..];
            loop {
                match self.engine.step(now)? {
                    Step::Need(need) => self.engine.answer(self.shared.answer(need)?)?,
                    Step::HandshakeComplete => self.is_handshaking = false,
                    Step::Blocked => break,
                    other => return Err(format!("unexpected in a handshake: {other:?}").into()),
                }
            }
            let written = self.engine.output();
            output.extend_from_slice(written);
            self.engine.consume_output(written.len());
        }
        Ok(())
    }

    fn is_handshaking(&self) -> bool {
        self.is_handshaking
    }
}

impl Shared {
    fn answer(&self, need: Need) -> Result<Answer> {
        Ok(match need {
            Need::Certificate(need) => need.answer(Ok(CertificateAnswer {
                candidates: vec![self.certificate.clone()],
                policy: self.policy.clone(),
                ..CertificateAnswer::default()
            })),
            Need::Session(need) => need.answer(Ok(None)),
            Need::KeyOperation(need) => {
                let (id, operation) = need.into_parts();
                let result = self.perform(&operation)?;
                Answer::key_operation(id, Ok(result))
            }
            Need::NewSession(need) => {
                let ticket = self.tickets.seal(need.state());
                need.answer(Ok(ticket))
            }
            other => return Err(format!("not for a full handshake: {:?}", other.kind()).into()),
        })
    }

    fn perform(&self, operation: &Operation) -> Result<OperationResult> {
        let rules = KeyRules::signing(self.key.public_key());
        // Reading the clock takes time itself, so only some are looked at.
        self.key_operations.set(self.key_operations.get() + 1);
        if !self.key_operations.get().is_multiple_of(SAMPLE) {
            return Ok(operation.check(&rules)?.perform(&self.key)?);
        }
        let start = processor_time::of_this_thread();
        let checked = operation.check(&rules)?;
        let between = processor_time::of_this_thread();
        let result = checked.perform(&self.key)?;
        let end = processor_time::of_this_thread();
        self.checking.set(self.checking.get() + (between - start));
        self.signing.set(self.signing.get() + (end - between));
        Ok(result)
    }
}
