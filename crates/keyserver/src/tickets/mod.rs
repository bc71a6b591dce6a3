//! Session ticket keys for a fleet of edges, from one root secret and the time.
//!
//! ```text
//!  root of epoch 7 ──ratchet──▶ root of epoch 8 ──ratchet──▶ root of epoch 9
//!      │  wiped                     │                            │
//!      ▼                            ▼                            ▼
//!  key of each tenant           key of each tenant           key of each tenant
//! ```
//!
//! The ratchet goes one way. The file is written anew in each epoch with the root of the one before the current, which is
//! still needed; whoever steals it cannot compute the keys of earlier epochs. Key servers that begin with copies of one file
//! derive the same keys, and need nothing else in common.

mod ratchet;
mod root_file;

use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use keyward_config::Problem;
use keyward_protocol::{TenantTicketKeys, TicketKeys};
use tracing::{error, info, warn};

use crate::config::Config;
use crate::policy::EdgeGrant;

pub(crate) use ratchet::Root;
pub use root_file::{RootFileError, init};

impl Config {
    pub(crate) fn tickets_problem(&self, error: &RootFileError) -> Problem {
        self.problem("tickets.root", error.to_string(), "")
    }

    /// Whether the root can be used, without touching it.
    pub(crate) fn check_tickets(&self) -> Option<Problem> {
        let path = self.ticket_root.as_ref()?;
        root_file::read(path)
            .err()
            .map(|error| self.tickets_problem(&error))
    }
}

/// The session ticket keys, for all tenants.
#[derive(Debug)]
pub(crate) struct Tickets {
    path: PathBuf,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    /// Of the epoch before the current one, or of the current one if there is none earlier.
    oldest: Root,
    /// Whether the last attempt to write the file failed: said once.
    unwritten: bool,
}

impl Tickets {
    /// Reads the root, and brings it to the present.
    pub(crate) fn open(path: PathBuf, now: SystemTime) -> Result<Self, RootFileError> {
        let oldest = root_file::read(&path)?;
        let epoch = oldest.epoch_at(seconds(now));
        if oldest.epoch() > epoch {
            return Err(RootFileError::Ahead {
                path,
                epoch: oldest.epoch(),
                now: epoch,
            });
        }
        let tickets = Self {
            path,
            state: Mutex::new(State {
                oldest,
                unwritten: false,
            }),
        };
        tickets.advance(now);
        Ok(tickets)
    }

    /// Forgets the epochs that are over. To be called at least once in each.
    pub(crate) fn advance(&self, now: SystemTime) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let needed = state.oldest.epoch_at(seconds(now)).saturating_sub(1);
        let moved = state.oldest.epoch() < needed;
        if !moved && !state.unwritten {
            return;
        }
        state.oldest.advance_to(needed);
        match root_file::replace(&self.path, &state.oldest) {
            Ok(()) => {
                if state.unwritten {
                    info!(file = %self.path.display(), "the root of the session ticket keys is written again");
                }
                state.unwritten = false;
            }
            Err(cause) => {
                if !state.unwritten {
                    error!(file = %self.path.display(), %cause,
                        "the root of the session ticket keys cannot be written: who steals the file opens tickets \
                         back to when it was last written");
                }
                state.unwritten = true;
            }
        }
    }

    /// The present epoch, how long each lasts in seconds, and whether the file is behind.
    pub(crate) fn state(&self, now: SystemTime) -> (u64, u32, bool) {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let epoch = state
            .oldest
            .epoch_at(seconds(now))
            .max(state.oldest.epoch());
        (epoch, state.oldest.epoch_s(), state.unwritten)
    }

    /// How long until the next epoch.
    pub(crate) fn until_next(&self, now: SystemTime) -> Duration {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.oldest.until_next(since_1970(now))
    }

    /// The keys that an edge may have now: those of the sets of names that its rules give it.
    pub(crate) fn for_edge(&self, edge: &EdgeGrant, now: SystemTime) -> TicketKeys {
        self.advance(now);
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let epoch = state.oldest.epoch_at(seconds(now));
        if epoch < state.oldest.epoch() {
            warn!(
                "the clock was set back: this epoch's session ticket keys are gone, the next one's are used"
            );
        }
        // A clock that was set back cannot bring back what was forgotten.
        let epoch = epoch.max(state.oldest.epoch());
        let (first, current) = (state.oldest.epoch(), state.oldest.at(epoch));
        let next = current.at(epoch + 1);
        let next_ms = state.oldest.until_next(since_1970(now)).as_millis();
        TicketKeys {
            epoch,
            epoch_s: state.oldest.epoch_s(),
            next_ms: u32::try_from(next_ms).unwrap_or(u32::MAX),
            tenants: edge
                .tenants()
                .into_iter()
                .map(|names| TenantTicketKeys {
                    previous: (first < epoch).then(|| state.oldest.tenant_key(&names)),
                    current: current.tenant_key(&names),
                    next: next.tenant_key(&names),
                    names,
                })
                .collect(),
        }
    }
}

fn since_1970(now: SystemTime) -> Duration {
    now.duration_since(UNIX_EPOCH).unwrap_or_default()
}

fn seconds(now: SystemTime) -> u64 {
    since_1970(now).as_secs()
}
