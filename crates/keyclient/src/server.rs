//! One key server: its connections, what it lists, and how it does.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use keyward_protocol::{Address, Reply, TicketKeys};
use rustls::ClientConfig;
use rustls_pki_types::ServerName;
use tokio::sync::{Notify, watch};
use tokio::time::Instant;
use tokio_util::sync::{CancellationToken, DropGuard};
use tracing::{info, warn};

use crate::changes::Changes;
use crate::condition::Condition;
use crate::config::Timings;
use crate::connection::{Connection, Context};
use crate::dialer::Dialer;
use crate::error::KeyClientError;
use crate::kind::WorkKind;
use crate::listing::{Catalogs, Listing};
use crate::random::Dice;
use crate::state::{ConnectionState, Link};

/// Where exactly a key server is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Endpoint {
    /// An IP address and port, or a Unix socket.
    pub(crate) address: Address,
    /// The name that its certificate must have.
    pub(crate) name: ServerName<'static>,
    /// What people call it: with the name that led to it.
    pub(crate) label: String,
    /// Others with a lower number come first, as long as they work (RFC 2782).
    pub(crate) priority: u16,
}

/// What all key servers of a client have in common.
#[derive(Debug)]
pub(crate) struct Common {
    pub(crate) tls: Arc<ClientConfig>,
    pub(crate) timings: Timings,
    pub(crate) connections: usize,
    pub(crate) ticket_keys: watch::Sender<Option<Arc<TicketKeys>>>,
    pub(crate) catalogs: Arc<Catalogs>,
    pub(crate) changes: Arc<Changes>,
    pub(crate) dice: Dice,
}

/// A key server. Its connections end when nobody holds it any more.
#[derive(Debug)]
pub(crate) struct Server {
    /// Differs from that of every other of this client, also from one at the same address before.
    pub(crate) id: u64,
    pub(crate) endpoint: Endpoint,
    pub(crate) label: Arc<str>,
    pub(crate) listing: Arc<Listing>,
    lines: Vec<Line>,
    condition: Mutex<Condition>,
    _stop: DropGuard,
}

/// A place for one connection, which a task of its own keeps filled.
#[derive(Debug)]
struct Line {
    link: watch::Receiver<Link>,
    wanted: Arc<Notify>,
}

/// The attempts to connect that had ended at some moment, one number for each line.
pub(crate) type Ended = Vec<u64>;

impl Server {
    /// Begins to connect.
    pub(crate) fn start(id: u64, endpoint: Endpoint, common: &Common) -> Arc<Self> {
        let label: Arc<str> = endpoint.label.as_str().into();
        let listing: Arc<Listing> = Arc::default();
        let stop = CancellationToken::new();
        let lines = (0..common.connections.max(1)).map(|_| {
            let (sender, link) = watch::channel(Link::Connecting {
                attempt: 1,
                after: None,
            });
            let wanted: Arc<Notify> = Arc::default();
            let dialer = Dialer {
                address: endpoint.address.clone(),
                label: Arc::clone(&label),
                server_name: endpoint.name.clone(),
                tls: Arc::clone(&common.tls),
                context: Context {
                    timings: common.timings,
                    listing: Arc::clone(&listing),
                    catalogs: Arc::clone(&common.catalogs),
                    changes: Arc::clone(&common.changes),
                    ticket_keys: common.ticket_keys.clone(),
                    stop: stop.clone(),
                },
                link: sender,
                wanted: Arc::clone(&wanted),
                dice: Dice::seeded(common.dice.next()),
            };
            tokio::spawn(dialer.run());
            Line { link, wanted }
        });
        Arc::new(Self {
            id,
            lines: lines.collect(),
            label,
            listing,
            condition: Mutex::default(),
            endpoint,
            _stop: stop.drop_guard(),
        })
    }

    /// The connection for the next operation: of those that take one, that with the least to do; a stalled one only if all are.
    pub(crate) fn connection(&self) -> Option<Arc<Connection>> {
        self.connections()
            .filter(|connection| connection.is_usable())
            .min_by_key(|connection| (connection.is_stalled(), connection.in_flight()))
    }

    fn connections(&self) -> impl Iterator<Item = Arc<Connection>> + '_ {
        self.lines
            .iter()
            .filter_map(|line| match &*line.link.borrow() {
                Link::Connected { connection, .. } => Some(Arc::clone(connection)),
                _ => None,
            })
    }

    /// Which attempts to connect are over.
    pub(crate) fn ended(&self) -> Ended {
        self.lines
            .iter()
            .map(|line| line.link.borrow().last_ended())
            .collect()
    }

    /// Whether a connection may come soon, for one who has waited since `before`: `None` if not, otherwise until when it makes
    /// sense to wait, if that has an end.
    pub(crate) fn hope(&self, before: &[u64], now: Instant) -> Option<Option<Instant>> {
        let mut until = None;
        for (index, line) in self.lines.iter().enumerate() {
            match &*line.link.borrow() {
                // Being connected anew, if it is of no use.
                Link::Connecting { .. } | Link::Connected { .. } => return Some(None),
                // A failure from before does not count: since then the key server may have come.
                Link::Failed { attempt, .. } if before.get(index).is_none_or(|n| attempt <= n) => {
                    return Some(None);
                }
                Link::Failed { patient_until, .. } if now < *patient_until => {
                    until = until.max(Some(*patient_until));
                }
                Link::Failed { .. } => (),
            }
        }
        until.map(Some)
    }

    /// Somebody waits for a connection: the pause between attempts is shortened.
    pub(crate) fn want(&self) {
        for line in &self.lines {
            line.wanted.notify_one();
        }
    }

    /// Whether there is a connection, or why not.
    pub(crate) fn state(&self) -> ConnectionState {
        let states = self
            .lines
            .iter()
            .map(|line| ConnectionState::from(&*line.link.borrow()));
        states
            .min_by_key(|state| match state {
                ConnectionState::Connected { .. } => 0,
                ConnectionState::Failed(_) => 1,
                ConnectionState::Connecting => 2,
            })
            .unwrap_or(ConnectionState::Connecting)
    }

    /// Asks for the catalog anew.
    pub(crate) fn request_catalog(&self) {
        if let Some(connection) = self.connection() {
            connection.request_catalog();
        }
    }

    /// Asks for the session ticket keys anew.
    pub(crate) fn request_ticket_keys(&self) {
        if let Some(connection) = self.connection() {
            connection.request_ticket_keys();
        }
    }

    /// Whether all connections are silent.
    pub(crate) fn is_stalled(&self) -> bool {
        self.connection()
            .is_some_and(|connection| connection.is_stalled())
    }

    /// It has failed an operation.
    pub(crate) fn note_failure(&self, error: &KeyClientError, now: Instant, fraction: f64) {
        let pause = self.condition().failed(now, fraction);
        if let Some(pause) = pause {
            warn!(server = %self.label, cause = %error, pause_ms = pause.as_millis(),
                "key server fails; leaving it alone for a while");
        }
    }

    pub(crate) fn condition(&self) -> MutexGuard<'_, Condition> {
        // Nothing done under the lock can panic halfway through a change.
        self.condition
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

/// An operation that a key server has. Dropped without an answer, it was given up.
#[derive(Debug)]
pub(crate) struct Errand {
    pub(crate) server: Arc<Server>,
    kind: WorkKind,
    number: u64,
    pub(crate) began: Instant,
    over: bool,
}

impl Errand {
    pub(crate) fn begin(server: Arc<Server>, kind: WorkKind) -> Self {
        let began = Instant::now();
        let number = server.condition().sent(kind, began);
        Self {
            server,
            kind,
            number,
            began,
            over: false,
        }
    }

    /// The answer is there; returns how long it took.
    pub(crate) fn answered(&mut self, reply: &Reply) -> Duration {
        let now = Instant::now();
        let took = now.saturating_duration_since(self.began);
        let work = Duration::from_micros(reply.work_us.into());
        self.over = true;
        let works_again = self.server.condition().answered(self.kind, took, work, now);
        if works_again {
            info!(server = %self.server.label, "key server works again");
        }
        took
    }

    /// An error is there, which says nothing about how long operations take.
    pub(crate) fn failed(&mut self) {
        self.over = true;
    }
}

impl Drop for Errand {
    fn drop(&mut self) {
        let now = Instant::now();
        let mut condition = self.server.condition();
        condition.done(self.kind, self.number);
        if !self.over {
            let waited = now.saturating_duration_since(self.began);
            condition.given_up(self.kind, waited, now);
        }
    }
}
