//! All key servers of a client, and which of them an operation goes to.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::Duration;

use keyward_keyop::{KeyId, Operation, OperationKind};
use tokio::time::Instant;

use crate::breaker::Advice;
use crate::budget::Budget;
use crate::connection::Connection;
use crate::error::{KeyClientError, Trouble};
use crate::kind::WorkKind;
use crate::pick;
use crate::quantile::Window;
use crate::server::{Common, Ended, Endpoint, Server};
use crate::state::ConnectionState;
use crate::status::Counts;

/// Before enough answers have come to say what is slow.
const HEDGE_DEFAULT: Duration = Duration::from_millis(50);
/// No second key server is asked sooner than this, however fast the first ones are,
const HEDGE_MIN: Duration = Duration::from_millis(1);
/// nor later than this, however slow.
const HEDGE_MAX: Duration = Duration::from_secs(1);

/// The key servers.
#[derive(Debug)]
pub(crate) struct Fleet {
    pub(crate) common: Common,
    groups: RwLock<Vec<Group>>,
    next_id: AtomicU64,
    hedging: Mutex<Hedging>,
    pub(crate) counts: Counts,
}

/// The key servers that one line of the configuration leads to.
#[derive(Debug)]
struct Group {
    /// As it is written.
    title: String,
    servers: Vec<Arc<Server>>,
    /// Why there are none, or `None` while that is being found out.
    trouble: Option<String>,
}

#[derive(Debug)]
struct Hedging {
    windows: [Window; WorkKind::COUNT],
    budget: Budget,
}

/// What an operation needs of a key server.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Want {
    /// `None` for any key server.
    key: Option<(KeyId, OperationKind)>,
    pub(crate) kind: WorkKind,
}

/// What an operation is to be sent for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// Its first key server: any that can take it, the best first.
    Ask,
    /// Another one has failed; as `Ask`, but no probes.
    AskAgain,
    /// Another one is slow: only one that is well makes it better.
    Help,
}

/// A key server for an operation.
#[derive(Debug)]
pub(crate) struct Choice {
    pub(crate) server: Arc<Server>,
    pub(crate) connection: Arc<Connection>,
}

/// Which key servers an operation was at.
#[derive(Debug, Default)]
pub(crate) struct Visited(Vec<(u64, Left)>);

/// How an operation left a key server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Left {
    /// It is still there, or got an answer that it will get again.
    ForGood,
    /// The connection was lost: on the next one it may be asked again, once.
    ByAccident,
}

impl Visited {
    pub(crate) fn add(&mut self, server: u64) {
        self.0.push((server, Left::ForGood));
    }

    pub(crate) fn lost(&mut self, server: u64) {
        let times = self.0.iter().filter(|(id, _)| *id == server).count();
        if times == 1 {
            for (id, left) in &mut self.0 {
                if *id == server {
                    *left = Left::ByAccident;
                }
            }
        }
    }

    fn how(&self, server: u64) -> Option<Left> {
        // The last time counts.
        let visit = self.0.iter().rev().find(|(id, _)| *id == server);
        visit.map(|(_, left)| *left)
    }
}

/// The result of a choice.
#[derive(Debug)]
pub(crate) enum Selection {
    Found(Choice),
    /// None can be asked now, but soon perhaps; it makes no sense to wait longer than this.
    Wait {
        until: Option<Instant>,
    },
    None,
}

impl Fleet {
    pub(crate) fn new(common: Common, hedge_percent: u8, titles: Vec<String>) -> Self {
        let groups = titles.into_iter().map(|title| Group {
            title,
            servers: Vec::new(),
            trouble: None,
        });
        Self {
            common,
            groups: RwLock::new(groups.collect()),
            next_id: AtomicU64::new(1),
            hedging: Mutex::new(Hedging {
                windows: Default::default(),
                budget: Budget::new(hedge_percent),
            }),
            counts: Counts::default(),
        }
    }

    /// A line of the configuration leads to these from now on. Those that it led to before go on as they are; those that it does
    /// not lead to any more get nothing new, and are left when they have answered.
    pub(crate) fn replace(&self, group: usize, endpoints: Vec<Endpoint>) {
        let mut groups = self.groups.write().unwrap_or_else(PoisonError::into_inner);
        let Some(group) = groups.get_mut(group) else {
            return;
        };
        let mut before = std::mem::take(&mut group.servers);
        group.trouble = endpoints
            .is_empty()
            .then(|| "the name has no address".to_owned());
        for endpoint in endpoints {
            let known = before.iter().position(|server| server.endpoint == endpoint);
            let server = match known {
                Some(index) => before.swap_remove(index),
                None => {
                    let id = self.next_id.fetch_add(1, Ordering::Relaxed);
                    Server::start(id, endpoint, &self.common)
                }
            };
            group.servers.push(server);
        }
        let all = groups.iter().flat_map(|group| &group.servers);
        let listings = all.map(|server| Arc::clone(&server.listing));
        self.common.catalogs.members(listings.collect());
        drop(groups);
        self.common.changes.tell();
        // Outside of the lock: their connections end with them.
        drop(before);
    }

    /// A line of the configuration leads nowhere, for this reason. Where it led before is still true.
    pub(crate) fn fails(&self, group: usize, trouble: String) {
        let mut groups = self.groups.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(group) = groups.get_mut(group) {
            group.trouble = Some(trouble);
        }
        drop(groups);
        self.common.changes.tell();
    }

    /// All of them, in the order of the configuration.
    pub(crate) fn servers(&self) -> Vec<Arc<Server>> {
        let groups = self.groups.read().unwrap_or_else(PoisonError::into_inner);
        groups
            .iter()
            .flat_map(|group| group.servers.iter().cloned())
            .collect()
    }

    /// What an operation needs.
    pub(crate) fn want(&self, operation: &Operation) -> Want {
        let key = operation.key();
        let kind = self
            .servers()
            .iter()
            .find_map(|server| server.listing.kind(key));
        Want {
            key: Some((key, operation.kind())),
            kind: kind.unwrap_or_default(),
        }
    }

    /// Any key server will do.
    pub(crate) fn want_any() -> Want {
        Want {
            key: None,
            kind: WorkKind::Unknown,
        }
    }

    /// The attempts to connect that are over, by key server.
    pub(crate) fn ended(&self) -> Vec<(u64, Ended)> {
        let servers = self.servers();
        let ended = servers.iter().map(|server| (server.id, server.ended()));
        ended.collect()
    }

    /// Chooses a key server. `before` are the attempts to connect that were over when the waiting began.
    pub(crate) fn select(
        &self,
        want: Want,
        visited: &Visited,
        purpose: Purpose,
        before: &[(u64, Ended)],
    ) -> Selection {
        let now = Instant::now();
        let all = self.servers();
        let hope = |server: &Server| {
            let before = before.iter().find(|(id, _)| *id == server.id);
            server.hope(before.map_or(&[], |(_, ended)| ended), now)
        };
        let lists = |server: &Server| {
            want.key
                .is_none_or(|(key, operation)| server.listing.allows(key, operation))
        };
        let mut eligible: Vec<_> = all.iter().filter(|server| lists(server)).collect();
        if eligible.is_empty() {
            // Who has not told yet may be the one.
            let untold: Vec<_> = all
                .iter()
                .filter(|server| !server.listing.is_known() && hope(server).is_some())
                .collect();
            eligible = if untold.is_empty() {
                // Then it is for them to say why not.
                all.iter().collect()
            } else {
                untold
            };
        }
        let mut can: Vec<(Choice, bool)> = Vec::new();
        for server in &eligible {
            if visited.how(server.id) == Some(Left::ForGood) {
                continue;
            }
            if let Some(connection) = server.connection() {
                let fresh = visited.how(server.id).is_none();
                let server = Arc::clone(server);
                can.push((Choice { server, connection }, fresh));
            }
        }
        if let Some(choice) = self.choose(can, want.kind, purpose, now) {
            return Selection::Found(choice);
        }
        let mut waiting = false;
        let mut until = None;
        for server in eligible {
            if visited.how(server.id) == Some(Left::ForGood) {
                continue;
            }
            match hope(server) {
                Some(None) => {
                    server.want();
                    waiting = true;
                    until = None;
                    break;
                }
                Some(Some(end)) => {
                    server.want();
                    waiting = true;
                    until = until.max(Some(end));
                }
                None => (),
            }
        }
        if waiting || self.is_resolving() {
            Selection::Wait { until }
        } else {
            Selection::None
        }
    }

    /// The best of those that can take an operation. Of two servers that are equally well, those come first that it was not at.
    fn choose(
        &self,
        can: Vec<(Choice, bool)>,
        kind: WorkKind,
        purpose: Purpose,
        now: Instant,
    ) -> Option<Choice> {
        let mut well = Vec::new();
        let mut ill = Vec::new();
        for (choice, fresh) in can {
            let advice = choice.server.condition().advice(now);
            match advice {
                _ if choice.connection.is_stalled() => ill.push((choice, fresh)),
                Advice::Ask => well.push((choice, fresh)),
                Advice::Probe if purpose == Purpose::Ask && fresh => {
                    // It costs this operation a way more at worst.
                    choice.server.condition().probe(now);
                    return Some(choice);
                }
                Advice::Probe | Advice::Leave => ill.push((choice, fresh)),
            }
        }
        // Better one that is not well than none.
        let mut from = match (well.is_empty(), purpose) {
            (false, _) => well,
            (true, Purpose::Help) => return None,
            (true, _) => ill,
        };
        if from.iter().any(|(_, fresh)| *fresh) {
            from.retain(|(_, fresh)| *fresh);
        }
        // RFC 2782: "A client MUST attempt to contact the target host with the lowest-numbered priority it can reach".
        let priority = |choice: &Choice| choice.server.endpoint.priority;
        let first = from.iter().map(|(choice, _)| priority(choice)).min()?;
        from.retain(|(choice, _)| priority(choice) == first);
        let cost = |(choice, _): &(Choice, bool)| {
            let round_trip = choice.connection.round_trip().unwrap_or_default();
            choice.server.condition().cost(kind, round_trip, now)
        };
        let picked = pick::better_of_two(&from, &self.common.dice, cost)?;
        let id = picked.0.server.id;
        from.into_iter()
            .find_map(|(choice, _)| (choice.server.id == id).then_some(choice))
    }

    /// Whether a name is looked up that may lead to a key server.
    pub(crate) fn is_resolving(&self) -> bool {
        let groups = self.groups.read().unwrap_or_else(PoisonError::into_inner);
        groups
            .iter()
            .any(|group| group.servers.is_empty() && group.trouble.is_none())
    }

    /// How long an answer may take until a second key server is asked.
    pub(crate) fn hedge_after(&self, kind: WorkKind) -> Duration {
        let (now, mut hedging) = (Instant::now(), self.hedging());
        let window = &mut hedging.windows[kind.index()];
        let (usual, slow) = (window.quantile(0.5, now), window.quantile(0.95, now));
        // Where nearly all take the same time, the slowest of them are not worth the budget.
        let after = slow.zip(usual).map(|(slow, usual)| slow.max(2 * usual));
        after.map_or(HEDGE_DEFAULT, |after| after.clamp(HEDGE_MIN, HEDGE_MAX))
    }

    /// An operation was asked for.
    pub(crate) fn count_operation(&self) {
        self.hedging().budget.request();
    }

    /// Whether one may be asked twice.
    pub(crate) fn may_hedge(&self) -> bool {
        self.hedging().budget.take()
    }

    /// An answer took so long.
    pub(crate) fn note_answer(&self, kind: WorkKind, took: Duration) {
        self.hedging().windows[kind.index()].add(took, Instant::now());
    }

    fn hedging(&self) -> MutexGuard<'_, Hedging> {
        // Nothing done under the lock can panic halfway through a change.
        self.hedging.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Why none can be asked. With a single key server that is its own trouble; otherwise each is named with its.
    pub(crate) fn trouble(&self) -> KeyClientError {
        let groups = self.groups.read().unwrap_or_else(PoisonError::into_inner);
        let mut troubles: Vec<(Trouble, KeyClientError)> = Vec::new();
        for group in &*groups {
            if group.servers.is_empty() {
                let cause = group
                    .trouble
                    .clone()
                    .unwrap_or_else(|| "the name is being resolved".to_owned());
                let error = KeyClientError::Unreachable {
                    cause: format!("{}: {cause}", group.title),
                };
                troubles.push((Trouble::new(&group.title, cause), error));
            }
            for server in &group.servers {
                let error = match server.state() {
                    ConnectionState::Failed(error) => error,
                    ConnectionState::Connecting => {
                        unreachable(server, "no connection within the deadline")
                    }
                    ConnectionState::Connected { .. } => {
                        unreachable(server, "it cannot take operations now")
                    }
                };
                troubles.push((Trouble::of(&server.label, &error), error));
            }
        }
        if troubles.len() == 1 {
            troubles.swap_remove(0).1
        } else {
            KeyClientError::NoneReachable {
                servers: troubles.into_iter().map(|(trouble, _)| trouble).collect(),
            }
        }
    }
}

fn unreachable(server: &Server, cause: &str) -> KeyClientError {
    KeyClientError::Unreachable {
        cause: format!("{}: {cause}", server.label),
    }
}
