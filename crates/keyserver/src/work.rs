//! What a request wants done: an operation of Keyward's own protocol, or one of the older protocol's.

use keyward_crypto::private_key::PrivateKey;
use keyward_keyop::{
    CheckError, CheckedOperation, CheckedRawOperation, KeyId, KeyRules, Names, Operation,
    OperationKind, OperationResult, PerformError, RawOperation, RawResult,
};

/// Either.
#[derive(Debug)]
pub(crate) enum Work {
    Typed(Operation),
    Raw(RawOperation),
}

/// Either, checked.
#[derive(Debug)]
pub(crate) enum CheckedWork<'a> {
    Typed(CheckedOperation<'a>),
    Raw(CheckedRawOperation<'a>),
}

/// What came of it.
#[derive(Debug)]
pub(crate) enum Done {
    Typed(OperationResult),
    Raw(RawResult),
}

impl Work {
    pub(crate) fn kind(&self) -> OperationKind {
        match self {
            Self::Typed(operation) => operation.kind(),
            Self::Raw(operation) => operation.kind(),
        }
    }

    pub(crate) fn key(&self) -> KeyId {
        match self {
            Self::Typed(operation) => operation.key(),
            Self::Raw(operation) => operation.key(),
        }
    }

    /// Bytes that it keeps in memory.
    pub(crate) fn payload_len(&self) -> usize {
        match self {
            Self::Typed(operation) => operation.payload_len(),
            Self::Raw(operation) => operation.payload_len(),
        }
    }

    /// See [`Operation::claimed_names`]. A raw operation shows none: what its client says of names proves nothing.
    pub(crate) fn claimed_names(&self) -> Option<Names> {
        match self {
            Self::Typed(operation) => operation.claimed_names(),
            Self::Raw(_) => Some(Names::Any),
        }
    }

    pub(crate) fn check<'a>(&'a self, rules: &KeyRules<'a>) -> Result<CheckedWork<'a>, CheckError> {
        match self {
            Self::Typed(operation) => operation.check(rules).map(CheckedWork::Typed),
            Self::Raw(operation) => operation.check(rules).map(CheckedWork::Raw),
        }
    }
}

impl CheckedWork<'_> {
    pub(crate) fn names(&self) -> &Names {
        match self {
            Self::Typed(checked) => checked.names(),
            Self::Raw(_) => &Names::Any,
        }
    }

    pub(crate) fn perform(&self, key: &PrivateKey) -> Result<Done, PerformError> {
        match self {
            Self::Typed(checked) => checked.perform(key).map(Done::Typed),
            Self::Raw(checked) => checked.perform(key).map(Done::Raw),
        }
    }

    pub(crate) fn fingerprint(&self) -> Vec<u8> {
        match self {
            Self::Typed(checked) => checked.fingerprint(),
            Self::Raw(checked) => checked.fingerprint(),
        }
    }
}

impl From<Operation> for Work {
    fn from(operation: Operation) -> Self {
        Self::Typed(operation)
    }
}
