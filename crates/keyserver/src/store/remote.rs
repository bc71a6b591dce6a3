//! The trait of stores whose keys are not in this process.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use keyward_crypto::signature::{PublicKey, SignatureAlgorithm};
use keyward_keyop::KeyTask;
use tokio::sync::OwnedSemaphorePermit;
use zeroize::Zeroizing;

/// Keys in a device, or behind a service.
///
/// The key server asks such a store for its keys, and later for single uses of one. By then the operation has passed every
/// check, and its bytes are there: a store sees no handshake, no edge and no rule. It signs a message, or decrypts a
/// ciphertext, and answers whenever it can, from whichever thread. What it answers is verified with the public key, formatted,
/// recorded and sent by the key server, and so are deadlines: who does not answer is not waited for.
///
/// [`perform`](Self::perform) is called by a worker that other keys need. It starts, and returns: a device has threads of its
/// own for it, which take what is to be done from a channel; a client of a service spawns a task. At most
/// [`capacity`](Self::capacity) uses are given out at a time. Beyond that edges hear `overloaded` at once, so that they can ask
/// elsewhere, and a store needs no queue with a bound of its own.
///
/// A whole store, with a thread in the place of a device:
///
/// ```
/// use std::sync::mpsc::{Sender, channel};
///
/// use keyward_crypto::private_key::PrivateKey;
/// use keyward_keyserver::store::{KeyTask, KeyUse, RemoteKey, RemoteStore, StoreError};
///
/// #[derive(Debug)]
/// struct Device {
///     public: RemoteKey,
///     uses: Sender<KeyUse>,
/// }
///
/// impl Device {
///     fn new(key: PrivateKey) -> Self {
///         let public = RemoteKey::new("slot 1", "shop", key.public_key().clone());
///         let (uses, incoming) = channel::<KeyUse>();
///         std::thread::spawn(move || {
///             for key_use in incoming {
///                 // Its edge may have gone, or its deadline passed, while it was waiting here.
///                 let Some(key_use) = key_use.if_wanted() else { continue };
///                 let answer = match key_use.task() {
///                     KeyTask::Sign { algorithm, message } => key
///                         .sign(*algorithm, message)
///                         .map_err(|error| StoreError::Failed(error.to_string())),
///                     KeyTask::RsaDecrypt { .. } => {
///                         Err(StoreError::Failed("this device only signs".to_owned()))
///                     }
///                 };
///                 key_use.answer(answer);
///             }
///         });
///         Self { public, uses }
///     }
/// }
///
/// impl RemoteStore for Device {
///     fn name(&self) -> &str {
///         "device"
///     }
///
///     fn capacity(&self) -> usize {
///         16
///     }
///
///     fn keys(&self) -> Result<Vec<RemoteKey>, StoreError> {
///         Ok(vec![self.public.clone()])
///     }
///
///     fn perform(&self, _handle: &str, key_use: KeyUse) {
///         // If the thread is gone, the use is dropped here, and its edge hears of it.
///         let _ = self.uses.send(key_use);
///     }
/// }
///
/// // `KeyServer::start_with(config, vec![Arc::new(device)])` serves its keys.
/// let device = Device::new(PrivateKey::generate_p256()?);
/// assert_eq!(device.keys()?.len(), 1);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub trait RemoteStore: Send + Sync + fmt::Debug {
    /// What it is called in logs and problems, such as `pkcs11:token=web`.
    fn name(&self) -> &str;

    /// How many uses of its keys may be under way at a time; at least 1.
    fn capacity(&self) -> usize;

    /// The keys that there are now. It is asked at the start and whenever the configuration is read anew, on a thread that
    /// may wait, within a tokio runtime or not.
    ///
    /// # Errors
    /// The store is out of reach; the keys of other stores are served. If it had been in reach before, the keys that it had
    /// then stay.
    fn keys(&self) -> Result<Vec<RemoteKey>, StoreError>;

    /// Begins to use the key that [`keys`](Self::keys) has shown with this handle, and returns at once. The answer comes by
    /// [`KeyUse::answer`], later.
    fn perform(&self, handle: &str, key_use: KeyUse);
}

/// A key in a [`RemoteStore`].
#[derive(Clone, Debug)]
pub struct RemoteKey {
    /// What the store calls it. [`RemoteStore::perform`] gets it back.
    pub handle: String,
    /// What the operator calls it, in rules and logs.
    pub label: String,
    /// Its public half.
    pub public_key: PublicKey,
    /// How it can sign; nothing else is asked of it. May be empty, for a key that decrypts.
    pub algorithms: Vec<SignatureAlgorithm>,
    /// Whether it can do [`KeyTask::RsaDecrypt`].
    pub rsa_decrypt: bool,
}

impl RemoteKey {
    /// A key that signs in all ways that its kind has, and does not decrypt.
    pub fn new(handle: impl Into<String>, label: impl Into<String>, public_key: PublicKey) -> Self {
        let algorithms = SignatureAlgorithm::ALL.into_iter();
        Self {
            handle: handle.into(),
            label: label.into(),
            algorithms: algorithms
                .filter(|algorithm| public_key.supports(*algorithm))
                .collect(),
            public_key,
            rsa_decrypt: false,
        }
    }
}

/// What a store answers: a signature, or a decrypted block.
pub(crate) type Answer = Result<Zeroizing<Vec<u8>>, StoreError>;

/// One use of a key that a store has been asked for, to be answered once. If it is dropped instead, by a panic too, the edge is
/// told that the store has failed.
pub struct KeyUse {
    task: Arc<KeyTask>,
    deadline: Instant,
    /// The edge does not want it any more.
    withdrawn: Arc<AtomicBool>,
    to: Option<Box<dyn FnOnce(Answer) + Send>>,
    /// Its share of the store's capacity.
    _share: OwnedSemaphorePermit,
}

impl KeyUse {
    pub(super) fn new(
        task: Arc<KeyTask>,
        deadline: Instant,
        withdrawn: Arc<AtomicBool>,
        share: OwnedSemaphorePermit,
        to: impl FnOnce(Answer) + Send + 'static,
    ) -> Self {
        Self {
            task,
            deadline,
            withdrawn,
            to: Some(Box::new(to)),
            _share: share,
        }
    }

    /// What is to be done.
    pub fn task(&self) -> &KeyTask {
        &self.task
    }

    /// When nobody waits for an answer any more.
    pub fn deadline(&self) -> Instant {
        self.deadline
    }

    /// This use, unless its edge has withdrawn it or its deadline has passed: then nothing is to be done. To be asked when it is
    /// its turn.
    pub fn if_wanted(self) -> Option<Self> {
        if self.withdrawn.load(Ordering::Relaxed) || Instant::now() >= self.deadline {
            self.tell(Err(StoreError::Unwanted));
            return None;
        }
        Some(self)
    }

    /// Answers: for [`KeyTask::Sign`] with the signature as TLS has it (ECDSA in DER, which
    /// [`ecdsa_signature_der`](keyward_crypto::signature::ecdsa_signature_der) makes of two plain numbers), for
    /// [`KeyTask::RsaDecrypt`] with the whole block, its padding included.
    pub fn answer(self, answer: Result<Vec<u8>, StoreError>) {
        self.tell(answer.map(Zeroizing::new));
    }

    fn tell(mut self, answer: Answer) {
        if let Some(to) = self.to.take() {
            to(answer);
        }
    }
}

impl Drop for KeyUse {
    fn drop(&mut self) {
        if let Some(to) = self.to.take() {
            to(Err(StoreError::Dropped));
        }
    }
}

impl fmt::Debug for KeyUse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("KeyUse").field(&self.task).finish()
    }
}

/// Why a store has no answer.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum StoreError {
    /// It has too much to do: edges hear `overloaded`, and ask another key server.
    Busy,
    /// It is out of reach: a token that is not there, a service that does not answer.
    Unavailable(String),
    /// It says no, or what it says makes no sense.
    Failed(String),
    /// Nothing was done, since nobody waits any more.
    Unwanted,
    /// The use was dropped without an answer: the store has a bug, or panicked.
    Dropped,
}

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Busy => f.write_str("the store of the key has too much to do"),
            Self::Unavailable(cause) => {
                write!(f, "the store of the key is out of reach: {cause}")
            }
            Self::Failed(cause) => write!(f, "the store of the key failed: {cause}"),
            Self::Unwanted => f.write_str("nobody waits for it any more"),
            Self::Dropped => f.write_str(
                "a bug in the store of the key: it panicked, or dropped the operation without an answer",
            ),
        }
    }
}

impl std::error::Error for StoreError {}
