//! The key server's side of a [`RemoteStore`]: how much is asked of it at a time, and what it can do.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::mpsc;
use std::time::{Duration, Instant};

use keyward_crypto::rsa_kex::{self, ImplicitRejection, PREMASTER_LEN};
use keyward_crypto::signature::{PublicKey, SignatureAlgorithm};
use keyward_keyop::{KeyTask, decrypted_block};
use tokio::sync::Semaphore;

use super::remote::{Answer, KeyUse, RemoteKey, RemoteStore, StoreError};

/// How long a store may take to show that one of its keys works.
const PROBE: Duration = Duration::from_secs(10);

/// What a key signs to show that it does: nothing that TLS, X.509 or anything else signs.
pub(super) const PROBE_MESSAGE: &[u8] = b"keyward: does this key sign?";

/// A store, with what may be asked of it at a time.
#[derive(Clone, Debug)]
pub(crate) struct Gate {
    store: Arc<dyn RemoteStore>,
    shares: Arc<Semaphore>,
}

impl Gate {
    pub(crate) fn new(store: Arc<dyn RemoteStore>) -> Self {
        let capacity = store.capacity().clamp(1, Semaphore::MAX_PERMITS);
        Self {
            store,
            shares: Arc::new(Semaphore::new(capacity)),
        }
    }

    pub(crate) fn store(&self) -> &Arc<dyn RemoteStore> {
        &self.store
    }

    /// Asks the store, if it is not at its capacity.
    pub(crate) fn ask(
        &self,
        handle: &str,
        task: Arc<KeyTask>,
        deadline: Instant,
        withdrawn: Arc<AtomicBool>,
        to: impl FnOnce(Answer) + Send + 'static,
    ) -> Result<(), StoreError> {
        let share = Arc::clone(&self.shares).try_acquire_owned();
        let share = share.map_err(|_| StoreError::Busy)?;
        let key_use = KeyUse::new(task, deadline, withdrawn, share, to);
        self.store.perform(handle, key_use);
        Ok(())
    }

    /// Asks, and waits.
    fn ask_now(&self, handle: &str, task: KeyTask) -> Answer {
        let (sender, receiver) = mpsc::sync_channel(1);
        let to = move |answer| {
            let _ = sender.try_send(answer);
        };
        let deadline = Instant::now() + PROBE;
        self.ask(handle, Arc::new(task), deadline, Arc::default(), to)?;
        receiver.recv_timeout(PROBE).unwrap_or_else(|_| {
            Err(StoreError::Unavailable(format!(
                "no answer within {PROBE:?}"
            )))
        })
    }
}

/// A key that is not in this process.
pub(crate) struct Elsewhere {
    gate: Gate,
    handle: String,
    algorithms: Vec<SignatureAlgorithm>,
    /// As the store has said, which may be more.
    said: Vec<SignatureAlgorithm>,
    /// Of a key that decrypts.
    rejection: Option<ImplicitRejection>,
}

impl Elsewhere {
    /// Has the key show that it does what its store says: it signs once, in the first of its ways, and decrypts what was encrypted with its
    /// public key. `Err` is the cause, for people.
    pub(super) fn probe(gate: &Gate, key: &RemoteKey) -> Result<Self, String> {
        let RemoteKey {
            handle,
            public_key,
            algorithms,
            ..
        } = key;
        let fits = |algorithm: &&SignatureAlgorithm| public_key.supports(**algorithm);
        let algorithms: Vec<_> = algorithms.iter().filter(fits).copied().collect();
        if algorithms.is_empty() && !key.rsa_decrypt {
            return Err("there is nothing that it can be used for".to_owned());
        }
        if let Some(algorithm) = algorithms.first().copied() {
            let task = KeyTask::Sign {
                algorithm,
                message: PROBE_MESSAGE.to_vec(),
            };
            let answer = gate.ask_now(handle, task);
            let signature = answer.map_err(|error| format!("it does not sign: {error}"))?;
            public_key
                .verify(algorithm, PROBE_MESSAGE, &signature)
                .map_err(|_| {
                    format!("what it signs ({algorithm:?}) does not fit its public key")
                })?;
        }
        let rejection = match key.rsa_decrypt {
            true => Some(probe_decryption(gate, handle, public_key)?),
            false => None,
        };
        Ok(Self {
            gate: gate.clone(),
            handle: handle.clone(),
            algorithms,
            said: key.algorithms.clone(),
            rejection,
        })
    }

    /// Whether it is this key of this store, and has shown that it can do what the store says now.
    pub(super) fn is(&self, gate: &Gate, key: &RemoteKey) -> bool {
        Arc::ptr_eq(&self.gate.shares, &gate.shares)
            && self.handle == key.handle
            && self.said == key.algorithms
            && self.decrypts() == key.rsa_decrypt
    }

    pub(crate) fn gate(&self) -> &Gate {
        &self.gate
    }

    pub(crate) fn handle(&self) -> &str {
        &self.handle
    }

    pub(crate) fn decrypts(&self) -> bool {
        self.rejection.is_some()
    }

    pub(crate) fn rejection(&self) -> Option<&ImplicitRejection> {
        self.rejection.as_ref()
    }

    /// Whether the key is said to be able to do this.
    pub(crate) fn can(&self, task: &KeyTask) -> bool {
        match task {
            KeyTask::Sign { algorithm, .. } => self.algorithms.contains(algorithm),
            KeyTask::RsaDecrypt { .. } => self.decrypts(),
        }
    }
}

/// That the key decrypts and leaves the padding alone; a store that unpads would be an oracle. Yields the key's implicit
/// rejection, for which it decrypts a number of its own.
fn probe_decryption(
    gate: &Gate,
    handle: &str,
    public_key: &PublicKey,
) -> Result<ImplicitRejection, String> {
    let decrypt = |ciphertext: Vec<u8>| {
        let task = KeyTask::RsaDecrypt {
            ciphertext: ciphertext.clone(),
        };
        let answer = gate.ask_now(handle, task);
        let answer = answer.map_err(|error| format!("it does not decrypt: {error}"))?;
        decrypted_block(public_key, &ciphertext, &answer).map_err(|_| {
            "it does not decrypt without unpadding, or it is not the key of its public key"
                .to_owned()
        })
    };
    let no_rsa = || "it is no RSA key that decrypts".to_owned();
    let ciphertext =
        rsa_kex::encrypt_premaster(public_key, &[3; PREMASTER_LEN]).map_err(|_| no_rsa())?;
    decrypt(ciphertext)?;
    let question = ImplicitRejection::question(public_key).ok_or_else(no_rsa)?;
    Ok(ImplicitRejection::of_answer(&decrypt(question)?))
}

impl fmt::Debug for Elsewhere {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Elsewhere")
            .field("store", &self.gate.store)
            .field("handle", &self.handle)
            .finish_non_exhaustive()
    }
}
