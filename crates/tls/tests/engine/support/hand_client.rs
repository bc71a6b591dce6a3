//! A TLS 1.3 client by hand: X25519 and TLS_AES_128_GCM_SHA256, and every byte the test's to change.

use std::collections::VecDeque;
use std::sync::Arc;

use keyward_crypto::hash::HashAlgorithm::Sha256;
use keyward_crypto::hkdf::{Secret, expand_label_secret, extract};
use keyward_crypto::key_exchange::{Group, KeyPair};
use keyward_keyop::tls13::transcript_hash;
use keyward_tls::{Error, ServerConfig, ServerConnection, Step, UnixTime};
use keyward_wire::codec::Decode;
use keyward_wire::extensions::{
    ClientHelloExtensions, KeyShareEntry, PreSharedKeys, PskIdentity, ServerKeyShare,
};
use keyward_wire::handshake::{self, ClientHello, Message, NewSessionTicketTls13, ServerHello};
use keyward_wire::record::MAX_PLAINTEXT_LEN;
use keyward_wire::values::{
    CipherSuite, CompressionMethod, ContentType, HandshakeType, NamedGroup, ProtocolVersion,
    PskKeyExchangeMode, SignatureScheme,
};

use super::keys::{Keys, Record, finished_mac};
use super::{Site, now};

pub(crate) struct HandClient {
    pub(crate) server: ServerConnection,
    pub(crate) site: Arc<Site>,
    /// What the first ClientHello will say.
    pub(crate) hello: ClientHello,
    /// Whole handshake messages so far, both ways.
    pub(crate) messages: Vec<u8>,
    pub(crate) steps: Vec<&'static str>,
    pub(crate) received: Vec<u8>,
    /// `ticket_lifetime` of each ticket that came, in seconds.
    pub(crate) ticket_lifetimes: Vec<u32>,
    /// The tickets themselves.
    pub(crate) tickets: Vec<NewSessionTicketTls13>,
    /// What the ClientHello says of the age of each session on offer, obfuscated.
    pub(crate) obfuscated_ticket_age: u32,
    /// When it is for the server.
    pub(crate) now: UnixTime,
    /// Sessions that the ClientHello offers, with their PSKs.
    offers: Vec<(Vec<u8>, Secret)>,
    psk: Option<Secret>,
    key_pair: Option<KeyPair>,
    wire: VecDeque<u8>,
    read: Option<Keys>,
    write: Option<Keys>,
    secrets: Option<Secrets>,
    client_application: Option<Secret>,
}

struct Secrets {
    client_handshake: Secret,
    server_handshake: Secret,
    master: Secret,
}

impl HandClient {
    pub(crate) fn new(site: &Arc<Site>) -> Self {
        Self::with_config(site, ServerConfig::default())
    }

    pub(crate) fn with_config(site: &Arc<Site>, config: ServerConfig) -> Self {
        let key_pair = KeyPair::generate(Group::X25519).unwrap();
        let hello = ClientHello {
            legacy_version: ProtocolVersion::TLS12,
            random: [0xc1; 32],
            session_id: vec![0x1d; 32],
            cipher_suites: vec![CipherSuite::TLS_AES_128_GCM_SHA256],
            compression_methods: vec![CompressionMethod::NULL],
            extensions: ClientHelloExtensions {
                server_name: Some("shop.example".parse().unwrap()),
                supported_versions: Some(vec![ProtocolVersion::TLS13]),
                supported_groups: Some(vec![NamedGroup::X25519]),
                signature_algorithms: Some(vec![
                    SignatureScheme::ECDSA_SECP256R1_SHA256,
                    SignatureScheme::RSA_PSS_RSAE_SHA256,
                ]),
                key_share: Some(vec![KeyShareEntry {
                    group: NamedGroup::X25519,
                    key_exchange: key_pair.public().to_vec(),
                }]),
                psk_key_exchange_modes: Some(vec![PskKeyExchangeMode::PSK_DHE_KE]),
                ..ClientHelloExtensions::default()
            },
        };
        Self {
            server: ServerConnection::new(Arc::new(config)).unwrap(),
            site: site.clone(),
            hello,
            messages: Vec::new(),
            steps: Vec::new(),
            received: Vec::new(),
            ticket_lifetimes: Vec::new(),
            tickets: Vec::new(),
            obfuscated_ticket_age: 0,
            client_application: None,
            now: now(),
            offers: Vec::new(),
            psk: None,
            key_pair: Some(key_pair),
            wire: VecDeque::new(),
            read: None,
            write: None,
            secrets: None,
        }
    }

    // --- bytes ---

    /// A record without protection.
    pub(crate) fn plain(content_type: ContentType, content: &[u8]) -> Vec<u8> {
        let length = u16::try_from(content.len()).unwrap().to_be_bytes();
        let mut record = vec![content_type.0, 3, 3];
        record.extend(length);
        record.extend(content);
        record
    }

    /// A record with the keys of the moment.
    pub(crate) fn sealed(&mut self, content_type: ContentType, content: &[u8]) -> Vec<u8> {
        self.sealed_padded(content_type, content, 0)
    }

    pub(crate) fn sealed_padded(
        &mut self,
        content_type: ContentType,
        content: &[u8],
        padding: usize,
    ) -> Vec<u8> {
        let mut inner = content.to_vec();
        inner.push(content_type.0);
        inner.resize(inner.len() + padding, 0);
        self.sealed_inner(&inner)
    }

    /// A protected record of exactly this TLSInnerPlaintext.
    pub(crate) fn sealed_inner(&mut self, inner: &[u8]) -> Vec<u8> {
        let keys = self.write.as_mut().expect("there are keys to write with");
        keys.sealed_inner(inner)
    }

    /// Gives bytes to the server and answers its needs, until it is blocked.
    pub(crate) fn feed(&mut self, bytes: &[u8]) -> Result<(), Error> {
        let mut rest = bytes;
        loop {
            rest = &rest[self.server.receive(rest)..];
            self.step()?;
            if rest.is_empty() {
                return Ok(());
            }
        }
    }

    pub(crate) fn step(&mut self) -> Result<(), Error> {
        let outcome = loop {
            match self.server.step(self.now) {
                Ok(Step::Need(need)) => {
                    let answer = self.site.answer(need);
                    self.server.answer(answer).unwrap();
                }
                Ok(Step::Data) => {
                    let n = self.server.readable();
                    self.received.extend_from_slice(self.server.peek());
                    self.server.consume_readable(n);
                }
                Ok(Step::HandshakeComplete) => self.steps.push("HandshakeComplete"),
                Ok(Step::PeerClosed) => self.steps.push("PeerClosed"),
                Ok(Step::Closed) => {
                    self.steps.push("Closed");
                    break Ok(());
                }
                Ok(_) => break Ok(()),
                Err(error) => break Err(error),
            }
        };
        self.collect();
        outcome
    }

    fn collect(&mut self) {
        let output = self.server.output();
        let length = output.len();
        self.wire.extend(output);
        self.server.consume_output(length);
    }

    /// The next record from the server, opened.
    pub(crate) fn next_record(&mut self) -> Option<Record> {
        self.collect();
        if self.wire.is_empty() {
            return None;
        }
        let header: Vec<u8> = self.wire.drain(..5).collect();
        let length = usize::from(u16::from_be_bytes([header[3], header[4]]));
        let body: Vec<u8> = self.wire.drain(..length).collect();
        if header[0] != 23 {
            return Some((ContentType(header[0]), body));
        }
        let keys = self.read.as_mut().expect("there are keys to read with");
        Some(keys.opened(&header, body))
    }

    /// All records that wait, opened.
    pub(crate) fn records(&mut self) -> Vec<Record> {
        std::iter::from_fn(|| self.next_record()).collect()
    }

    // --- the handshake, step by step ---

    /// The key pair for another share than the first.
    pub(crate) fn use_key_pair(&mut self, key_pair: KeyPair) {
        self.key_pair = Some(key_pair);
    }

    /// Offers a session, after those offered already.
    pub(crate) fn offer(&mut self, ticket: &[u8], psk: Secret) {
        self.offers.push((ticket.to_vec(), psk));
    }

    /// Offers a session, before those offered already.
    pub(crate) fn offer_first(&mut self, ticket: &[u8], psk: Secret) {
        self.offers.insert(0, (ticket.to_vec(), psk));
    }

    /// The ClientHello as a whole message, its binders computed; it counts into the transcript.
    pub(crate) fn client_hello(&mut self) -> Vec<u8> {
        if !self.offers.is_empty() {
            let identities = self.offers.iter().map(|(ticket, _)| PskIdentity {
                identity: ticket.clone(),
                obfuscated_ticket_age: self.obfuscated_ticket_age,
            });
            self.hello.extensions.pre_shared_key = Some(PreSharedKeys {
                identities: identities.collect(),
                binders: vec![vec![0; 32]; self.offers.len()],
            });
        }
        let mut message = handshake::to_message(&self.hello);
        let truncated = message.len() - self.hello.binders_len();
        let hash = if self.messages.is_empty() {
            Sha256.digest(&message[..truncated])
        } else {
            let messages = [&self.messages, &message[..truncated]].concat();
            transcript_hash(&messages, Sha256).unwrap()
        };
        for (i, (_, psk)) in self.offers.iter().enumerate() {
            let early = extract(Sha256, b"", psk.as_bytes());
            let empty = Sha256.digest(b"");
            let key = expand_label_secret(Sha256, &early, b"res binder", &empty);
            let at = truncated + 2 + i * 33 + 1;
            message[at..at + 32].copy_from_slice(&finished_mac(&key, &hash));
        }
        self.messages.extend(&message);
        message
    }

    /// Sends the ClientHello, in one record if it fits.
    pub(crate) fn send_hello(&mut self) -> Result<(), Error> {
        let message = self.client_hello();
        let pieces = message.chunks(MAX_PLAINTEXT_LEN);
        let records: Vec<_> = pieces
            .map(|piece| Self::plain(ContentType::HANDSHAKE, piece))
            .collect();
        self.feed(&records.concat())
    }

    /// Sends the ClientHello, takes the server's flight in, and makes all keys.
    pub(crate) fn hello_and_keys(&mut self) {
        self.send_hello().unwrap();
        self.take_server_hello();
        self.take_flight();
    }

    /// Reads a ServerHello and makes the handshake keys.
    pub(crate) fn take_server_hello(&mut self) -> ServerHello {
        let (content_type, message) = self.next_record().expect("a ServerHello");
        assert_eq!(content_type, ContentType::HANDSHAKE);
        let hello = ServerHello::from_bytes(&message[4..]).unwrap();
        self.messages.extend(&message);
        let Some(ServerKeyShare::Share(share)) = &hello.extensions.key_share else {
            return hello;
        };
        let key_pair = self.key_pair.take().expect("one handshake a client");
        let shared = key_pair.agree(&share.key_exchange).unwrap();
        let empty = Sha256.digest(b"");
        if let Some(index) = hello.extensions.pre_shared_key {
            self.psk = Some(self.offers[usize::from(index)].1.clone());
        }
        let psk = self.psk.as_ref().map_or(&[0; 32][..], Secret::as_bytes);
        let early = extract(Sha256, b"", psk);
        let salt = expand_label_secret(Sha256, &early, b"derived", &empty);
        let secret = extract(Sha256, salt.as_bytes(), shared.as_bytes());
        let hash = transcript_hash(&self.messages, Sha256).unwrap();
        let client_handshake = expand_label_secret(Sha256, &secret, b"c hs traffic", &hash);
        let server_handshake = expand_label_secret(Sha256, &secret, b"s hs traffic", &hash);
        let salt = expand_label_secret(Sha256, &secret, b"derived", &empty);
        self.read = Some(Keys::new(server_handshake.clone()));
        self.write = Some(Keys::new(client_handshake.clone()));
        self.secrets = Some(Secrets {
            client_handshake,
            server_handshake,
            master: extract(Sha256, salt.as_bytes(), &[0; 32]),
        });
        hello
    }

    /// [`take_server_hello`](Self::take_server_hello) of a client that goes on writing with its early keys.
    pub(crate) fn take_server_hello_for_early_data(&mut self) {
        let early = self.write.take();
        self.take_server_hello();
        self.write = early;
    }

    /// Reads EncryptedExtensions to Finished, checks the Finished, and reads with the application keys
    /// from here on.
    pub(crate) fn take_flight(&mut self) -> Vec<HandshakeType> {
        let mut flight = Vec::new();
        let mut types = Vec::new();
        while types.last() != Some(&HandshakeType::FINISHED) {
            let (content_type, content) = self.next_record().expect("more of the flight");
            if content_type == ContentType::CHANGE_CIPHER_SPEC {
                continue;
            }
            assert_eq!(content_type, ContentType::HANDSHAKE);
            flight.extend(content);
            types = handshake::split(&flight)
                .map_while(Result::ok)
                .map(|message| message.message_type)
                .collect();
        }
        let (before, finished) = flight.split_at(flight.len() - 36);
        self.messages.extend(before);
        let secrets = self.secrets.as_ref().unwrap();
        let hash = transcript_hash(&self.messages, Sha256).unwrap();
        let expected = finished_mac(&secrets.server_handshake, &hash);
        assert_eq!(finished[4..], expected, "the server's Finished");
        self.messages.extend(finished);
        let hash = transcript_hash(&self.messages, Sha256).unwrap();
        let client = expand_label_secret(Sha256, &secrets.master, b"c ap traffic", &hash);
        self.client_application = Some(client);
        let server = expand_label_secret(Sha256, &secrets.master, b"s ap traffic", &hash);
        self.read = Some(Keys::new(server));
        types
    }

    /// The message of this type among those so far.
    pub(crate) fn message<T: Message + for<'a> Decode<'a>>(&self) -> T {
        let mut messages = handshake::split(&self.messages).map(Result::unwrap);
        let message = messages
            .find(|message| message.message_type == T::TYPE)
            .expect("the message has come");
        T::from_bytes(message.body).unwrap()
    }

    /// Our Finished as a whole message.
    pub(crate) fn finished(&self) -> Vec<u8> {
        let secrets = self.secrets.as_ref().unwrap();
        let hash = transcript_hash(&self.messages, Sha256).unwrap();
        let mac = finished_mac(&secrets.client_handshake, &hash);
        handshake::frame(HandshakeType::FINISHED, &mac[..])
    }

    /// From here on we write with the application keys.
    pub(crate) fn use_application_keys(&mut self) {
        self.write = Some(Keys::new(self.client_application.clone().unwrap()));
    }

    /// From here on we write with the handshake keys.
    pub(crate) fn use_handshake_keys(&mut self) {
        let secrets = self.secrets.as_ref().unwrap();
        self.write = Some(Keys::new(secrets.client_handshake.clone()));
    }

    /// The ClientHello has gone out: from here on we write early data, with the first session on offer.
    pub(crate) fn use_early_keys(&mut self) {
        let hash = transcript_hash(&self.messages, Sha256).unwrap();
        let early = extract(Sha256, b"", self.offers[0].1.as_bytes());
        let secret = expand_label_secret(Sha256, &early, b"c e traffic", &hash);
        self.write = Some(Keys::new(secret));
    }

    /// Sends a handshake message that counts into the transcript.
    pub(crate) fn send_message(&mut self, message: &[u8]) -> Result<(), Error> {
        self.messages.extend(message);
        let record = self.sealed(ContentType::HANDSHAKE, message);
        self.feed(&record)
    }

    /// A whole handshake; tickets are read and thrown away.
    pub(crate) fn handshake(&mut self) {
        self.hello_and_keys();
        let finished = self.finished();
        let record = self.sealed(ContentType::HANDSHAKE, &finished);
        self.use_application_keys();
        self.feed(&record).unwrap();
        assert_eq!(self.steps, ["HandshakeComplete"]);
        self.records();
    }

    /// A whole handshake, for the tickets at its end and their PSKs.
    pub(crate) fn handshake_for_tickets(&mut self) -> Vec<(Vec<u8>, Secret)> {
        self.hello_and_keys();
        let finished = self.finished();
        let record = self.sealed(ContentType::HANDSHAKE, &finished);
        self.use_application_keys();
        self.feed(&record).unwrap();
        self.messages.extend(finished);
        let hash = transcript_hash(&self.messages, Sha256).unwrap();
        let master = &self.secrets.as_ref().unwrap().master;
        let resumption = expand_label_secret(Sha256, master, b"res master", &hash);
        let mut tickets = Vec::new();
        for (content_type, content) in self.records() {
            assert_eq!(content_type, ContentType::HANDSHAKE);
            for message in handshake::split(&content).map(Result::unwrap) {
                let ticket = NewSessionTicketTls13::from_bytes(message.body).unwrap();
                let nonce = &ticket.ticket_nonce;
                let psk = expand_label_secret(Sha256, &resumption, b"resumption", nonce);
                self.ticket_lifetimes.push(ticket.ticket_lifetime);
                tickets.push((ticket.ticket.clone(), psk));
                self.tickets.push(ticket);
            }
        }
        tickets
    }

    /// Our next record has new keys.
    pub(crate) fn update_write_keys(&mut self) {
        let next = self.write.as_ref().unwrap().next_secret();
        self.write = Some(Keys::new(next));
    }

    /// The server's next record has new keys.
    pub(crate) fn update_read_keys(&mut self) {
        let next = self.read.as_ref().unwrap().next_secret();
        self.read = Some(Keys::new(next));
    }
}
