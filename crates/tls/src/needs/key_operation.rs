use keyward_keyop::{Operation, OperationResult};

use super::{Answer, NeedError, NeedId};

/// The private-key step of a full handshake, as data for the key's holder.
#[derive(Debug)]
pub struct KeyOperationNeed {
    pub(crate) id: NeedId,
    pub(crate) operation: Operation,
}

impl KeyOperationNeed {
    /// The id that its answer must have.
    pub fn id(&self) -> NeedId {
        self.id
    }

    /// What is to be done.
    pub fn operation(&self) -> &Operation {
        &self.operation
    }

    /// Splits it into the id, for [`Answer::key_operation`], and the operation to send away.
    pub fn into_parts(self) -> (NeedId, Operation) {
        (self.id, self.operation)
    }

    /// Answers it.
    pub fn answer(self, result: Result<OperationResult, NeedError>) -> Answer {
        Answer::key_operation(self.id, result)
    }
}
