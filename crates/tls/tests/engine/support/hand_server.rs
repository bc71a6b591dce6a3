//! A TLS 1.3 server by hand: X25519 and TLS_AES_128_GCM_SHA256, and every byte the test's to change.

use std::collections::VecDeque;
use std::sync::Arc;

use keyward_crypto::hash::HashAlgorithm::Sha256;
use keyward_crypto::hkdf::{Secret, expand_label_secret, extract};
use keyward_crypto::key_exchange::{self, Group};
use keyward_crypto::random::SystemRandom;
use keyward_crypto::signature::SignatureAlgorithm;
use keyward_keyop::tls13::{server_certificate_verify_message, transcript_hash};
use keyward_tls::{ClientConfig, ClientConnection, Error, PeerMisbehaved, Step, UnixTime};
use keyward_wire::alert::Alert;
use keyward_wire::codec::Decode;
use keyward_wire::extensions::{
    CertificateEntryExtensions, ClientHelloExtensions, KeyShareEntry, ServerHelloExtensions,
    ServerKeyShare,
};
use keyward_wire::handshake::{
    self, CertificateEntry, CertificateTls13, CertificateVerify, ClientHello, EncryptedExtensions,
    Finished, Message, ServerHello,
};
use keyward_wire::record::MAX_PLAINTEXT_LEN;
use keyward_wire::values::{
    AlertDescription, CipherSuite, CompressionMethod, ContentType, HandshakeType, NamedGroup,
    ProtocolVersion, SignatureScheme,
};

use super::keys::{Keys, Record, finished_mac, plain};
use super::{Identity, KeyAlgorithm, Visitor, identity, now};

pub(crate) struct HandServer {
    pub(crate) client: ClientConnection,
    pub(crate) visitor: Arc<Visitor>,
    pub(crate) identity: Arc<Identity>,
    /// The client's latest ClientHello.
    pub(crate) hello: ClientHello,
    /// Whole handshake messages so far, both ways.
    pub(crate) messages: Vec<u8>,
    pub(crate) received: Vec<u8>,
    pub(crate) steps: Vec<&'static str>,
    /// When it is for the client.
    pub(crate) now: UnixTime,
    /// The PSK that is resumed with.
    pub(crate) psk: Option<Secret>,
    shared: Vec<u8>,
    wire: VecDeque<u8>,
    read: Option<Keys>,
    write: Option<Keys>,
    secrets: Option<Secrets>,
}

struct Secrets {
    client_handshake: Secret,
    server_handshake: Secret,
    master: Secret,
}

impl HandServer {
    /// A server that has the client's first ClientHello.
    pub(crate) fn new(config: ClientConfig) -> Self {
        Self::with(config, &Arc::new(Visitor::default()))
    }

    pub(crate) fn with(config: ClientConfig, visitor: &Arc<Visitor>) -> Self {
        Self::at(config, visitor, now())
    }

    pub(crate) fn at(config: ClientConfig, visitor: &Arc<Visitor>, now: UnixTime) -> Self {
        let name = "shop.example".parse().unwrap();
        let mut server = Self {
            client: ClientConnection::new(Arc::new(config), name).unwrap(),
            visitor: visitor.clone(),
            identity: identity(KeyAlgorithm::P256),
            hello: empty_hello(),
            messages: Vec::new(),
            received: Vec::new(),
            steps: Vec::new(),
            now,
            psk: None,
            shared: Vec::new(),
            wire: VecDeque::new(),
            read: None,
            write: None,
            secrets: None,
        };
        server.step().unwrap();
        server.take_client_hello();
        server
    }

    // --- bytes ---

    /// Gives bytes to the client and answers its needs, until it is blocked.
    pub(crate) fn feed(&mut self, bytes: &[u8]) -> Result<(), Error> {
        let mut rest = bytes;
        loop {
            rest = &rest[self.client.receive(rest)..];
            self.step()?;
            if rest.is_empty() {
                return Ok(());
            }
        }
    }

    fn step(&mut self) -> Result<(), Error> {
        let outcome = loop {
            match self.client.step(self.now) {
                Ok(Step::Need(need)) => {
                    let answer = self.visitor.answer(need);
                    self.client.answer(answer).unwrap();
                }
                Ok(Step::Data) => {
                    let n = self.client.readable();
                    self.received.extend_from_slice(self.client.peek());
                    self.client.consume_readable(n);
                }
                Ok(Step::SessionReceived(session)) => self.visitor.keep(*session),
                Ok(Step::HandshakeComplete) => self.steps.push("HandshakeComplete"),
                Ok(Step::PeerClosed) => self.steps.push("PeerClosed"),
                Ok(_) => break Ok(()),
                Err(error) => break Err(error),
            }
        };
        let length = self.client.output().len();
        self.wire.extend(self.client.output());
        self.client.consume_output(length);
        outcome
    }

    /// The next record from the client, opened.
    pub(crate) fn next_record(&mut self) -> Option<Record> {
        let length = self.client.output().len();
        self.wire.extend(self.client.output());
        self.client.consume_output(length);
        if self.wire.is_empty() {
            return None;
        }
        let header: Vec<u8> = self.wire.drain(..5).collect();
        let length = usize::from(u16::from_be_bytes([header[3], header[4]]));
        let body: Vec<u8> = self.wire.drain(..length).collect();
        match &mut self.read {
            Some(keys) if header[0] == 23 => Some(keys.opened(&header, body)),
            _ => Some((ContentType(header[0]), body)),
        }
    }

    /// All records that wait, opened.
    pub(crate) fn records(&mut self) -> Vec<Record> {
        std::iter::from_fn(|| self.next_record()).collect()
    }

    /// The alert that the client ends with.
    #[track_caller]
    pub(crate) fn alert(&mut self) -> AlertDescription {
        let (content_type, content) = self.records().pop().expect("an alert");
        assert_eq!(content_type, ContentType::ALERT);
        Alert::from_bytes(&content).unwrap().description
    }

    /// The client refused with this error and alert.
    #[track_caller]
    pub(crate) fn refused(
        &mut self,
        outcome: Result<(), Error>,
        error: impl Into<Error>,
        alert: AlertDescription,
    ) {
        assert_eq!(outcome, Err(error.into()));
        assert_eq!(self.alert(), alert);
    }

    /// The client says that we misbehaved, with illegal_parameter.
    #[track_caller]
    pub(crate) fn misbehaved(&mut self, outcome: Result<(), Error>, error: PeerMisbehaved) {
        self.refused(outcome, error, AlertDescription::ILLEGAL_PARAMETER);
    }

    // --- the handshake, step by step ---

    /// Reads the client's next ClientHello.
    pub(crate) fn take_client_hello(&mut self) {
        let record = loop {
            let record = self.next_record().expect("a ClientHello");
            if record.0 != ContentType::CHANGE_CIPHER_SPEC {
                break record;
            }
        };
        assert_eq!(record.0, ContentType::HANDSHAKE);
        self.hello = ClientHello::from_bytes(&record.1[4..]).unwrap();
        self.messages.extend(&record.1);
    }

    /// A whole message without protection; it counts into the transcript.
    pub(crate) fn send_plain(&mut self, message: &impl Message) -> Result<(), Error> {
        let message = handshake::to_message(message);
        self.messages.extend(&message);
        let pieces = message.chunks(MAX_PLAINTEXT_LEN);
        let records: Vec<_> = pieces
            .map(|piece| plain(ContentType::HANDSHAKE, piece))
            .collect();
        self.feed(&records.concat())
    }

    /// The ServerHello that fits the client's.
    pub(crate) fn server_hello(&mut self) -> ServerHello {
        let shares = self.hello.extensions.key_share.as_ref().unwrap();
        let share = shares
            .iter()
            .find(|share| share.group == NamedGroup::X25519)
            .expect("a share for X25519");
        let (ours, shared) =
            key_exchange::respond(Group::X25519, &share.key_exchange, &SystemRandom).unwrap();
        self.shared = shared.as_bytes().to_vec();
        ServerHello {
            legacy_version: ProtocolVersion::TLS12,
            random: [0x5e; 32],
            session_id: self.hello.session_id.clone(),
            cipher_suite: CipherSuite::TLS_AES_128_GCM_SHA256,
            compression_method: CompressionMethod::NULL,
            extensions: ServerHelloExtensions {
                supported_versions: Some(ProtocolVersion::TLS13),
                key_share: Some(ServerKeyShare::Share(KeyShareEntry {
                    group: NamedGroup::X25519,
                    key_exchange: ours,
                })),
                pre_shared_key: self.psk.as_ref().map(|_| 0),
                ..ServerHelloExtensions::default()
            },
        }
    }

    /// Sends a ServerHello, and makes the handshake keys.
    pub(crate) fn send_server_hello(&mut self, hello: &ServerHello) -> Result<(), Error> {
        self.send_plain(hello)?;
        self.make_keys();
        Ok(())
    }

    /// Makes the handshake keys from what was sent so far.
    pub(crate) fn make_keys(&mut self) {
        self.make_write_keys();
        self.use_client_handshake_keys();
    }

    /// The same, and goes on reading with the keys of early data.
    pub(crate) fn make_write_keys(&mut self) {
        let empty = Sha256.digest(b"");
        let psk = self.psk.as_ref().map_or(&[0; 32][..], Secret::as_bytes);
        let early = extract(Sha256, b"", psk);
        let salt = expand_label_secret(Sha256, &early, b"derived", &empty);
        let secret = extract(Sha256, salt.as_bytes(), &self.shared);
        let hash = transcript_hash(&self.messages, Sha256).unwrap();
        let client_handshake = expand_label_secret(Sha256, &secret, b"c hs traffic", &hash);
        let server_handshake = expand_label_secret(Sha256, &secret, b"s hs traffic", &hash);
        let salt = expand_label_secret(Sha256, &secret, b"derived", &empty);
        self.write = Some(Keys::new(server_handshake.clone()));
        self.secrets = Some(Secrets {
            client_handshake,
            server_handshake,
            master: extract(Sha256, salt.as_bytes(), &[0; 32]),
        });
    }

    /// The keys of the client's early data.
    pub(crate) fn use_early_keys(&mut self) {
        let psk = self.psk.as_ref().expect("a PSK");
        let early = extract(Sha256, b"", psk.as_bytes());
        let hash = Sha256.digest(&self.messages);
        let secret = expand_label_secret(Sha256, &early, b"c e traffic", &hash);
        self.read = Some(Keys::new(secret));
    }

    /// From here on the client sends without protection.
    pub(crate) fn stop_reading_protected(&mut self) {
        self.read = None;
    }

    /// The keys of the client's second flight.
    pub(crate) fn use_client_handshake_keys(&mut self) {
        let secrets = self.secrets.as_ref().unwrap();
        self.read = Some(Keys::new(secrets.client_handshake.clone()));
    }

    /// A protected record.
    pub(crate) fn sealed(&mut self, content_type: ContentType, content: &[u8]) -> Vec<u8> {
        let keys = self.write.as_mut().expect("there are keys to write with");
        keys.sealed(content_type, content)
    }

    /// A whole message, protected; it counts into the transcript.
    pub(crate) fn send(&mut self, message: &impl Message) -> Result<(), Error> {
        self.send_raw(&handshake::to_message(message))
    }

    pub(crate) fn send_raw(&mut self, message: &[u8]) -> Result<(), Error> {
        self.send_raw_in_pieces(message, MAX_PLAINTEXT_LEN)
    }

    /// The same in records with this many bytes of it at most.
    pub(crate) fn send_in_pieces(
        &mut self,
        message: &impl Message,
        piece: usize,
    ) -> Result<(), Error> {
        self.send_raw_in_pieces(&handshake::to_message(message), piece)
    }

    fn send_raw_in_pieces(&mut self, message: &[u8], piece: usize) -> Result<(), Error> {
        self.messages.extend(message);
        let pieces = message.chunks(piece);
        let records: Vec<_> = pieces
            .map(|piece| self.sealed(ContentType::HANDSHAKE, piece))
            .collect();
        self.feed(&records.concat())
    }

    /// ServerHello and EncryptedExtensions as they should be.
    pub(crate) fn begin(&mut self) {
        let hello = self.server_hello();
        self.send_server_hello(&hello).unwrap();
        self.send(&EncryptedExtensions::default()).unwrap();
    }

    pub(crate) fn certificate(&self) -> CertificateTls13 {
        let chain = self.identity.certificate.chain().iter();
        CertificateTls13 {
            certificate_request_context: Vec::new(),
            certificate_list: chain
                .map(|certificate| CertificateEntry {
                    cert_data: certificate.to_vec(),
                    extensions: CertificateEntryExtensions::default(),
                })
                .collect(),
        }
    }

    /// The CertificateVerify for the messages so far.
    pub(crate) fn certificate_verify(&self) -> CertificateVerify {
        let hash = transcript_hash(&self.messages, Sha256).unwrap();
        let content = server_certificate_verify_message(&hash);
        CertificateVerify {
            scheme: SignatureScheme::ECDSA_SECP256R1_SHA256,
            signature: self
                .identity
                .private_key
                .sign(SignatureAlgorithm::EcdsaSha256, &content)
                .unwrap(),
        }
    }

    /// Certificate and CertificateVerify as they should be.
    pub(crate) fn authenticate(&mut self) {
        let certificate = self.certificate();
        self.send(&certificate).unwrap();
        let verify = self.certificate_verify();
        self.send(&verify).unwrap();
    }

    /// The Finished for the messages so far.
    pub(crate) fn finished(&self) -> Finished {
        let secrets = self.secrets.as_ref().unwrap();
        let hash = transcript_hash(&self.messages, Sha256).unwrap();
        Finished {
            verify_data: finished_mac(&secrets.server_handshake, &hash),
        }
    }

    /// Sends Finished, and writes with the application keys from here on.
    pub(crate) fn finish(&mut self) -> Result<(), Error> {
        let finished = self.finished();
        self.send(&finished)?;
        let secrets = self.secrets.as_ref().unwrap();
        let hash = transcript_hash(&self.messages, Sha256).unwrap();
        let server = expand_label_secret(Sha256, &secrets.master, b"s ap traffic", &hash);
        self.write = Some(Keys::new(server));
        Ok(())
    }

    /// Reads what the client sends until its Finished, checks that, and makes the application keys; the types
    /// of the messages.
    pub(crate) fn take_client_finished(&mut self) -> Vec<HandshakeType> {
        self.take_client_finished_behind(&[])
    }

    /// The same, where these messages of the client have been read already.
    pub(crate) fn take_client_finished_behind(&mut self, read: &[u8]) -> Vec<HandshakeType> {
        let application = {
            let secrets = self.secrets.as_ref().unwrap();
            let hash = transcript_hash(&self.messages, Sha256).unwrap();
            expand_label_secret(Sha256, &secrets.master, b"c ap traffic", &hash)
        };
        self.messages.extend(read);
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
        let expected = finished_mac(&secrets.client_handshake, &hash);
        assert_eq!(finished[4..], expected, "the client's Finished");
        self.messages.extend(finished);
        self.read = Some(Keys::new(application));
        types
    }

    /// A whole handshake.
    pub(crate) fn handshake(&mut self) {
        self.begin();
        self.authenticate();
        self.finish().unwrap();
        self.take_client_finished();
        assert_eq!(self.steps, ["HandshakeComplete"]);
    }

    /// The PSK of a ticket with this nonce.
    pub(crate) fn resumption_psk(&self, nonce: &[u8]) -> Secret {
        let master = &self.secrets.as_ref().unwrap().master;
        let hash = transcript_hash(&self.messages, Sha256).unwrap();
        let resumption = expand_label_secret(Sha256, master, b"res master", &hash);
        expand_label_secret(Sha256, &resumption, b"resumption", nonce)
    }

    /// Our next record has new keys.
    pub(crate) fn update_write_keys(&mut self) {
        let next = self.write.as_ref().unwrap().next_secret();
        self.write = Some(Keys::new(next));
    }

    /// The client's next record has new keys.
    pub(crate) fn update_read_keys(&mut self) {
        let next = self.read.as_ref().unwrap().next_secret();
        self.read = Some(Keys::new(next));
    }
}

/// Until the client's has come.
fn empty_hello() -> ClientHello {
    ClientHello {
        legacy_version: ProtocolVersion::TLS12,
        random: [0; 32],
        session_id: Vec::new(),
        cipher_suites: Vec::new(),
        compression_methods: Vec::new(),
        extensions: ClientHelloExtensions::default(),
    }
}
