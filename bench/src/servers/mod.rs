//! The servers that are measured, behind one interface: Keyward's engine, rustls, and OpenSSL.

pub mod keyward;
#[cfg(feature = "openssl")]
pub mod openssl;
pub mod rustls;

use crate::Result;

/// One server in memory, for any number of connections.
pub trait Server {
    /// What it calls itself in a table.
    const NAME: &'static str;

    /// Its connections.
    type Connection: Connection;

    /// A new connection that waits for a ClientHello.
    ///
    /// # Errors
    ///
    /// There is no memory.
    fn accept(&self) -> Result<Self::Connection>;

    /// What the checks and the signature of a key operation took on average since this was last called, in microseconds,
    /// where the library lets one see that.
    fn take_key_time_us(&self) -> Option<(f64, f64)>;
}

/// One connection in memory.
pub trait Connection {
    /// Handshake: takes all of `input` and appends what there is to say to `output`, as a socket would take it.
    ///
    /// # Errors
    ///
    /// The handshake failed.
    fn exchange(&mut self, input: &[u8], output: &mut Vec<u8>) -> Result<()>;

    /// Whether the handshake is not yet complete.
    fn is_handshaking(&self) -> bool;

    /// Whether the handshake, when complete, resumed a session.
    fn is_resumed(&self) -> bool;

    /// Encrypts `data`, and hands the records to a socket: one that appends them to `output`, or that drops them, so that
    /// what a socket costs is not counted.
    ///
    /// # Errors
    ///
    /// The connection has failed.
    fn send(&mut self, data: &[u8], output: Option<&mut Vec<u8>>) -> Result<()>;

    /// Takes all of `input`, as a socket would give it, and reads the data in it through `buffer`; returns how many bytes
    /// that were.
    ///
    /// # Errors
    ///
    /// The connection has failed.
    fn receive(&mut self, input: &[u8], buffer: &mut [u8]) -> Result<usize>;

    /// Gives back the memory that an idle connection does not need, where the library has a call for it.
    fn idle(&mut self);
}
