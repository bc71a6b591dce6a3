//! The book of open needs: which were raised, handed out, answered.

use std::mem;
use std::sync::atomic::{AtomicU64, Ordering};

use super::{Answer, AnswerValue, Need, NeedId, NeedKind};
use crate::error::Misuse;

pub(crate) struct OpenNeeds {
    connection: u64,
    next_sequence: u32,
    /// In the order in which they were raised.
    open: Vec<Open>,
}

struct Open {
    id: NeedId,
    kind: NeedKind,
    blocking: bool,
    stage: Stage,
}

enum Stage {
    /// Not yet handed to the caller.
    Raised(Need),
    HandedOut,
    Answered(AnswerValue),
}

/// As many as are open together in a usual handshake, for its tickets.
const USUAL: usize = 2;

impl OpenNeeds {
    pub(crate) fn new() -> Self {
        Self {
            connection: connection_number(),
            next_sequence: 0,
            open: Vec::new(),
        }
    }

    /// The id of the next need.
    pub(crate) fn next_id(&mut self) -> NeedId {
        let sequence = self.next_sequence;
        self.next_sequence = self.next_sequence.wrapping_add(1);
        NeedId {
            connection: self.connection,
            sequence,
        }
    }

    /// Opens a need. A blocking one stops the processing of input until it is answered.
    pub(crate) fn raise(&mut self, need: Need, blocking: bool) {
        if self.open.capacity() == 0 {
            self.open.reserve_exact(USUAL);
        }
        self.open.push(Open {
            id: need.id(),
            kind: need.kind(),
            blocking,
            stage: Stage::Raised(need),
        });
    }

    /// The next need to hand to the caller.
    pub(crate) fn hand_out(&mut self) -> Option<Need> {
        let raised = |open: &&mut Open| matches!(open.stage, Stage::Raised(_));
        let open = self.open.iter_mut().find(raised)?;
        match mem::replace(&mut open.stage, Stage::HandedOut) {
            Stage::Raised(need) => Some(need),
            Stage::HandedOut | Stage::Answered(_) => None,
        }
    }

    pub(crate) fn is_blocking(&self) -> bool {
        self.open.iter().any(|open| open.blocking)
    }

    /// Takes the caller's answer in. Nothing changes on `Err`.
    pub(crate) fn answer(&mut self, answer: Answer) -> Result<(), Misuse> {
        if answer.id.connection != self.connection {
            return Err(Misuse::OtherConnection);
        }
        let open = self
            .open
            .iter_mut()
            .find(|open| open.id == answer.id)
            .ok_or(Misuse::UnknownNeed)?;
        if open.kind != answer.kind() {
            return Err(Misuse::WrongKind);
        }
        if let Stage::Answered(_) = open.stage {
            return Err(Misuse::AnsweredTwice);
        }
        // If it was answered by id before it was handed out, nobody is asked any more.
        open.stage = Stage::Answered(answer.value);
        Ok(())
    }

    /// Closes and returns a need that has its answer.
    pub(crate) fn take_answered(&mut self) -> Option<(NeedId, AnswerValue)> {
        let answered = |open: &Open| matches!(open.stage, Stage::Answered(_));
        let index = self.open.iter().position(answered)?;
        let Open { id, stage, .. } = self.open.remove(index);
        match stage {
            Stage::Answered(answer) => Some((id, answer)),
            Stage::Raised(_) | Stage::HandedOut => None,
        }
    }

    /// Whether none is open.
    pub(crate) fn is_empty(&self) -> bool {
        self.open.is_empty()
    }

    /// Gives memory back that is not in use.
    pub(crate) fn shrink(&mut self) {
        self.open.shrink_to_fit();
    }

    /// Forgets all of them: the connection has ended.
    pub(crate) fn clear(&mut self) {
        self.open = Vec::new();
    }
}

/// A number that no other connection of this process has.
fn connection_number() -> u64 {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    NEXT.fetch_add(1, Ordering::Relaxed)
}
