//! The protocol that a request came in, which its answer goes out in.

use std::time::Duration;

use keyward_protocol::gokeyless;
use keyward_protocol::{EncodedFrame, ErrorCode, ErrorReply, Frame, RefusalReason, Reply};
use tracing::error;
use zeroize::Zeroizing;

use crate::work::Done;

/// With the id that the request had.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Dialect {
    Keyward { id: u32 },
    Gokeyless { id: u32 },
}

impl Dialect {
    /// The bytes of a result, and how long it waited and took. `None` is said in the log: it cannot be.
    pub(crate) fn result(
        self,
        done: Done,
        (queued, work): (Duration, Duration),
    ) -> Option<EncodedFrame> {
        match (self, done) {
            (Self::Keyward { id }, Done::Typed(result)) => {
                let reply = Reply {
                    queue_us: micros(queued),
                    work_us: micros(work),
                    result,
                };
                // A signature or a master secret is a thousandth of the limit.
                said(Frame::Reply { id, reply }.encode())
            }
            (Self::Gokeyless { id }, Done::Raw(result)) => {
                let payload = Zeroizing::new(result.as_bytes().to_vec());
                said(gokeyless::Reply::Success(payload).encode(id))
            }
            (dialect, done) => {
                error!(
                    ?dialect,
                    ?done,
                    "a result in a protocol that has none of its kind"
                );
                None
            }
        }
    }

    /// The bytes of an error.
    pub(crate) fn error(self, error: ErrorReply) -> Option<EncodedFrame> {
        match self {
            Self::Keyward { id } => said(Frame::Error { id, error }.encode()),
            Self::Gokeyless { id } => said(gokeyless::Reply::Error(older(&error)).encode(id)),
        }
    }
}

fn said<E: std::fmt::Display>(encoded: Result<EncodedFrame, E>) -> Option<EncodedFrame> {
    encoded
        .inspect_err(|error| error!(%error, "reply lost"))
        .ok()
}

/// The nearest of the few errors that the older protocol has. One that says that a key is not there, or will not do it, sends its
/// client elsewhere; one that says that something failed, too, and keeps this key for later.
pub(crate) fn older(error: &ErrorReply) -> gokeyless::ErrorCode {
    match (error.code, error.reason) {
        (ErrorCode::UnknownKey, _) | (ErrorCode::Refused, RefusalReason::Key) => {
            gokeyless::ErrorCode::KeyNotFound
        }
        (ErrorCode::Refused, RefusalReason::Rate) => gokeyless::ErrorCode::Internal,
        (ErrorCode::Refused, _) => gokeyless::ErrorCode::Cryptography,
        (ErrorCode::Malformed, _) => gokeyless::ErrorCode::Format,
        _ => gokeyless::ErrorCode::Internal,
    }
}

fn micros(duration: Duration) -> u32 {
    u32::try_from(duration.as_micros()).unwrap_or(u32::MAX)
}
