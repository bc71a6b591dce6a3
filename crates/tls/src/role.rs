//! What the two sides of a connection differ in: their configuration, and the states of their handshake.

use crate::common::Common;
use crate::config::Limits;
use crate::error::Error;
use crate::handshake::Incoming;
use crate::needs::{AnswerValue, NeedId};
use crate::time::UnixTime;
use crate::tls13::Traffic;

/// A side of a connection: [`Server`] or [`Client`].
#[expect(
    private_bounds,
    reason = "sealed: what a role is made of is the engine's own matter"
)]
pub trait Role: Machine {}

/// The server's side.
#[derive(Debug)]
pub enum Server {}

/// The client's side.
#[derive(Debug)]
pub enum Client {}

impl Role for Server {}
impl Role for Client {}

/// The handshake of a role, as [`Connection`](crate::Connection) drives it.
pub(crate) trait Machine {
    /// For `Debug`.
    const NAME: &'static str;

    /// What all connections of this role share.
    type Config;

    /// Where the handshake is.
    type State;

    fn limits(config: &Self::Config) -> &Limits;

    /// A message has come.
    fn handle(
        state: Self::State,
        incoming: Incoming,
        cx: &mut Context<'_, Self::Config>,
    ) -> Result<Self::State, Error>;

    /// A need has been answered. The kind of the answer is that of the need.
    fn answered(
        state: Self::State,
        id: NeedId,
        answer: AnswerValue,
        cx: &mut Context<'_, Self::Config>,
    ) -> Result<Self::State, Error>;

    /// What the connection does by itself once the handshake is over.
    fn post_handshake(state: &mut Self::State) -> PostHandshake<'_>;
}

/// What a handler works with beside its own state.
pub(crate) struct Context<'a, C> {
    pub(crate) common: &'a mut Common,
    pub(crate) config: &'a C,
    pub(crate) now: UnixTime,
}

/// What there is to do with keys once data flows.
pub(crate) enum PostHandshake<'a> {
    /// Data does not flow yet.
    NotYet,
    /// The keys can be updated.
    Tls13(&'a mut Traffic),
    /// They cannot.
    Tls12,
}

/// An answer that the state has not asked for; the book of open needs does not let it through.
pub(crate) const UNASKED: Error =
    Error::Internal("an answer came to a state that has not asked for it");
