//! Starting and stopping.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::thread::{JoinHandle, available_parallelism};
use std::time::{Duration, Instant, SystemTime};

use keyward_config::AdminConfig;
use keyward_observe::{About, Admin, RunningAdmin};
use keyward_protocol::Address;
use tokio::runtime::Handle;
use tokio::sync::{Notify, Semaphore, watch};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::{info, warn};

use crate::access::{Access, Door};
use crate::audit::Audit;
use crate::channel;
use crate::check::{KeySummary, summaries};
use crate::config::{Config, Limits};
use crate::connected::Connected;
use crate::error::StartError;
use crate::gokeyless::{self, KeysBySki};
use crate::listener::Listener;
use crate::metrics::{Metrics, MetricsSnapshot};
use crate::places::Places;
use crate::policy::Policy;
use crate::queue::{Bounds, Queue};
use crate::refusals::Refusals;
use crate::reload::{self, Files};
use crate::remote_work::Remote;
use crate::status::Status;
use crate::store::{self, Gate, KeySet, Opened, RemoteStore};
use crate::threads;
use crate::tickets::Tickets;
use crate::worker::{Job, Worker};

/// What all connections share.
pub(crate) struct Shared {
    /// Who is let in and what they may do, now.
    pub(crate) access: watch::Sender<Arc<Access>>,
    pub(crate) refusals: Arc<Refusals>,
    pub(crate) queue: Arc<Queue<Job>>,
    pub(crate) limits: Limits,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) audit: Arc<Audit>,
    pub(crate) tickets: Option<Arc<Tickets>>,
    pub(crate) gokeyless_keys: KeysBySki,
    /// The edges that are here.
    pub(crate) connected: Arc<Connected>,
    pub(crate) connections: Arc<Semaphore>,
    /// Connections of each address.
    pub(crate) addresses: Arc<Places<IpAddr>>,
    /// Connections of each edge.
    pub(crate) edges: Arc<Places<String>>,
    /// No new connections; the old ones say `going_away` and end when they have answered.
    pub(crate) draining: CancellationToken,
    /// Everything ends at once.
    pub(crate) killed: CancellationToken,
    pub(crate) tracker: TaskTracker,
}

/// Starts key servers.
#[derive(Debug)]
pub struct KeyServer;

impl KeyServer {
    /// Reads keys and certificates, binds the addresses and begins to serve, within the tokio runtime that it is called in.
    ///
    /// Key files that cannot be used are named in the log and skipped.
    ///
    /// # Errors
    /// If the channel's certificate cannot be used, there is no key at all, or an address cannot be bound.
    pub async fn start(config: Config) -> Result<RunningKeyServer, StartError> {
        Self::start_with(config, Vec::new()).await
    }

    /// As [`KeyServer::start`], with the keys of these stores besides.
    ///
    /// # Errors
    /// Those of [`KeyServer::start`].
    pub async fn start_with(
        config: Config,
        stores: Vec<Arc<dyn RemoteStore>>,
    ) -> Result<RunningKeyServer, StartError> {
        let mut gates = store::gates(&config.keys).map_err(StartError::Thread)?;
        gates.extend(stores.into_iter().map(Gate::new));
        let files = Files::new(config.clone(), gates.clone());
        let channel = channel::open(&config).map_err(StartError::Config)?;
        let opened = open(&config, gates).await?;
        let channel_key = channel::permission_warnings(&config);
        let refusing = &channel.warnings;
        for problem in opened.problems.iter().chain(&channel_key).chain(refusing) {
            warn!("{problem}");
        }
        let keys = Arc::new(opened.keys);
        if keys.keys().is_empty() {
            let mut problems = opened.problems;
            problems.push(config.no_key());
            problems.check().map_err(StartError::Config)?;
        }
        let unknown = config.unknown_keys(&keys);
        for problem in unknown.iter().chain(&config.no_rule()) {
            warn!("{problem}");
        }
        let policy = Arc::new(Policy::new(&config, &keys));
        for problem in gokeyless::warnings(&config, &policy, &keys) {
            warn!("{problem}");
        }
        let served = summaries(&policy, &keys);
        let (listeners, addresses) = bind(&config.listen).await?;
        let older = config.gokeyless.as_ref();
        let older = older.map(|older| older.listen.as_slice());
        let (older_listeners, gokeyless_addresses) = bind(older.unwrap_or_default()).await?;
        let admin = match config.admin {
            Some(admin) => Some(bind_admin(admin).await?),
            None => None,
        };
        let queue = Arc::new(Queue::new(Bounds {
            lane: config.limits.queue,
            edge: config.limits.queue_per_edge,
            bytes: config.limits.queue_bytes,
        }));
        let metrics = Arc::new(Metrics::default());
        let audit = Audit::open(config.audit.as_ref(), Arc::clone(&metrics))
            .map_err(|error| StartError::Config(config.audit_problem(&error).into()))?;
        let audit = Arc::new(audit);
        let tickets = config
            .ticket_root
            .clone()
            .map(|path| Tickets::open(path, SystemTime::now()))
            .transpose()
            .map_err(|error| StartError::Config(config.tickets_problem(&error).into()))?
            .map(Arc::new);
        let refusals = Arc::new(Refusals::default());
        let (access, accessed) = watch::channel(Arc::new(Access {
            tls: channel.tls,
            verifier: channel.verifier,
            policy,
            gokeyless: channel.gokeyless,
            certificate_not_after: channel.not_after,
            keys,
        }));
        let killed = CancellationToken::new();
        let worker = Arc::new(Worker {
            queue: Arc::clone(&queue),
            access: accessed,
            metrics: Arc::clone(&metrics),
            refusals: Arc::clone(&refusals),
            audit: Arc::clone(&audit),
            remote: Remote {
                runtime: Handle::current(),
                tasks: TaskTracker::new(),
                killed: killed.clone(),
            },
        });
        let workers = threads::heavy(&worker, config.limits.workers).map_err(StartError::Thread)?;
        let shared = Arc::new(Shared {
            access,
            refusals,
            queue,
            limits: config.limits,
            metrics,
            audit,
            tickets,
            gokeyless_keys: KeysBySki::default(),
            connected: Arc::default(),
            connections: Arc::new(Semaphore::new(config.limits.connections)),
            addresses: Places::new(config.limits.connections_per_address),
            edges: Places::new(config.limits.connections_per_edge),
            draining: CancellationToken::new(),
            killed,
            tracker: TaskTracker::new(),
        });
        if let Some(tickets) = shared.tickets.clone() {
            // Draining waits for the tracker, so that this must end then, not only when all is over.
            let draining = shared.draining.clone();
            let killed = shared.killed.clone();
            let kept = draining.run_until_cancelled_owned(keep_current(tickets));
            shared.tracker.spawn(killed.run_until_cancelled_owned(kept));
        }
        // They end with the queue, which is closed when no connection is left.
        let light = (0..available_parallelism().map_or(1, usize::from))
            .map(|_| tokio::spawn(threads::light(Arc::clone(&worker))))
            .collect();
        for listener in listeners {
            let listening = listener.run(Arc::clone(&shared), Door::Keyward);
            shared.tracker.spawn(listening);
        }
        for listener in older_listeners {
            let listening = listener.run(Arc::clone(&shared), Door::Gokeyless);
            shared.tracker.spawn(listening);
        }
        let reload = Arc::new(Notify::new());
        let watching = reload::watch(Arc::clone(&shared), files, Arc::clone(&reload));
        shared.tracker.spawn(watching);
        for key in &served {
            info!(key = key.label, id = %key.id, kind = ?key.kind, chains = key.chains, "serving key");
        }
        for address in &addresses {
            info!(%address, "listening");
        }
        for address in &gokeyless_addresses {
            info!(%address, "listening for gokeyless clients");
        }
        let admin = admin.map(|admin| {
            let about = About::new("Key server", env!("CARGO_PKG_VERSION"));
            admin.start(about, Arc::new(Status(Arc::clone(&shared))))
        });
        Ok(RunningKeyServer {
            admin,
            shared,
            addresses,
            gokeyless_addresses,
            worker,
            workers,
            light,
            reload,
        })
    }
}

async fn bind(addresses: &[Address]) -> Result<(Vec<Listener>, Vec<Address>), StartError> {
    let mut listeners = Vec::new();
    let mut bound = Vec::new();
    for address in addresses {
        let failed = |cause| StartError::Listen {
            address: address.clone(),
            cause,
        };
        let listener = Listener::bind(address).await.map_err(failed)?;
        bound.push(listener.address().map_err(failed)?);
        listeners.push(listener);
    }
    Ok((listeners, bound))
}

async fn bind_admin(config: AdminConfig) -> Result<Admin, StartError> {
    let address = config.listen;
    Admin::bind(address)
        .await
        .map_err(|cause| StartError::Admin { address, cause })
}

/// Reads the keys, where waiting hinders nobody.
async fn open(config: &Config, stores: Vec<Gate>) -> Result<Opened, StartError> {
    let keys = config.keys.clone();
    let opened = tokio::task::spawn_blocking(move || store::open(&keys, &stores, None)).await;
    match opened {
        Ok(opened) => {
            opened.map_err(|problem| StartError::Config(config.keys_problem(&problem).into()))
        }
        Err(panic) => Err(StartError::Thread(panic.into())),
    }
}

/// Forgets each epoch when it is over.
async fn keep_current(tickets: Arc<Tickets>) {
    loop {
        tokio::time::sleep(tickets.until_next(SystemTime::now())).await;
        let tickets = Arc::clone(&tickets);
        // Waits for the disk. A panic there was reported when it happened, and the next epoch comes.
        let _ = tokio::task::spawn_blocking(move || tickets.advance(SystemTime::now())).await;
    }
}

/// A key server that serves. Dropping it ends every connection at once; [`RunningKeyServer::shutdown`] is the orderly way.
#[derive(Debug)]
pub struct RunningKeyServer {
    /// Looked at until the very end.
    admin: Option<RunningAdmin>,
    shared: Arc<Shared>,
    addresses: Vec<Address>,
    gokeyless_addresses: Vec<Address>,
    worker: Arc<Worker>,
    workers: Vec<JoinHandle<()>>,
    light: Vec<tokio::task::JoinHandle<()>>,
    reload: Arc<Notify>,
}

impl RunningKeyServer {
    /// The addresses, in the order of the configuration, with real ports.
    pub fn addresses(&self) -> &[Address] {
        &self.addresses
    }

    /// Those for gokeyless clients, if they are let in.
    pub fn gokeyless_addresses(&self) -> &[Address] {
        &self.gokeyless_addresses
    }

    /// Where metrics, readiness and the status page are to be had, with the real port.
    pub fn admin_address(&self) -> Option<SocketAddr> {
        self.admin.as_ref().map(RunningAdmin::address)
    }

    /// The keys that are served now.
    pub fn keys(&self) -> Vec<KeySummary> {
        let access = Arc::clone(&self.shared.access.borrow());
        summaries(&access.policy, &access.keys)
    }

    /// The counters now.
    pub fn metrics(&self) -> MetricsSnapshot {
        self.shared.metrics.snapshot()
    }

    /// Reads the configuration's file anew, and the files of certificates and revocation lists that it names, as is done when
    /// one of them changes: edges, what they and keys may do, revocations and the channel's certificates count from then on,
    /// all of them, or none if something is wrong. So do keys and their certificates, each as a whole: one that something is wrong
    /// with stays as it was. Addresses and limits stay as they are.
    pub fn reload(&self) {
        self.reload.notify_one();
    }

    /// Stops: takes no more connections, tells the edges, answers what is in flight, and ends within `limits.shutdown`.
    pub async fn shutdown(mut self) {
        info!("stopping");
        self.shared.draining.cancel();
        self.shared.tracker.close();
        if timeout(self.shared.limits.shutdown, self.shared.tracker.wait())
            .await
            .is_err()
        {
            warn!(
                "connections still open after {:?} are cut",
                self.shared.limits.shutdown
            );
        }
        self.shared.killed.cancel();
        self.shared.tracker.wait().await;
        self.shared.queue.close();
        // The queue is closed and its jobs withdrawn: each thread has at most one operation left, milliseconds.
        while self.workers.iter().any(|worker| !worker.is_finished()) {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        // Whoever holds a worker holds the log: what waits there is on disk when the last has ended.
        for task in std::mem::take(&mut self.light) {
            // A panic in it was reported when it happened.
            let _ = task.await;
        }
        self.worker.remote.end().await;
        self.shared
            .tell_untold(Instant::now() + Duration::from_secs(1));
        if let Some(admin) = self.admin.take() {
            admin.stop().await;
        }
        info!("stopped");
    }
}

impl Drop for RunningKeyServer {
    fn drop(&mut self) {
        self.shared.killed.cancel();
        self.shared.queue.close();
    }
}

impl Shared {
    /// The keys that are served now.
    pub(crate) fn keys(&self) -> Arc<KeySet> {
        Arc::clone(&self.access.borrow().keys)
    }
}

impl std::fmt::Debug for Shared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Shared")
            .field("limits", &self.limits)
            .finish_non_exhaustive()
    }
}
