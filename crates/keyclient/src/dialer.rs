//! The task in the background that keeps a connection.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use keyward_protocol::io::{FrameReader, FrameWriter, ReadError};
use keyward_protocol::{ALPN, Address, Capability, Catalog, CatalogCollector, Frame, Hello};
use rustls::ClientConfig;
use rustls_pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, UnixStream};
use tokio::sync::{Notify, watch};
use tokio::time::{Instant, sleep, timeout};
use tokio_rustls::TlsConnector;
use tracing::{info, warn};

use crate::backoff;
use crate::connection::{CATALOG_ID, Channel, Connection, Context};
use crate::error::KeyClientError;
use crate::random::Dice;
use crate::state::Link;

/// How often a connection that is being given up is looked at.
const FINISH_INTERVAL: Duration = Duration::from_millis(20);

/// What the dialer needs.
pub(crate) struct Dialer {
    pub(crate) address: Address,
    /// What people call it.
    pub(crate) label: Arc<str>,
    pub(crate) server_name: ServerName<'static>,
    pub(crate) tls: Arc<ClientConfig>,
    pub(crate) context: Context,
    pub(crate) link: watch::Sender<Link>,
    /// Somebody waits for a connection.
    pub(crate) wanted: Arc<Notify>,
    pub(crate) dice: Dice,
}

impl Dialer {
    /// Keeps a connection until the client is stopped.
    pub(crate) async fn run(self) {
        let stop = self.context.stop.clone();
        tokio::select! {
            // Being stopped ends the connection too, which is no loss to report or to dial again for.
            biased;
            () = stop.cancelled() => (),
            () = self.keep_connected() => (),
        }
    }

    async fn keep_connected(&self) {
        let timings = &self.context.timings;
        let mut failures = 0;
        let mut outage_began = Instant::now();
        let mut after = None;
        for attempt in 1.. {
            self.tell(Link::Connecting {
                attempt,
                after: after.take(),
            });
            let began = Instant::now();
            let error = match self.dial_within_limit().await {
                Ok(connection) => {
                    let error = self.stay_connected(attempt, connection).await;
                    outage_began = Instant::now();
                    // A key server that ends connections at once must not be dialled without a pause, for ever.
                    if began.elapsed() >= timings.backoff_wanted {
                        failures = 0;
                        after = Some(error);
                        continue;
                    }
                    Failure {
                        error,
                        transient: true,
                    }
                }
                Err(failure) => {
                    // Once in a while is enough for a log while it lasts.
                    if failures < 3 || failures % 16 == 0 {
                        warn!(server = %self.label, "{}", failure.error);
                    }
                    failure
                }
            };
            failures += 1;
            let patience = if error.transient {
                timings.restart
            } else {
                Duration::ZERO
            };
            after = Some(error.error.clone());
            self.tell(Link::Failed {
                attempt,
                error: error.error,
                patient_until: outage_began + patience,
            });
            self.pause(failures, began).await;
        }
    }

    fn tell(&self, link: Link) {
        self.link.send_replace(link);
        self.context.changes.tell();
    }

    /// Offers a connection to the callers until nothing new may be sent on it.
    async fn stay_connected(&self, attempt: u64, connection: Arc<Connection>) -> KeyClientError {
        info!(
            server = %self.label, software = ?connection.software(),
            key_exchange = connection.key_exchange(), "key server connected"
        );
        self.tell(Link::Connected {
            attempt,
            connection: Arc::clone(&connection),
        });
        connection.retired().await;
        if connection.is_draining() {
            info!(server = %self.label, "key server stops; connecting anew");
            tokio::spawn(finish(connection));
            return KeyClientError::ConnectionLost {
                cause: "the key server stops".to_owned(),
            };
        }
        connection.lost().await;
        let error = connection.connection_lost();
        warn!(server = %self.label, "{error}");
        error
    }

    /// Waits before the next attempt; less if somebody asks for an operation.
    async fn pause(&self, failures: u32, began: Instant) {
        let timings = &self.context.timings;
        let pause = backoff::pause(
            failures,
            timings.backoff_min,
            timings.backoff_max,
            self.dice.fraction(),
        );
        tokio::select! {
            () = sleep(pause) => (),
            () = self.wanted.notified() => {
                let since = began.elapsed();
                sleep(pause.min(timings.backoff_wanted).saturating_sub(since)).await;
            }
        }
    }

    async fn dial_within_limit(&self) -> Result<Arc<Connection>, Failure> {
        let limit = self.context.timings.connect;
        let unreachable = |cause: String, transient| Failure {
            error: KeyClientError::Unreachable {
                cause: format!("{}: {cause}", self.label),
            },
            transient,
        };
        match timeout(limit, self.dial()).await {
            Ok(Ok(connection)) => Ok(connection),
            Ok(Err(DialError::Key(error))) => Err(Failure {
                error,
                transient: false,
            }),
            Ok(Err(DialError::NoKeyServer(cause))) => Err(unreachable(
                format!("the peer is no key server: {cause}"),
                false,
            )),
            // Sockets come and go; what TLS does not accept now, it will not accept in a moment.
            Ok(Err(DialError::Io(error))) => {
                Err(unreachable(explain(&error), tls_error(&error).is_none()))
            }
            Err(_) => Err(unreachable(format!("no answer within {limit:?}"), false)),
        }
    }

    async fn dial(&self) -> Result<Arc<Connection>, DialError> {
        match &self.address {
            Address::Tcp { host, port } => {
                let began = Instant::now();
                let stream = TcpStream::connect((host.as_str(), *port)).await?;
                // Requests are small and awaited.
                stream.set_nodelay(true)?;
                self.greet(stream, began.elapsed()).await
            }
            Address::Unix(path) => {
                let stream = UnixStream::connect(path).await?;
                self.greet(stream, Duration::ZERO).await
            }
        }
    }

    async fn greet<S>(&self, io: S, round_trip: Duration) -> Result<Arc<Connection>, DialError>
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let connector = TlsConnector::from(Arc::clone(&self.tls));
        let stream = connector.connect(self.server_name.clone(), io).await?;
        let (_, tls) = stream.get_ref();
        if tls.alpn_protocol() != Some(ALPN) {
            return Err(DialError::NoKeyServer("it does not speak keyward/1 (ALPN)"));
        }
        let key_exchange = tls
            .negotiated_key_exchange_group()
            .map_or_else(String::new, |group| format!("{:?}", group.name()));
        let (read_half, write_half) = tokio::io::split(stream);
        let (mut reader, mut writer) = (FrameReader::new(read_half), FrameWriter::new(write_half));
        let ours = Hello::edge();
        writer.send(&Frame::Hello(ours.clone())).await?;
        let theirs = match reader.next().await? {
            Some(Frame::Hello(theirs)) => theirs,
            Some(Frame::Error { error, .. }) => return Err(DialError::Key(error.into())),
            Some(_) => return Err(DialError::NoKeyServer("its first frame is no hello")),
            None => return Err(io::Error::from(io::ErrorKind::UnexpectedEof).into()),
        };
        ours.negotiate(&theirs).map_err(|error| {
            DialError::Key(KeyClientError::Unsupported {
                message: error.to_string(),
            })
        })?;
        if !theirs.capabilities.contains(&Capability::CatalogPush) {
            writer
                .send(&Frame::CatalogRequest { id: CATALOG_ID })
                .await?;
        }
        let catalog = receive_catalog(&mut reader).await?;
        let context = &self.context;
        context.catalogs.told(&context.listing, catalog);
        Ok(Connection::start(
            (reader, writer),
            theirs,
            Channel {
                key_exchange,
                round_trip,
            },
            self.context.clone(),
        ))
    }
}

/// The catalog follows the hellos; or the key server says why it will not serve us. Only then is it known that it will.
async fn receive_catalog<R: AsyncRead + Unpin>(
    reader: &mut FrameReader<R>,
) -> Result<Catalog, DialError> {
    let mut collector = CatalogCollector::default();
    loop {
        match reader.next().await? {
            Some(Frame::Catalog { id, part }) => {
                if let Some(catalog) = collector.push(id, part).map_err(io::Error::other)? {
                    return Ok(catalog);
                }
            }
            Some(Frame::Error { error, .. }) => return Err(DialError::Key(error.into())),
            Some(Frame::GoingAway(_)) => {
                return Err(io::Error::other("the key server stops").into());
            }
            Some(_) => (),
            None => return Err(io::Error::from(io::ErrorKind::UnexpectedEof).into()),
        }
    }
}

/// Lets a connection that takes nothing new get its last answers, then closes it.
async fn finish(connection: Arc<Connection>) {
    while connection.has_pending() {
        tokio::select! {
            () = connection.lost() => return,
            () = sleep(FINISH_INTERVAL) => (),
        }
    }
    connection.close("the key server has stopped");
}

/// Why an attempt failed.
enum DialError {
    /// The key server said so.
    Key(KeyClientError),
    /// Something else listens there.
    NoKeyServer(&'static str),
    /// Sockets or TLS.
    Io(io::Error),
}

impl From<io::Error> for DialError {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

impl From<ReadError> for DialError {
    fn from(error: ReadError) -> Self {
        Self::Io(match error {
            ReadError::Io(error) => error,
            other => io::Error::other(other),
        })
    }
}

/// An attempt that failed, for the callers.
struct Failure {
    error: KeyClientError,
    /// It may be a restart, and over in a moment.
    transient: bool,
}

fn tls_error(error: &io::Error) -> Option<&rustls::Error> {
    error.get_ref().and_then(|inner| inner.downcast_ref())
}

/// What TLS and sockets say, for the person who has to do something about it.
fn explain(error: &io::Error) -> String {
    let tls = error
        .get_ref()
        .and_then(|inner| inner.downcast_ref::<rustls::Error>());
    match tls {
        Some(rustls::Error::InvalidCertificate(cause)) => format!(
            "its certificate is not acceptable: {cause}; is `ca` the authority that issued it, and `name` a name in it?"
        ),
        Some(rustls::Error::AlertReceived(alert)) => {
            use rustls::AlertDescription as Alert;
            match alert {
                Alert::NoApplicationProtocol => {
                    "it does not speak keyward/1 (ALPN): is this a key server?".to_owned()
                }
                Alert::UnknownCA
                | Alert::BadCertificate
                | Alert::CertificateUnknown
                | Alert::CertificateExpired
                | Alert::UnsupportedCertificate
                | Alert::DecryptError
                | Alert::AccessDenied => format!(
                    "it does not accept this edge's certificate (alert {alert:?}): was it issued by the key server's \
                     `client_ca`, and is it still valid?"
                ),
                other => format!("it ended the TLS handshake (alert {other:?})"),
            }
        }
        Some(other) => format!("TLS: {other}"),
        None if error.kind() == io::ErrorKind::UnexpectedEof => {
            "it closed the connection before its greeting".to_owned()
        }
        None => error.to_string(),
    }
}
