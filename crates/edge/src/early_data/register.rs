//! Which early data was taken lately.
//!
//! It is this process's own, as are the ticket keys: a ticket of this edge is good at no other, nor after a
//! restart, and so is its early data.

use std::collections::{BTreeMap, HashSet};
use std::sync::{Mutex, PoisonError};

use keyward_tls::UnixTime;

/// What identifies a ClientHello.
type Unique = [u8; 32];

/// ClientHellos whose early data was taken, each until the engine refuses it by itself.
pub(crate) struct Register {
    capacity: usize,
    seen: Mutex<Seen>,
}

#[derive(Default)]
struct Seen {
    all: HashSet<Unique>,
    /// By the second from which on they may be forgotten.
    by_expiry: BTreeMap<u64, Vec<Unique>>,
}

/// What the register says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// It was not there, and is now.
    New,
    /// It is a replay.
    Seen,
    /// There is no room to remember it. Then it is not taken: the client does without a round trip less.
    Full,
}

impl Register {
    /// With room for so many, some hundred bytes each.
    pub(crate) fn new(capacity: usize) -> Self {
        Self {
            capacity,
            seen: Mutex::default(),
        }
    }

    /// Whether the early data of this ClientHello may be taken, once.
    pub(crate) fn admit(&self, unique: Unique, expires: UnixTime, now: UnixTime) -> Verdict {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen.forget(now);
        if seen.all.contains(&unique) {
            return Verdict::Seen;
        }
        if seen.all.len() >= self.capacity {
            return Verdict::Full;
        }
        seen.all.insert(unique);
        // The second after, for what is in the middle of one.
        let second = expires.as_millis() / 1000 + 1;
        seen.by_expiry.entry(second).or_default().push(unique);
        Verdict::New
    }
}

impl Seen {
    fn forget(&mut self, now: UnixTime) {
        let now = now.as_millis() / 1000;
        while let Some(first) = self.by_expiry.first_entry()
            && *first.key() <= now
        {
            for unique in first.remove() {
                self.all.remove(&unique);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: u64) -> UnixTime {
        UnixTime::from_secs(second)
    }

    #[test]
    fn nothing_is_taken_twice_before_it_expires() {
        let register = Register::new(8);
        let expires = UnixTime::from_millis(130_999);
        assert_eq!(register.admit([1; 32], expires, at(100)), Verdict::New);
        assert_eq!(register.admit([2; 32], expires, at(100)), Verdict::New);
        for millis in [100_000, 130_998, 130_999] {
            let now = UnixTime::from_millis(millis);
            assert_eq!(register.admit([1; 32], expires, now), Verdict::Seen);
        }
        // By then the engine does not ask any more.
        assert_eq!(register.admit([1; 32], at(160), at(131)), Verdict::New);
    }

    #[test]
    fn a_full_register_takes_nothing_until_it_may_forget() {
        let register = Register::new(2);
        for unique in 0..2 {
            assert_eq!(register.admit([unique; 32], at(110), at(100)), Verdict::New);
        }
        assert_eq!(register.admit([2; 32], at(110), at(100)), Verdict::Full);
        assert_eq!(register.admit([1; 32], at(110), at(100)), Verdict::Seen);
        assert_eq!(register.admit([2; 32], at(140), at(111)), Verdict::New);
        assert_eq!(register.admit([3; 32], at(140), at(111)), Verdict::New);
        let seen = register.seen.lock().unwrap();
        assert_eq!((seen.all.len(), seen.by_expiry.len()), (2, 1));
    }
}
