//! Secure renegotiation (RFC 5746): the handshake before binds the next one on the same connection.

use crate::key_schedule::tls12::VerifyData;

/// The two Finished of the handshake before.
#[derive(Clone, Copy)]
pub(crate) struct Previous {
    pub(crate) client: VerifyData,
    pub(crate) server: VerifyData,
}

impl Previous {
    /// RFC 5746 §3.5: the ClientHello's `renegotiation_info`, "containing the saved client_verify_data".
    pub(crate) fn client_info(&self) -> Vec<u8> {
        self.client.as_bytes().to_vec()
    }

    /// RFC 5746 §3.7: the ServerHello's, "containing the saved client_verify_data and
    /// server_verify_data".
    pub(crate) fn server_info(&self) -> Vec<u8> {
        [self.client.as_bytes(), self.server.as_bytes()].concat()
    }

    pub(crate) fn is_client_info(&self, received: &[u8]) -> bool {
        self.client.is(received)
    }

    pub(crate) fn is_server_info(&self, received: &[u8]) -> bool {
        let (client, server) = received.split_at(received.len() / 2);
        self.client.is(client) && self.server.is(server)
    }
}

/// How often one connection is renegotiated. A peer that wants more wants our processor time.
pub(crate) const MAX_RENEGOTIATIONS: u8 = 4;
