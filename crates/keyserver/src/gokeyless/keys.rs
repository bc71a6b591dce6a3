//! Keys by the names that the older protocol has for them.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};

use keyward_keyop::KeyId;
use keyward_protocol::gokeyless::SKI_LEN;

use crate::store::{KeySet, StoredKey};

type Ski = [u8; SKI_LEN];

/// What is known of the keys: each is hashed once.
#[derive(Debug, Default)]
pub(crate) struct KeysBySki(Mutex<Known>);

#[derive(Debug, Default)]
struct Known {
    by_ski: HashMap<Ski, KeyId>,
    seen: HashSet<KeyId>,
}

impl KeysBySki {
    /// The key with this subject key identifier, if it is served now.
    pub(crate) fn find(&self, keys: &KeySet, ski: &Ski) -> Option<Arc<StoredKey>> {
        let known = self.lock().by_ski.get(ski).copied();
        if let Some(key) = known.and_then(|id| keys.key(id)) {
            return Some(Arc::clone(key));
        }
        let mut found = None;
        let mut state = self.lock();
        for key in keys.keys() {
            if state.seen.insert(key.id()) {
                let its = key.public_key().subject_key_identifier();
                state.by_ski.insert(its, key.id());
                if its == *ski {
                    found = Some(Arc::clone(key));
                }
            }
        }
        found
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Known> {
        // Nothing done under the lock can panic halfway through a change.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
