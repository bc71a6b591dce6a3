//! The key server of last resort: a gokeyless server that has some of the keys as well, for when no key server of Keyward's answers
//! or has the key.

use std::collections::HashMap;
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use keyward_crypto::signature::PublicKey;
use keyward_keyclient::{GokeylessClient, KeyClientConfigError, KeyClientError};
use keyward_keyop::{KeyId, Operation, OperationResult};
use tracing::{error, warn};

use crate::config::LastResortConfig;
use crate::counters::Counters;

/// How often the log says that it is in use: each time is in the counters, and in the records of handshakes.
const TELL_EVERY: Duration = Duration::from_secs(1);

pub(crate) struct LastResort {
    client: GokeylessClient,
    keys: HashMap<KeyId, PublicKey>,
    counters: Arc<Counters>,
    told: Mutex<Option<Instant>>,
    since: AtomicU64,
}

impl LastResort {
    /// Nothing is connected before it is needed.
    pub(crate) fn new(
        config: &LastResortConfig,
        counters: Arc<Counters>,
    ) -> Result<Self, KeyClientConfigError> {
        let keys = config.keys.iter();
        Ok(Self {
            client: GokeylessClient::new(config.server.clone())?,
            keys: keys
                .map(|key| (KeyId::of_public_key(key), key.clone()))
                .collect(),
            counters,
            told: Mutex::new(None),
            since: AtomicU64::new(0),
        })
    }

    pub(crate) fn has(&self, key: KeyId) -> bool {
        self.keys.contains_key(&key)
    }

    /// Tries it, after the key servers have failed with this. `None` if that is nothing that it helps with, or it fails as well: the
    /// log has its cause, and the key servers' is what counts.
    pub(crate) async fn perform(
        &self,
        operation: &Operation,
        after: &KeyClientError,
        limit: Duration,
    ) -> Option<OperationResult> {
        let key = self.keys.get(&operation.key())?;
        if !helps(after) {
            return None;
        }
        let tell = self.is_time_to_tell();
        let server = self.client.server();
        match self.client.perform(operation, key, limit).await {
            Ok(result) => {
                Counters::add(&self.counters.last_resort);
                if let Some(times) = tell {
                    warn!(server, times, operation = %operation.kind(), cause = %after, "THE KEY SERVER OF LAST RESORT is used: no key server does it");
                }
                Some(result)
            }
            Err(error) => {
                Counters::add(&self.counters.last_resort_failed);
                if let Some(times) = tell {
                    error!(server, times, operation = %operation.kind(), cause = %error, after = %after, "the key server of last resort fails as well");
                }
                None
            }
        }
    }

    /// How often it was used since it was last told, if it is time to tell again.
    fn is_time_to_tell(&self) -> Option<u64> {
        self.since.fetch_add(1, Ordering::Relaxed);
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        if told.is_some_and(|told| told.elapsed() < TELL_EVERY) {
            return None;
        }
        *told = Some(Instant::now());
        Some(self.since.swap(0, Ordering::Relaxed))
    }
}

impl fmt::Debug for LastResort {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LastResort")
            .field("client", &self.client)
            .field("keys", &self.keys.len())
            .finish_non_exhaustive()
    }
}

/// Whether no key server has spoken, or none has the key. What one refuses, or cannot do for want of time, is not done behind its
/// back.
fn helps(error: &KeyClientError) -> bool {
    matches!(
        error,
        KeyClientError::Unreachable { .. }
            | KeyClientError::NoneReachable { .. }
            | KeyClientError::ConnectionLost { .. }
            | KeyClientError::UnknownKey
            | KeyClientError::Expired
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use keyward_keyclient::RefusalReason;

    #[test]
    fn what_a_key_server_refuses_is_not_done_behind_its_back() {
        let refused = KeyClientError::Refused {
            reason: RefusalReason::Name,
        };
        for error in [refused, KeyClientError::Overloaded] {
            assert!(!helps(&error), "{error}");
        }
        assert!(helps(&KeyClientError::UnknownKey));
        assert!(helps(&KeyClientError::Expired));
    }
}
