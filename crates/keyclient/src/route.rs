//! Which way an operation took.

use std::sync::Arc;

/// Where an operation's answer came from, and what it took to get it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Route {
    /// The key server that answered, as logs call it.
    pub server: Arc<str>,
    /// Whether a second key server was asked as well, because the first was slow.
    pub hedged: bool,
    /// How often it was asked of another key server, or anew, because one failed or fell silent.
    pub retries: u32,
}
