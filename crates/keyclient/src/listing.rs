//! What each key server says that this edge may use, and all of that together.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

use keyward_keyop::{KeyId, OperationKind};
use keyward_protocol::{Catalog, CatalogEntry};
use tokio::sync::watch;

use crate::kind::WorkKind;

/// One key server's catalog. It stays what it last was while the key server is out of reach.
#[derive(Debug, Default)]
pub(crate) struct Listing(RwLock<Option<Arc<Listed>>>);

#[derive(Debug)]
struct Listed {
    catalog: Catalog,
    keys: HashMap<KeyId, Key>,
}

#[derive(Debug)]
struct Key {
    kind: WorkKind,
    operations: Vec<OperationKind>,
}

impl Listing {
    fn replace(&self, catalog: Catalog) {
        let mut keys: HashMap<KeyId, Key> = HashMap::new();
        for entry in &catalog.entries {
            let key = keys.entry(entry.key).or_insert_with(|| Key {
                kind: WorkKind::of(entry.kind),
                operations: Vec::new(),
            });
            add_new(&mut key.operations, &entry.operations);
        }
        let listed = Arc::new(Listed { catalog, keys });
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = Some(listed);
    }

    /// Whether it has come.
    pub(crate) fn is_known(&self) -> bool {
        self.read().is_some()
    }

    /// Whether this edge may ask for this operation with this key here.
    pub(crate) fn allows(&self, key: KeyId, operation: OperationKind) -> bool {
        self.read()
            .and_then(|listed| Some(listed.keys.get(&key)?.operations.contains(&operation)))
            .unwrap_or(false)
    }

    /// The kind of work that this key makes.
    pub(crate) fn kind(&self, key: KeyId) -> Option<WorkKind> {
        Some(self.read()?.keys.get(&key)?.kind)
    }

    fn read(&self) -> Option<Arc<Listed>> {
        self.0
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}

/// The catalogs of all key servers.
#[derive(Debug)]
pub(crate) struct Catalogs {
    listings: Mutex<Vec<Arc<Listing>>>,
    together: watch::Sender<Option<Arc<Catalog>>>,
}

impl Default for Catalogs {
    fn default() -> Self {
        Self {
            listings: Mutex::default(),
            together: watch::Sender::new(None),
        }
    }
}

impl Catalogs {
    /// A key server has told.
    pub(crate) fn told(&self, listing: &Listing, catalog: Catalog) {
        listing.replace(catalog);
        self.merge(&self.lock());
    }

    /// These are the key servers now.
    pub(crate) fn members(&self, listings: Vec<Arc<Listing>>) {
        let mut members = self.lock();
        *members = listings;
        self.merge(&members);
    }

    pub(crate) fn follow(&self) -> watch::Receiver<Option<Arc<Catalog>>> {
        self.together.subscribe()
    }

    /// Under the lock, lest an older state come last.
    fn merge(&self, listings: &MutexGuard<'_, Vec<Arc<Listing>>>) {
        let Some(all) = together(listings.iter().map(|listing| &**listing)) else {
            return;
        };
        self.together.send_if_modified(|known| {
            let new = known.as_deref() != Some(&all);
            if new {
                *known = Some(Arc::new(all));
            }
            new
        });
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Arc<Listing>>> {
        // Nothing done under the lock can panic halfway through a change.
        self.listings.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What all of them have together: each chain once, with what one or the other allows. `None` until one has told.
fn together<'a>(listings: impl Iterator<Item = &'a Listing>) -> Option<Catalog> {
    let mut all: Option<Catalog> = None;
    let mut known: HashMap<(KeyId, Vec<Vec<u8>>), usize> = HashMap::new();
    for listed in listings.filter_map(Listing::read) {
        let all = all.get_or_insert_default();
        for entry in &listed.catalog.entries {
            match known.get(&(entry.key, entry.chain.clone())) {
                Some(index) => merge(&mut all.entries[*index], entry),
                None => {
                    known.insert((entry.key, entry.chain.clone()), all.entries.len());
                    all.entries.push(entry.clone());
                }
            }
        }
    }
    all
}

fn merge(into: &mut CatalogEntry, other: &CatalogEntry) {
    add_new(&mut into.operations, &other.operations);
    add_new(&mut into.names, &other.names);
    into.allow_no_sni |= other.allow_no_sni;
}

fn add_new<T: Clone + PartialEq>(into: &mut Vec<T>, from: &[T]) {
    for item in from {
        if !into.contains(item) {
            into.push(item.clone());
        }
    }
}

#[cfg(test)]
mod tests {
    use keyward_crypto::signature::KeyKind;

    use super::*;

    fn entry(key: u8, operations: &[OperationKind], name: &str, chain: &[u8]) -> CatalogEntry {
        CatalogEntry {
            key: KeyId::from_bytes([key; 32]),
            label: "a key".to_owned(),
            kind: KeyKind::EcP256,
            operations: operations.to_vec(),
            names: vec![name.to_owned()],
            allow_no_sni: false,
            chain: vec![chain.to_vec()],
        }
    }

    fn listing(entries: Vec<CatalogEntry>) -> Listing {
        let listing = Listing::default();
        listing.replace(Catalog { entries });
        listing
    }

    #[test]
    fn replicas_add_up_to_one_catalog() {
        use OperationKind::{
            Tls12ServerKeyExchange as Tls12, Tls13ServerCertificateVerify as Tls13,
        };
        let key = KeyId::from_bytes([1; 32]);
        let one = listing(vec![entry(1, &[Tls13], "a.example", b"chain")]);
        let other = listing(vec![
            entry(1, &[Tls12, Tls13], "b.example", b"chain"),
            entry(1, &[Tls13], "a.example", b"renewed chain"),
            entry(2, &[Tls13], "c.example", b""),
        ]);
        let silent = Listing::default();
        let all = together([&one, &silent, &other].into_iter()).unwrap();
        assert_eq!(
            all.entries,
            [
                CatalogEntry {
                    names: vec!["a.example".to_owned(), "b.example".to_owned()],
                    ..entry(1, &[Tls13, Tls12], "", b"chain")
                },
                entry(1, &[Tls13], "a.example", b"renewed chain"),
                entry(2, &[Tls13], "c.example", b""),
            ]
        );
        assert_eq!(together([&one, &one].into_iter()).unwrap().entries.len(), 1);
        assert_eq!(together([&silent].into_iter()), None);

        assert!(one.allows(key, Tls13) && !one.allows(key, Tls12) && other.allows(key, Tls12));
        assert!(!silent.allows(key, Tls13));
        assert_eq!(one.kind(key), Some(WorkKind::P256));
        assert_eq!(one.kind(KeyId::from_bytes([9; 32])), None);
    }
}
