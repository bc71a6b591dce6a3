use super::{Answer, NeedError, NeedId};
use crate::peer_name::PeerName;
use crate::session::ClientSession;

/// Is there a session with this server that could be resumed? Raised before the ClientHello, if
/// [`ClientConfig::resumption`](crate::ClientConfig) is on.
///
/// In a resumed handshake nobody is asked whether the server is to be trusted, or what certificate to
/// present: that is as it was when the session was made. So a session that was made with another
/// [`ClientConfig::session_context`](crate::ClientConfig::session_context) is passed over. Who keeps the
/// sessions of clients with different trust or different certificates in one store must give each of
/// them a context of its own.
#[derive(Debug)]
pub struct OfferSessionNeed {
    pub(crate) id: NeedId,
    pub(crate) name: PeerName,
    pub(crate) alpn: Vec<Vec<u8>>,
}

impl OfferSessionNeed {
    /// The id that its answer must have.
    pub fn id(&self) -> NeedId {
        self.id
    }

    /// The server's name. A session with another is passed over.
    pub fn name(&self) -> &PeerName {
        &self.name
    }

    /// The ALPN protocols that will be offered.
    pub fn alpn(&self) -> &[Vec<u8>] {
        &self.alpn
    }

    /// Answers it with a session that [`Step::SessionReceived`](crate::Step::SessionReceived) gave. One
    /// of TLS 1.3 should be taken out of the store: RFC 9846 §C.4: "Clients SHOULD NOT reuse a ticket for
    /// multiple connections", by which observers could link them. An error counts as none, and shows in
    /// the trace.
    pub fn answer(self, result: Result<Option<ClientSession>, NeedError>) -> Answer {
        Answer::offer_session(self.id, result)
    }
}
