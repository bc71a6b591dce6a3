//! Refusals, told one by one until an edge has too many of them. A flood must fill neither the audit log nor that of the
//! program: the first in a second are told in full, of the others how many there were.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use keyward_protocol::RefusalReason;

/// How many of an edge's refusals are told in full.
const TOLD: u32 = 10;
/// In this time.
const WINDOW: Duration = Duration::from_secs(1);

/// The refusals of the last second.
#[derive(Debug, Default)]
pub(crate) struct Refusals {
    by_edge: Mutex<HashMap<String, Window>>,
}

#[derive(Debug)]
struct Window {
    begin: Instant,
    told: u32,
    untold: BTreeMap<Class, u64>,
}

/// What kind of refusal it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Class {
    /// By the number of a [`RefusalReason`].
    Refused(u8),
    /// There is no such key here.
    UnknownKey,
}

impl From<RefusalReason> for Class {
    fn from(reason: RefusalReason) -> Self {
        Self::Refused(reason.code())
    }
}

impl fmt::Display for Class {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused(code) => RefusalReason::from_code(*code).fmt(f),
            Self::UnknownKey => f.write_str("there is no such key here"),
        }
    }
}

/// What was not told of an edge.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Untold {
    pub(crate) edge: String,
    pub(crate) classes: Vec<(Class, u64)>,
}

impl Untold {
    pub(crate) fn count(&self) -> u64 {
        self.classes.iter().map(|(_, count)| count).sum()
    }
}

impl Refusals {
    /// Counts a refusal. Whether it is to be told in full.
    pub(crate) fn note(&self, edge: &str, class: impl Into<Class>, now: Instant) -> bool {
        let mut by_edge = self.by_edge.lock().unwrap_or_else(PoisonError::into_inner);
        let window = match by_edge.get_mut(edge) {
            Some(window) => window,
            None => by_edge.entry(edge.to_owned()).or_insert(Window {
                begin: now,
                told: 0,
                untold: BTreeMap::new(),
            }),
        };
        if window.told < TOLD {
            window.told += 1;
            return true;
        }
        *window.untold.entry(class.into()).or_default() += 1;
        false
    }

    /// Closes the windows that are over by `now`, and returns what was not told in them.
    pub(crate) fn close(&self, now: Instant) -> Vec<Untold> {
        let mut by_edge = self.by_edge.lock().unwrap_or_else(PoisonError::into_inner);
        let over = by_edge.extract_if(|_, window| now.duration_since(window.begin) >= WINDOW);
        over.filter(|(_, window)| !window.untold.is_empty())
            .map(|(edge, window)| Untold {
                edge,
                classes: window.untold.into_iter().collect(),
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_is_told_as_a_number() {
        let refusals = Refusals::default();
        let begin = Instant::now();
        let told = |edge, reason: RefusalReason| refusals.note(edge, reason, begin);
        let in_full = (0..1000).filter(|_| told("a", RefusalReason::Rate)).count();
        assert_eq!(in_full, 10);
        assert!(!told("a", RefusalReason::Name));
        assert!(!refusals.note("a", Class::UnknownKey, begin));
        assert!(
            told("b", RefusalReason::Name),
            "another edge is another matter"
        );
        assert_eq!(refusals.close(begin), []);
        let untold = refusals.close(begin + WINDOW);
        let expected = Untold {
            edge: "a".to_owned(),
            classes: vec![
                (RefusalReason::Name.into(), 1),
                (RefusalReason::Rate.into(), 990),
                (Class::UnknownKey, 1),
            ],
        };
        assert_eq!(untold, [expected]);
        assert!(told("a", RefusalReason::Rate), "a new second");
    }
}
