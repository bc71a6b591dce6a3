//! The libraries that speak to tokens. A process initialises each of them once, whoever uses it.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard};
use std::thread::sleep;
use std::time::{Duration, Instant};

use cryptoki::context::{CInitializeArgs, CInitializeFlags, Pkcs11};
use cryptoki::error::{Error, RvError};
use tracing::info;

/// How long initialising anew waits for calls to return.
const PATIENCE: Duration = Duration::from_secs(2);

/// Those in use. They stay until the process ends: unloading a library that may have threads is not safe.
static LOADED: Mutex<Vec<(PathBuf, Arc<Module>)>> = Mutex::new(Vec::new());

/// An initialised library.
#[derive(Debug)]
pub(super) struct Module {
    context: Pkcs11,
    /// How often it was initialised. Calls hold it for reading: none is under way while it is initialised anew, and none is made
    /// with a handle from before.
    generation: RwLock<u64>,
    /// Open connections, by the names of their tokens.
    connections: Mutex<HashMap<String, usize>>,
}

impl Module {
    /// The library in this file, initialised.
    pub(super) fn load(path: &Path) -> Result<Arc<Self>, Error> {
        let mut loaded = LOADED.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, module)) = loaded.iter().find(|(known, _)| known == path) {
            return Ok(Arc::clone(module));
        }
        let context = Pkcs11::new(path)?;
        initialize(&context)?;
        let module = Arc::new(Self {
            context,
            generation: RwLock::new(0),
            connections: Mutex::default(),
        });
        loaded.push((path.to_owned(), Arc::clone(&module)));
        Ok(module)
    }

    pub(super) fn context(&self) -> &Pkcs11 {
        &self.context
    }

    /// For a call that opens something: the generation.
    pub(super) fn enter(&self) -> RwLockReadGuard<'_, u64> {
        let generation = self.generation.read();
        generation.unwrap_or_else(PoisonError::into_inner)
    }

    /// For a call with what was opened in this generation; `None` if that is over.
    pub(super) fn enter_again(&self, generation: u64) -> Option<RwLockReadGuard<'_, u64>> {
        let guard = self.enter();
        (*guard == generation).then_some(guard)
    }

    pub(super) fn connected(&self, token: &str) {
        *self.connections().entry(token.to_owned()).or_default() += 1;
    }

    pub(super) fn disconnected(&self, token: &str) {
        if let Some(count) = self.connections().get_mut(token) {
            *count = count.saturating_sub(1);
        }
    }

    fn connections(&self) -> MutexGuard<'_, HashMap<String, usize>> {
        self.connections
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether another token than this is in use.
    fn serves_others(&self, token: &str) -> bool {
        let connections = self.connections();
        connections
            .iter()
            .any(|(other, count)| other != token && *count > 0)
    }

    /// Has the library look for its devices anew: many find a token that comes back only then. Not while another token is in
    /// use, and not while a call hangs.
    pub(super) fn renew(&self, token: &str) {
        let until = Instant::now() + PATIENCE;
        while !self.serves_others(token) && Instant::now() < until {
            let Ok(mut generation) = self.generation.try_write() else {
                sleep(Duration::from_millis(20));
                continue;
            };
            if self.serves_others(token) {
                return;
            }
            *generation += 1;
            let finalized = self.context.clone().finalize();
            let initialized = initialize(&self.context);
            info!(?finalized, ?initialized, "PKCS #11 module initialised anew");
            return;
        }
    }
}

fn initialize(context: &Pkcs11) -> Result<(), Error> {
    // PKCS #11 2.40 §5.4: several threads call it at a time.
    let arguments = CInitializeArgs::new(CInitializeFlags::OS_LOCKING_OK);
    match context.initialize(arguments) {
        Err(Error::Pkcs11(RvError::CryptokiAlreadyInitialized, _)) => Ok(()),
        outcome => outcome,
    }
}
