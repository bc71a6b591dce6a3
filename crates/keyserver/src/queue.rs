//! The two lanes between connections and those who use private keys: elliptic curves do not wait behind RSA.
//!
//! Jobs of the light lane are done by tasks of the runtime that the connections are on, in short slices: to hand one over to
//! another thread would cost half as much as to do it. Those of the heavy lane have threads of their own.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use tokio::sync::Semaphore;

use crate::lane::{Cost, Lane, QUANTUM};
use crate::places::PlaceId;

/// How long a job of this kind keeps a processor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Weight {
    /// ECDSA, Ed25519, ML-DSA: tens of microseconds, rarely hundreds.
    Light(Cost),
    /// RSA: a quarter of a millisecond and more.
    Heavy(Cost),
}

/// In the light lane a turn is shorter: it is about waits of microseconds.
const LIGHT_QUANTUM: Cost = 16;

/// With less than this waiting it is not worth while to wake another task, on another thread.
const SHARED: usize = 4;

/// Bounds of what may wait.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bounds {
    /// Jobs in each lane.
    pub(crate) lane: usize,
    /// Jobs of one edge in each lane.
    pub(crate) edge: usize,
    /// Bytes of handshakes in both.
    pub(crate) bytes: usize,
}

/// A job with what decides about its place.
#[derive(Debug)]
pub(crate) struct Queued<T> {
    pub(crate) edge: PlaceId,
    pub(crate) weight: Weight,
    /// That it keeps in memory.
    pub(crate) bytes: usize,
    pub(crate) job: T,
}

/// Why a job cannot wait here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Full {
    Lane,
    Edge,
    Bytes,
    /// The key server ends.
    Closed,
}

/// Bounded lanes.
#[derive(Debug)]
pub(crate) struct Queue<T> {
    state: Mutex<State<T>>,
    heavy: Condvar,
    /// One permit for each light task that is woken.
    light: Semaphore,
    bounds: Bounds,
}

#[derive(Debug)]
struct State<T> {
    light: Lane<(usize, T)>,
    heavy: Lane<(usize, T)>,
    bytes: usize,
    /// Light tasks that nobody has woken.
    idle: usize,
    sleepers: Sleepers,
    closed: bool,
}

/// Sleeping threads, and how many of them have been woken already. Counted, since a condition variable wakes without cause and
/// forgets wakes that nobody waits for.
#[derive(Debug, Default)]
struct Sleepers {
    asleep: usize,
    woken: usize,
}

impl<T> Queue<T> {
    /// Empty lanes.
    pub(crate) fn new(bounds: Bounds) -> Self {
        Self {
            state: Mutex::new(State {
                light: Lane::new(LIGHT_QUANTUM),
                heavy: Lane::new(QUANTUM),
                bytes: 0,
                idle: 0,
                sleepers: Sleepers::default(),
                closed: false,
            }),
            heavy: Condvar::new(),
            light: Semaphore::new(0),
            bounds,
        }
    }

    /// Adds jobs; those that there is no room for come back.
    pub(crate) fn push_all(&self, jobs: impl IntoIterator<Item = Queued<T>>) -> Vec<(T, Full)> {
        let mut rejected = Vec::new();
        let mut wake_light = false;
        let mut wake_heavy = 0;
        let mut state = self.lock();
        for queued in jobs {
            let heavy = matches!(queued.weight, Weight::Heavy(_));
            match state.push(queued, &self.bounds) {
                Ok(()) if !heavy => wake_light = true,
                Ok(()) if state.sleepers.asleep > state.sleepers.woken => {
                    state.sleepers.woken += 1;
                    wake_heavy += 1;
                }
                Ok(()) => {}
                Err(full) => rejected.push(full),
            }
        }
        let wake_light = wake_light && state.wake_light();
        drop(state);
        for _ in 0..wake_heavy {
            self.heavy.notify_one();
        }
        if wake_light {
            self.light.add_permits(1);
        }
        rejected
    }

    /// Waits for a job of the light lane. `None` when the queue is closed.
    pub(crate) async fn pop_light(&self) -> Option<T> {
        loop {
            {
                let mut state = self.lock();
                if let Some((_, job)) = state.pop_light() {
                    let more = state.light.len() > SHARED && state.wake_light();
                    drop(state);
                    if more {
                        self.light.add_permits(1);
                    }
                    return Some(job);
                }
                if state.closed {
                    return None;
                }
                state.idle += 1;
            }
            // Closed, it is an error at once: what is left in the lane is looked for once more.
            if let Ok(permit) = self.light.acquire().await {
                permit.forget();
            }
        }
    }

    /// A job of the light lane, if one waits.
    pub(crate) fn try_pop_light(&self) -> Option<T> {
        self.lock().pop_light().map(|(_, job)| job)
    }

    /// A job of the heavy lane, if one waits, and what it costs.
    pub(crate) fn try_pop_heavy(&self) -> Option<(Cost, T)> {
        self.lock().pop_heavy()
    }

    /// Waits for a job of the heavy lane. `None` when the queue is closed and the lane empty.
    pub(crate) fn pop_heavy(&self) -> Option<(Cost, T)> {
        let mut state = self.lock();
        loop {
            if let Some(job) = state.pop_heavy() {
                return Some(job);
            }
            if state.closed {
                return None;
            }
            state.sleepers.asleep += 1;
            while state.sleepers.woken == 0 && !state.closed {
                state = self
                    .heavy
                    .wait(state)
                    .unwrap_or_else(PoisonError::into_inner);
            }
            state.sleepers.asleep -= 1;
            state.sleepers.woken = state.sleepers.woken.saturating_sub(1);
        }
    }

    /// How many jobs wait: light ones, and heavy ones.
    pub(crate) fn lengths(&self) -> (usize, usize) {
        let state = self.lock();
        (state.light.len(), state.heavy.len())
    }

    /// Takes no more jobs; what is queued is finished, and those who do it end.
    pub(crate) fn close(&self) {
        self.lock().closed = true;
        self.heavy.notify_all();
        self.light.close();
    }

    fn lock(&self) -> MutexGuard<'_, State<T>> {
        // No job runs under this lock; a panic while it was held left whole lanes behind.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T> State<T> {
    fn push(&mut self, queued: Queued<T>, bounds: &Bounds) -> Result<(), (T, Full)> {
        let Queued {
            edge,
            weight,
            bytes,
            job,
        } = queued;
        let (lane, cost) = match weight {
            Weight::Light(cost) => (&mut self.light, cost),
            Weight::Heavy(cost) => (&mut self.heavy, cost),
        };
        let full = if self.closed {
            Some(Full::Closed)
        } else if lane.len() >= bounds.lane {
            Some(Full::Lane)
        } else if lane.len_of(edge) >= bounds.edge {
            Some(Full::Edge)
        } else if self.bytes.saturating_add(bytes) > bounds.bytes {
            Some(Full::Bytes)
        } else {
            None
        };
        if let Some(full) = full {
            return Err((job, full));
        }
        self.bytes += bytes;
        lane.push(edge, cost, (bytes, job));
        Ok(())
    }

    fn pop_light(&mut self) -> Option<(Cost, T)> {
        let (cost, (bytes, job)) = self.light.pop()?;
        self.bytes -= bytes;
        Some((cost, job))
    }

    fn pop_heavy(&mut self) -> Option<(Cost, T)> {
        let (cost, (bytes, job)) = self.heavy.pop()?;
        self.bytes -= bytes;
        Some((cost, job))
    }

    /// Counts one of the idle light tasks as woken, if there is one.
    fn wake_light(&mut self) -> bool {
        let wake = self.idle > 0;
        self.idle -= usize::from(wake);
        wake
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    const BOUNDS: Bounds = Bounds {
        lane: 1000,
        edge: 1000,
        bytes: usize::MAX,
    };

    fn job<T>(edge: PlaceId, weight: Weight, job: T) -> Queued<T> {
        Queued {
            edge,
            weight,
            bytes: 10,
            job,
        }
    }

    fn push<T>(queue: &Queue<T>, edge: PlaceId, weight: Weight, value: T) -> Option<Full> {
        let rejected = queue.push_all([job(edge, weight, value)]);
        rejected.into_iter().next().map(|(_, full)| full)
    }

    #[test]
    fn light_jobs_do_not_wait_behind_heavy_ones() {
        let queue = Queue::new(BOUNDS);
        for _ in 0..100 {
            assert_eq!(push(&queue, 1, Weight::Heavy(16), 'h'), None);
        }
        assert_eq!(push(&queue, 1, Weight::Light(1), 'l'), None);
        assert_eq!(queue.try_pop_light(), Some('l'));
        assert_eq!(queue.try_pop_light(), None);
        assert_eq!(queue.pop_heavy(), Some((16, 'h')));
    }

    /// Positions, not times: of the edge that asks once among one that asks without end, on however many connections.
    #[test]
    fn an_edges_flood_delays_anothers_request_by_one_turn() {
        let queue = Queue::new(BOUNDS);
        for n in 0..900 {
            push(&queue, 1, Weight::Light(1), ("flood", n));
            push(&queue, 1, Weight::Heavy(110), ("flood", n));
        }
        assert_eq!(push(&queue, 2, Weight::Light(1), ("single", 0)), None);
        assert_eq!(push(&queue, 2, Weight::Heavy(110), ("single", 0)), None);
        let light: Vec<_> = std::iter::from_fn(|| queue.try_pop_light()).collect();
        let heavy: Vec<_> = std::iter::from_fn(|| queue.try_pop_heavy()).collect();
        let before = |name| name == "flood";
        let light = light.iter().take_while(|(name, _)| before(*name)).count();
        let heavy = heavy.iter().take_while(|(_, (name, _))| before(*name));
        assert_eq!((light, heavy.count()), (16, 1));
    }

    #[test]
    fn what_has_no_room_comes_back_with_the_reason() {
        let queue = Queue::new(Bounds {
            lane: 3,
            edge: 2,
            bytes: 45,
        });
        let light = Weight::Light(1);
        assert_eq!(push(&queue, 1, light, 1), None);
        assert_eq!(push(&queue, 1, light, 2), None);
        assert_eq!(push(&queue, 1, light, 3), Some(Full::Edge));
        assert_eq!(push(&queue, 2, light, 4), None);
        assert_eq!(push(&queue, 3, light, 5), Some(Full::Lane));
        let heavy = Weight::Heavy(16);
        assert_eq!(push(&queue, 1, heavy, 6), None);
        assert_eq!(push(&queue, 1, heavy, 7), Some(Full::Bytes));
        assert_eq!(queue.try_pop_light(), Some(1));
        assert_eq!(push(&queue, 1, heavy, 8), None, "there is room again");
        queue.close();
        assert_eq!(push(&queue, 1, heavy, 9), Some(Full::Closed));
        assert_eq!(queue.pop_heavy(), Some((16, 6)));
        assert_eq!(queue.pop_heavy(), Some((16, 8)));
        assert_eq!(queue.pop_heavy(), None);
    }

    #[test]
    fn no_job_is_lost_between_threads() {
        let queue = Arc::new(Queue::new(Bounds {
            lane: usize::MAX,
            edge: usize::MAX,
            bytes: usize::MAX,
        }));
        let threads: Vec<_> = (0..3)
            .map(|_| {
                let queue = Arc::clone(&queue);
                std::thread::spawn(move || {
                    let mut sum = 0u64;
                    while let Some((_, job)) = queue.pop_heavy() {
                        sum += job;
                    }
                    sum
                })
            })
            .collect();
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .build()
            .unwrap();
        let tasks: Vec<_> = (0..3)
            .map(|_| {
                let queue = Arc::clone(&queue);
                runtime.spawn(async move {
                    let mut sum = 0u64;
                    while let Some(job) = queue.pop_light().await {
                        sum += job;
                        tokio::task::yield_now().await;
                    }
                    sum
                })
            })
            .collect();
        for value in 1..=10_000u64 {
            let weight = match value % 3 {
                0 => Weight::Heavy(16),
                _ => Weight::Light(1),
            };
            push(&queue, value % 7, weight, value);
        }
        queue.close();
        let heavy: u64 = threads.into_iter().map(|t| t.join().unwrap()).sum();
        let light: u64 = runtime.block_on(async {
            let mut light = 0;
            for task in tasks {
                light += task.await.unwrap();
            }
            light
        });
        assert_eq!(heavy + light, 10_000 * 10_001 / 2);
    }
}
