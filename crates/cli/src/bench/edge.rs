//! An edge's connection as the benchmark needs it: without a runtime, so that a request is sent when it is due, and with next to
//! no work of its own, since it shares the machine with what is measured.

use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::os::fd::{AsFd, BorrowedFd};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use keyward_protocol::{ALPN, Address, Catalog, CatalogCollector, Decoder, Frame, Hello};
use rustls::client::Resumption;
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::{ClientConfig, ClientConnection, RootCertStore};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer, ServerName};

use crate::failure::Failure;

/// For connecting, and for a reply.
const PATIENCE: Duration = Duration::from_secs(30);

/// What identifies an edge.
pub(crate) struct Identity {
    pub(crate) ca: PathBuf,
    pub(crate) certificate: PathBuf,
    pub(crate) key: PathBuf,
}

/// How an edge connects.
#[derive(Clone)]
pub(crate) struct Dialer {
    address: (String, u16),
    name: ServerName<'static>,
    tls: Arc<ClientConfig>,
}

impl Dialer {
    pub(crate) fn new(address: &Address, name: &str, identity: &Identity) -> Result<Self, Failure> {
        let Address::Tcp { host, port } = address else {
            return Err(Failure::usage(
                "a key server is measured over TCP: give HOST:PORT",
            ));
        };
        let mut roots = RootCertStore::empty();
        for certificate in certificates(&identity.ca)? {
            roots.add(certificate).map_err(Failure::configuration)?;
        }
        let key = PrivateKeyDer::from_pem_file(&identity.key)
            .map_err(|cause| unreadable(&identity.key, &cause))?;
        let provider = CryptoProvider {
            kx_groups: vec![aws_lc_rs::kx_group::X25519MLKEM768],
            ..aws_lc_rs::default_provider()
        };
        let mut tls = ClientConfig::builder_with_provider(Arc::new(provider))
            .with_protocol_versions(&[&rustls::version::TLS13])
            .map_err(Failure::run_time)?
            .with_root_certificates(roots)
            .with_client_auth_cert(certificates(&identity.certificate)?, key)
            .map_err(Failure::configuration)?;
        tls.alpn_protocols = vec![ALPN.to_vec()];
        tls.resumption = Resumption::disabled();
        Ok(Self {
            address: (host.clone(), *port),
            name: ServerName::try_from(name.to_owned()).map_err(Failure::usage)?,
            tls: Arc::new(tls),
        })
    }

    /// Connects, and exchanges greetings.
    pub(crate) fn dial(&self) -> Result<Connection, Failure> {
        let (host, port) = &self.address;
        let unreachable =
            |cause| Failure::key_server(format!("cannot connect to {host}:{port}: {cause}"));
        let socket = TcpStream::connect((host.as_str(), *port)).map_err(unreachable)?;
        socket.set_nodelay(true).map_err(Failure::run_time)?;
        socket
            .set_read_timeout(Some(PATIENCE))
            .map_err(Failure::run_time)?;
        let tls = ClientConnection::new(Arc::clone(&self.tls), self.name.clone())
            .map_err(Failure::run_time)?;
        let mut connection = Connection {
            socket,
            tls,
            decoder: Decoder::new(),
            catalog: Catalog::default(),
        };
        connection.greet()?;
        let socket = &connection.socket;
        socket.set_nonblocking(true).map_err(Failure::run_time)?;
        Ok(connection)
    }
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, Failure> {
    CertificateDer::pem_file_iter(path)
        .and_then(Iterator::collect)
        .map_err(|cause| unreadable(path, &cause))
}

fn unreadable(path: &Path, cause: &dyn std::fmt::Display) -> Failure {
    Failure::configuration(format!("cannot use {}: {cause}", path.display()))
}

/// An open connection.
pub(crate) struct Connection {
    socket: TcpStream,
    tls: ClientConnection,
    decoder: Decoder,
    /// What the edge may use.
    pub(crate) catalog: Catalog,
}

impl Connection {
    fn greet(&mut self) -> Result<(), Failure> {
        let hello = Frame::Hello(Hello::edge())
            .encode()
            .map_err(Failure::run_time)?;
        self.send(&hello)?;
        let mut collector = CatalogCollector::default();
        let mut whole = None;
        while whole.is_none() {
            let mut failed = None;
            let received = self.receive(|frame| match frame {
                Frame::Hello(_) => {}
                Frame::Catalog { id, part } => match collector.push(id, part) {
                    Ok(catalog) => whole = catalog,
                    Err(error) => failed = Some(error.to_string()),
                },
                Frame::Error { error, .. } => failed = Some(error.to_string()),
                other => failed = Some(format!("unexpected in a greeting: {other:?}")),
            });
            if let Some(cause) = failed.or(received.err().map(|failure| failure.to_string())) {
                return Err(Failure::key_server(format!(
                    "no greeting of the key server: {cause}"
                )));
            }
        }
        self.catalog = whole.unwrap_or_default();
        Ok(())
    }

    /// To wait for what comes.
    pub(crate) fn socket(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }

    /// Sends whole frames.
    pub(crate) fn send(&mut self, mut frames: &[u8]) -> Result<(), Failure> {
        while !frames.is_empty() {
            // rustls takes so much before it has to be written, and no more.
            let taken = self.tls.writer().write(frames).map_err(Failure::run_time)?;
            frames = &frames[taken..];
            self.flush()?;
        }
        Ok(())
    }

    fn flush(&mut self) -> Result<(), Failure> {
        while self.tls.wants_write() {
            match self.tls.write_tls(&mut self.socket) {
                Ok(_) => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => std::thread::yield_now(),
                Err(error) => return Err(lost(&error)),
            }
        }
        Ok(())
    }

    /// Hands over the frames that have come; whether there were any.
    pub(crate) fn receive(&mut self, mut each: impl FnMut(Frame)) -> Result<bool, Failure> {
        match self.tls.read_tls(&mut self.socket) {
            Ok(0) => return Err(lost(&"the key server closed it")),
            Ok(_) => {}
            Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(false),
            Err(error) => return Err(lost(&error)),
        }
        self.tls
            .process_new_packets()
            .map_err(|error| lost(&error))?;
        self.flush()?;
        let mut piece = [0; 16 * 1024];
        loop {
            let read = match self.tls.reader().read(&mut piece) {
                Ok(0) => return Err(lost(&"the key server closed it")),
                Ok(read) => read,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(true),
                Err(error) => return Err(lost(&error)),
            };
            let mut rest = &piece[..read];
            while !rest.is_empty() {
                rest = &rest[self.decoder.receive(rest)..];
                while let Some(frame) = self.decoder.next_frame().map_err(Failure::run_time)? {
                    each(frame);
                }
            }
        }
    }
}

fn lost(cause: &dyn std::fmt::Display) -> Failure {
    Failure::run_time(format!("a connection to the key server is lost: {cause}"))
}
