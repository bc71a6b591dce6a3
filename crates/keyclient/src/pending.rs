//! The requests that wait for an answer on one connection.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use keyward_protocol::Reply;
use tokio::sync::oneshot;

use crate::error::KeyClientError;

/// What comes of a request.
pub(crate) type Answer = Result<Reply, KeyClientError>;

/// Answers by request id.
#[derive(Debug, Default)]
pub(crate) struct Pending(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    waiting: HashMap<u32, oneshot::Sender<Answer>>,
    last_id: u32,
    /// How the connection died; from then on every request fails with this.
    lost: Option<String>,
}

impl Pending {
    /// Takes an id for a request; at most `limit` may wait (0 is no limit).
    pub(crate) fn begin(
        &self,
        limit: u16,
    ) -> Result<(u32, oneshot::Receiver<Answer>), KeyClientError> {
        let mut state = self.lock();
        if let Some(cause) = &state.lost {
            return Err(KeyClientError::ConnectionLost {
                cause: cause.clone(),
            });
        }
        if limit != 0 && state.waiting.len() >= usize::from(limit) {
            return Err(KeyClientError::Overloaded);
        }
        // Never 0, and never one that still waits, after four thousand million requests as well.
        loop {
            state.last_id = state.last_id.wrapping_add(1);
            if state.last_id != 0 && !state.waiting.contains_key(&state.last_id) {
                break;
            }
        }
        let (sender, receiver) = oneshot::channel();
        let id = state.last_id;
        state.waiting.insert(id, sender);
        Ok((id, receiver))
    }

    /// Answers a request. An answer to one that was cancelled goes nowhere.
    pub(crate) fn answer(&self, id: u32, answer: Answer) {
        if let Some(sender) = self.lock().waiting.remove(&id) {
            let _ = sender.send(answer);
        }
    }

    /// Nobody waits for this answer any more; `true` if it had not come.
    pub(crate) fn forget(&self, id: u32) -> bool {
        self.lock().waiting.remove(&id).is_some()
    }

    /// Fails what waits and what comes. The first cause stays.
    pub(crate) fn fail_all(&self, cause: &str) {
        let mut state = self.lock();
        let cause = state.lost.get_or_insert_with(|| cause.to_owned()).clone();
        for (_, sender) in state.waiting.drain() {
            let _ = sender.send(Err(KeyClientError::ConnectionLost {
                cause: cause.clone(),
            }));
        }
    }

    /// How the connection died, if it did.
    pub(crate) fn lost(&self) -> Option<String> {
        self.lock().lost.clone()
    }

    /// How many requests wait.
    pub(crate) fn len(&self) -> usize {
        self.lock().waiting.len()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Nothing done under the lock can panic halfway through a change.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_wrap_around_zero_and_those_that_wait() {
        let pending = Pending::default();
        let (first, _receiver) = pending.begin(0).unwrap();
        assert_eq!(first, 1);
        pending.lock().last_id = u32::MAX;
        assert_eq!(pending.begin(0).unwrap().0, 2);
    }

    #[test]
    fn a_lost_connection_fails_what_waits_and_what_comes() {
        let pending = Pending::default();
        let (_, mut receiver) = pending.begin(1).unwrap();
        assert!(matches!(pending.begin(1), Err(KeyClientError::Overloaded)));
        pending.fail_all("cut");
        pending.fail_all("again");
        let lost = KeyClientError::ConnectionLost {
            cause: "cut".to_owned(),
        };
        assert!(matches!(receiver.try_recv(), Ok(Err(error)) if error == lost));
        assert!(matches!(pending.begin(1), Err(error) if error == lost));
    }
}
