//! How many connections each edge has, and each address; both have a bound.

use std::collections::HashMap;
use std::fmt::Debug;
use std::hash::Hash;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Whose place it is; all places of the same holder have the same, as long as it has any.
pub(crate) type PlaceId = u64;

/// Places by their holder.
#[derive(Debug)]
pub(crate) struct Places<K> {
    holders: Mutex<Holders<K>>,
    each: usize,
}

#[derive(Debug)]
struct Holders<K> {
    by_key: HashMap<K, Holder>,
    last: PlaceId,
}

#[derive(Debug)]
struct Holder {
    id: PlaceId,
    places: usize,
}

/// One place; given back when dropped.
#[derive(Debug)]
pub(crate) struct Place<K: Clone + Debug + Eq + Hash> {
    places: Arc<Places<K>>,
    key: K,
    id: PlaceId,
}

impl<K: Clone + Debug + Eq + Hash> Places<K> {
    /// So many for each.
    pub(crate) fn new(each: usize) -> Arc<Self> {
        Arc::new(Self {
            holders: Mutex::new(Holders {
                by_key: HashMap::new(),
                last: 0,
            }),
            each,
        })
    }

    /// Takes a place, if the holder has not all of its own.
    pub(crate) fn take(self: &Arc<Self>, key: K) -> Option<Place<K>> {
        let mut holders = self.lock();
        let Holders { by_key, last } = &mut *holders;
        let holder = by_key.entry(key.clone()).or_insert_with(|| {
            *last += 1;
            Holder {
                id: *last,
                places: 0,
            }
        });
        if holder.places >= self.each {
            return None;
        }
        holder.places += 1;
        let id = holder.id;
        drop(holders);
        Some(Place {
            places: Arc::clone(self),
            key,
            id,
        })
    }

    fn lock(&self) -> MutexGuard<'_, Holders<K>> {
        // Nothing that is done under the lock can panic halfway.
        self.holders.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<K: Clone + Debug + Eq + Hash> Place<K> {
    /// Whose it is.
    pub(crate) fn id(&self) -> PlaceId {
        self.id
    }
}

impl<K: Clone + Debug + Eq + Hash> Drop for Place<K> {
    fn drop(&mut self) {
        let mut holders = self.places.lock();
        if let Some(holder) = holders.by_key.get_mut(&self.key) {
            holder.places -= 1;
            if holder.places == 0 {
                holders.by_key.remove(&self.key);
            }
        }
    }
}

/// What counts as one address: of IPv6 the first 64 bits, since whoever has one address there has them all.
pub(crate) fn one_address(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            IpAddr::from([a, b, c, d, 0, 0, 0, 0])
        }
        address => address,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_has_its_own_bound_and_gets_places_back() {
        let places = Places::new(2);
        let (one, two) = (places.take("a").unwrap(), places.take("a").unwrap());
        assert_eq!(one.id(), two.id());
        assert!(places.take("a").is_none());
        let other = places.take("b").unwrap();
        assert_ne!(one.id(), other.id());
        drop(two);
        assert!(places.take("a").is_some());
        drop((one, other));
        assert!(places.lock().by_key.is_empty(), "who is gone is forgotten");
    }

    #[test]
    fn an_ipv6_network_is_one_address() {
        let one = |text: &str| one_address(text.parse().unwrap());
        assert_eq!(one("2001:db8:1:2:3::4"), one("2001:db8:1:2::"));
        assert_ne!(one("2001:db8:1:2::"), one("2001:db8:1:3::"));
        assert_eq!(one("::ffff:192.0.2.1"), one("192.0.2.1"));
        assert_ne!(one("192.0.2.1"), one("192.0.2.2"));
    }
}
