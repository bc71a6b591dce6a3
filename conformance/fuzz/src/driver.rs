//! The engine under test, and what must hold of it whatever a peer sends and whoever answers.

use keyward_tls::{
    Answer, ClientSession, Connection, Error, Misuse, Need, NeedError, NeedId, NeedKind, Role,
    Step, UnixTime,
};

use crate::site::{Mood, Site};

/// A connection and what was seen of it.
pub struct Driver<R: Role> {
    /// The engine.
    pub connection: Connection<R>,
    /// Who answers.
    pub site: Site,
    /// Needs that wait for an answer.
    pub open: Vec<Need>,
    /// How it failed.
    pub error: Option<Error>,
    /// Its handshake is complete.
    pub complete: bool,
    /// How often that was: more than once with renegotiation alone.
    pub handshakes: usize,
    /// It said that it is closed.
    pub closed: bool,
    /// Application data that it gave out.
    pub read: Vec<u8>,
    /// Sessions that it gave out.
    pub sessions: Vec<ClientSession>,
    /// When it is.
    pub now: UnixTime,
    /// Whether our side has closed, so that no alert follows.
    pub silent: bool,
    ids: Vec<NeedId>,
    peer_closed: bool,
}

/// The most output that may wait: `Limits::output`, and a flight of the handshake.
const MAX_OUTPUT: usize = 64 * 1024 + 32 * 1024;

/// More steps than any input can have a use for.
const MAX_STEPS: usize = 100_000;

impl<R: Role> Driver<R> {
    /// Begins.
    pub fn new(connection: Connection<R>, site: Site, now: UnixTime) -> Self {
        Self {
            connection,
            site,
            open: Vec::new(),
            error: None,
            complete: false,
            handshakes: 0,
            closed: false,
            read: Vec::new(),
            sessions: Vec::new(),
            now,
            silent: false,
            ids: Vec::new(),
            peer_closed: false,
        }
    }

    /// One step; whether there may be more to do.
    pub fn step(&mut self) -> bool {
        let before = self.connection.output().len();
        let outcome = self.connection.step(self.now);
        let grown = self.connection.output().len() - before;
        if let Some(error) = &self.error {
            assert_eq!(
                outcome.err().as_ref(),
                Some(error),
                "another error than before"
            );
            assert_eq!(grown, 0, "output after the end");
            return false;
        }
        assert!(
            !self.closed || matches!(outcome, Ok(Step::Closed)),
            "it goes on"
        );
        match outcome {
            Ok(Step::Blocked) => false,
            Ok(Step::Closed) => {
                self.closed = true;
                false
            }
            Ok(Step::Need(need)) => {
                let id = need.id();
                assert!(!self.ids.contains(&id), "an id is used twice");
                self.ids.push(id);
                self.open.push(need);
                true
            }
            Ok(Step::HandshakeComplete) => {
                assert!(
                    !self.complete || self.site.policy.renegotiation,
                    "complete twice"
                );
                assert!(self.connection.is_handshake_complete());
                assert!(self.connection.negotiated().is_some());
                self.complete = true;
                self.handshakes += 1;
                true
            }
            Ok(Step::Data) => {
                assert!(self.connection.readable() > 0, "no data");
                true
            }
            Ok(Step::PeerClosed) => {
                assert!(!self.peer_closed, "the peer closes twice");
                self.peer_closed = true;
                true
            }
            Ok(Step::SessionReceived(session)) => {
                self.sessions.push(*session);
                true
            }
            Ok(_) => true,
            Err(error) => {
                if error.alert().is_some() && !self.silent {
                    assert!(grown >= 7, "no alert for {error:?}");
                }
                assert!(
                    !matches!(error, Error::Internal(_)),
                    "no peer should make us fail by ourselves: {error}"
                );
                self.open.clear();
                self.error = Some(error);
                false
            }
        }
    }

    /// Reads at most this much.
    pub fn read(&mut self, most: usize) {
        let mut buffer = vec![0; most.min(self.connection.readable())];
        let n = self.connection.read(&mut buffer);
        assert_eq!(n, buffer.len());
        self.read.extend_from_slice(&buffer);
    }

    /// Steps, reads and answers until there is nothing more to do.
    pub fn run(&mut self) {
        for _ in 0..MAX_STEPS {
            let more = self.step();
            self.read(usize::MAX);
            if !self.open.is_empty() {
                self.answer(0, Mood::Right);
            } else if !more {
                return;
            }
        }
        panic!("it never comes to rest");
    }

    /// Answers one of the open needs.
    pub fn answer(&mut self, which: usize, mood: Mood) {
        if self.open.is_empty() {
            return;
        }
        let need = self.open.remove(which % self.open.len());
        let (id, kind) = (need.id(), need.kind());
        // An answer of another kind is refused, and does no harm.
        if let Mood::Wrong(how) = mood
            && how & 1 != 0
        {
            let other = match kind {
                NeedKind::Session => Answer::new_session(id, Ok(None)),
                _ => Answer::session(id, Ok(None)),
            };
            // After an abort or a close in the handshake no need is open.
            let refused = self.connection.answer(other);
            assert!(
                refused == Err(Misuse::WrongKind)
                    || (self.silent && refused == Err(Misuse::UnknownNeed)),
                "{refused:?}"
            );
        }
        let answer = self.site.answer(need, mood);
        let outcome = self.connection.answer(answer);
        if self.error.is_some() || self.closed {
            return;
        }
        if outcome != Err(Misuse::UnknownNeed) || !self.silent {
            assert_eq!(outcome, Ok(()));
        }
        if matches!(mood, Mood::Wrong(_)) {
            let again = match kind {
                NeedKind::Session => Answer::session(id, Ok(None)),
                _ => Answer::new_session(id, Err(NeedError::Expired)),
            };
            assert!(self.connection.answer(again).is_err(), "answered twice");
        }
    }

    /// What must hold after everything that happens.
    pub fn check(&self) {
        assert!(
            self.connection.output().len() <= MAX_OUTPUT,
            "{} bytes of output wait",
            self.connection.output().len()
        );
        assert!(self.connection.readable() <= 1 << 14);
        assert!(
            self.complete || self.site.early_data || self.read.is_empty(),
            "data before the end of the handshake"
        );
        // Five handshakes at most: renegotiation is limited.
        assert!(self.handshakes <= 5);
        let most = if self.site.policy.renegotiation {
            5 * 16
        } else {
            16
        };
        assert!(self.ids.len() <= most, "{} needs", self.ids.len());
    }
}
