//! Early data (RFC 9846 §2.3, §4.3.10): sent behind the ClientHello, with the session's keys.

use keyward_wire::handshake::{self, EndOfEarlyData};
use keyward_wire::values::AlertDescription;

use super::client_hello::Offer;
use super::psk;
use super::server_hello::Flight;
use crate::client::{Context, Hello};
use crate::connection::ClientConnection;
use crate::error::Error;
use crate::exporter::Exporter;
use crate::key_log::label;
use crate::negotiated::EarlyDataStatus;

impl Offer {
    /// Gets ready to send early data, if the ClientHello, which is sent, announces it.
    pub(crate) fn begin_early_data(
        &self,
        hello: &Hello,
        cx: &mut Context<'_>,
    ) -> Result<(), Error> {
        let Some((session, suite)) = psk::of(hello).filter(|_| self.early_data.is_ok()) else {
            return Ok(());
        };
        // RFC 9846 §E.4: "If offering early data, the record is placed immediately after the first
        // ClientHello."
        cx.common.send_change_cipher_spec()?;
        let client_hello = suite.hash.digest(&hello.message);
        let early = psk::secret(session, suite);
        let exporter = early.exporter(&client_hello);
        let early = early.early_traffic(&client_hello);
        cx.common
            .key_log
            .add(label::CLIENT_EARLY_TRAFFIC, early.secret());
        cx.common.key_log.add(label::EARLY_EXPORTER, &exporter);
        cx.common.early_exporter = Some(Box::new(Exporter::Tls13 {
            secret: exporter,
            hash: suite.hash,
        }));
        cx.common.set_write_protection(early.protection()?)?;
        cx.common.early_data_to_send =
            usize::try_from(session.max_early_data()).unwrap_or(usize::MAX);
        Ok(())
    }
}

/// There will be no more of it, and the server does not know what is exported for it.
pub(super) fn forget(cx: &mut Context<'_>) {
    cx.common.early_data_to_send = 0;
    cx.common.early_exporter = None;
}

/// The server does not take it. From here on our records have the handshake keys.
pub(super) fn rejected(flight: &Flight, cx: &mut Context<'_>) -> Result<(), Error> {
    forget(cx);
    cx.common
        .set_write_protection(flight.client_handshake.protection()?)
}

/// The server's Finished has come: early data, if it was accepted, ends here.
pub(super) fn end(flight: &mut Flight, cx: &mut Context<'_>) -> Result<(), Error> {
    if cx.common.negotiated()?.early_data != EarlyDataStatus::Accepted {
        return Ok(());
    }
    cx.common.early_data_to_send = 0;
    // RFC 9846 §4.6: "If the server sent an "early_data" extension in EncryptedExtensions, the client MUST send
    // an EndOfEarlyData message after receiving the server Finished." "This message is encrypted under keys
    // derived from the client_early_traffic_secret."
    let message = handshake::to_message(&EndOfEarlyData);
    flight.transcript.add(&message);
    cx.common.send_handshake(&message);
    cx.common
        .set_write_protection(flight.client_handshake.protection()?)
}

impl ClientConnection {
    /// How many bytes [`send_early`](Self::send_early) takes at present: 0 where early data is not offered,
    /// not any more, or used up.
    pub fn early_data_capacity(&self) -> usize {
        if self.common.closed {
            0
        } else {
            self.common.early_data_to_send
        }
    }

    /// Encrypts early data for the server into the output, as much of it as
    /// [`early_data_capacity`](Self::early_data_capacity) and [`Limits::output`](crate::Limits::output) allow,
    /// and says how much. It may be called from the step that put the ClientHello into the output until the
    /// handshake is complete.
    ///
    /// Whoever records early data can send it to the server again: send nothing that does harm when done
    /// twice. Whether the server took it, [`Negotiated::early_data`](crate::Negotiated) says; if not, it has
    /// to be sent again.
    ///
    /// # Errors
    /// As [`send`](Self::send).
    pub fn send_early(&mut self, plaintext: &[u8]) -> Result<usize, Error> {
        if let Some(error) = self.failure() {
            return Err(error.clone());
        }
        if self.common.closed {
            return Err(Error::Aborted(AlertDescription::CLOSE_NOTIFY));
        }
        let taken = plaintext.len().min(self.common.early_data_to_send);
        let limit = self.config.limits.output;
        let outcome = self
            .common
            .flush()
            .and_then(|()| self.common.send_data(&plaintext[..taken], limit));
        match &outcome {
            Ok(sent) => self.common.early_data_to_send -= sent,
            Err(error) => self.fail(error.clone()),
        }
        outcome
    }
}
