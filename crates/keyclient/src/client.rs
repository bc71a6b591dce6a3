//! The handle that the edge holds.

use std::sync::Arc;
use std::time::{Duration, Instant};

use keyward_keyop::{Operation, OperationResult};
use keyward_protocol::{Address, Catalog, TicketKeys};
use tokio::sync::{Notify, watch};
use tokio::time::timeout_at;
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::channel;
use crate::config::{KeyClientConfig, KeyClientConfigError};
use crate::connection::{Connection, Context};
use crate::dialer::Dialer;
use crate::error::KeyClientError;
use crate::state::{ConnectionState, Link};

/// A client of one key server. Clones share the connection; it is closed with the last of them.
#[derive(Clone, Debug)]
pub struct KeyClient {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    address: Address,
    link: watch::Receiver<Link>,
    catalog: watch::Receiver<Option<Arc<Catalog>>>,
    ticket_keys: watch::Receiver<Option<Arc<TicketKeys>>>,
    wanted: Arc<Notify>,
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
}

impl KeyClient {
    /// Starts connecting in the background and returns at once, within the tokio runtime that it is called in. A key server that
    /// is out of reach is no error here: it may come.
    ///
    /// # Errors
    /// If the certificates, the key or the name cannot be used.
    pub fn start(config: KeyClientConfig) -> Result<Self, KeyClientConfigError> {
        let (address, timings) = (config.server.clone(), config.timings);
        let (tls, server_name) = channel::client_config(config)?;
        let (link_sender, link) = watch::channel(Link::Connecting {
            attempt: 1,
            after: None,
        });
        let (catalog_sender, catalog) = watch::channel(None);
        let (ticket_keys_sender, ticket_keys) = watch::channel(None);
        let wanted = Arc::new(Notify::new());
        let stop = CancellationToken::new();
        let dialer = Dialer {
            address: address.clone(),
            server_name,
            tls,
            context: Context {
                timings,
                catalog: catalog_sender,
                ticket_keys: ticket_keys_sender,
                stop: stop.clone(),
            },
            link: link_sender,
            wanted: Arc::clone(&wanted),
        };
        tokio::spawn(dialer.run());
        Ok(Self {
            inner: Arc::new(Inner {
                address,
                link,
                catalog,
                ticket_keys,
                wanted,
                _stop: stop.drop_guard(),
            }),
        })
    }

    /// Has the key server perform an operation, within `deadline` from now.
    ///
    /// Without a connection it waits for one, and fails as soon as an attempt to connect does; just after the loss of a connection
    /// it waits a little longer ([`Timings::restart`](crate::Timings::restart)). If the connection dies before the answer, the
    /// operation is sent once more on the next one. If the future is dropped, the key server is told.
    pub async fn perform(
        &self,
        operation: Operation,
        deadline: Duration,
    ) -> Result<Performed, KeyClientError> {
        let began = Instant::now();
        let until = began + deadline;
        let reply = match self.attempt(&operation, until).await {
            Err(KeyClientError::ConnectionLost { .. }) => self.attempt(&operation, until).await?,
            other => other?,
        };
        Ok(Performed {
            result: reply.result,
            round_trip: began.elapsed(),
            queue_us: reply.queue_us,
            work_us: reply.work_us,
        })
    }

    async fn attempt(
        &self,
        operation: &Operation,
        until: Instant,
    ) -> Result<keyward_protocol::Reply, KeyClientError> {
        let connection = self.connection(until).await?;
        timeout_at(until.into(), connection.request(operation, until))
            .await
            .unwrap_or(Err(KeyClientError::Expired))
    }

    /// The connection, when there is one.
    async fn connection(&self, until: Instant) -> Result<Arc<Connection>, KeyClientError> {
        let mut link = self.inner.link.clone();
        // A failure from before does not count: since then the key server may have come.
        let before = link.borrow().last_ended();
        let mut failure = KeyClientError::Unreachable {
            cause: format!("{}: no connection within the deadline", self.inner.address),
        };
        loop {
            let mut wait_until = until;
            match &*link.borrow_and_update() {
                Link::Connected { connection, .. } if connection.is_usable() => {
                    return Ok(Arc::clone(connection));
                }
                Link::Failed {
                    attempt,
                    error,
                    patient_until,
                } => {
                    let patient = Instant::now() < *patient_until;
                    if *attempt > before && !patient {
                        return Err(error.clone());
                    }
                    failure = error.clone();
                    if patient {
                        wait_until = until.min(*patient_until);
                    }
                }
                _ => (),
            }
            self.inner.wanted.notify_one();
            match timeout_at(wait_until.into(), link.changed()).await {
                Ok(Ok(())) => (),
                Ok(Err(_)) => {
                    return Err(KeyClientError::Unreachable {
                        cause: "the client's runtime has ended".to_owned(),
                    });
                }
                Err(_) => return Err(failure),
            }
        }
    }

    /// The keys and certificate chains that this edge may use; `None` until the first connection. It stays what it last was while
    /// the key server is out of reach.
    pub fn catalog(&self) -> watch::Receiver<Option<Arc<Catalog>>> {
        self.inner.catalog.clone()
    }

    /// Asks for the catalog anew, if there is a connection. The answer appears in [`KeyClient::catalog`].
    pub fn refresh_catalog(&self) {
        if let Link::Connected { connection, .. } = &*self.inner.link.borrow() {
            connection.request_catalog();
        }
    }

    /// The session ticket keys that edges have in common; `None` if the key server has given none. They are asked for with each
    /// connection, and by [`KeyClient::refresh_ticket_keys`].
    pub fn ticket_keys(&self) -> watch::Receiver<Option<Arc<TicketKeys>>> {
        self.inner.ticket_keys.clone()
    }

    /// Asks for the session ticket keys anew, if there is a connection. The answer appears in [`KeyClient::ticket_keys`].
    pub fn refresh_ticket_keys(&self) {
        if let Link::Connected { connection, .. } = &*self.inner.link.borrow() {
            connection.request_ticket_keys();
        }
    }

    /// Whether there is a connection, or why not.
    pub fn state(&self) -> ConnectionState {
        ConnectionState::from(&*self.inner.link.borrow())
    }

    /// Waits until there is a connection, or the first attempt from now has failed.
    pub async fn connected(&self, deadline: Duration) -> Result<(), KeyClientError> {
        self.connection(Instant::now() + deadline).await.map(drop)
    }

    /// The key server's address.
    pub fn server(&self) -> &Address {
        &self.inner.address
    }
}
