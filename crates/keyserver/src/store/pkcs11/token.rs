//! What is known of a token: where it is, how one logs in, and what it said last.

use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use cryptoki::error::RvError;
use cryptoki::types::AuthPin;
use zeroize::Zeroizing;

use super::super::files::Trouble;
use super::super::passphrase;
use super::super::remote::StoreError;
use super::connection::Connection;
use super::module::Module;
use crate::config::{PassphraseSource, Pkcs11Uri};

/// Between two attempts to reach a token that is not there: at first, and at most.
const PAUSE: Duration = Duration::from_millis(250);
const LONGEST_PAUSE: Duration = Duration::from_secs(10);

/// A token of the configuration.
#[derive(Debug)]
pub(super) struct Token {
    pub(super) uri: Pkcs11Uri,
    /// The URI as text.
    pub(super) name: String,
    pub(super) module: PathBuf,
    pin: Option<PassphraseSource>,
    state: Mutex<PinState>,
    absence: Mutex<Option<Absence>>,
}

/// A PIN that the token has refused, and why. It is not tried again: tokens count, and lock.
#[derive(Default)]
struct PinState(Option<(Zeroizing<String>, RvError)>);

impl std::fmt::Debug for PinState {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(if self.0.is_some() {
            "refused"
        } else {
            "not refused"
        })
    }
}

/// That the token was not there when it was last looked for.
#[derive(Debug)]
struct Absence {
    error: StoreError,
    pause: Duration,
    until: Instant,
}

impl Token {
    pub(super) fn new(uri: Pkcs11Uri, module: PathBuf, pin: Option<PassphraseSource>) -> Self {
        Self {
            name: uri.to_string(),
            uri,
            module,
            pin,
            state: Mutex::default(),
            absence: Mutex::default(),
        }
    }

    /// A connection, unless the token was found missing a moment ago. With `anew`, it is looked for in any case.
    pub(super) fn connect(&self, anew: bool) -> Result<Connection, StoreError> {
        // One thread looks, the others wait for what it finds.
        let mut absence = self.absence.lock().unwrap_or_else(PoisonError::into_inner);
        let waiting = absence
            .as_ref()
            .filter(|it| !anew && Instant::now() < it.until);
        if let Some(absence) = waiting {
            return Err(absence.error.clone());
        }
        let mut found = Connection::open(self);
        if found.is_err()
            && absence.is_some()
            && let Ok(module) = Module::load(&self.module)
        {
            module.renew(&self.name);
            found = Connection::open(self);
        }
        match found {
            Ok(connection) => {
                if absence.take().is_some() {
                    tracing::info!(token = %self.uri, "the token is back");
                }
                Ok(connection)
            }
            Err(error) => {
                let pause = absence.as_ref().map_or(PAUSE, |it| it.pause * 2);
                let pause = pause.min(LONGEST_PAUSE);
                if absence.is_none() {
                    tracing::error!(token = %self.uri, %error, "THE TOKEN IS OUT OF REACH; it is looked for");
                }
                *absence = Some(Absence {
                    error: error.clone(),
                    pause,
                    until: Instant::now() + pause,
                });
                Err(error)
            }
        }
    }

    pub(super) fn login(&self) -> Login<'_> {
        Login(self.state.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// The right to try a PIN, which one thread has at a time.
pub(super) struct Login<'a>(MutexGuard<'a, PinState>);

impl Login<'_> {
    /// The PIN, unless it is the one that the token has refused.
    pub(super) fn pin(&self, token: &Token) -> Result<AuthPin, StoreError> {
        let pin = token.read_pin()?;
        match &self.0.0 {
            Some((refused, error)) if *refused == pin => Err(refusal(*error)),
            _ => Ok(AuthPin::from(pin.as_str().to_owned())),
        }
    }

    pub(super) fn right(&mut self) {
        self.0.0 = None;
    }

    /// The token has refused the PIN.
    pub(super) fn wrong(&mut self, token: &Token, error: RvError) -> StoreError {
        if let Ok(pin) = token.read_pin() {
            self.0.0 = Some((pin, error));
        }
        refusal(error)
    }
}

impl Token {
    fn read_pin(&self) -> Result<Zeroizing<String>, StoreError> {
        let source = self.pin.as_ref().ok_or_else(|| {
            StoreError::Unavailable("the token wants a PIN; name its file as `pin_file`".to_owned())
        })?;
        let line = passphrase::line(source, "PIN").map_err(|Trouble { cause, remedy }| {
            StoreError::Unavailable(format!("{cause}; {remedy}"))
        })?;
        let text = std::str::from_utf8(&line);
        let text = text.map_err(|_| StoreError::Unavailable("the PIN is not UTF-8".to_owned()))?;
        Ok(Zeroizing::new(text.to_owned()))
    }
}

fn refusal(error: RvError) -> StoreError {
    StoreError::Unavailable(format!(
        "the token refuses the PIN ({error}). It is not tried again, since tokens count; write the right one where it is"
    ))
}
