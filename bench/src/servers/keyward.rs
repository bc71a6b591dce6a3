//! Keyward's engine, with every need answered at once.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::rc::Rc;
use std::sync::Arc;

use keyward_crypto::private_key::PrivateKey;
use keyward_crypto::random::{SecureRandom, SystemRandom};
use keyward_keyop::{KeyRules, Operation, Performed};
use keyward_pki::Issued;
use keyward_tls::tickets::TicketKeys;
use keyward_tls::{
    Answer, CertificateAnswer, ClientAuthentication, Credential, Need, NewSessionKind,
    NewSessionNeed, OfferedSession, Policy, ServerConfig, ServerConnection, SessionNeed,
    SessionState, Step, UnixTime,
};

use super::{Connection, Server};
use crate::Result;
use crate::key_time::KeyTime;

/// The engine as an edge would configure it, and a key server of its own on the same thread.
pub struct KeywardServer(Rc<Shared>);

struct Shared {
    config: Arc<ServerConfig>,
    certificate: Arc<Credential>,
    policy: Arc<Policy>,
    key: PrivateKey,
    tickets: TicketKeys,
    /// Of clients that take no tickets, the oldest first. None of the clients here comes back for its own.
    sessions: RefCell<VecDeque<SessionState>>,
    key_time: KeyTime,
    key_holder: KeyHolder,
}

/// As many as rustls keeps.
const KEPT_SESSIONS: usize = 256;

/// Who performs the key operation, as far as the engine knows.
#[derive(Debug, Clone, Copy)]
enum KeyHolder {
    /// This process: the engine is given the proof.
    Here,
    /// Somebody else: the engine verifies what it is told.
    SomebodyElse,
}

impl KeywardServer {
    /// A server with this certificate and key: the engine is given the proof that the key is here.
    ///
    /// # Errors
    ///
    /// The key is not one for Keyward.
    pub fn new(issued: &Issued) -> Result<Self> {
        Self::with(issued, KeyHolder::Here)
    }

    /// A server whose engine is told the results of key operations, and verifies them.
    ///
    /// # Errors
    ///
    /// As [`new`](Self::new).
    pub fn asking_somebody_else(issued: &Issued) -> Result<Self> {
        Self::with(issued, KeyHolder::SomebodyElse)
    }

    fn with(issued: &Issued, key_holder: KeyHolder) -> Result<Self> {
        let mut ticket_key = [0; 32];
        SystemRandom.fill(&mut ticket_key)?;
        Ok(Self(Rc::new(Shared {
            config: Arc::new(ServerConfig::default()),
            certificate: Arc::new(Credential::new(issued.chain_der.clone())?),
            policy: Arc::new(Policy::intermediate()),
            key: PrivateKey::from_der(issued.key_der.secret_der())?,
            tickets: TicketKeys::new(&[ticket_key], Arc::new(SystemRandom))?,
            sessions: RefCell::default(),
            key_time: KeyTime::default(),
            key_holder,
        })))
    }
}

impl Server for KeywardServer {
    const NAME: &'static str = "Keyward";

    type Connection = KeywardConnection;

    fn accept(&self) -> Result<KeywardConnection> {
        Ok(KeywardConnection {
            shared: self.0.clone(),
            engine: ServerConnection::new(self.0.config.clone())?,
            is_handshaking: true,
        })
    }

    fn take_key_time_us(&self) -> Option<(f64, f64)> {
        Some(self.0.key_time.take_means_us())
    }
}

/// One connection, and what answers its needs.
pub struct KeywardConnection {
    shared: Rc<Shared>,
    engine: ServerConnection,
    is_handshaking: bool,
}

impl KeywardConnection {
    fn take_output(&mut self, output: Option<&mut Vec<u8>>) -> usize {
        let written = self.engine.output();
        if let Some(output) = output {
            output.extend_from_slice(written);
        }
        let length = written.len();
        self.engine.consume_output(length);
        length
    }
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
            self.take_output(Some(output));
        }
        Ok(())
    }

    fn is_handshaking(&self) -> bool {
        self.is_handshaking
    }

    fn is_resumed(&self) -> bool {
        self.engine
            .negotiated()
            .is_some_and(|negotiated| negotiated.resumed)
    }

    fn send(&mut self, mut data: &[u8], mut output: Option<&mut Vec<u8>>) -> Result<()> {
        while !data.is_empty() {
            let sent = self.engine.send(data)?;
            data = &data[sent..];
            if self.take_output(output.as_deref_mut()) == 0 {
                return Err("data is neither taken nor sent".into());
            }
        }
        Ok(())
    }

    fn receive(&mut self, mut input: &[u8], buffer: &mut [u8]) -> Result<usize> {
        let now = UnixTime::now();
        let mut read = 0;
        while !input.is_empty() {
            let taken = self.engine.receive(input);
            input = &input[taken..];
            loop {
                match self.engine.step(now)? {
                    Step::Data => read += self.engine.read(buffer),
                    Step::Blocked => break,
                    other => return Err(format!("unexpected among data: {other:?}").into()),
                }
            }
        }
        Ok(read)
    }

    fn idle(&mut self) {
        self.engine.release_buffers();
        // An observer has taken the handshake's record by now.
        drop(self.engine.take_trace());
    }
}

impl Shared {
    fn answer(&self, need: Need) -> Result<Answer> {
        Ok(match need {
            Need::Certificate(need) => need.answer(Ok(CertificateAnswer {
                candidates: vec![self.certificate.clone()],
                policy: self.policy.clone(),
                alpn: Vec::new(),
                session_context: Vec::new(),
                client_authentication: ClientAuthentication::Off,
                max_early_data: u32::MAX,
            })),
            Need::Session(need) => self.look_up(need),
            Need::KeyOperation(need) => {
                let (id, operation) = need.into_parts();
                let performed = self.perform(&operation)?;
                match self.key_holder {
                    KeyHolder::Here => Answer::performed(id, performed),
                    KeyHolder::SomebodyElse => {
                        Answer::key_operation(id, Ok(performed.into_result()))
                    }
                }
            }
            Need::NewSession(need) => self.keep(need),
            other => return Err(format!("not for this handshake: {:?}", other.kind()).into()),
        })
    }

    /// A ticket, or for a client that takes none the session kept under its ID.
    fn keep(&self, need: NewSessionNeed) -> Answer {
        if *need.kind() == NewSessionKind::Ticket {
            let ticket = self.tickets.seal(need.state());
            return need.answer(Ok(ticket));
        }
        let (id, state, _) = need.into_parts();
        let mut sessions = self.sessions.borrow_mut();
        sessions.push_back(state);
        if sessions.len() > KEPT_SESSIONS {
            sessions.pop_front();
        }
        Answer::new_session(id, Ok(Some(Vec::new())))
    }

    fn look_up(&self, need: SessionNeed) -> Answer {
        let session = need
            .offered()
            .iter()
            .enumerate()
            .find_map(|(index, offer)| {
                let OfferedSession::Ticket(ticket) = offer else {
                    return None;
                };
                Some((index, self.tickets.open(ticket)?))
            });
        need.answer(Ok(session))
    }

    fn perform(&self, operation: &Operation) -> Result<Performed> {
        let rules = KeyRules::signing(self.key.public_key());
        self.key_time.run(
            || Ok(operation.check(&rules)?),
            |checked| Ok(checked.perform_here(&self.key)?),
        )
    }
}
