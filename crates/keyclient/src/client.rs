//! The handle that the edge holds.

use std::sync::Arc;
use std::time::Duration;

use keyward_keyop::{Operation, OperationResult};
use keyward_protocol::{Catalog, TicketKeys};
use tokio::sync::watch;
use tokio::time::{Instant, timeout};
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::breaker::Advice;
use crate::changes::Changes;
use crate::channel;
use crate::config::{KeyClientConfig, KeyClientConfigError};
use crate::error::KeyClientError;
use crate::fleet::{Fleet, Purpose, Visited};
use crate::listing::Catalogs;
use crate::race;
use crate::random::Dice;
use crate::resolve::Resolving;
use crate::route::Route;
use crate::server::{Common, Endpoint};
use crate::state::ConnectionState;
use crate::status::{ClientCounts, ServerStatus};
use crate::target::Target;

/// A client of key servers. Clones share the connections; they are closed with the last of them.
#[derive(Clone, Debug)]
pub struct KeyClient {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    fleet: Arc<Fleet>,
    ticket_keys: watch::Receiver<Option<Arc<TicketKeys>>>,
    _stop: DropGuard,
}

/// An operation's result, and the time that it took.
#[derive(Debug)]
pub struct Performed {
    /// The signature or the master secret.
    pub result: OperationResult,
    /// From the call to the answer, with a wait for the connection if there was one.
    pub round_trip: Duration,
    /// Microseconds that it waited for a worker of the key server.
    pub queue_us: u32,
    /// Microseconds of its check and of the private-key operation.
    pub work_us: u32,
    /// Who answered, and what it took to get the answer.
    pub route: Route,
}

impl KeyClient {
    /// Starts connecting in the background and returns at once, within the tokio runtime that it is called in. A key server that
    /// is out of reach is no error here: it may come.
    ///
    /// # Errors
    /// If there is no key server, or the certificates, the key or a name cannot be used.
    pub fn start(config: KeyClientConfig) -> Result<Self, KeyClientConfigError> {
        let (servers, dns) = (config.servers.clone(), config.dns.clone());
        if servers.is_empty() {
            return Err(KeyClientConfigError::NoServer);
        }
        let names = servers
            .iter()
            .map(|server| channel::server_name(&server.name))
            .collect::<Result<Vec<_>, _>>()?;
        let (ticket_keys_sender, ticket_keys) = watch::channel(None);
        let (timings, connections) = (config.timings, config.connections);
        let hedge_percent = config.hedge_percent;
        let common = Common {
            tls: channel::client_config(config)?,
            timings,
            connections,
            ticket_keys: ticket_keys_sender,
            catalogs: Arc::new(Catalogs::default()),
            changes: Arc::new(Changes::default()),
            dice: Dice::default(),
        };
        let titles = servers.iter().map(|server| server.target.to_string());
        let fleet = Arc::new(Fleet::new(common, hedge_percent, titles.collect()));
        let stop = CancellationToken::new();
        for (group, (server, name)) in servers.into_iter().zip(names).enumerate() {
            match server.target {
                Target::Address(address) if !Target::Address(address.clone()).is_name() => {
                    let label = address.to_string();
                    let priority = 0;
                    let endpoint = Endpoint {
                        address,
                        name,
                        label,
                        priority,
                    };
                    fleet.replace(group, vec![endpoint]);
                }
                target => {
                    let dns = dns.clone();
                    let resolving = Resolving { target, name, dns };
                    let resolving = resolving.keep(Arc::downgrade(&fleet), group);
                    let stop = stop.clone();
                    tokio::spawn(async move {
                        tokio::select! {
                            () = stop.cancelled() => (),
                            () = resolving => (),
                        }
                    });
                }
            }
        }
        Ok(Self {
            inner: Arc::new(Inner {
                fleet,
                ticket_keys,
                _stop: stop.drop_guard(),
            }),
        })
    }

    /// Has a key server perform an operation, within `deadline` from now.
    ///
    /// It goes to one that lists the key, by preference to one that is fast and has little to do. If the answer takes longer than
    /// nearly all did lately, a second one is asked as well, within a budget; if a key server fails, is overloaded or falls silent,
    /// another one. What a key server refuses is refused. Doing an operation twice does no harm.
    ///
    /// Without a connection it waits for one, and fails as soon as an attempt to connect to each has; just after the loss of a
    /// connection it waits a little longer ([`Timings::restart`](crate::Timings::restart)). If the future is dropped, the key
    /// servers are told.
    ///
    /// # Errors
    /// If no key server answers in time, or one refuses.
    pub async fn perform(
        &self,
        operation: Operation,
        deadline: Duration,
    ) -> Result<Performed, KeyClientError> {
        self.perform_borrowed(&operation, deadline).await
    }

    /// [`perform`](Self::perform) for who wants to have the operation back.
    ///
    /// # Errors
    /// Those of `perform`.
    pub async fn perform_borrowed(
        &self,
        operation: &Operation,
        deadline: Duration,
    ) -> Result<Performed, KeyClientError> {
        let began = Instant::now();
        let (reply, route) = race::run(&self.inner.fleet, operation, began + deadline).await?;
        Ok(Performed {
            result: reply.result,
            round_trip: began.elapsed(),
            queue_us: reply.queue_us,
            work_us: reply.work_us,
            route,
        })
    }

    /// The keys and certificate chains that this edge may use, of all key servers together; `None` until the first connection. It
    /// stays what it last was while a key server is out of reach.
    pub fn catalog(&self) -> watch::Receiver<Option<Arc<Catalog>>> {
        self.inner.fleet.common.catalogs.follow()
    }

    /// Asks for the catalogs anew, where there is a connection. What comes appears in [`KeyClient::catalog`].
    pub fn refresh_catalog(&self) {
        for server in self.inner.fleet.servers() {
            server.request_catalog();
        }
    }

    /// The session ticket keys that edges have in common; `None` if no key server has given any. They are asked for with each
    /// connection, and by [`KeyClient::refresh_ticket_keys`].
    pub fn ticket_keys(&self) -> watch::Receiver<Option<Arc<TicketKeys>>> {
        self.inner.ticket_keys.clone()
    }

    /// Asks for the session ticket keys anew, where there is a connection: whichever key server answers will do. The answers
    /// appear in [`KeyClient::ticket_keys`].
    pub fn refresh_ticket_keys(&self) {
        for server in self.inner.fleet.servers() {
            server.request_ticket_keys();
        }
    }

    /// Whether there is a connection to any key server, or why not.
    pub fn state(&self) -> ConnectionState {
        let fleet = &self.inner.fleet;
        let servers = fleet.servers();
        let mut connecting = servers.is_empty() && fleet.is_resolving();
        for server in &servers {
            match server.state() {
                connected @ ConnectionState::Connected { .. } => return connected,
                ConnectionState::Connecting => connecting = true,
                ConnectionState::Failed(_) => (),
            }
        }
        if connecting {
            ConnectionState::Connecting
        } else {
            ConnectionState::Failed(fleet.trouble())
        }
    }

    /// Every key server that is known now.
    pub fn servers(&self) -> Vec<ServerStatus> {
        let now = Instant::now();
        let servers = self.inner.fleet.servers();
        let status = servers.iter().map(|server| {
            let (connection, stalled) = (server.state(), server.is_stalled());
            let condition = server.condition();
            ServerStatus {
                server: server.label.to_string(),
                connection,
                stalled,
                left_alone: condition.advice(now) != Advice::Ask,
                in_flight: condition.in_flight(),
                answered: condition.answered,
                failed: condition.failed,
                latency: condition.latencies(),
            }
        });
        status.collect()
    }

    /// What was done since the start.
    pub fn counts(&self) -> ClientCounts {
        self.inner.fleet.counts.read()
    }

    /// Waits until there is a connection, or the first attempt from now has failed with each key server.
    ///
    /// # Errors
    /// If there is none within `deadline`.
    pub async fn connected(&self, deadline: Duration) -> Result<(), KeyClientError> {
        let fleet = &self.inner.fleet;
        let visited = Visited::default();
        let choice = race::wait(fleet, Fleet::want_any(), &visited, Purpose::AskAgain);
        match timeout(deadline, choice).await {
            Ok(Some(_)) => Ok(()),
            Ok(None) | Err(_) => Err(fleet.trouble()),
        }
    }
}
