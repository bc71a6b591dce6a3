use keyward_keyop::{Operation, OperationResult, Performed};

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

    /// Answers it with what a private key in this process has done. Nothing is verified that the value proves, but where
    /// [`VerifySignatures::Always`](crate::VerifySignatures) says so.
    pub fn answer_performed(self, performed: Performed) -> Answer {
        Answer::performed(self.id, performed)
    }
}

/// Who answered, and so what there is to be verified.
#[derive(Debug)]
pub(crate) enum KeyAnswer {
    /// Somebody, who says that this is the result.
    Told(OperationResult),
    /// A private key in this process.
    Performed(Performed),
}

impl KeyAnswer {
    pub(crate) fn into_result(self) -> OperationResult {
        match self {
            Self::Told(result) => result,
            Self::Performed(performed) => performed.into_result(),
        }
    }
}
