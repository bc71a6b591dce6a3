//! A connection whose heap is counted.

use std::sync::{Arc, LazyLock};

use allocation_counter::measure;
use keyward_fuzz::keyop::KEYS;
use keyward_fuzz::site::{CREDENTIALS, Mood, NOW, Site};
use keyward_tls::{
    ClientConfig, ClientConnection, Connection, Credential, Error, Need, Role, ServerConfig,
    ServerConnection, Step,
};
use rustls_pki_types::CertificateDer;

/// A connection: what it holds, what the needs hold that it handed out, and its output.
pub(crate) struct Metered<R: Role> {
    pub(crate) connection: Connection<R>,
    pub(crate) held: i64,
    pub(crate) peak: i64,
    pub(crate) site: Site,
    pub(crate) open: Vec<Need>,
    /// What it failed with.
    pub(crate) error: Option<Error>,
    /// The chain that it presents, if it is not the site's.
    pub(crate) chain: Option<Arc<Credential>>,
    /// A session that a client was given.
    pub(crate) session: Option<Vec<u8>>,
}

impl<R: Role> Metered<R> {
    fn new(make: impl FnOnce() -> Connection<R>) -> Self {
        // Made at their first use, and nobody's.
        LazyLock::force(&CREDENTIALS);
        LazyLock::force(&KEYS);
        let mut made = None;
        let info = measure(|| made = Some(make()));
        Self {
            connection: made.unwrap(),
            held: info.bytes_current,
            peak: i64::try_from(info.bytes_max).unwrap(),
            site: Site::default(),
            open: Vec::new(),
            error: None,
            chain: None,
            session: None,
        }
    }

    pub(crate) fn count<T>(&mut self, act: impl FnOnce(&mut Connection<R>) -> T) -> T {
        let mut outcome = None;
        let connection = &mut self.connection;
        let info = measure(|| outcome = Some(act(connection)));
        self.peak = self
            .peak
            .max(self.held + i64::try_from(info.bytes_max).unwrap());
        self.held += info.bytes_current;
        outcome.unwrap()
    }

    /// Gives it as much as it takes, stepping on the way; how much that was.
    pub(crate) fn fill(&mut self, bytes: &[u8]) -> usize {
        let mut taken = 0;
        loop {
            let rest = &bytes[taken..];
            let n = self.count(|connection| connection.receive(rest));
            taken += n;
            self.step();
            if n == 0 || taken == bytes.len() || self.error.is_some() {
                return taken;
            }
        }
    }

    /// Steps until it is blocked; needs stay open, data unread.
    pub(crate) fn step(&mut self) {
        loop {
            match self.count(|connection| connection.step(NOW)) {
                Ok(Step::Need(need)) => self.open.push(need),
                Ok(Step::SessionReceived(session)) => {
                    self.session = Some(session.encode().to_vec());
                    // It is the caller's from here on.
                    self.count(|_| drop(session));
                }
                Ok(Step::HandshakeComplete) => {}
                Ok(_) => return,
                Err(error) => {
                    self.error = Some(error);
                    return;
                }
            }
        }
    }

    /// Answers what is open. What an answer brings along is the site's, and shared.
    pub(crate) fn answer(&mut self) {
        while !self.open.is_empty() && self.error.is_none() {
            self.answer_first();
        }
    }

    /// Answers the first need. What it held is given back; what its holder takes to find the answer is not the
    /// connection's.
    pub(crate) fn answer_first(&mut self) {
        let need = self.open.remove(0);
        let mut answer = None;
        let info = measure(|| {
            answer = Some(match (need, &self.chain) {
                (Need::ClientCertificate(need), Some(chain)) => {
                    need.answer(Ok(Some(vec![chain.clone()])))
                }
                (Need::Certificate(need), Some(chain)) => {
                    let mut answer = self.site.certificate(None);
                    answer.candidates = vec![chain.clone()];
                    need.answer(Ok(answer))
                }
                (other, _) => self.site.answer(other, Mood::Right),
            });
            self.site.sessions = Vec::new();
        });
        self.held += info.bytes_current;
        let answer = answer.unwrap();
        self.count(|connection| connection.answer(answer)).unwrap();
        self.step();
    }

    pub(crate) fn output(&mut self) -> Vec<u8> {
        let bytes = self.connection.output().to_vec();
        self.count(|connection| connection.consume_output(bytes.len()));
        bytes
    }

    /// What it has held at most since it was last asked. It must not have failed.
    pub(crate) fn take_peak(&mut self) -> i64 {
        assert_eq!(self.error, None);
        std::mem::replace(&mut self.peak, 0)
    }
}

/// Nearly as long as a chain may be.
pub(crate) const LONGEST: usize = 60 * 1024;

/// Nearly as long as a chain may be that is kept in a session.
pub(crate) const LONGEST_KEPT: usize = 15 * 1024;

/// A leaf, and it again as everybody's issuer, in at most so many bytes of a message.
pub(crate) fn certificates(length: usize) -> Vec<CertificateDer<'static>> {
    let leaf = CREDENTIALS[0].chain()[0].clone();
    let count = length / (leaf.len() + 5);
    vec![leaf; count]
}

pub(crate) fn server(config: ServerConfig) -> Metered<keyward_tls::Server> {
    Metered::new(|| ServerConnection::new(Arc::new(config)).unwrap())
}

/// A client that has its ClientHello in the output.
pub(crate) fn client(config: ClientConfig, site: Site) -> Metered<keyward_tls::Client> {
    let name = "shop.example".parse().unwrap();
    let mut client = Metered::new(|| ClientConnection::new(Arc::new(config), name).unwrap());
    client.site = site;
    client.step();
    client.answer();
    client
}

/// More than any buffer takes.
pub(crate) fn noise() -> Vec<u8> {
    vec![0x17; 256 * 1024]
}

/// The beginning of a record that is never whole, and fills the buffer behind what is being put together.
pub(crate) fn unfinished_record(protected: bool) -> Vec<u8> {
    let mut bytes = vec![if protected { 23 } else { 22 }, 3, 3, 0x40, 0];
    bytes.resize(bytes.len() + (1 << 14) - 1, 0);
    bytes
}
