//! Early data (0-RTT): the register of what was taken, and the stream of a connection that began with it.
//!
//! Early data comes with the ClientHello, before the client has shown that it is there: who recorded it can
//! send it again. Three things keep that from doing harm. The engine takes it only while it is fresh (RFC 9846
//! §8.3); the [`Register`] says no to what it has said yes to (§8.2); and the service is told (RFC 8470).

mod register;
mod stream;

pub(crate) use register::{Register, Verdict};
pub(crate) use stream::{Confirmation, EarlyStream};
