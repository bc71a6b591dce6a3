//! A client for the engine's server: TLS 1.3 and 1.2 with every suite, full handshakes, resumption and renegotiation.

use keyward_crypto::hkdf::Secret;
use keyward_crypto::key_exchange::{Group, KeyPair};
use keyward_crypto::rsa_kex;
use keyward_crypto::signature::{PublicKey, SignatureAlgorithm};
use keyward_keyop::tls13::{client_certificate_verify_message, transcript_hash};
use keyward_wire::codec::{Decode, Encode};
use keyward_wire::extensions::{
    CertificateEntryExtensions, EncryptedExtensions, KeyShareEntry, PreSharedKeys, PskIdentity,
    ServerKeyShare,
};
use keyward_wire::handshake::{
    self, CertificateEntry, CertificateRequestTls13, CertificateTls12, CertificateTls13,
    CertificateVerify, ClientHello, DhClientKeyExchange, EcdhClientKeyExchange, EndOfEarlyData,
    HELLO_RETRY_REQUEST_RANDOM, NewSessionTicketTls13, RsaClientKeyExchange, ServerDhParams,
    ServerHello, ServerKeyExchange,
};
use keyward_wire::values::{
    CertificateCompressionAlgorithm, HandshakeType, NamedGroup, ProtocolVersion, SignatureScheme,
};

use super::Edit;
use super::protection::Protection;
use super::secrets::{self, Hellos, KeyExchange, Suite, Tls12, Tls13};
use super::stream::{Incoming, Stream};
use crate::keyop::KEYS;
use crate::site::CREDENTIALS;

/// What a client may send next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// The first ClientHello, or the second.
    ClientHello,
    /// Where early data ends (TLS 1.3).
    EndOfEarlyData,
    /// Our certificate, if one was asked for.
    Certificate,
    /// TLS 1.2.
    ClientKeyExchange,
    /// Our signature.
    CertificateVerify,
    /// The record.
    ChangeCipherSpec,
    /// Behind it, the keys change.
    Finished,
    /// Application data.
    Data,
}

/// A session that is offered.
#[derive(Clone)]
pub struct Session {
    /// The ticket; empty for a session that is named by its id.
    pub ticket: Vec<u8>,
    /// The session id (TLS 1.2).
    pub id: Vec<u8>,
    /// PSK or master secret.
    pub secret: Secret,
    /// Its suite.
    pub suite: Suite,
    /// `ticket_age_add` (TLS 1.3).
    pub age_add: u32,
}

/// The client.
pub struct Client {
    /// Its records.
    pub stream: Stream,
    /// What its ClientHello says; the shares are of `pairs`.
    pub hello: ClientHello,
    /// The session that it offers.
    pub session: Option<Session>,
    /// Tickets that came (TLS 1.3): each with its PSK.
    pub tickets: Vec<Session>,
    /// A ticket that came (TLS 1.2).
    pub ticket12: Vec<u8>,
    /// Whether a Finished was sent that nothing was done to.
    pub finished: bool,
    /// The server's ServerHello, once it has come.
    pub server_hello: Option<ServerHello>,
    /// The master secret (TLS 1.2).
    pub tls12: Option<Tls12>,
    messages: Vec<u8>,
    pairs: Vec<(Group, KeyPair)>,
    stage: Stage,
    suite: Option<Suite>,
    tls13: Option<Tls13>,
    share: Option<(NamedGroup, Vec<u8>)>,
    leaf: Vec<u8>,
    /// Early data may be sent, until the server's answer to it has come.
    early: bool,
    early_accepted: bool,
    /// The server wants a certificate.
    asked: bool,
    /// How it may be compressed.
    compression: Option<CertificateCompressionAlgorithm>,
    /// `verify_data` of our last Finished (TLS 1.2).
    verify_data: Vec<u8>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    Start,
    Retry,
    Hello,
    /// The server waits for our second flight.
    Flight {
        resumed: bool,
    },
    Done,
}

impl Client {
    /// With a hello that has no shares yet, for these groups.
    pub fn new(mut hello: ClientHello, shares: &[Group]) -> Self {
        let pairs: Vec<_> = shares
            .iter()
            .filter_map(|group| Some((*group, KeyPair::generate(*group).ok()?)))
            .collect();
        if hello.extensions.key_share.is_some() {
            let entries = pairs.iter().map(|(group, pair)| entry(*group, pair));
            hello.extensions.key_share = Some(entries.collect());
        }
        Self {
            stream: Stream::default(),
            hello,
            session: None,
            tickets: Vec::new(),
            ticket12: Vec::new(),
            finished: false,
            server_hello: None,
            tls12: None,
            messages: Vec::new(),
            pairs,
            stage: Stage::Start,
            suite: None,
            tls13: None,
            share: None,
            leaf: Vec::new(),
            early: false,
            early_accepted: false,
            asked: false,
            compression: None,
            verify_data: Vec::new(),
        }
    }

    /// Whether a handshake of TLS 1.2 is over, so that another may begin.
    pub fn may_renegotiate(&self) -> bool {
        self.stage == Stage::Done && self.tls12.is_some()
    }

    /// Begins another handshake on the connection, as RFC 5746 has it.
    pub fn renegotiate(&mut self) {
        self.session = None;
        self.hello.session_id = Vec::new();
        self.hello.extensions.pre_shared_key = None;
        self.hello.extensions.renegotiation_info = Some(self.verify_data.clone());
        self.messages = Vec::new();
        self.server_hello = None;
        self.tls12 = None;
        self.share = None;
        self.asked = false;
        self.client_hello(None);
    }

    /// What a client that behaves would send now.
    pub fn plan(&self) -> Vec<Part> {
        match self.stage {
            Stage::Start | Stage::Retry => vec![Part::ClientHello],
            Stage::Hello if self.early => vec![Part::Data],
            Stage::Hello => Vec::new(),
            Stage::Flight { resumed: true } => vec![Part::ChangeCipherSpec, Part::Finished],
            Stage::Flight { resumed: false } => {
                let tls13 = self.tls13.is_some();
                let parts = [
                    (tls13 && self.early_accepted, Part::EndOfEarlyData),
                    (tls13, Part::ChangeCipherSpec),
                    (self.asked, Part::Certificate),
                    (!tls13, Part::ClientKeyExchange),
                    (self.asked, Part::CertificateVerify),
                    (!tls13, Part::ChangeCipherSpec),
                    (true, Part::Finished),
                ];
                let mine = parts.into_iter().filter(|(mine, _)| *mine);
                mine.map(|(_, part)| part).collect()
            }
            Stage::Done => vec![Part::Data],
        }
    }

    /// Sends it, with a change.
    pub fn send(&mut self, part: Part, edit: Option<Edit>) {
        match part {
            Part::ClientHello => self.client_hello(edit),
            Part::EndOfEarlyData => {
                let message = handshake::to_message(&EndOfEarlyData);
                self.edited(message, edit);
                self.stream.early = false;
                if let Some(secrets) = &self.tls13 {
                    self.stream.write = Some(secrets.handshake_keys().0);
                }
            }
            Part::Certificate => {
                let message = self.certificate();
                self.edited(message, edit);
            }
            Part::CertificateVerify => {
                let message = self.certificate_verify();
                self.edited(message, edit);
            }
            Part::ClientKeyExchange => self.client_key_exchange(edit),
            Part::ChangeCipherSpec => {
                // The keys of the handshake before protect it in a renegotiation.
                match self.tls13 {
                    Some(_) => self.stream.plain(20, &[1]),
                    None => self.stream.record(20, &[1], 0),
                }
                if let Some(keys) = self.tls12_keys() {
                    self.stream.write = Some(keys.0);
                }
            }
            Part::Finished => self.send_finished(edit),
            Part::Data => {
                let mut data = b"data that a client sends".to_vec();
                if let Some(edit) = edit {
                    edit.apply(&mut data);
                }
                self.stream.record(23, &data, 0);
            }
        }
    }

    /// Sends a handshake message of the fuzzer's.
    pub fn send_message(&mut self, message: &[u8]) {
        self.messages.extend_from_slice(message);
        self.stream.handshake(message);
    }

    fn edited(&mut self, mut message: Vec<u8>, edit: Option<Edit>) {
        if let Some(edit) = edit {
            edit.apply(&mut message);
        }
        self.send_message(&message);
    }

    fn client_hello(&mut self, edit: Option<Edit>) {
        let before = self.messages.clone();
        if let Some(session) = self
            .session
            .as_ref()
            .filter(|session| !session.ticket.is_empty())
        {
            if self.hello.extensions.psk_key_exchange_modes.is_some() {
                let length = session.suite.hash.output_len();
                self.hello.extensions.pre_shared_key = Some(PreSharedKeys {
                    identities: vec![PskIdentity {
                        identity: session.ticket.clone(),
                        obfuscated_ticket_age: session.age_add,
                    }],
                    binders: vec![vec![0; length]],
                });
            } else {
                self.hello.extensions.session_ticket = Some(session.ticket.clone());
            }
        }
        let mut message = handshake::to_message(&self.hello);
        let binders = message.split_off(message.len() - self.hello.binders_len());
        if let Some(edit) = edit {
            edit.apply(&mut message);
        }
        if let Some(session) = &self.session
            && !binders.is_empty()
        {
            // The length in the header counts the binders.
            if let Some(length) = message.len().checked_sub(4) {
                let length = u32::try_from(length + binders.len())
                    .unwrap_or(0)
                    .to_be_bytes();
                message[1..4].copy_from_slice(&length[1..]);
            }
            let hash = session.suite.hash;
            let binder = secrets::binder(hash, session.secret.as_bytes(), &before, &message);
            message.extend_from_slice(&binders[..3]);
            message.extend_from_slice(&binder);
        }
        // Shares and random as they are now, or the keys will not fit.
        if let Some((sent, _)) = handshake::split_first(&message)
            && let Ok(hello) = ClientHello::from_bytes(sent.body)
        {
            self.hello.random = hello.random;
        }
        self.stage = Stage::Hello;
        self.send_message(&message);
        self.early = false;
        if self.hello.extensions.early_data
            && before.is_empty()
            && let Some(session) = &self.session
            && let Some(keys) =
                secrets::early_keys(session.suite, session.secret.as_bytes(), &message)
        {
            self.stream.write = Some(keys);
            self.stream.early = true;
            self.early = true;
        }
    }

    fn client_key_exchange(&mut self, edit: Option<Edit>) {
        let (Some(suite), Some(server)) = (self.suite, self.server_hello.clone()) else {
            return;
        };
        let (message, premaster) = if suite.key_exchange == KeyExchange::Rsa {
            let mut premaster = [0x77; 48];
            premaster[..2].copy_from_slice(&self.hello.legacy_version.0.to_be_bytes());
            let key = PublicKey::from_certificate_der(&self.leaf);
            let encrypted = key.and_then(|key| rsa_kex::encrypt_premaster(&key, &premaster));
            let message = handshake::to_message(&RsaClientKeyExchange {
                encrypted_premaster_secret: encrypted.unwrap_or_else(|_| vec![0x42; 256]),
            });
            (message, premaster.to_vec())
        } else {
            let exchanged = self.share.as_ref().and_then(|(group, public)| {
                let pair = KeyPair::generate(Group::from_code(group.0)?).ok()?;
                let ours = pair.public().to_vec();
                Some((ours, pair.agree(public).ok()?.as_bytes().to_vec()))
            });
            let (public, premaster) = exchanged.unwrap_or((Vec::new(), vec![0; 48]));
            let body = match suite.key_exchange {
                _ if public.is_empty() => Vec::new(),
                KeyExchange::Dhe => DhClientKeyExchange { public }.to_bytes(),
                _ => EcdhClientKeyExchange { public }.to_bytes(),
            };
            let message = handshake::frame(HandshakeType::CLIENT_KEY_EXCHANGE, &body[..]);
            (message, premaster)
        };
        self.edited(message, edit);
        let hellos = Hellos {
            client_random: &self.hello.random,
            server: &server,
        };
        self.tls12 = Some(Tls12::new(suite, &premaster, &self.messages, hellos));
    }

    fn tls12_keys(&self) -> Option<(Protection, Protection)> {
        let hellos = Hellos {
            client_random: &self.hello.random,
            server: self.server_hello.as_ref()?,
        };
        Some(self.tls12.as_ref()?.keys(hellos, true))
    }

    /// P-256's, compressed if the server takes that.
    fn certificate(&self) -> Vec<u8> {
        let leaf = CREDENTIALS[0].chain()[0].to_vec();
        if self.tls13.is_none() {
            return handshake::to_message(&CertificateTls12 {
                certificate_list: vec![leaf],
            });
        }
        let certificate = CertificateTls13 {
            certificate_request_context: Vec::new(),
            certificate_list: vec![CertificateEntry {
                cert_data: leaf,
                extensions: CertificateEntryExtensions::default(),
            }],
        };
        self.compression
            .and_then(|algorithm| keyward_compression::compress(algorithm, &certificate.to_bytes()))
            .map_or_else(
                || handshake::to_message(&certificate),
                |compressed| handshake::to_message(&compressed),
            )
    }

    fn certificate_verify(&self) -> Vec<u8> {
        let message = match (&self.tls13, self.suite) {
            (Some(_), Some(suite)) => transcript_hash(&self.messages, suite.hash)
                .map(|hash| client_certificate_verify_message(&hash))
                .unwrap_or_default(),
            _ => self.messages.clone(),
        };
        let signature = KEYS[0].sign(SignatureAlgorithm::EcdsaSha256, &message);
        handshake::to_message(&CertificateVerify {
            scheme: SignatureScheme::ECDSA_SECP256R1_SHA256,
            signature: signature.unwrap_or_default(),
        })
    }

    fn send_finished(&mut self, edit: Option<Edit>) {
        let verify_data = match (&self.tls13, &self.tls12) {
            (Some(secrets), _) => secrets.finished(true, &self.messages),
            (_, Some(secrets)) => Some(secrets.finished(b"client finished", &self.messages)),
            _ => None,
        };
        let verify_data = verify_data.unwrap_or_else(|| vec![0; 12]);
        let message = handshake::frame(HandshakeType::FINISHED, &verify_data[..]);
        self.verify_data = verify_data;
        let before = self.messages.clone();
        self.edited(message.clone(), edit);
        self.finished |= self.messages[before.len()..].starts_with(&message);
        if let Some(secrets) = &self.tls13
            && let Some(keys) = secrets.application_keys(&before)
        {
            self.stream.write = Some(keys.0);
        }
        self.stage = Stage::Done;
    }

    /// Takes in what the server wrote.
    pub fn take(&mut self, bytes: &[u8]) {
        self.stream.take(bytes);
        while let Some(incoming) = self.stream.incoming() {
            match incoming {
                Incoming::Handshake(message) => {
                    if self.receive(&message).is_none() {
                        self.stream.lost = true;
                    }
                }
                Incoming::ChangeCipherSpec => {
                    if let Some(keys) = self.tls12_keys() {
                        self.stream.read = Some(keys.1);
                    } else if self.tls13.is_none() && self.server_hello.is_some() {
                        // Keys that we do not have.
                        self.stream.lost = true;
                    }
                }
            }
        }
    }

    fn receive(&mut self, message: &[u8]) -> Option<()> {
        let (typ, body) = (HandshakeType(*message.first()?), message.get(4..)?);
        let before = self.messages.len();
        // A KeyUpdate and a ticket of TLS 1.3 come when the transcript is closed.
        let after = typ == HandshakeType::KEY_UPDATE
            || (typ == HandshakeType::NEW_SESSION_TICKET && self.tls13.is_some());
        if !after {
            self.messages.extend_from_slice(message);
        }
        match typ {
            HandshakeType::SERVER_HELLO => {
                self.server_hello(ServerHello::from_bytes(body).ok()?)?;
            }
            HandshakeType::SERVER_KEY_EXCHANGE => {
                self.share = Some(match self.suite?.key_exchange {
                    KeyExchange::Dhe => {
                        let message = ServerKeyExchange::<ServerDhParams>::from_bytes(body).ok()?;
                        let params = message.params;
                        let group = Group::from_prime(&params.p, &params.g)?;
                        (NamedGroup(group.code()), params.public)
                    }
                    _ => {
                        let params = <ServerKeyExchange>::from_bytes(body).ok()?.params;
                        (params.group, params.public)
                    }
                });
            }
            HandshakeType::ENCRYPTED_EXTENSIONS => {
                let extensions = EncryptedExtensions::from_bytes(body).ok()?;
                self.early_accepted = extensions.early_data;
                if std::mem::take(&mut self.early) && !self.early_accepted {
                    self.stream.early = false;
                    self.stream.write = Some(self.tls13.as_ref()?.handshake_keys().0);
                }
            }
            HandshakeType::CERTIFICATE_REQUEST => {
                self.asked = true;
                if self.tls13.is_some() {
                    let request = CertificateRequestTls13::from_bytes(body).ok()?;
                    let algorithms = request.extensions.compress_certificate;
                    self.compression = algorithms.and_then(|them| them.first().copied());
                }
            }
            HandshakeType::CERTIFICATE if self.tls13.is_none() => {
                let mut chain = CertificateTls12::from_bytes(body).ok()?.certificate_list;
                self.leaf = chain.drain(..).next()?;
            }
            HandshakeType::SERVER_HELLO_DONE => self.stage = Stage::Flight { resumed: false },
            HandshakeType::NEW_SESSION_TICKET if self.tls13.is_none() => {
                self.ticket12 = body.get(6..)?.to_vec();
            }
            HandshakeType::NEW_SESSION_TICKET => {
                let ticket = NewSessionTicketTls13::from_bytes(body).ok()?;
                let secrets = self.tls13.as_ref()?;
                self.tickets.push(Session {
                    secret: secrets.resumption(&self.messages, &ticket.ticket_nonce)?,
                    ticket: ticket.ticket,
                    id: Vec::new(),
                    suite: self.suite?,
                    age_add: ticket.ticket_age_add,
                });
            }
            HandshakeType::KEY_UPDATE => {
                let next = self.stream.read.as_ref()?.updated();
                self.stream.read = next;
            }
            HandshakeType::FINISHED => match (&self.tls13, &self.tls12) {
                (Some(secrets), _) => {
                    let expected = secrets.finished(false, &self.messages[..before])?;
                    if body != expected {
                        return None;
                    }
                    self.stream.read = Some(secrets.application_keys(&self.messages)?.1);
                    self.stage = Stage::Flight { resumed: false };
                }
                (_, Some(secrets)) => {
                    let expected = secrets.finished(b"server finished", &self.messages[..before]);
                    if body != expected {
                        return None;
                    }
                    if self.stage != Stage::Done {
                        self.stage = Stage::Flight { resumed: true };
                    }
                }
                _ => return None,
            },
            _ => {}
        }
        Some(())
    }

    fn server_hello(&mut self, hello: ServerHello) -> Option<()> {
        if hello.random == HELLO_RETRY_REQUEST_RANDOM {
            if let Some(ServerKeyShare::Retry(group)) = &hello.extensions.key_share {
                let group = Group::from_code(group.0)?;
                let pair = KeyPair::generate(group).ok()?;
                self.hello.extensions.key_share = Some(vec![entry(group, &pair)]);
                self.pairs = vec![(group, pair)];
            }
            self.hello.extensions.cookie = hello.extensions.cookie;
            self.hello.extensions.early_data = false;
            self.early = false;
            self.stream.early = false;
            self.stream.write = None;
            self.stage = Stage::Retry;
            return Some(());
        }
        let suite = Suite::of(hello.cipher_suite)?;
        self.suite = Some(suite);
        if hello.extensions.supported_versions == Some(ProtocolVersion::TLS13) {
            let Some(ServerKeyShare::Share(share)) = &hello.extensions.key_share else {
                return None;
            };
            let at = self
                .pairs
                .iter()
                .position(|(group, _)| group.code() == share.group.0)?;
            let shared = self.pairs.remove(at).1.agree(&share.key_exchange).ok()?;
            let psk = match hello.extensions.pre_shared_key {
                Some(_) => Some(self.session.as_ref()?.secret.as_bytes()),
                None => None,
            };
            let secrets = Tls13::new(suite, psk, shared.as_bytes(), &self.messages)?;
            let (write, read) = secrets.handshake_keys();
            // Until the server has said whether it takes the early data, more of it may follow.
            if !self.early {
                self.stream.write = Some(write);
            }
            self.stream.read = Some(read);
            self.tls13 = Some(secrets);
        } else if let Some(session) = &self.session
            && !hello.session_id.is_empty()
            && hello.session_id == self.hello.session_id
        {
            let hellos = Hellos {
                client_random: &self.hello.random,
                server: &hello,
            };
            self.tls12 = Some(Tls12::resumed(suite, session.secret.clone(), hellos));
        }
        self.server_hello = Some(hello);
        Some(())
    }

    /// From here on, we write with the next keys.
    pub fn update_keys(&mut self) {
        if let Some(next) = self.stream.write.as_ref().and_then(|keys| keys.updated()) {
            self.stream.write = Some(next);
        }
    }
}

fn entry(group: Group, pair: &KeyPair) -> KeyShareEntry {
    KeyShareEntry {
        group: NamedGroup(group.code()),
        key_exchange: pair.public().to_vec(),
    }
}
