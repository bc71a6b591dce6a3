use std::io::{Read, Write};
use std::sync::Arc;

use keyward_tls::{Error, ServerConfig, ServerConnection, Step};
use rustls::client::Resumption;
use rustls::crypto::{CryptoProvider, SupportedKxGroup, aws_lc_rs};
use rustls::{ClientConfig, ClientConnection, SupportedCipherSuite, SupportedProtocolVersion};

use super::{Identity, Site, now, roots};

/// What a rustls client offers.
pub(crate) struct ClientOptions {
    pub(crate) suites: Vec<SupportedCipherSuite>,
    pub(crate) groups: Vec<&'static dyn SupportedKxGroup>,
    pub(crate) versions: Vec<&'static SupportedProtocolVersion>,
    pub(crate) alpn: Vec<Vec<u8>>,
    pub(crate) resumption: bool,
    pub(crate) identity: Option<Arc<Identity>>,
}

impl Default for ClientOptions {
    fn default() -> Self {
        Self {
            suites: aws_lc_rs::ALL_CIPHER_SUITES.to_vec(),
            groups: aws_lc_rs::DEFAULT_KX_GROUPS.to_vec(),
            versions: vec![&rustls::version::TLS13],
            alpn: Vec::new(),
            resumption: false,
            identity: None,
        }
    }
}

pub(crate) fn client_config(options: ClientOptions) -> Arc<ClientConfig> {
    let provider = CryptoProvider {
        cipher_suites: options.suites,
        kx_groups: options.groups,
        ..aws_lc_rs::default_provider()
    };
    let builder = ClientConfig::builder_with_provider(Arc::new(provider))
        .with_protocol_versions(&options.versions)
        .unwrap()
        .with_root_certificates(roots());
    let mut config = match options.identity {
        Some(identity) => builder
            .with_client_auth_cert(identity.certificate.chain().to_vec(), identity.key_der())
            .unwrap(),
        None => builder.with_no_client_auth(),
    };
    config.alpn_protocols = options.alpn;
    config.resumption = if options.resumption {
        Resumption::in_memory_sessions(32)
    } else {
        Resumption::disabled()
    };
    Arc::new(config)
}

/// How a handshake ended that did not succeed.
#[derive(Debug)]
pub(crate) enum Failure {
    Server(Error),
    Client(rustls::Error),
}

impl Failure {
    /// The server's error, where it is the server that was to refuse.
    #[track_caller]
    pub(crate) fn server(self) -> Error {
        match self {
            Self::Server(error) => error,
            Self::Client(error) => panic!("the client refused: {error}"),
        }
    }
}

/// A rustls client and our server.
pub(crate) struct Pair {
    pub(crate) client: ClientConnection,
    pub(crate) server: ServerConnection,
    pub(crate) site: Arc<Site>,
    /// What the server has received of application data.
    pub(crate) received: Vec<u8>,
    /// Steps other than needs and data, by their `Debug` names.
    pub(crate) steps: Vec<&'static str>,
    /// How many bytes travel at once.
    pub(crate) piece: usize,
}

impl Pair {
    pub(crate) fn new(client: &Arc<ClientConfig>, site: &Arc<Site>) -> Self {
        Self::with_config(client, site, ServerConfig::default())
    }

    pub(crate) fn with_config(
        client: &Arc<ClientConfig>,
        site: &Arc<Site>,
        config: ServerConfig,
    ) -> Self {
        Self::with_name(client, site, config, "shop.example")
    }

    pub(crate) fn with_name(
        client: &Arc<ClientConfig>,
        site: &Arc<Site>,
        config: ServerConfig,
        name: &'static str,
    ) -> Self {
        let name = name.try_into().unwrap();
        Self {
            client: ClientConnection::new(client.clone(), name).unwrap(),
            server: ServerConnection::new(Arc::new(config)).unwrap(),
            site: site.clone(),
            received: Vec::new(),
            steps: Vec::new(),
            piece: usize::MAX,
        }
    }

    /// Moves bytes until nothing moves any more.
    pub(crate) fn run(&mut self) -> Result<(), Failure> {
        loop {
            let sent = self.client_to_server();
            let stepped = self.step_server();
            let got = self.server_to_client();
            stepped?;
            if !(got? | sent) {
                return Ok(());
            }
        }
    }

    /// A whole handshake.
    #[track_caller]
    pub(crate) fn handshake(&mut self) {
        self.run().unwrap();
        assert!(!self.client.is_handshaking(), "the client is not done");
        assert!(
            self.server.is_handshake_complete(),
            "the server is not done"
        );
    }

    /// Moves what the client has to say into the server; whether there was any.
    pub(crate) fn client_to_server(&mut self) -> bool {
        let mut bytes = Vec::new();
        while self.client.wants_write() {
            self.client.write_tls(&mut bytes).unwrap();
        }
        let mut rest = &bytes[..];
        while !rest.is_empty() {
            let piece = &rest[..rest.len().min(self.piece)];
            let taken = self.server.receive(piece);
            rest = &rest[taken..];
            if taken < piece.len() || self.piece != usize::MAX {
                // Errors are sticky: the caller's step sees them again.
                let _ = self.step_server();
            }
        }
        !bytes.is_empty()
    }

    /// Steps the server until it is blocked, and answers what it asks.
    pub(crate) fn step_server(&mut self) -> Result<(), Failure> {
        loop {
            match self.server.step(now()).map_err(Failure::Server)? {
                Step::Need(need) => {
                    let answer = self.site.answer(need);
                    self.server.answer(answer).unwrap();
                }
                Step::Data => {
                    let mut buf = [0; 4096];
                    let n = self.server.read(&mut buf);
                    self.received.extend_from_slice(&buf[..n]);
                }
                Step::HandshakeComplete => self.steps.push("HandshakeComplete"),
                Step::PeerClosed => self.steps.push("PeerClosed"),
                Step::Closed => {
                    if self.steps.last() != Some(&"Closed") {
                        self.steps.push("Closed");
                    }
                    return Ok(());
                }
                _ => return Ok(()),
            }
        }
    }

    /// Moves what the server has to say into the client; whether there was any.
    pub(crate) fn server_to_client(&mut self) -> Result<bool, Failure> {
        let any = !self.server.output().is_empty();
        while !self.server.output().is_empty() {
            let n = self.server.output().len().min(self.piece);
            let n = self
                .client
                .read_tls(&mut &self.server.output()[..n])
                .unwrap();
            self.server.consume_output(n);
            self.client.process_new_packets().map_err(Failure::Client)?;
        }
        Ok(any)
    }

    /// Data from the client to the server.
    #[track_caller]
    pub(crate) fn client_sends(&mut self, data: &[u8]) {
        self.received.clear();
        let mut rest = data;
        while !rest.is_empty() {
            rest = &rest[self.client.writer().write(rest).unwrap()..];
            self.run().unwrap();
        }
        assert!(self.received == data, "the server received something else");
    }

    /// Data from the server to the client.
    #[track_caller]
    pub(crate) fn server_sends(&mut self, data: &[u8]) {
        let mut got = Vec::new();
        let mut rest = data;
        while !rest.is_empty() {
            rest = &rest[self.server.send(rest).unwrap()..];
            while !self.server.output().is_empty() {
                let n = self.client.read_tls(&mut self.server.output()).unwrap();
                self.server.consume_output(n);
                self.client.process_new_packets().unwrap();
                read_all(&mut self.client, &mut got);
            }
        }
        assert!(got == data, "the client received something else");
    }

    /// Data there and back.
    #[track_caller]
    pub(crate) fn echo(&mut self) {
        self.client_sends(b"request");
        self.server_sends(b"response");
    }
}

fn read_all(client: &mut ClientConnection, out: &mut Vec<u8>) {
    match client.reader().read_to_end(out) {
        Ok(_) => {}
        Err(error) => assert_eq!(error.kind(), std::io::ErrorKind::WouldBlock),
    }
}
