//! The peers: how each is told about a case, and what it says of it.

use super::{
    capabilities::Capabilities, case::Case, credentials::Credentials, report::Report,
    values::Direction,
};

mod gnutls;
mod go;
mod java;
mod lines;
mod node;
mod nss;
mod openssl;
mod program;
mod python;
mod rustls;
mod tool;

/// A kind of peer.
pub trait Peer: Sync {
    /// A word by which it can be chosen.
    fn word(&self) -> &'static str;

    /// What it is and how it is driven, for the page.
    fn title(&self) -> String;

    /// What the installed version can do as the client (Keyward serves) or as the server (Keyward connects).
    fn capabilities(&self, direction: Direction) -> Capabilities;

    /// Whether as a client it says nothing on a connection whose session it will resume.
    fn first_is_silent(&self) -> bool {
        false
    }

    /// Something that runs cases, one after the other. There is one for each thread.
    fn worker(&self) -> Box<dyn Worker + '_>;
}

/// Runs cases.
pub trait Worker {
    /// The peer as client makes the case's connections to this port, and says what came of them.
    fn connect(&mut self, case: &Case, port: u16) -> Result<Vec<Report>, String>;

    /// The peer as server is ready for the case's connections.
    fn listen(&mut self, case: &Case) -> Result<Box<dyn Listening + '_>, String>;
}

/// A peer that waits for a case's connections.
pub trait Listening {
    /// Where.
    fn port(&self) -> u16;

    /// What ends its answer to a request.
    fn mark(&self) -> &'static [u8] {
        super::keyward::ANSWER
    }

    /// After a connection that failed: what it says of that, if anything.
    fn complaint(self: Box<Self>) -> Option<String> {
        None
    }

    /// After the last connection: what it says of them. `answers` are what it sent on each.
    fn finish(self: Box<Self>, answers: &[Vec<u8>]) -> Result<Vec<Report>, String>;
}

/// A peer, by the word for it; none if it is not installed, which is told, and fails where `CI=true`.
pub type Find = for<'a> fn(&'a Credentials) -> Option<Box<dyn Peer + 'a>>;

/// All peers, in the order of the page.
pub const ALL: [Find; 8] = [
    openssl::find,
    gnutls::find,
    nss::find,
    go::find,
    java::find,
    node::find,
    python::find,
    rustls::find,
];
