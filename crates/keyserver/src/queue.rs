//! The two queues between connections and workers: elliptic curves do not wait behind RSA.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

/// How long a job of this kind keeps a worker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Weight {
    /// ECDSA and Ed25519: tens of microseconds.
    Light,
    /// RSA: a millisecond and more.
    Heavy,
}

/// What a worker takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Lane {
    /// Anything, light jobs first.
    General,
    /// Light jobs only: this worker is free for them when RSA keeps all others busy.
    LightOnly,
}

/// After so many light jobs in a row, a heavy one that waits has its turn.
const LIGHT_RUN: u32 = 32;

/// Bounded queues that worker threads block on.
#[derive(Debug)]
pub(crate) struct Queue<T> {
    state: Mutex<State<T>>,
    general: Condvar,
    light_only: Condvar,
    capacity: usize,
}

#[derive(Debug)]
struct State<T> {
    light: VecDeque<T>,
    heavy: VecDeque<T>,
    light_run: u32,
    general: Sleepers,
    light_only: Sleepers,
    closed: bool,
}

/// Sleeping workers, and how many of them have been woken already. Counted, since a condition variable wakes without cause and
/// forgets wakes that nobody waits for.
#[derive(Debug, Default)]
struct Sleepers {
    asleep: usize,
    woken: usize,
}

impl Sleepers {
    /// Wakes one that still sleeps.
    fn wake(&mut self, condition: &Condvar) -> bool {
        let wake = self.asleep > self.woken;
        if wake {
            self.woken += 1;
            condition.notify_one();
        }
        wake
    }
}

impl<T> Queue<T> {
    /// Queues with room for `capacity` jobs each.
    pub(crate) fn new(capacity: usize) -> Self {
        Self {
            state: Mutex::new(State {
                light: VecDeque::new(),
                heavy: VecDeque::new(),
                light_run: 0,
                general: Sleepers::default(),
                light_only: Sleepers::default(),
                closed: false,
            }),
            general: Condvar::new(),
            light_only: Condvar::new(),
            capacity,
        }
    }

    /// Adds a job, or gives it back if its queue is full or closed.
    pub(crate) fn push(&self, weight: Weight, job: T) -> Result<(), T> {
        let mut state = self.lock();
        let state = &mut *state;
        let queue = match weight {
            Weight::Light => &mut state.light,
            Weight::Heavy => &mut state.heavy,
        };
        if state.closed || queue.len() >= self.capacity {
            return Err(job);
        }
        queue.push_back(job);
        if !state.general.wake(&self.general) && weight == Weight::Light {
            state.light_only.wake(&self.light_only);
        }
        Ok(())
    }

    /// Waits for a job. `None` when the queue is closed and empty.
    pub(crate) fn pop(&self, lane: Lane) -> Option<T> {
        let mut state = self.lock();
        loop {
            if let Some(job) = state.take(lane) {
                return Some(job);
            }
            if state.closed {
                return None;
            }
            state.sleepers(lane).asleep += 1;
            while state.sleepers(lane).woken == 0 && !state.closed {
                let condition = match lane {
                    Lane::General => &self.general,
                    Lane::LightOnly => &self.light_only,
                };
                state = condition
                    .wait(state)
                    .unwrap_or_else(PoisonError::into_inner);
            }
            let sleepers = state.sleepers(lane);
            sleepers.asleep -= 1;
            sleepers.woken = sleepers.woken.saturating_sub(1);
        }
    }

    /// How many jobs wait: light ones, and heavy ones.
    pub(crate) fn lengths(&self) -> (usize, usize) {
        let state = self.lock();
        (state.light.len(), state.heavy.len())
    }

    /// Takes no more jobs; workers finish what is queued and end.
    pub(crate) fn close(&self) {
        self.lock().closed = true;
        self.general.notify_all();
        self.light_only.notify_all();
    }

    fn lock(&self) -> MutexGuard<'_, State<T>> {
        // No job runs under this lock; a panic while it was held left whole queues behind.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T> State<T> {
    fn sleepers(&mut self, lane: Lane) -> &mut Sleepers {
        match lane {
            Lane::General => &mut self.general,
            Lane::LightOnly => &mut self.light_only,
        }
    }

    fn take(&mut self, lane: Lane) -> Option<T> {
        if lane == Lane::LightOnly {
            return self.light.pop_front();
        }
        if (self.light_run < LIGHT_RUN || self.heavy.is_empty())
            && let Some(job) = self.light.pop_front()
        {
            self.light_run = self.light_run.saturating_add(1);
            return Some(job);
        }
        self.light_run = 0;
        self.heavy.pop_front()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    #[test]
    fn light_jobs_pass_heavy_ones_without_starving_them() {
        let queue = Queue::new(1000);
        queue.push(Weight::Heavy, 'h').unwrap();
        for _ in 0..100 {
            queue.push(Weight::Light, 'l').unwrap();
        }
        let order: String = (0..101)
            .map(|_| queue.pop(Lane::General).unwrap())
            .collect();
        assert_eq!(order.find('h'), Some(LIGHT_RUN as usize));
    }

    #[test]
    fn light_only_leaves_heavy_jobs() {
        let queue = Queue::new(2);
        queue.push(Weight::Heavy, 'h').unwrap();
        queue.push(Weight::Light, 'l').unwrap();
        assert_eq!(queue.pop(Lane::LightOnly), Some('l'));
        queue.close();
        assert_eq!(queue.pop(Lane::LightOnly), None);
        assert_eq!(queue.pop(Lane::General), Some('h'));
        assert_eq!(queue.pop(Lane::General), None);
    }

    #[test]
    fn full_queue_gives_the_job_back() {
        let queue = Queue::new(1);
        queue.push(Weight::Light, 1).unwrap();
        assert_eq!(queue.push(Weight::Light, 2), Err(2));
        queue.push(Weight::Heavy, 3).unwrap();
        assert_eq!(queue.push(Weight::Heavy, 4), Err(4));
    }

    #[test]
    fn no_job_is_lost_between_threads() {
        let queue = Arc::new(Queue::new(usize::MAX));
        let workers: Vec<_> = [Lane::General, Lane::General, Lane::LightOnly]
            .into_iter()
            .map(|lane| {
                let queue = Arc::clone(&queue);
                std::thread::spawn(move || {
                    let mut sum = 0u64;
                    while let Some(job) = queue.pop(lane) {
                        sum += job;
                    }
                    sum
                })
            })
            .collect();
        for job in 1..=10_000u64 {
            let weight = if job % 3 == 0 {
                Weight::Heavy
            } else {
                Weight::Light
            };
            queue.push(weight, job).unwrap();
        }
        queue.close();
        let sum: u64 = workers
            .into_iter()
            .map(|worker| worker.join().unwrap())
            .sum();
        assert_eq!(sum, 10_000 * 10_001 / 2);
    }
}
