//! Whether the other end of a connection is alive, slow to answer, or dead.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{Notify, watch};
use tokio::time::Instant;

use crate::config::Timings;

/// What was heard of the key server, and what it owes.
#[derive(Debug)]
pub(crate) struct Vitals {
    state: Mutex<State>,
    stalled: watch::Sender<bool>,
    /// It owes something from now on.
    owing: Notify,
    limits: Limits,
}

#[derive(Clone, Copy, Debug)]
struct Limits {
    idle: Duration,
    stall: Duration,
    dead: Duration,
}

#[derive(Clone, Copy, Debug)]
struct State {
    /// When the last frame came.
    heard: Instant,
    /// Since when it owes answers without a break.
    owes_since: Option<Instant>,
    /// When it was pinged; nothing was heard since.
    pinged: Option<Instant>,
    /// What the last ping and its answer took, or an answer since that came sooner.
    round_trip: Option<Duration>,
}

/// What is to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    Wait { until: Instant },
    Ping,
    Stall,
    Dead,
}

impl Vitals {
    /// Of a connection whose handshake is done. `round_trip` is what a packet takes there and back: the silence of a far key
    /// server begins later.
    pub(crate) fn new(timings: &Timings, round_trip: Duration, now: Instant) -> Self {
        Self {
            state: Mutex::new(State {
                heard: now,
                owes_since: None,
                pinged: None,
                round_trip: None,
            }),
            stalled: watch::Sender::new(false),
            owing: Notify::new(),
            limits: Limits {
                idle: timings.ping_interval,
                stall: timings.stall.max(3 * round_trip).min(timings.ping_interval),
                dead: timings.ping_timeout,
            },
        }
    }

    /// Something came, whatever it was.
    pub(crate) fn heard(&self, now: Instant) {
        let mut state = self.lock();
        state.heard = now;
        state.pinged = None;
        drop(state);
        self.stalled.send_if_modified(std::mem::take);
    }

    /// The answer to a ping has come; before [`Vitals::heard`].
    pub(crate) fn pong(&self, now: Instant) {
        let mut state = self.lock();
        if let Some(pinged) = state.pinged {
            state.round_trip = Some(now.saturating_duration_since(pinged));
        }
    }

    /// An operation took so long.
    pub(crate) fn answered(&self, took: Duration) {
        let mut state = self.lock();
        state.round_trip = state.round_trip.map(|known| known.min(took));
    }

    /// What a ping and its answer take, if that is known: no operation will be faster.
    pub(crate) fn round_trip(&self) -> Option<Duration> {
        self.lock().round_trip
    }

    /// It was asked for something.
    pub(crate) fn owes(&self, now: Instant) {
        let mut state = self.lock();
        if state.owes_since.is_none() {
            state.owes_since = Some(now);
            self.owing.notify_one();
        }
    }

    /// It has answered everything.
    pub(crate) fn owes_nothing(&self) {
        self.lock().owes_since = None;
    }

    pub(crate) fn is_stalled(&self) -> bool {
        *self.stalled.borrow()
    }

    /// Waits until it is stalled.
    pub(crate) async fn stalled(&self) {
        let mut stalled = self.stalled.subscribe();
        // The sender lives as long as this.
        let _ = stalled.wait_for(|stalled| *stalled).await;
    }

    /// Watches until the connection is dead. `ping` sends a ping, `stall` is called when it has become silent.
    pub(crate) async fn watch(&self, ping: impl Fn(), stall: impl Fn()) -> String {
        loop {
            let now = Instant::now();
            match self.next(now) {
                Step::Wait { until } => {
                    tokio::select! {
                        () = tokio::time::sleep_until(until) => (),
                        () = self.owing.notified() => (),
                    }
                }
                Step::Ping => {
                    self.lock().pinged = Some(now);
                    ping();
                }
                Step::Stall => {
                    self.stalled.send_replace(true);
                    stall();
                }
                Step::Dead => {
                    return format!("it did not answer a ping within {:?}", self.limits.dead);
                }
            }
        }
    }

    fn next(&self, now: Instant) -> Step {
        let (state, limits) = (*self.lock(), self.limits);
        if let Some(pinged) = state.pinged {
            let (stall, dead) = (pinged + limits.stall, pinged + limits.dead);
            return match self.is_stalled() {
                _ if now >= dead => Step::Dead,
                false if now >= stall => Step::Stall,
                false => Step::Wait {
                    until: stall.min(dead),
                },
                true => Step::Wait { until: dead },
            };
        }
        let ping = match state.owes_since {
            Some(since) => (since.max(state.heard) + limits.stall).min(state.heard + limits.idle),
            None => state.heard + limits.idle,
        };
        if now >= ping {
            Step::Ping
        } else {
            Step::Wait { until: ping }
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Nothing done under the lock can panic halfway through a change.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    fn vitals(round_trip: Duration) -> (Vitals, Instant) {
        let now = Instant::now();
        let timings = Timings {
            stall: 250 * MS,
            ..Timings::default()
        };
        (Vitals::new(&timings, round_trip, now), now)
    }

    #[test]
    fn an_idle_connection_is_pinged_now_and_then() {
        let (vitals, now) = vitals(MS);
        let ping = now + 5000 * MS;
        assert_eq!(vitals.next(now), Step::Wait { until: ping });
        assert_eq!(vitals.next(ping), Step::Ping);
        assert_eq!(vitals.round_trip(), None);
        vitals.lock().pinged = Some(now);
        vitals.pong(now + 3 * MS);
        vitals.heard(now + 1000 * MS);
        vitals.pong(now + 1001 * MS);
        assert_eq!(vitals.round_trip(), Some(3 * MS));
        vitals.answered(4 * MS);
        assert_eq!(vitals.round_trip(), Some(3 * MS));
        vitals.answered(2 * MS);
        assert_eq!(vitals.round_trip(), Some(2 * MS));
        assert_eq!(
            vitals.next(ping),
            Step::Wait {
                until: ping + 1000 * MS
            }
        );
    }

    #[test]
    fn who_owes_answers_is_stalled_soon_and_dead_later() {
        let (vitals, now) = vitals(MS);
        let asked = now + 1000 * MS;
        vitals.owes(asked);
        vitals.owes(asked + 100 * MS);
        let ping = asked + 250 * MS;
        assert_eq!(vitals.next(asked), Step::Wait { until: ping });
        assert_eq!(vitals.next(ping), Step::Ping);
        vitals.lock().pinged = Some(ping);
        let stall = ping + 250 * MS;
        assert_eq!(vitals.next(ping), Step::Wait { until: stall });
        assert_eq!(vitals.next(stall), Step::Stall);
        vitals.stalled.send_replace(true);
        let dead = ping + 5000 * MS;
        assert_eq!(vitals.next(stall), Step::Wait { until: dead });
        assert_eq!(vitals.next(dead), Step::Dead);

        // It was alive after all.
        vitals.heard(dead);
        assert!(!vitals.is_stalled());
        assert_eq!(
            vitals.next(dead),
            Step::Wait {
                until: dead + 250 * MS
            }
        );
        vitals.owes_nothing();
        assert_eq!(
            vitals.next(dead),
            Step::Wait {
                until: dead + 5000 * MS
            }
        );
    }

    #[test]
    fn a_far_key_server_has_more_time() {
        let (vitals, now) = vitals(200 * MS);
        vitals.owes(now);
        assert_eq!(
            vitals.next(now),
            Step::Wait {
                until: now + 600 * MS
            }
        );
    }

    #[tokio::test(start_paused = true)]
    async fn silence_is_told_and_ends() {
        let (vitals, _) = vitals(MS);
        vitals.owes(Instant::now());
        let pings = std::cell::Cell::new(0);
        let began = Instant::now();
        let watching = vitals.watch(|| pings.set(pings.get() + 1), || ());
        tokio::pin!(watching);
        tokio::select! {
            _ = &mut watching => panic!("dead too soon"),
            () = vitals.stalled() => (),
        }
        assert!(began.elapsed() >= 500 * MS && began.elapsed() < 600 * MS);
        let cause = watching.await;
        assert!(began.elapsed() >= 5250 * MS, "{:?}", began.elapsed());
        assert!(cause.contains("ping"), "{cause}");
        assert_eq!(pings.get(), 1);
    }
}
