//! rustls, in this process.

use std::{
    io::{Read, Write},
    net::{Ipv4Addr, TcpListener, TcpStream},
    sync::Arc,
    thread::{self, JoinHandle},
    time::Duration,
};

use rustls::{
    ClientConfig, ClientConnection, CommonState, HandshakeKind, ProtocolVersion, RootCertStore,
    ServerConfig, ServerConnection, StreamOwned, SupportedProtocolVersion,
    client::{Resumption as Sessions, Tls12Resumption},
    crypto::{CryptoProvider, aws_lc_rs},
    pki_types::ServerName,
    server::WebPkiClientVerifier,
};

use super::{Listening, Peer, Worker, tool};
use crate::matrix::{
    capabilities::Capabilities,
    case::Case,
    credentials::Credentials,
    keyward::{ANSWER, REQUEST, common_name},
    report::Report,
    values::{Certificate, Direction, Flow, Group, GroupKind, Suite, Version},
};

struct Rustls<'a> {
    credentials: &'a Credentials,
}

/// It is always there.
#[expect(clippy::unnecessary_wraps, reason = "as all peers are found")]
pub(super) fn find(credentials: &Credentials) -> Option<Box<dyn Peer + '_>> {
    Some(Box::new(Rustls { credentials }))
}

/// How long our engine may say nothing.
const PATIENCE: Duration = Duration::from_secs(20);

/// The version that this workspace is locked to.
fn version() -> Option<&'static str> {
    let lock = include_str!("../../../../../Cargo.lock");
    let entry = lock.split("name = \"rustls\"\nversion = \"").nth(1)?;
    entry.split('"').next()
}

impl Peer for Rustls<'_> {
    fn word(&self) -> &'static str {
        "rustls"
    }

    fn title(&self) -> String {
        format!(
            "{}, in the same process",
            tool::product("rustls", version().unwrap_or_default())
        )
    }

    fn capabilities(&self, direction: Direction) -> Capabilities {
        let provider = aws_lc_rs::default_provider();
        let suites = provider.cipher_suites.iter();
        let suites = suites.filter_map(|suite| Suite::of(suite.suite().into()));
        let groups: Vec<&Group> = aws_lc_rs::ALL_KX_GROUPS
            .iter()
            .filter_map(|group| Group::of(group.name().into()))
            .collect();
        let tls12 = groups.iter().filter(|group| group.kind == GroupKind::Curve);
        let capabilities =
            Capabilities::new(tool::product("rustls", version().unwrap_or_default()))
                .with_suites(suites.map(|suite| suite.name))
                .with_groups(Version::Tls13, groups.iter().map(|group| group.name))
                .with_groups(Version::Tls12, tls12.map(|group| group.name));
        // Path validation by rustls-webpki knows no such keys.
        let capabilities = Version::ALL.into_iter().fold(capabilities, |it, version| {
            it.without_certificates(version, &[Certificate::RsaPss])
        });
        match direction {
            // RFC 8422 §5.1.1: a server goes by supported_groups for the curve of its certificate as well.
            Direction::KeywardServes => capabilities.except(
                |case| case.version() == Version::Tls12 && case.certificate == Certificate::P521,
                "does not say that it takes certificates on secp521r1 in TLS 1.2, not having that group",
            ),
            Direction::KeywardConnects => capabilities,
        }
    }

    fn worker(&self) -> Box<dyn Worker + '_> {
        Box::new(self)
    }
}

impl Rustls<'_> {
    /// The case's suite and these groups.
    fn provider(&self, case: &Case, groups: &[&Group]) -> Arc<CryptoProvider> {
        let mut provider = aws_lc_rs::default_provider();
        provider
            .cipher_suites
            .retain(|suite| u16::from(suite.suite()) == case.suite.code);
        let known = |group: &&Group| {
            let mut all = aws_lc_rs::ALL_KX_GROUPS.iter().copied();
            all.find(|known| group.code == u16::from(known.name()))
        };
        provider.kx_groups = groups.iter().filter_map(known).collect();
        Arc::new(provider)
    }

    fn roots(&self) -> RootCertStore {
        let mut roots = RootCertStore::empty();
        roots
            .add(self.credentials.authority().clone())
            .expect("the authority's certificate is one");
        roots
    }

    fn client(&self, case: &Case) -> Result<ClientConfig, rustls::Error> {
        let builder =
            ClientConfig::builder_with_provider(self.provider(case, &case.offered_groups()))
                .with_protocol_versions(&versions(case))?
                .with_root_certificates(self.roots());
        let mut config = match case.client_certificate {
            None => builder.with_no_client_auth(),
            Some(kind) => {
                let own = self.credentials.client(kind);
                builder.with_client_auth_cert(own.chain.clone(), own.key_der.clone_key())?
            }
        };
        config.resumption = Sessions::in_memory_sessions(4).tls12_resumption(match case.flow {
            Flow::SessionId => Tls12Resumption::SessionIdOnly,
            _ => Tls12Resumption::SessionIdOrTickets,
        });
        config.enable_early_data = case.flow == Flow::EarlyData;
        Ok(config)
    }

    fn server(&self, case: &Case) -> Result<ServerConfig, rustls::Error> {
        // The client names the curves of certificates as well, and rustls takes groups in its own order.
        let provider = self.provider(case, case.group.as_slice());
        let builder = ServerConfig::builder_with_provider(provider.clone())
            .with_protocol_versions(&versions(case))?;
        let builder = match case.client_certificate {
            None => builder.with_no_client_auth(),
            Some(_) => {
                let roots = Arc::new(self.roots());
                let verifier = WebPkiClientVerifier::builder_with_provider(roots, provider).build();
                let verifier =
                    verifier.map_err(|error| rustls::Error::General(error.to_string()))?;
                builder.with_client_cert_verifier(verifier)
            }
        };
        let own = self.credentials.server(case.certificate);
        let mut config = builder.with_single_cert(own.chain.clone(), own.key_der.clone_key())?;
        if case.flow == Flow::Ticket {
            config.ticketer = aws_lc_rs::Ticketer::new()?;
        }
        if case.flow == Flow::EarlyData {
            // With sessions that are kept, which by default they are, and not with tickets.
            config.max_early_data_size = 1 << 14;
        }
        Ok(config)
    }
}

fn versions(case: &Case) -> [&'static SupportedProtocolVersion; 1] {
    match case.version() {
        Version::Tls13 => [&rustls::version::TLS13],
        Version::Tls12 => [&rustls::version::TLS12],
    }
}

impl Worker for &Rustls<'_> {
    fn connect(&mut self, case: &Case, port: u16) -> Result<Vec<Report>, String> {
        let config = Arc::new(self.client(case).map_err(|error| error.to_string())?);
        let name = ServerName::try_from(case.host()).map_err(|error| error.to_string())?;
        let mut reports = Vec::new();
        for index in 0..case.connections() {
            let mut connection = ClientConnection::new(config.clone(), name.clone())
                .map_err(|error| error.to_string())?;
            if case.flow == Flow::EarlyData && index > 0 {
                let mut early = connection.early_data().ok_or("no early data can be sent")?;
                early
                    .write_all(REQUEST)
                    .map_err(|error| error.to_string())?;
            }
            let socket = TcpStream::connect((Ipv4Addr::LOCALHOST, port));
            let socket = socket
                .and_then(with_patience)
                .map_err(|error| error.to_string())?;
            let mut stream = StreamOwned::new(connection, socket);
            let mut got = Vec::new();
            stream
                .write_all(REQUEST)
                .and_then(|()| stream.read_to_end(&mut got))
                .map_err(|error| error.to_string())?;
            if got != ANSWER {
                return Err(format!("the answer is {:?}", String::from_utf8_lossy(&got)));
            }
            let early = stream.conn.is_early_data_accepted();
            reports.push(report(&stream.conn, early)?);
        }
        Ok(reports)
    }

    fn listen(&mut self, case: &Case) -> Result<Box<dyn Listening + '_>, String> {
        let config = Arc::new(self.server(case).map_err(|error| error.to_string())?);
        let listener =
            TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).map_err(|error| error.to_string())?;
        let port = listener
            .local_addr()
            .map_err(|error| error.to_string())?
            .port();
        let connections = case.connections();
        let serving = thread::spawn(move || {
            (0..connections)
                .map(|_| serve(&listener, config.clone()))
                .collect()
        });
        Ok(Box::new(Serving { port, serving }))
    }
}

fn serve(listener: &TcpListener, config: Arc<ServerConfig>) -> Result<Report, String> {
    let accepted = listener
        .accept()
        .and_then(|(socket, _)| with_patience(socket));
    let socket = accepted.map_err(|error| error.to_string())?;
    let connection = ServerConnection::new(config).map_err(|error| error.to_string())?;
    let mut stream = StreamOwned::new(connection, socket);
    let mut got = vec![0; REQUEST.len()];
    stream
        .conn
        .complete_io(&mut stream.sock)
        .map_err(|error| error.to_string())?;
    let mut early = Vec::new();
    if let Some(mut data) = stream.conn.early_data() {
        data.read_to_end(&mut early)
            .map_err(|error| error.to_string())?;
    }
    stream
        .read_exact(&mut got)
        .and_then(|()| stream.write_all(ANSWER))
        .map_err(|error| error.to_string())?;
    let report = report(&stream.conn, early == REQUEST)?;
    let mut rest = Vec::new();
    stream
        .read_to_end(&mut rest)
        .map_err(|error| error.to_string())?;
    if got == REQUEST && rest.is_empty() {
        Ok(report)
    } else {
        Err(format!(
            "the request is {:?}",
            String::from_utf8_lossy(&got)
        ))
    }
}

fn with_patience(socket: TcpStream) -> std::io::Result<TcpStream> {
    socket.set_read_timeout(Some(PATIENCE))?;
    Ok(socket)
}

struct Serving {
    port: u16,
    serving: JoinHandle<Result<Vec<Report>, String>>,
}

impl Listening for Serving {
    fn port(&self) -> u16 {
        self.port
    }

    fn finish(self: Box<Self>, _answers: &[Vec<u8>]) -> Result<Vec<Report>, String> {
        self.serving
            .join()
            .map_err(|_| "the server panicked".to_owned())?
    }
}

fn report(connection: &CommonState, early: bool) -> Result<Report, String> {
    let leaf = connection.peer_certificates().and_then(<[_]>::first);
    let group = connection.negotiated_key_exchange_group();
    Ok(Report {
        version: match connection.protocol_version() {
            Some(ProtocolVersion::TLSv1_3) => Some(Version::Tls13),
            Some(ProtocolVersion::TLSv1_2) => Some(Version::Tls12),
            other => return Err(format!("the version is {other:?}")),
        },
        suite: connection
            .negotiated_cipher_suite()
            .and_then(|suite| Suite::of(suite.suite().into())),
        group: group.and_then(|group| Group::of(group.name().into())),
        resumed: connection.handshake_kind() == Some(HandshakeKind::Resumed),
        retried: Some(
            connection.handshake_kind() == Some(HandshakeKind::FullWithHelloRetryRequest),
        ),
        early: Some(early),
        peer: Some(leaf.map(|leaf| common_name(leaf)).transpose()?),
    })
}
