//! One operation's way to an answer: whom to ask, when to ask another as well, when to go elsewhere.

use std::pin::Pin;
use std::sync::Arc;

use futures_util::stream::{FuturesUnordered, StreamExt};
use keyward_keyop::Operation;
use keyward_protocol::Reply;
use tokio::time::{Instant, sleep_until, timeout_at};

use crate::error::KeyClientError;
use crate::fleet::{Choice, Fleet, Purpose, Selection, Visited, Want};
use crate::route::Route;
use crate::server::{Ended, Errand};
use crate::status::Counts;

/// How often an operation goes elsewhere, because of a failure or of silence. An operation that kills every key server that it comes
/// to must not come to all of them.
const MOVES: u32 = 2;

/// Has an operation performed before `until`. Dropping the future cancels it everywhere.
pub(crate) async fn run(
    fleet: &Fleet,
    operation: &Operation,
    until: Instant,
) -> Result<(Reply, Route), KeyClientError> {
    fleet.count_operation();
    Counts::add(&fleet.counts.operations);
    let mut race = Race {
        fleet,
        operation,
        want: fleet.want(operation),
        until,
        attempts: FuturesUnordered::new(),
        silent: 0,
        visited: Visited::default(),
        moves: 0,
        hedged: false,
        error: None,
    };
    match timeout_at(until, race.run()).await {
        Ok(result) => result,
        Err(_) => Err(race.too_late()),
    }
}

struct Race<'a> {
    fleet: &'a Fleet,
    operation: &'a Operation,
    want: Want,
    until: Instant,
    attempts: FuturesUnordered<Pin<Box<dyn Future<Output = Event<'a>> + Send + 'a>>>,
    /// Those of them whose key server has fallen silent.
    silent: usize,
    visited: Visited,
    moves: u32,
    hedged: bool,
    /// What went wrong last.
    error: Option<KeyClientError>,
}

/// The operation at one key server.
struct Attempt<'a> {
    errand: Errand,
    choice: Choice,
    answer: Pin<Box<dyn Future<Output = Result<Reply, KeyClientError>> + Send + 'a>>,
    /// It is known that the key server is silent.
    silent: bool,
    /// It is the second, since the first was slow.
    hedge: bool,
}

enum Event<'a> {
    /// There is an answer.
    Over(Attempt<'a>, Result<Reply, KeyClientError>),
    /// The key server has become silent. It may answer yet.
    Silent(Attempt<'a>),
}

impl<'a> Attempt<'a> {
    async fn go_on(mut self) -> Event<'a> {
        if self.silent {
            let result = self.answer.as_mut().await;
            return Event::Over(self, result);
        }
        let result = tokio::select! {
            biased;
            result = self.answer.as_mut() => Some(result),
            () = self.choice.connection.stalled() => None,
        };
        match result {
            Some(result) => Event::Over(self, result),
            None => {
                self.silent = true;
                Event::Silent(self)
            }
        }
    }
}

impl<'a> Race<'a> {
    async fn run(&mut self) -> Result<(Reply, Route), KeyClientError> {
        self.ask_first().await?;
        let began = Instant::now();
        let mut hedge_at = Some(began + self.fleet.hedge_after(self.want.kind));
        // Slow beyond measure, and nobody else was asked: not for speed any more, but to have an answer at all.
        let mut rescue_at = Some(began + self.until.saturating_duration_since(began) / 2);
        loop {
            if self.attempts.is_empty() {
                self.ask_again().await?;
            }
            tokio::select! {
                biased;
                Some(event) = self.attempts.next() => match event {
                    Event::Over(attempt, Ok(reply)) => return Ok(self.won(attempt, reply)),
                    Event::Over(attempt, Err(error)) => {
                        self.silent -= usize::from(attempt.silent);
                        self.failed(attempt, error)?;
                        if self.nobody_left() {
                            self.move_on(Purpose::AskAgain);
                        }
                    }
                    Event::Silent(attempt) => {
                        self.silent += 1;
                        self.attempts.push(Box::pin(attempt.go_on()));
                        if self.nobody_left() {
                            self.move_on(Purpose::Help);
                        }
                    }
                },
                () = at(hedge_at) => {
                    hedge_at = None;
                    self.hedge();
                }
                () = at(rescue_at) => {
                    rescue_at = None;
                    self.move_on(Purpose::Help);
                }
            }
        }
    }

    /// Waits until a key server can be asked, and asks it.
    async fn ask_first(&mut self) -> Result<(), KeyClientError> {
        let choice = wait(self.fleet, self.want, &self.visited, Purpose::Ask).await;
        match choice {
            Some(choice) => {
                self.send(choice, false);
                Ok(())
            }
            None => Err(self.fleet.trouble()),
        }
    }

    /// The same after a failure.
    async fn ask_again(&mut self) -> Result<(), KeyClientError> {
        let last = |error: &Option<KeyClientError>, fleet: &Fleet| {
            error.clone().unwrap_or_else(|| fleet.trouble())
        };
        if self.moves >= MOVES {
            return Err(last(&self.error, self.fleet));
        }
        match wait(self.fleet, self.want, &self.visited, Purpose::AskAgain).await {
            Some(choice) => {
                self.moved(choice);
                Ok(())
            }
            None => Err(last(&self.error, self.fleet)),
        }
    }

    /// Whether nobody has the operation from whom an answer is to be expected.
    fn nobody_left(&self) -> bool {
        self.attempts.len() == self.silent
    }

    /// Asks another key server, if there is one that can be asked now.
    fn move_on(&mut self, purpose: Purpose) {
        if self.moves >= MOVES {
            return;
        }
        if let Some(choice) = self.another(purpose) {
            self.moved(choice);
        }
    }

    fn moved(&mut self, choice: Choice) {
        self.moves += 1;
        Counts::add(&self.fleet.counts.moved);
        self.send(choice, false);
    }

    /// Asks a second key server, since the first is slow, if the budget allows it.
    fn hedge(&mut self) {
        if self.attempts.len() != 1 {
            return;
        }
        if let Some(choice) = self.another(Purpose::Help)
            && self.fleet.may_hedge()
        {
            self.hedged = true;
            Counts::add(&self.fleet.counts.hedged);
            self.send(choice, true);
        }
    }

    fn another(&self, purpose: Purpose) -> Option<Choice> {
        match self.fleet.select(self.want, &self.visited, purpose, &[]) {
            Selection::Found(choice) => Some(choice),
            Selection::Wait { .. } | Selection::None => None,
        }
    }

    fn send(&mut self, choice: Choice, hedge: bool) {
        self.visited.add(choice.server.id);
        let connection = Arc::clone(&choice.connection);
        let (operation, until) = (self.operation, self.until);
        let attempt = Attempt {
            errand: Errand::begin(Arc::clone(&choice.server), self.want.kind),
            choice,
            answer: Box::pin(async move { connection.request(operation, until).await }),
            silent: false,
            hedge,
        };
        self.attempts.push(Box::pin(attempt.go_on()));
    }

    fn won(&self, mut attempt: Attempt<'a>, reply: Reply) -> (Reply, Route) {
        let took = attempt.errand.answered(&reply);
        self.fleet.note_answer(self.want.kind, took);
        attempt.choice.connection.note_answer(took);
        if attempt.hedge {
            Counts::add(&self.fleet.counts.hedges_won);
        }
        let route = Route {
            server: Arc::clone(&attempt.errand.server.label),
            hedged: self.hedged,
            retries: self.moves,
        };
        (reply, route)
    }

    /// Notes a failure; returns it if it is the last word.
    fn failed(
        &mut self,
        mut attempt: Attempt<'a>,
        error: KeyClientError,
    ) -> Result<(), KeyClientError> {
        attempt.errand.failed();
        let server = &attempt.errand.server;
        match &error {
            KeyClientError::ConnectionLost { .. } => self.visited.lost(server.id),
            error if error.is_servers_fault() => {
                let fraction = self.fleet.common.dice.fraction();
                server.note_failure(error, Instant::now(), fraction);
            }
            _ => (),
        }
        if !error.may_differ_elsewhere() {
            return Err(error);
        }
        self.error = Some(error);
        Ok(())
    }

    /// The deadline has passed.
    fn too_late(mut self) -> KeyClientError {
        if self.attempts.is_empty() {
            return self.error.take().unwrap_or_else(|| self.fleet.trouble());
        }
        KeyClientError::Expired
    }
}

/// A moment, or never.
async fn at(moment: Option<Instant>) {
    match moment {
        Some(moment) => sleep_until(moment).await,
        None => std::future::pending().await,
    }
}

/// Waits for a key server that can be asked; `None` if it makes no sense to wait.
pub(crate) async fn wait(
    fleet: &Fleet,
    want: Want,
    visited: &Visited,
    purpose: Purpose,
) -> Option<Choice> {
    let mut changes = fleet.common.changes.follow();
    let mut before: Option<Vec<(u64, Ended)>> = None;
    loop {
        changes.mark_unchanged();
        let since = before.get_or_insert_with(|| fleet.ended());
        match fleet.select(want, visited, purpose, since) {
            Selection::Found(choice) => return Some(choice),
            Selection::None => return None,
            Selection::Wait { until } => {
                tokio::select! {
                    changed = changes.changed() => changed.ok()?,
                    () = at(until) => (),
                }
            }
        }
    }
}
