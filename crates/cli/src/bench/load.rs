//! What edges ask for: as much as there is room for in flight, or at a rate.

use std::collections::VecDeque;
use std::rc::Rc;
use std::time::{Duration, Instant};

use keyward_keyop::OperationResult;
use keyward_protocol::{ErrorCode, Frame};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;

use super::edge::Connection;
use super::operation::Prepared;
use crate::failure::Failure;

/// For what is in flight at the end.
const DRAIN: Duration = Duration::from_secs(30);

/// How long nothing is looked at, at most: the end is not missed.
const LOOK: Duration = Duration::from_millis(10);

/// At most so many bytes of requests are written at once.
const BURST: usize = 60 * 1024;

/// When a connection asks.
pub(crate) enum Pace {
    /// Whenever there is room.
    Full,
    /// At random, with this time between on average.
    Random { gap: Duration, next: Instant },
}

/// A connection, and what it asks for.
pub(crate) struct Flow {
    connection: Connection,
    operation: Rc<Prepared>,
    pace: Pace,
    /// When the request with this id was due, by its place among those in flight.
    due: Vec<Option<Instant>>,
    free: Vec<u32>,
    /// Requests that are due and have no room.
    late: VecDeque<Instant>,
    random: Random,
}

/// What came of it.
#[derive(Default)]
pub(crate) struct Outcome {
    /// Replies; each is verified.
    pub(crate) performed: u64,
    /// Until the last reply.
    pub(crate) elapsed: Duration,
    /// From when each request was due to its reply.
    pub(crate) latencies: Vec<Duration>,
    /// Requests that the key server had no room for.
    pub(crate) overloaded: u64,
    signatures: Vec<(usize, Vec<u8>)>,
}

impl Flow {
    pub(crate) fn new(
        connection: Connection,
        operation: Rc<Prepared>,
        in_flight: u16,
        seed: usize,
    ) -> Self {
        let room = u32::from(in_flight);
        Self {
            connection,
            operation,
            pace: Pace::Full,
            due: vec![None; usize::from(in_flight)],
            free: (1..=room).rev().collect(),
            late: VecDeque::new(),
            random: Random::new(seed),
        }
    }

    /// Another operation from now on.
    pub(crate) fn ask_for(&mut self, operation: &Rc<Prepared>) {
        self.operation = Rc::clone(operation);
    }

    pub(crate) fn set_pace(&mut self, rate: Option<f64>) {
        self.pace = match rate {
            None => Pace::Full,
            Some(rate) => Pace::Random {
                gap: Duration::from_secs_f64(1.0 / rate.max(1e-3)),
                next: Instant::now(),
            },
        };
    }

    fn is_idle(&self) -> bool {
        self.free.len() == self.due.len() && self.late.is_empty()
    }

    /// Sends what is due.
    fn send(&mut self, now: Instant, out: &mut Vec<u8>, ending: bool) -> Result<bool, Failure> {
        if let Pace::Random { gap, next } = &mut self.pace {
            while !ending && *next <= now {
                self.late.push_back(*next);
                *next += gap.mul_f64(self.random.exponential());
            }
        }
        out.clear();
        while out.len() + self.operation.len() <= BURST {
            let due = match self.pace {
                Pace::Full if !ending && !self.free.is_empty() => now,
                Pace::Random { .. } if !self.free.is_empty() => match self.late.pop_front() {
                    Some(due) => due,
                    None => break,
                },
                _ => break,
            };
            let Some(id) = self.free.pop() else { break };
            self.due[id as usize - 1] = Some(due);
            self.operation.request(id, out);
        }
        if !out.is_empty() {
            self.connection.send(out)?;
        }
        Ok(!out.is_empty())
    }

    fn receive(&mut self, flow: usize, outcome: &mut Outcome) -> Result<bool, Failure> {
        let (due, free) = (&mut self.due, &mut self.free);
        let mut failed = None;
        let came = self.connection.receive(|frame| {
            let id = match &frame {
                Frame::Reply { id, .. } | Frame::Error { id, .. } => *id,
                _ => return,
            };
            let place = (id as usize)
                .checked_sub(1)
                .and_then(|place| due.get_mut(place));
            let Some(since) = place.and_then(Option::take) else {
                failed = Some(format!("an answer to nothing: {frame:?}"));
                return;
            };
            free.push(id);
            match frame {
                Frame::Reply { reply, .. } => {
                    outcome.performed += 1;
                    outcome.latencies.push(since.elapsed());
                    if let OperationResult::Signature(signature) = reply.result {
                        outcome.signatures.push((flow, signature));
                    }
                }
                Frame::Error { error, .. } if error.code == ErrorCode::Overloaded => {
                    outcome.overloaded += 1;
                }
                other => failed = Some(format!("an operation was not performed: {other:?}")),
            }
        })?;
        match failed {
            Some(cause) => Err(Failure::run_time(cause)),
            None => Ok(came),
        }
    }
}

/// Lets the flows run for `time`, and waits for what is in flight then. Of those that `counted` says no of nothing is counted,
/// but everything is verified: when the clock has stopped, since it takes longer than signing.
pub(crate) fn run(
    flows: &mut [Flow],
    time: Duration,
    counted: impl Fn(usize) -> bool,
) -> Result<Outcome, Failure> {
    let (mut outcome, mut beside) = (Outcome::default(), Outcome::default());
    let mut out = Vec::with_capacity(BURST);
    let began = Instant::now();
    loop {
        let now = Instant::now();
        let ending = now.duration_since(began) >= time;
        let mut active = false;
        let mut idle = true;
        for (index, flow) in flows.iter_mut().enumerate() {
            let outcome = match counted(index) {
                true => &mut outcome,
                false => &mut beside,
            };
            active |= flow.send(now, &mut out, ending)?;
            active |= flow.receive(index, outcome)?;
            idle &= flow.is_idle();
        }
        if ending && idle {
            break;
        }
        if now.duration_since(began) > time + DRAIN {
            return Err(Failure::run_time("the key server owes answers"));
        }
        if !active {
            wait(flows, now)?;
        }
    }
    outcome.elapsed = began.elapsed();
    for (flow, signature) in outcome.signatures.drain(..).chain(beside.signatures) {
        flows[flow].operation.verify(&signature)?;
    }
    Ok(outcome)
}

/// Until something comes, or the next request is due.
fn wait(flows: &[Flow], now: Instant) -> Result<(), Failure> {
    let due = flows.iter().filter_map(|flow| match flow.pace {
        Pace::Random { next, .. } => Some(next.saturating_duration_since(now)),
        Pace::Full => None,
    });
    let timeout = due.min().unwrap_or(LOOK).min(LOOK);
    let timeout = Timespec {
        tv_sec: 0,
        tv_nsec: timeout.subsec_nanos().into(),
    };
    let mut sockets: Vec<PollFd<'_>> = flows
        .iter()
        .map(|flow| PollFd::from_borrowed_fd(flow.connection.socket(), PollFlags::IN))
        .collect();
    match poll(&mut sockets, Some(&timeout)) {
        Ok(_) | Err(Errno::INTR) => Ok(()),
        Err(error) => Err(Failure::run_time(error)),
    }
}

/// Numbers that look random enough for arrivals, the same in each run (xorshift, Marsaglia 2003).
struct Random(u64);

impl Random {
    fn new(seed: usize) -> Self {
        Self(0x9e37_79b9_7f4a_7c15 ^ (seed as u64) << 20)
    }

    /// Exponentially distributed, 1 on average.
    fn exponential(&mut self) -> f64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        let high = u32::try_from(self.0 >> 32).unwrap_or_default();
        -((f64::from(high) + 1.0) / (f64::from(u32::MAX) + 1.0)).ln()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arrivals_are_one_apart_on_average() {
        let mut random = Random::new(1);
        let sum: f64 = (0..100_000).map(|_| random.exponential()).sum();
        assert!((sum / 100_000.0 - 1.0).abs() < 0.02, "{sum}");
    }
}
