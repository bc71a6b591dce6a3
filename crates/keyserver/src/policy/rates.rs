//! How often: token buckets.

use std::fmt;
use std::num::NonZeroU32;

use governor::clock::DefaultClock;
use governor::middleware::NoOpMiddleware;
use governor::state::keyed::HashMapStateStore;
use governor::state::{InMemoryState, NotKeyed};
use governor::{Quota, RateLimiter};

use crate::config::Rate;

/// So many buckets of one rule may be there before those that are full again are dropped.
const BUCKETS: usize = 1024;

type Keyed = RateLimiter<String, HashMapStateStore<String>, DefaultClock, NoOpMiddleware>;
type Direct = RateLimiter<NotKeyed, InMemoryState, DefaultClock, NoOpMiddleware>;

fn quota(rate: Rate) -> Quota {
    let at_least_one = |number| NonZeroU32::new(number).unwrap_or(NonZeroU32::MIN);
    Quota::per_second(at_least_one(rate.per_second)).allow_burst(at_least_one(rate.burst))
}

/// A rule's buckets: one for each edge that it is about, however many connections that has.
pub(super) struct EdgeRates {
    pub(super) rate: Rate,
    buckets: Keyed,
}

impl EdgeRates {
    pub(super) fn new(rate: Rate) -> Self {
        Self {
            rate,
            buckets: RateLimiter::hashmap(quota(rate)),
        }
    }

    /// Takes a token of this edge's, if there is one.
    pub(super) fn take(&self, edge: &str) -> bool {
        self.buckets.check_key(&edge.to_owned()).is_ok()
    }

    /// Forgets edges that are long gone: a rule for all IDs below a path may meet new ones without end.
    pub(super) fn tidy(&self) {
        if self.buckets.len() > BUCKETS {
            self.buckets.retain_recent();
        }
    }
}

impl fmt::Debug for EdgeRates {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.rate.fmt(f)
    }
}

/// A key's bucket, for all edges together.
pub(super) struct KeyRate {
    pub(super) rate: Rate,
    bucket: Direct,
}

impl KeyRate {
    pub(super) fn new(rate: Rate) -> Self {
        Self {
            rate,
            bucket: RateLimiter::direct(quota(rate)),
        }
    }

    pub(super) fn take(&self) -> bool {
        self.bucket.check().is_ok()
    }
}

impl fmt::Debug for KeyRate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.rate.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_edge_has_its_bucket() {
        let rates = EdgeRates::new(Rate {
            per_second: 1,
            burst: 3,
        });
        for edge in ["a", "b"] {
            let taken = (0..5).filter(|_| rates.take(edge)).count();
            assert_eq!(taken, 3, "{edge}");
        }
    }

    #[test]
    fn edges_that_are_gone_are_forgotten() {
        let rates = EdgeRates::new(Rate {
            per_second: 1_000_000,
            burst: 1_000_000,
        });
        for edge in 0..2 * BUCKETS {
            rates.take(&edge.to_string());
        }
        std::thread::sleep(std::time::Duration::from_millis(5));
        rates.tidy();
        assert!(rates.buckets.len() < BUCKETS);
    }
}
