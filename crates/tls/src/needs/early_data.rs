use super::{Answer, NeedError, NeedId};
use crate::time::UnixTime;

/// Has this early data been seen before? Raised on a server that takes early data, when a client offers
/// it with a session that fits and is fresh (RFC 9846 §8.2 and §8.3).
///
/// Early data has no protection against replay of its own: who answers keeps a register of what it has
/// said yes to, shared by all servers that open the same tickets.
#[derive(Debug)]
pub struct EarlyDataNeed {
    pub(crate) id: NeedId,
    pub(crate) unique: [u8; 32],
    pub(crate) expires: UnixTime,
}

impl EarlyDataNeed {
    /// The id that its answer must have.
    pub fn id(&self) -> NeedId {
        self.id
    }

    /// What identifies the ClientHello: a hash of its PSK binder.
    pub fn unique(&self) -> [u8; 32] {
        self.unique
    }

    /// From then on a register may forget it: the engine refuses the early data of a ClientHello that
    /// old by itself, however late the answer comes. It does so one
    /// [tolerance](crate::ServerConfig::early_data_tolerance_s) earlier already, so that the register's
    /// clock may be ahead of the servers' by as much.
    pub fn expires(&self) -> UnixTime {
        self.expires
    }

    /// Answers it: `true` if it was not seen before and is registered now. An error counts as `false`,
    /// and shows in the trace: the handshake goes on without early data. So does a `true` that comes when
    /// the ClientHello is no longer fresh.
    pub fn answer(self, result: Result<bool, NeedError>) -> Answer {
        Answer::early_data(self.id, result)
    }
}
