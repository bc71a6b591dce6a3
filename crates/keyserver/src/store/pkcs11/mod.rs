//! Keys in tokens: hardware security modules, and whatever else has a PKCS #11 library.
//!
//! A library may be slow, and calls block: each session has a thread of its own, and the key server's workers give their uses to
//! these through a channel. A token that goes away is looked for until it is back; meanwhile its uses fail at once.

mod connection;
mod mechanism;
mod module;
mod public_key;
mod token;

use std::collections::HashMap;
use std::fmt;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::thread::Builder;
use std::time::Duration;

use keyward_keyop::KeyTask;

use super::remote::{KeyUse, RemoteKey, RemoteStore, StoreError};
use crate::config::Pkcs11Config;

use connection::{Connection, Located, Lost};
use token::Token;

/// So many uses may wait for each session.
const WAITING_PER_SESSION: usize = 32;

/// How long a token may take to list its keys. Network HSMs take seconds to log in.
const LIST: Duration = Duration::from_secs(20);

/// The keys of one token.
pub struct Pkcs11Store {
    name: String,
    capacity: usize,
    work: Sender<Work>,
    /// By the handles that the key server has.
    located: Arc<RwLock<HashMap<String, Located>>>,
}

enum Work {
    List(SyncSender<Result<Vec<RemoteKey>, StoreError>>),
    Use { handle: String, key_use: KeyUse },
}

impl Pkcs11Store {
    /// Starts the threads. The token is looked for when its keys are asked for.
    ///
    /// # Errors
    /// A thread cannot be started.
    pub fn new(config: &Pkcs11Config) -> io::Result<Self> {
        let token = Arc::new(Token::new(
            config.uri.clone(),
            config.module.clone(),
            config.pin.clone(),
        ));
        let (work, incoming) = channel();
        let incoming = Arc::new(Mutex::new(incoming));
        let located = Arc::new(RwLock::new(HashMap::new()));
        for i in 0..config.sessions {
            let session = SessionThread {
                token: Arc::clone(&token),
                incoming: Arc::clone(&incoming),
                located: Arc::clone(&located),
                connection: None,
            };
            Builder::new()
                .name(format!("kw-pkcs11-{i}"))
                .spawn(move || session.run())?;
        }
        Ok(Self {
            name: config.uri.to_string(),
            capacity: config.sessions * WAITING_PER_SESSION,
            work,
            located,
        })
    }
}

impl RemoteStore for Pkcs11Store {
    fn name(&self) -> &str {
        &self.name
    }

    fn capacity(&self) -> usize {
        self.capacity
    }

    fn keys(&self) -> Result<Vec<RemoteKey>, StoreError> {
        let (to, keys) = sync_channel(1);
        let gone = |_| StoreError::Dropped;
        self.work.send(Work::List(to)).map_err(gone)?;
        keys.recv_timeout(LIST).unwrap_or_else(|_| {
            Err(StoreError::Unavailable(format!(
                "the PKCS #11 module does not answer within {LIST:?}"
            )))
        })
    }

    fn perform(&self, handle: &str, key_use: KeyUse) {
        // If the threads are gone, the use is dropped here, and its edge hears of it.
        let _ = self.work.send(Work::Use {
            handle: handle.to_owned(),
            key_use,
        });
    }
}

impl fmt::Debug for Pkcs11Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let located = self.located.read().unwrap_or_else(PoisonError::into_inner);
        f.debug_struct("Pkcs11Store")
            .field("name", &self.name)
            .field("keys", &located.len())
            .finish_non_exhaustive()
    }
}

/// A thread with its session.
struct SessionThread {
    token: Arc<Token>,
    incoming: Arc<Mutex<Receiver<Work>>>,
    located: Arc<RwLock<HashMap<String, Located>>>,
    connection: Option<Connection>,
}

impl SessionThread {
    fn run(mut self) {
        loop {
            let incoming = self.incoming.lock().unwrap_or_else(PoisonError::into_inner);
            let work = incoming.recv();
            drop(incoming);
            match work {
                Ok(Work::List(to)) => {
                    let listed = self.guarded(|session| session.list());
                    // Whoever asked may have given up.
                    let _ = to.try_send(listed);
                }
                Ok(Work::Use { handle, key_use }) => {
                    let Some(key_use) = key_use.if_wanted() else {
                        continue;
                    };
                    let answer = self.guarded(|session| session.perform(&handle, key_use.task()));
                    key_use.answer(answer);
                }
                Err(_) => return,
            }
        }
    }

    /// A bug here must not end the thread, and with it a session.
    fn guarded<T>(
        &mut self,
        act: impl FnOnce(&mut Self) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let outcome = catch_unwind(AssertUnwindSafe(|| act(self)));
        outcome.unwrap_or_else(|_| {
            self.connection = None;
            Err(StoreError::Dropped)
        })
    }

    fn list(&mut self) -> Result<Vec<RemoteKey>, StoreError> {
        let token = Arc::clone(&self.token);
        let found = self.on_connection(true, |connection| connection.keys(&token.uri))?;
        let (keys, located): (Vec<_>, HashMap<_, _>) = found
            .into_iter()
            .map(|(key, located)| {
                let handle = key.handle.clone();
                (key, (handle, located))
            })
            .unzip();
        *self.located.write().unwrap_or_else(PoisonError::into_inner) = located;
        Ok(keys)
    }

    fn perform(&mut self, handle: &str, task: &KeyTask) -> Result<Vec<u8>, StoreError> {
        let located = {
            let located = self.located.read().unwrap_or_else(PoisonError::into_inner);
            located.get(handle).cloned()
        };
        let missing = || {
            StoreError::Failed(
                "the key was not in the token when its keys were last listed".to_owned(),
            )
        };
        let located = located.ok_or_else(missing)?;
        self.on_connection(false, |connection| {
            connection.perform(handle, &located, task)
        })
    }

    /// Acts on the connection. If that turns out to be lost, acts once more, on a new one.
    fn on_connection<T>(
        &mut self,
        anew: bool,
        mut act: impl FnMut(&mut Connection) -> Result<T, Lost>,
    ) -> Result<T, StoreError> {
        if let Some(connection) = self.connection.as_mut().filter(|it| !it.is_stale()) {
            match act(connection) {
                Ok(done) => return Ok(done),
                Err(Lost::Use(error)) => return Err(error),
                Err(Lost::Connection(error)) => {
                    tracing::warn!(token = %self.token.uri, %error, "the session with the token is lost");
                }
            }
        }
        // First the old one is closed: tokens have few sessions.
        self.connection = None;
        let mut connection = self.token.connect(anew)?;
        let outcome = act(&mut connection);
        if !matches!(outcome, Err(Lost::Connection(_))) {
            self.connection = Some(connection);
        }
        outcome.map_err(Lost::error)
    }
}
