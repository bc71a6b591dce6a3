//! Starting and stopping.

use std::fmt;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use keyward_config::AdminConfig;
use keyward_crypto::CryptoError;
use keyward_crypto::random::SystemRandom;
use keyward_keyclient::{ConnectionState, KeyClient, KeyClientConfigError};
use keyward_observe::{About, Admin, RunningAdmin};
use keyward_tls::{ServerConfig, UnixTime};
use tokio::net::TcpListener;
use tokio::sync::{Semaphore, watch};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::{debug, error, info, warn};

use crate::config::{Config, SiteConfig, Timeouts, UpstreamAddress};
use crate::counters::{Counters, Counts};
use crate::delegation::DelegatedKeys;
use crate::early_data::Register;
use crate::http::HttpService;
use crate::last_resort::LastResort;
use crate::needs::Resolver;
use crate::record::RecordWriter;
use crate::resumption::{ROTATION, Resumption};
use crate::sites::{Service, Site, Sites};
use crate::status::Status;
use crate::upstream::{Connector, ConnectorError};
use crate::{catalog, certificates, delegation, listener};

/// What all connections share.
pub(crate) struct Shared {
    pub(crate) tls: Arc<ServerConfig>,
    pub(crate) sites: Arc<Sites>,
    pub(crate) resolver: Arc<Resolver>,
    pub(crate) timeouts: Timeouts,
    pub(crate) counters: Arc<Counters>,
    pub(crate) records: Option<RecordWriter>,
    /// Whether the key server has told its keys.
    pub(crate) keys_known: watch::Receiver<bool>,
    pub(crate) connection_limit: usize,
    pub(crate) next_connection: AtomicU64,
    /// No new connections and requests; those under way are finished.
    pub(crate) drain: CancellationToken,
    /// Everything ends at once.
    pub(crate) cut: CancellationToken,
    /// Connections, and what they have started.
    pub(crate) tasks: TaskTracker,
}

/// Starts edges.
#[derive(Debug)]
pub struct Edge;

impl Edge {
    /// Binds the addresses and begins to serve, within the tokio runtime that it is called in.
    ///
    /// A key server that is out of reach is no error: the edge tries on, and says so in the log.
    ///
    /// # Errors
    ///
    /// An address cannot be bound, a service cannot be prepared for, the record file cannot be
    /// opened, or the system gives no random bytes.
    pub async fn start(config: Config) -> Result<RunningEdge, StartError> {
        let keys = KeyClient::start(config.key_server.clone()).map_err(StartError::KeyServer)?;
        Self::start_with(config, keys).await
    }

    /// [`start`](Self::start) with a connection to the key server that is there already, instead of
    /// one made from `config.key_server`.
    ///
    /// # Errors
    ///
    /// As for `start`.
    pub async fn start_with(config: Config, keys: KeyClient) -> Result<RunningEdge, StartError> {
        let mut listeners = Vec::with_capacity(config.listen.len());
        for address in &config.listen {
            let listener = listener::bind(*address).map_err(|cause| StartError::Listen {
                address: *address,
                cause,
            })?;
            listeners.push(listener);
        }
        let addresses = listeners
            .iter()
            .map(TcpListener::local_addr)
            .collect::<Result<Vec<_>, _>>()
            .map_err(StartError::Socket)?;
        let records = config
            .handshake_records
            .as_ref()
            .map(|file| {
                RecordWriter::open(file).map_err(|cause| StartError::Records {
                    file: file.clone(),
                    cause,
                })
            })
            .transpose()?;
        let admin = match config.admin {
            Some(AdminConfig { listen }) => {
                let bound = Admin::bind(listen).await;
                let failed = |cause| StartError::Admin {
                    address: listen,
                    cause,
                };
                Some(bound.map_err(failed)?)
            }
            None => None,
        };
        let services = TaskTracker::new();
        let sites = Arc::new(Sites::new(sites(&config, &services)?));
        let resumption = Resumption::new(config.limits.sessions, Arc::new(SystemRandom))
            .map_err(StartError::Random)?;
        let resumption = Arc::new(resumption);
        let (known, keys_known) = watch::channel(false);
        let counters: Arc<Counters> = Arc::default();
        let delegated: Arc<DelegatedKeys> = Arc::default();
        let last_resort = config.gokeyless.as_ref().map(|config| {
            let server = LastResort::new(config, counters.clone());
            server.map(Arc::new).map_err(StartError::KeyServer)
        });
        let last_resort = last_resort.transpose()?;
        let shared = Arc::new(Shared {
            tls: Arc::new(ServerConfig {
                verify_signatures: config.verify_signatures,
                session_lifetime_s: SESSION_LIFETIME_S,
                session_tickets_tls12: config.tls12_session_tickets,
                certificate_compression: if config.certificate_compression {
                    keyward_compression::ALGORITHMS.to_vec()
                } else {
                    Vec::new()
                },
                early_data: max_early_data(&config.sites),
                trace: records.is_some(),
                ..ServerConfig::default()
            }),
            resolver: Arc::new(Resolver {
                sites: sites.clone(),
                resumption: resumption.clone(),
                keys: keys.clone(),
                key_operation_timeout: config.timeouts.key_operation,
                early_data: Register::new(config.limits.early_data),
                counters: counters.clone(),
                delegated: delegated.clone(),
                last_resort,
            }),
            sites,
            timeouts: config.timeouts,
            counters,
            records,
            keys_known,
            connection_limit: config.limits.connections,
            next_connection: AtomicU64::new(1),
            drain: CancellationToken::new(),
            cut: CancellationToken::new(),
            tasks: TaskTracker::new(),
        });
        let admin = admin.map(|admin| {
            let about = About::new("Edge", env!("CARGO_PKG_VERSION"));
            admin.start(about, Arc::new(Status(shared.clone())))
        });
        let edge = RunningEdge {
            admin,
            shared,
            addresses,
            services,
        };
        edge.in_background(delegation::maintain(
            edge.shared.sites.clone(),
            delegated,
            keys.clone(),
            config.timeouts.key_operation,
        ));
        edge.in_background(follow_ticket_keys(keys.clone(), resumption.clone()));
        edge.in_background(catalog::follow(keys, edge.shared.sites.clone(), known));
        edge.in_background(maintain(
            edge.shared.sites.clone(),
            resumption,
            edge.shared.counters.clone(),
        ));
        let slots = Arc::new(Semaphore::new(config.limits.connections));
        for (listener, address) in listeners.into_iter().zip(&edge.addresses) {
            info!(%address, "listening");
            let run = listener::run(listener, edge.shared.clone(), slots.clone());
            edge.shared.tasks.spawn(run);
        }
        Ok(edge)
    }
}

/// Sites take less by themselves.
fn max_early_data(sites: &[SiteConfig]) -> u32 {
    let limits = sites.iter().filter_map(|site| site.early_data.as_ref());
    limits.map(|limit| limit.max_bytes).max().unwrap_or(0)
}

/// A ticket that is sealed right before its key is rotated can be opened for one rotation more, and
/// one that is sealed right after for two.
const SESSION_LIFETIME_S: u32 = 2 * 3600;

pub(crate) fn sites(config: &Config, services: &TaskTracker) -> Result<Vec<Arc<Site>>, StartError> {
    config
        .sites
        .iter()
        .map(|site| {
            warn_of_certificates(site);
            let connector = Connector::new(
                &site.upstream,
                site.upstream_ca.as_deref(),
                config.timeouts.connect,
            )
            .map_err(|cause| StartError::Upstream {
                upstream: site.upstream.clone(),
                cause: UpstreamCause(cause),
            })?;
            let service = match &site.upstream {
                UpstreamAddress::Tcp(_) => Service::Tcp(connector),
                UpstreamAddress::Http(_) | UpstreamAddress::Https(_) => {
                    Service::Http(HttpService::new(
                        connector,
                        config.limits.upstream_idle_connections,
                        config.timeouts.upstream,
                        services.clone(),
                    ))
                }
            };
            Ok(Arc::new(Site::new(site, service)))
        })
        .collect()
}

/// What clients will not like about a site's certificates is no reason not to start.
fn warn_of_certificates(site: &SiteConfig) {
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    let now = i64::try_from(now.as_secs()).unwrap_or(i64::MAX);
    for certificate in &site.certificates {
        let file = certificate.file.display();
        let Some(leaf) = certificate.certificate.chain().first() else {
            continue;
        };
        if let Some(problem) = certificates::validity_problem(leaf, now) {
            warn!(%file, problem, "clients will refuse this certificate");
        }
        let names = certificates::names(leaf);
        let covered = |name| names.iter().any(|covering| covering.covers(name));
        if !site.names.is_empty() && !site.names.iter().any(covered) {
            warn!(%file, "this certificate is for none of its site's names");
        }
    }
}

/// Takes the session ticket keys that the key server gives, and asks for the next ones ahead of time.
async fn follow_ticket_keys(keys: KeyClient, resumption: Arc<Resumption>) {
    let mut received = keys.ticket_keys();
    let mut ask_again = None;
    loop {
        let asked = async {
            match ask_again {
                Some(after) => tokio::time::sleep(after).await,
                // A key server that has some gives them with the connection.
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            changed = received.changed() => {
                if changed.is_err() {
                    return;
                }
                let Some(new) = received.borrow_and_update().clone() else { continue };
                match resumption.share(&new) {
                    Ok(after) => {
                        debug!(epoch = new.epoch, "the session ticket keys are those of the key server");
                        ask_again = Some(after);
                    }
                    Err(cause) => error!(%cause, "the key server's session ticket keys cannot be used"),
                }
            }
            () = asked => {
                keys.refresh_ticket_keys();
                ask_again = resumption.ask_again();
            }
        }
    }
}

/// What has to be done from time to time.
async fn maintain(sites: Arc<Sites>, resumption: Arc<Resumption>, counters: Arc<Counters>) {
    /// Also how soon a file that has changed is taken.
    const ROUND: Duration = Duration::from_secs(10);
    let mut rotate = tokio::time::Instant::now() + ROTATION;
    loop {
        tokio::time::sleep(ROUND).await;
        for site in sites.iter() {
            site.tidy(UnixTime::now());
            if let Service::Http(service) = &site.service {
                service.close_old();
            }
        }
        resumption.forget_expired(UnixTime::now());
        reload(&sites, &counters).await;
        if tokio::time::Instant::now() >= rotate {
            rotate += ROTATION;
            match resumption.rotate() {
                Ok(()) => info!("the session ticket key was rotated"),
                Err(cause) => error!(%cause, "the session ticket key could not be rotated"),
            }
        }
    }
}

/// What became of the sites' files when they were looked at again.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Reloaded {
    /// Sites with other files than before.
    pub changed: usize,
    /// Sites that keep what they had, since one of their files cannot be used; the log says which.
    pub failed: usize,
}

/// Reads the files of every site that has changed ones.
async fn reload(sites: &Arc<Sites>, counters: &Counters) -> Reloaded {
    let sites = sites.clone();
    let reading = tokio::task::spawn_blocking(move || {
        let mut reloaded = Reloaded::default();
        for site in sites.iter() {
            match site.reload() {
                Ok(false) => {}
                Ok(true) => {
                    reloaded.changed += 1;
                    info!(site = site.title(), "the site's changed files are in use");
                }
                Err(cause) => {
                    reloaded.failed += 1;
                    error!(site = site.title(), %cause,
                        "the site's changed files cannot be used; it goes on with those before");
                }
            }
        }
        reloaded
    });
    // The task neither panics nor is cancelled.
    let reloaded = reading.await.unwrap_or_default();
    let count = |count: usize| u64::try_from(count).unwrap_or(u64::MAX);
    counters.measured.reloads.add_many(count(reloaded.changed));
    counters
        .measured
        .reloads_failed
        .add_many(count(reloaded.failed));
    reloaded
}

/// An edge that serves. Dropping it ends every connection at once; [`RunningEdge::shutdown`] is the
/// orderly way.
pub struct RunningEdge {
    /// Looked at until the very end.
    admin: Option<RunningAdmin>,
    shared: Arc<Shared>,
    addresses: Vec<SocketAddr>,
    /// The connections to services.
    services: TaskTracker,
}

impl RunningEdge {
    /// The addresses, in the order of the configuration, with real ports.
    pub fn addresses(&self) -> &[SocketAddr] {
        &self.addresses
    }

    /// Where metrics, readiness and the status page are to be had, with the real port.
    pub fn admin_address(&self) -> Option<SocketAddr> {
        self.admin.as_ref().map(RunningAdmin::address)
    }

    /// Whether there is a connection to the key server now.
    pub fn key_server_connected(&self) -> bool {
        matches!(
            self.shared.resolver.keys.state(),
            ConnectionState::Connected { .. }
        )
    }

    /// Waits until the key server has told which keys this edge may use: from then on there is
    /// something to answer clients with. For ever if it is out of reach.
    pub async fn keys_known(&self) {
        let mut known = self.shared.keys_known.clone();
        // An error means that the edge is at its end, and with it who waits here.
        let _ = known.wait_for(|known| *known).await;
    }

    /// The counters now.
    pub fn counts(&self) -> Counts {
        self.shared.counters.read()
    }

    /// Looks at the sites' files at once, which the edge otherwise does every ten seconds: chains,
    /// clients' CAs, revocation lists. A site takes all of its files or none.
    pub async fn reload(&self) -> Reloaded {
        reload(&self.shared.sites, &self.shared.counters).await
    }

    /// Stops: accepts no more connections, tells HTTP clients to go elsewhere, lets requests and
    /// connections under way end for `grace`, and then ends them. Returns how many were cut.
    pub async fn shutdown(mut self, grace: Duration) -> usize {
        let admin = self.admin.take();
        let shared = &self.shared;
        info!(connections = self.counts().open_connections, "stopping");
        shared.drain.cancel();
        shared.tasks.close();
        let mut cut = 0;
        if tokio::time::timeout(grace, shared.tasks.wait())
            .await
            .is_err()
        {
            cut = usize::try_from(self.counts().open_connections).unwrap_or(usize::MAX);
            let grace_ms = grace.as_millis();
            warn!(cut, grace_ms, "connections did not end in time and are cut");
        }
        shared.cut.cancel();
        shared.tasks.wait().await;
        for site in shared.sites.iter() {
            if let Service::Http(service) = &site.service {
                service.close_idle();
            }
        }
        self.services.close();
        self.services.wait().await;
        if let Some(records) = shared.records.clone() {
            // It waits for the disk.
            let _ = tokio::task::spawn_blocking(move || records.close()).await;
        }
        if let Some(admin) = admin {
            admin.stop().await;
        }
        info!("stopped");
        cut
    }

    /// Runs something until the edge has stopped.
    fn in_background(&self, task: impl Future<Output = ()> + Send + 'static) {
        let cut = self.shared.cut.clone();
        self.services.spawn(async move {
            tokio::select! {
                () = task => {}
                () = cut.cancelled() => {}
            }
        });
    }
}

impl Drop for RunningEdge {
    fn drop(&mut self) {
        self.shared.drain.cancel();
        self.shared.cut.cancel();
    }
}

impl fmt::Debug for RunningEdge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RunningEdge")
            .field("addresses", &self.addresses)
            .finish_non_exhaustive()
    }
}

/// Why an edge does not start.
#[derive(Debug)]
#[non_exhaustive]
pub enum StartError {
    /// An address cannot be listened on.
    Listen {
        /// Which.
        address: SocketAddr,
        /// Why not.
        cause: io::Error,
    },
    /// The admin address cannot be listened on.
    Admin {
        /// Which.
        address: SocketAddr,
        /// Why not.
        cause: io::Error,
    },
    /// A socket does not tell its address.
    Socket(io::Error),
    /// The connection to the key server cannot be prepared.
    KeyServer(KeyClientConfigError),
    /// The connections to a service cannot be prepared.
    Upstream {
        /// Which.
        upstream: UpstreamAddress,
        /// Why not.
        cause: UpstreamCause,
    },
    /// The handshake records cannot be written.
    Records {
        /// Where to.
        file: PathBuf,
        /// Why not.
        cause: io::Error,
    },
    /// The system gives no random bytes.
    Random(CryptoError),
}

/// Why connections to a service cannot be prepared; `Display` says it.
#[derive(Debug)]
pub struct UpstreamCause(ConnectorError);

impl fmt::Display for UpstreamCause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Display for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Listen { address, cause } => {
                write!(f, "cannot listen on {address}: {cause}")?;
                match cause.kind() {
                    io::ErrorKind::AddrInUse => f.write_str("; another program does already"),
                    io::ErrorKind::PermissionDenied => {
                        f.write_str("; ports below 1024 need CAP_NET_BIND_SERVICE")
                    }
                    io::ErrorKind::AddrNotAvailable => {
                        f.write_str("; no network interface has this address")
                    }
                    _ => Ok(()),
                }
            }
            Self::Admin { address, cause } => {
                write!(f, "cannot listen on the admin address {address}: {cause}")
            }
            Self::Socket(cause) => write!(f, "a socket does not tell its address: {cause}"),
            Self::KeyServer(cause) => write!(f, "the key server: {cause}"),
            Self::Upstream { upstream, cause } => write!(f, "the service {upstream}: {cause}"),
            Self::Records { file, cause } => {
                write!(
                    f,
                    "cannot write handshake records to {}: {cause}",
                    file.display()
                )
            }
            Self::Random(cause) => write!(f, "no random bytes: {cause}"),
        }
    }
}

impl std::error::Error for StartError {}
