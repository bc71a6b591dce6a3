//! A TLS 1.2 client by hand: X25519 or RSA key transport, AES-128-GCM, and every byte the test's to
//! change.

use std::collections::VecDeque;
use std::sync::Arc;

use aws_lc_rs::rsa::{Pkcs1PublicEncryptingKey, PublicEncryptingKey};
use keyward_crypto::aead::{AeadAlgorithm, AeadKey};
use keyward_crypto::hash::HashAlgorithm::Sha256;
use keyward_crypto::key_exchange::{Group, KeyPair};
use keyward_crypto::prf;
use keyward_crypto::signature::PublicKey;
use keyward_keyop::tls12::{MasterSecretSeed, master_secret};
use keyward_tls::{Error, ServerConfig, ServerConnection, Step, UnixTime};
use keyward_wire::codec::Decode;
use keyward_wire::extensions::ClientHelloExtensions;
use keyward_wire::handshake::{
    self, CertificateTls12, ClientHello, EcdhClientKeyExchange, NewSessionTicketTls12,
    RsaClientKeyExchange, ServerHello, ServerKeyExchange,
};
use keyward_wire::values::{
    CipherSuite, CompressionMethod, ContentType, HandshakeType, NamedGroup, ProtocolVersion,
    SignatureScheme,
};

use crate::support::{Site, now};

pub(crate) const CHANGE_CIPHER_SPEC: (ContentType, &[u8]) = (ContentType::CHANGE_CIPHER_SPEC, &[1]);

/// A record's type and content, without protection.
pub(crate) type Record = (ContentType, Vec<u8>);

pub(crate) struct HandClient {
    pub(crate) server: ServerConnection,
    /// How far the server's clock is ahead of ours, in seconds.
    pub(crate) later_s: u64,
    pub(crate) site: Arc<Site>,
    /// What the ClientHello will say.
    pub(crate) hello: ClientHello,
    /// What RSA key transport encrypts.
    pub(crate) premaster: Vec<u8>,
    /// The session that is resumed.
    pub(crate) session: Option<Session>,
    /// Whole handshake messages so far, both ways.
    pub(crate) messages: Vec<u8>,
    pub(crate) steps: Vec<&'static str>,
    pub(crate) received: Vec<u8>,
    pub(crate) server_hello: Option<ServerHello>,
    pub(crate) ticket: Option<NewSessionTicketTls12>,
    pub(crate) master: [u8; 48],
    /// The verify_data of our last Finished, and of the server's.
    pub(crate) verify_data: [Vec<u8>; 2],
    leaf: Vec<u8>,
    share: Vec<u8>,
    wire: VecDeque<u8>,
    read: Option<Keys>,
    write: Option<Keys>,
}

/// What a client keeps of a session.
#[derive(Clone)]
pub(crate) struct Session {
    pub(crate) ticket: Vec<u8>,
    pub(crate) id: Vec<u8>,
    pub(crate) master: [u8; 48],
}

/// One direction of AES-128-GCM.
struct Keys {
    key: AeadKey,
    salt: [u8; 4],
    sequence: u64,
}

impl Keys {
    fn additional(&self, header: &[u8], length: usize) -> Vec<u8> {
        let length = u16::try_from(length).unwrap().to_be_bytes();
        [&self.sequence.to_be_bytes()[..], &header[..3], &length].concat()
    }

    fn nonce(&self, explicit: &[u8]) -> [u8; 12] {
        [&self.salt[..], explicit].concat().try_into().unwrap()
    }
}

impl HandClient {
    pub(crate) fn new(site: &Arc<Site>) -> Self {
        Self::with_config(site, ServerConfig::default())
    }

    pub(crate) fn with_config(site: &Arc<Site>, config: ServerConfig) -> Self {
        let mut premaster = vec![0x77; 48];
        premaster[..2].copy_from_slice(&[3, 3]);
        Self {
            later_s: 0,
            server: ServerConnection::new(Arc::new(config)).unwrap(),
            site: site.clone(),
            hello: ClientHello {
                legacy_version: ProtocolVersion::TLS12,
                random: [0xc1; 32],
                session_id: Vec::new(),
                cipher_suites: vec![
                    CipherSuite::TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
                    CipherSuite::TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
                ],
                compression_methods: vec![CompressionMethod::NULL],
                extensions: ClientHelloExtensions {
                    server_name: Some("shop.example".parse().unwrap()),
                    supported_groups: Some(vec![NamedGroup::X25519, NamedGroup::SECP256R1]),
                    signature_algorithms: Some(vec![
                        SignatureScheme::ECDSA_SECP256R1_SHA256,
                        SignatureScheme::RSA_PKCS1_SHA256,
                    ]),
                    extended_master_secret: true,
                    session_ticket: Some(Vec::new()),
                    ..ClientHelloExtensions::default()
                },
            },
            premaster,
            session: None,
            messages: Vec::new(),
            steps: Vec::new(),
            received: Vec::new(),
            server_hello: None,
            ticket: None,
            master: [0; 48],
            verify_data: [Vec::new(), Vec::new()],
            leaf: Vec::new(),
            share: Vec::new(),
            wire: VecDeque::new(),
            read: None,
            write: None,
        }
    }

    /// A client that knows RSA key transport alone.
    pub(crate) fn rsa(site: &Arc<Site>) -> Self {
        let mut client = Self::new(site);
        client.hello.cipher_suites = vec![CipherSuite::TLS_RSA_WITH_AES_128_GCM_SHA256];
        client.hello.extensions.supported_groups = None;
        client
    }

    /// A client that resumes by ticket or, where the session has none, by session ID.
    pub(crate) fn resuming(site: &Arc<Site>, session: &Session) -> Self {
        let mut client = Self::new(site);
        client.hello.extensions.session_ticket = Some(session.ticket.clone());
        client.hello.session_id.clone_from(&session.id);
        client.session = Some(session.clone());
        client
    }

    // --- bytes ---

    /// A record without protection.
    pub(crate) fn plain(content_type: ContentType, content: &[u8]) -> Vec<u8> {
        let length = u16::try_from(content.len()).unwrap().to_be_bytes();
        [&[content_type.0, 3, 3], &length[..], content].concat()
    }

    /// A record with the keys of the handshake.
    pub(crate) fn sealed(&mut self, content_type: ContentType, content: &[u8]) -> Vec<u8> {
        let keys = self.write.as_mut().expect("there are keys to write with");
        let explicit = keys.sequence.to_be_bytes();
        let length = u16::try_from(8 + content.len() + 16).unwrap().to_be_bytes();
        let header = [content_type.0, 3, 3, length[0], length[1]];
        let mut body = content.to_vec();
        let additional = keys.additional(&header, content.len());
        let nonce = keys.nonce(&explicit);
        let tag = keys.key.seal(&nonce, &additional, &mut body).unwrap();
        keys.sequence += 1;
        [&header[..], &explicit, &body, &tag].concat()
    }

    /// Gives bytes to the server and answers its needs, until it is blocked.
    pub(crate) fn feed(&mut self, bytes: &[u8]) -> Result<(), Error> {
        assert_eq!(self.server.receive(bytes), bytes.len());
        self.step()
    }

    pub(crate) fn feed_plain(
        &mut self,
        content_type: ContentType,
        content: &[u8],
    ) -> Result<(), Error> {
        self.feed(&Self::plain(content_type, content))
    }

    pub(crate) fn step(&mut self) -> Result<(), Error> {
        let outcome = loop {
            let time = UnixTime::from_millis(now().as_millis() + self.later_s * 1000);
            match self.server.step(time) {
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
        let output = self.server.output();
        let length = output.len();
        self.wire.extend(output);
        self.server.consume_output(length);
        outcome
    }

    /// The next record from the server, opened. Behind a change_cipher_spec the keys are in force.
    pub(crate) fn next_record(&mut self) -> Option<Record> {
        if self.wire.is_empty() {
            return None;
        }
        let header: Vec<u8> = self.wire.drain(..5).collect();
        let length = usize::from(u16::from_be_bytes([header[3], header[4]]));
        let mut body: Vec<u8> = self.wire.drain(..length).collect();
        let content_type = ContentType(header[0]);
        if let Some(keys) = &mut self.read {
            let mut sealed = body.split_off(8);
            let additional = keys.additional(&header, sealed.len() - 16);
            let nonce = keys.nonce(&body);
            body = keys
                .key
                .open(&nonce, &additional, &mut sealed)
                .expect("the server's record opens")
                .to_vec();
            keys.sequence += 1;
        }
        if content_type == ContentType::CHANGE_CIPHER_SPEC {
            assert_eq!(body, [1]);
            self.read = Some(self.keys().1);
        }
        Some((content_type, body))
    }

    /// The bytes from the server that wait, as they are.
    pub(crate) fn waiting(&self) -> Vec<u8> {
        self.wire.iter().copied().collect()
    }

    /// Puts another message in the place of the last one, which the server has not seen.
    pub(crate) fn replace_last_message(&mut self, message: &[u8]) {
        let last = handshake::split(&self.messages).flatten().last();
        let len = last.expect("there are messages").bytes.len();
        self.messages.truncate(self.messages.len() - len);
        self.messages.extend_from_slice(message);
    }

    /// All records that wait, opened.
    pub(crate) fn records(&mut self) -> Vec<Record> {
        std::iter::from_fn(|| self.next_record()).collect()
    }

    // --- the handshake, step by step ---

    /// Sends the ClientHello in one record.
    pub(crate) fn send_hello(&mut self) -> Result<(), Error> {
        let message = handshake::to_message(&self.hello);
        self.messages.extend(&message);
        self.feed_plain(ContentType::HANDSHAKE, &message)
    }

    /// Reads all that waits; the messages by type, 20 being change_cipher_spec as well as Finished.
    pub(crate) fn take_flight(&mut self) -> Vec<HandshakeType> {
        let mut types = Vec::new();
        while let Some((content_type, content)) = self.next_record() {
            if content_type == ContentType::CHANGE_CIPHER_SPEC {
                continue;
            }
            assert_eq!(content_type, ContentType::HANDSHAKE);
            for message in handshake::split(&content) {
                let message = message.expect("no message of the server's is split here");
                self.take(message.message_type, message.body);
                self.messages.extend(message.bytes);
                types.push(message.message_type);
            }
        }
        types
    }

    fn take(&mut self, message_type: HandshakeType, body: &[u8]) {
        match message_type {
            HandshakeType::SERVER_HELLO => {
                let hello = ServerHello::from_bytes(body).unwrap();
                if let Some(session) = &self.session
                    && (hello.session_id == session.id && !hello.extensions.session_ticket)
                {
                    self.master = session.master;
                }
                self.server_hello = Some(hello);
            }
            HandshakeType::CERTIFICATE => {
                let mut message = CertificateTls12::from_bytes(body).unwrap();
                self.leaf = message.certificate_list.remove(0);
            }
            HandshakeType::SERVER_KEY_EXCHANGE => {
                let message = <ServerKeyExchange>::from_bytes(body).unwrap();
                assert_eq!(message.params.group, NamedGroup::X25519);
                self.share = message.params.public;
            }
            HandshakeType::NEW_SESSION_TICKET => {
                self.ticket = Some(NewSessionTicketTls12::from_bytes(body).unwrap());
            }
            HandshakeType::FINISHED => {
                assert_eq!(
                    body,
                    self.finished_data(b"server finished"),
                    "the server's Finished"
                );
                self.verify_data[1] = body.to_vec();
            }
            _ => {}
        }
    }

    /// Our ClientKeyExchange as a whole message; the master secret follows from it.
    pub(crate) fn client_key_exchange(&mut self) -> Vec<u8> {
        let (message, premaster) = if self.share.is_empty() {
            let key = PublicKey::from_certificate_der(&self.leaf).unwrap();
            let key = PublicEncryptingKey::from_der(key.spki_der()).unwrap();
            let key = Pkcs1PublicEncryptingKey::new(key).unwrap();
            let mut ciphertext = vec![0; key.ciphertext_size()];
            key.encrypt(&self.premaster, &mut ciphertext).unwrap();
            let message = handshake::to_message(&RsaClientKeyExchange {
                encrypted_premaster_secret: ciphertext,
            });
            (message, self.premaster.clone())
        } else {
            let pair = KeyPair::generate(Group::X25519).unwrap();
            let message = handshake::to_message(&EcdhClientKeyExchange {
                public: pair.public().to_vec(),
            });
            (
                message,
                pair.agree(&self.share).unwrap().as_bytes().to_vec(),
            )
        };
        self.messages.extend(&message);
        let server_hello = self.server_hello.as_ref().unwrap();
        let session_hash = Sha256.digest(&self.messages);
        let seed = if server_hello.extensions.extended_master_secret {
            MasterSecretSeed::Extended {
                session_hash: &session_hash,
            }
        } else {
            MasterSecretSeed::Classic {
                client_random: &self.hello.random,
                server_random: &server_hello.random,
            }
        };
        let master = master_secret(Sha256, &premaster, seed);
        self.master = master.as_bytes().try_into().unwrap();
        message
    }

    /// Sends change_cipher_spec, and writes with the keys from there on.
    pub(crate) fn change_cipher_spec(&mut self) -> Vec<u8> {
        self.write = Some(self.keys().0);
        Self::plain(CHANGE_CIPHER_SPEC.0, CHANGE_CIPHER_SPEC.1)
    }

    /// Our Finished, as a whole message.
    pub(crate) fn finished(&mut self) -> Vec<u8> {
        let verify_data = self.finished_data(b"client finished");
        self.verify_data[0] = verify_data.to_vec();
        let message = handshake::frame(HandshakeType::FINISHED, &verify_data[..]);
        self.messages.extend(&message);
        message
    }

    /// Our second flight, as bytes.
    pub(crate) fn second_flight(&mut self) -> Vec<u8> {
        let exchange = self.client_key_exchange();
        let mut bytes = Self::plain(ContentType::HANDSHAKE, &exchange);
        bytes.extend(self.last_flight());
        bytes
    }

    /// change_cipher_spec and Finished, as bytes.
    pub(crate) fn last_flight(&mut self) -> Vec<u8> {
        let mut bytes = self.change_cipher_spec();
        let finished = self.finished();
        bytes.extend(self.sealed(ContentType::HANDSHAKE, &finished));
        bytes
    }

    /// A whole full handshake, with data both ways.
    pub(crate) fn handshake(&mut self) {
        self.send_hello().unwrap();
        assert_eq!(
            self.take_flight().last(),
            Some(&HandshakeType::SERVER_HELLO_DONE)
        );
        let bytes = self.second_flight();
        self.feed(&bytes).unwrap();
        assert_eq!(self.take_flight().last(), Some(&HandshakeType::FINISHED));
        assert_eq!(self.steps, ["HandshakeComplete"]);
        self.echo();
    }

    /// A whole abbreviated handshake, with data both ways.
    pub(crate) fn abbreviated_handshake(&mut self) {
        self.send_hello().unwrap();
        let flight = [HandshakeType::SERVER_HELLO, HandshakeType::FINISHED];
        assert_eq!(self.take_flight(), flight);
        let bytes = self.last_flight();
        self.feed(&bytes).unwrap();
        assert_eq!(self.steps, ["HandshakeComplete"]);
        assert!(self.server.negotiated().unwrap().resumed);
        self.echo();
    }

    pub(crate) fn echo(&mut self) {
        let record = self.sealed(ContentType::APPLICATION_DATA, b"request");
        self.feed(&record).unwrap();
        assert_eq!(self.received, b"request");
        self.received.clear();
        assert_eq!(self.server.send(b"response").unwrap(), 8);
        self.step().unwrap();
        let expected = (ContentType::APPLICATION_DATA, b"response".to_vec());
        assert_eq!(self.records(), [expected]);
    }

    /// What we keep of a session.
    pub(crate) fn session(&self) -> Session {
        let ticket = self.ticket.as_ref();
        Session {
            ticket: ticket
                .map(|message| message.ticket.clone())
                .unwrap_or_default(),
            id: self.server_hello.as_ref().unwrap().session_id.clone(),
            master: self.master,
        }
    }

    fn finished_data(&self, label: &[u8]) -> [u8; 12] {
        let mut verify_data = [0; 12];
        let hash = Sha256.digest(&self.messages);
        prf::tls12(Sha256, &self.master, label, &[&hash], &mut verify_data);
        verify_data
    }

    /// For what we write, and for what we read.
    fn keys(&self) -> (Keys, Keys) {
        let mut block = [0; 40];
        let server_random = self.server_hello.as_ref().unwrap().random;
        let seed = [&server_random[..], &self.hello.random];
        prf::tls12(Sha256, &self.master, b"key expansion", &seed, &mut block);
        let keys = |key: &[u8], salt: &[u8]| Keys {
            key: AeadKey::new(AeadAlgorithm::Aes128Gcm, key).unwrap(),
            salt: salt.try_into().unwrap(),
            sequence: 0,
        };
        (
            keys(&block[..16], &block[32..36]),
            keys(&block[16..32], &block[36..]),
        )
    }
}
