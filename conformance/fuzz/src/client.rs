//! The client: a server of ours speaks to it through somebody who has the secrets and changes what it says as the script
//! has it, and the needs are answered in any order, late, twice, wrongly or never.

use std::sync::{Arc, LazyLock};

use keyward_tls::{
    Client, ClientAuthentication, ClientCertificateRequest, ClientConfig, ClientConnection,
    ClientSession, KeyLogLine, KeyShares, Negotiated, Policy, ServerConfig, ServerConnection,
    UnixTime,
};
use keyward_wire::values::{
    AlertDescription, CertificateCompressionAlgorithm, HandshakeType, ProtocolVersion,
};

use crate::driver::Driver;
use crate::peer::middle::{Item, Middle};
use crate::peer::secrets::{KeyExchange, Suite};
use crate::script::Script;
use crate::site::{Mood, NOW, Repeatable, Site};

/// The most things that happen in one run.
const MAX_EVENTS: usize = 80;

/// So many records wait, and none is added by saying one again: a script of such words alone would fill the memory.
const MAX_ITEMS: usize = 512;

/// One input.
pub fn run(data: &[u8]) {
    negotiates(data);
}

/// One input; how often a handshake was completed on the way, and what the last of them negotiated.
pub fn negotiates(data: &[u8]) -> (usize, Option<Negotiated>) {
    let mut script = Script::new(data);
    let mut world = World::new(&mut script);
    for _ in 0..MAX_EVENTS {
        if script.is_empty() {
            break;
        }
        world.event(&mut script);
        world.check();
    }
    world.settle();
    world.check();
    world.end();
    let negotiated = world.driver.connection.negotiated().cloned();
    (world.driver.handshakes, negotiated)
}

struct World {
    driver: Driver<Client>,
    server: Driver<keyward_tls::Server>,
    middle: Middle,
    /// Of the client's secrets, those that the server's have not been held against.
    unmatched: Vec<KeyLogLine>,
}

impl World {
    fn new(script: &mut Script<'_>) -> Self {
        let choice = script.byte();
        let mut server_site = site(choice);
        server_site.policy = Arc::new(policy(choice >> 2));
        if choice & 0x40 != 0 {
            let request = ClientCertificateRequest::default();
            server_site.client_authentication = ClientAuthentication::Optional(request);
        }
        let more = script.byte();
        let mut client_site = site(0);
        client_site.policy = Arc::new(policy(choice));
        if choice & 0x80 != 0 {
            server_site.adorned = true;
            for site in [&mut server_site, &mut client_site] {
                Arc::make_mut(&mut site.policy).renegotiation = true;
            }
            let with_rsa_alone = server_site.credentials == 2;
            older_key_exchange(Arc::make_mut(&mut server_site.policy), with_rsa_alone);
        }
        client_site.session = match more & 3 {
            0 | 1 => None,
            which => SESSIONS
                .get(usize::from(which) - 2)
                .and_then(|session| ClientSession::decode(session).ok()),
        };
        let compression = vec![CertificateCompressionAlgorithm::ZLIB];
        let client = ClientConfig {
            random: Repeatable::new(u64::from(more)),
            // What the corpus plays against was recorded without.
            grease: false,
            policy: client_site.policy.clone(),
            certificate_compression: if more & 4 != 0 {
                compression.clone()
            } else {
                Vec::new()
            },
            early_data: more & 8 != 0,
            request_scts: more & 0x10 != 0,
            record_size_limit: (more & 0x20 != 0).then_some(256),
            key_shares: KeyShares::First(if more & 0x40 != 0 { 0 } else { 2 }),
            delegated_credentials: more & 0x80 != 0,
            key_log: true,
            ..ClientConfig::default()
        };
        let name = "shop.example".parse().expect("a name");
        let client = ClientConnection::new(Arc::new(client), name).expect("a configuration");
        let mut world = Self {
            driver: Driver::new(client, client_site, NOW),
            server: server(server_site, compression),
            middle: Middle::default(),
            unmatched: Vec::new(),
        };
        world.driver.step();
        world
    }

    fn event(&mut self, script: &mut Script<'_>) {
        match script.byte() % 32 {
            0 | 1 => self.settle(),
            2 => self.ask_server(),
            3 | 4 => {
                let (at, edit) = (script.byte(), script.edit());
                if let Some(item) = self.item(at) {
                    edit.apply(&mut item.content);
                }
            }
            5 => {
                let at = usize::from(script.byte());
                drop(self.middle.items.remove(at));
            }
            6 => {
                if let Some(item) = self.item(script.byte()).cloned() {
                    self.middle.items.push_front(item);
                }
            }
            7 => {
                if self.middle.items.len() > 1 {
                    self.middle.items.swap(0, 1);
                }
            }
            8 => {
                let (typ, body) = (script.byte(), script.bytes());
                let content = keyward_wire::handshake::frame(HandshakeType(typ), body);
                self.insert(22, content);
            }
            9 => {
                let typ = script.byte();
                let content = script.bytes().to_vec();
                self.insert(if typ < 8 { 20 + typ % 4 } else { typ }, content);
            }
            10 => {
                let padding = usize::from(script.byte());
                self.middle.forward(padding);
            }
            11 => self.deliver(usize::from(script.byte()) + 1),
            12 => drop(self.driver.step()),
            13 => {
                let (which, mood) = (script.byte(), script.byte());
                self.driver.answer(usize::from(which), Mood::of(mood));
            }
            14 => drop(self.driver.open.pop()),
            15 => {
                let bytes = script.bytes();
                self.middle.outgoing.extend_from_slice(bytes);
            }
            16 => self.split(script.byte()),
            17 => self.join(),
            18 => {
                let data = vec![0x62; usize::from(script.word())];
                match self.driver.connection.send(&data) {
                    Ok(n) => assert!(n == 0 || self.driver.complete),
                    Err(_) => self.driver.silent |= self.driver.error.is_none(),
                }
            }
            19 => {
                let _ = self.driver.connection.update_keys(script.byte() & 1 != 0);
            }
            20 => {
                self.driver.connection.close();
                self.driver.silent = true;
            }
            21 => {
                let description = AlertDescription(script.byte());
                self.driver.connection.abort(description);
                self.driver.silent = true;
            }
            22 => self.driver.connection.receive_eof(),
            23 => self.driver.read(usize::from(script.byte())),
            24 => self.driver.connection.release_buffers(),
            25 => {
                let data = vec![0x61; usize::from(script.byte()) * 64];
                let _ = self.server.connection.send(&data);
            }
            26 => {
                // In TLS 1.2 it is another handshake that brings other keys.
                let (server, asked) = (&mut self.server.connection, script.byte() & 1 != 0);
                if server.update_keys(asked).is_err() {
                    let _ = server.request_renegotiation();
                }
            }
            27 => script.edit().apply(&mut self.middle.outgoing),
            28 => {
                let seconds = u64::from(script.word());
                let now = self.driver.now.as_millis() + seconds * 1000;
                self.driver.now = UnixTime::from_millis(now);
            }
            29 => {
                // What follows a close_notify is no alert.
                self.server.connection.close();
                self.server.silent = true;
            }
            30 => {
                let _ = self.driver.connection.send_early(b"early data");
            }
            _ => {
                // The same record again and again.
                let item = self.item(script.byte()).cloned();
                for _ in 0..script.byte() {
                    if self.middle.items.len() < MAX_ITEMS {
                        self.middle.items.extend(item.clone());
                    }
                }
            }
        }
    }

    fn item(&mut self, at: u8) -> Option<&mut Item> {
        let count = self.middle.items.len().max(1);
        self.middle.items.get_mut(usize::from(at) % count)
    }

    fn insert(&mut self, content_type: u8, content: Vec<u8>) {
        let epoch = self.middle.items.front().map_or(0, |item| item.epoch);
        self.middle.items.push_front(Item {
            content_type,
            content,
            epoch,
        });
    }

    /// One record becomes two.
    fn split(&mut self, at: u8) {
        if let Some(item) = self.middle.items.front_mut() {
            let at = usize::from(at) * item.content.len() / 256;
            let second = Item {
                content: item.content.split_off(at),
                ..item.clone()
            };
            self.middle.items.insert(1, second);
        }
    }

    /// Two records become one.
    fn join(&mut self) {
        if self.middle.items.len() > 1
            && let Some(second) = self.middle.items.remove(1)
        {
            self.middle.items[0].content.extend(second.content);
        }
    }

    /// What the client said reaches the server, and what that says reaches the one between.
    fn ask_server(&mut self) {
        let output = self.driver.connection.output();
        let taken = self.server.connection.receive(output);
        self.driver.connection.consume_output(taken);
        self.server.run();
        self.middle.learn(&self.server.connection.take_key_log());
        let output = self.server.connection.output().to_vec();
        self.server.connection.consume_output(output.len());
        self.middle.take(&output);
    }

    fn deliver(&mut self, most: usize) {
        let bytes = &self.middle.outgoing;
        let taken = self
            .driver
            .connection
            .receive(&bytes[..most.min(bytes.len())]);
        self.middle.outgoing.drain(..taken);
    }

    fn settle(&mut self) {
        loop {
            self.driver.run();
            self.ask_server();
            while self.middle.forward(0) {}
            // Piece by piece from where it is: moving the rest each time would be most of the work.
            let bytes = std::mem::take(&mut self.middle.outgoing);
            let mut delivered = 0;
            loop {
                let taken = self.driver.connection.receive(&bytes[delivered..]);
                delivered += taken;
                self.driver.run();
                if taken == 0 {
                    break;
                }
            }
            self.middle
                .outgoing
                .splice(..0, bytes[delivered..].iter().copied());
            if delivered == 0
                && (self.driver.connection.output().is_empty() || self.server.error.is_some())
            {
                return;
            }
        }
    }

    fn check(&mut self) {
        self.driver.check();
        if !self.driver.complete {
            return;
        }
        let connection = &mut self.driver.connection;
        let resumed = connection.negotiated().is_some_and(|it| it.resumed);
        assert!(
            resumed || self.driver.site.trusted,
            "nobody said that the server is to be trusted"
        );
        // Both have the same secrets, or the handshake was not one: whatever was changed was noticed.
        self.unmatched.extend(connection.take_key_log());
        let middle = &self.middle;
        self.unmatched.retain(|line| {
            let line = line.to_string();
            let words: Vec<_> = line.split_whitespace().collect();
            let [label, random, secret] = words[..] else {
                panic!("a line of the key log has three words");
            };
            let Some(servers) = middle.secret_of(label, random) else {
                return true;
            };
            let same = secret.eq_ignore_ascii_case(&hex(servers));
            assert!(same || label.contains("EARLY"), "{label} differs");
            false
        });
    }

    fn end(&mut self) {
        if self.driver.error.is_none() {
            return;
        }
        assert!(self.driver.connection.receive(&[0; 100_000]) == 100_000);
        assert!(!self.driver.step());
        assert!(self.driver.connection.send(b"data").is_err());
    }
}

fn server(
    site: Site,
    compression: Vec<CertificateCompressionAlgorithm>,
) -> Driver<keyward_tls::Server> {
    let config = ServerConfig {
        random: Repeatable::new(7),
        early_data: 1000,
        certificate_compression: compression,
        key_log: true,
        ..ServerConfig::default()
    };
    let mut site = site;
    site.early_data = true;
    let connection = ServerConnection::new(Arc::new(config)).expect("a configuration");
    Driver::new(connection, site, NOW)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn site(choice: u8) -> Site {
    Site {
        credentials: match choice >> 4 & 3 {
            0 => 1,
            bits => bits,
        },
        ..Site::default()
    }
}

fn policy(choice: u8) -> Policy {
    let mut policy = match choice & 3 {
        3 => Policy::legacy(),
        _ => Policy::intermediate(),
    };
    match choice & 3 {
        1 => policy.versions = vec![ProtocolVersion::TLS13],
        2 | 3 => policy.versions = vec![ProtocolVersion::TLS12],
        _ => {}
    }
    policy
}

/// Of a legacy policy, what a server of ours would not choose while it has anything else: DHE, or RSA key transport.
fn older_key_exchange(policy: &mut Policy, dhe: bool) {
    if policy.legacy {
        let wanted = if dhe {
            KeyExchange::Dhe
        } else {
            KeyExchange::Rsa
        };
        policy
            .cipher_suites
            .retain(|suite| Suite::of(*suite).is_some_and(|suite| suite.key_exchange == wanted));
    }
}

/// Sessions to resume: of TLS 1.3, and of TLS 1.2.
static SESSIONS: LazyLock<Vec<Vec<u8>>> = LazyLock::new(|| {
    [0b0101, 0b1010]
        .iter()
        .filter_map(|choice| {
            let mut world = World::new(&mut Script::new(&[*choice, 0]));
            world.settle();
            assert!(world.driver.complete, "{:?}", world.driver.error);
            let session = world.driver.sessions.pop()?;
            Some(session.encode().to_vec())
        })
        .collect()
});
