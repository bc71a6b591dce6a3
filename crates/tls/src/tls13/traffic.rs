//! After the handshake: application data and KeyUpdate (RFC 9846 §4.7.3).

use keyward_wire::handshake::{self, KeyUpdate};
use keyward_wire::values::KeyUpdateRequest;

use crate::common::Common;
use crate::error::{Error, PeerMisbehaved};
use crate::handshake::HandshakeMessage;
use crate::key_schedule::tls13::TrafficSecret;

/// The keys of a connection whose handshake is over, and what has been said about changing them.
pub(crate) struct Traffic {
    /// For what the peer sends.
    read: TrafficSecret,
    /// For what we send.
    write: TrafficSecret,
    /// KeyUpdates from the peer since it last sent data.
    key_updates: u8,
    /// The peer waits for a KeyUpdate from us.
    owes_key_update: bool,
    /// We have asked the peer for a KeyUpdate, and none has come since.
    wants_key_update: bool,
}

/// As many as BoringSSL takes in a row.
const MAX_KEY_UPDATES: u8 = 32;

impl Traffic {
    pub(crate) fn new(read: TrafficSecret, write: TrafficSecret) -> Self {
        Self {
            read,
            write,
            key_updates: 0,
            owes_key_update: false,
            wants_key_update: false,
        }
    }

    /// A KeyUpdate has come.
    pub(crate) fn key_update(
        &mut self,
        message: &HandshakeMessage,
        common: &mut Common,
    ) -> Result<(), Error> {
        let update: KeyUpdate = message.decode()?;
        self.key_updates += 1;
        if self.key_updates > MAX_KEY_UPDATES {
            return Err(PeerMisbehaved::TooManyKeyUpdates.into());
        }
        // RFC 9846 §4.7.3: "Upon receiving a KeyUpdate, the receiver MUST update its receiving
        // keys."
        self.read = self.read.next();
        common.set_read_protection(self.read.protection()?)?;
        self.wants_key_update = false;
        // RFC 9846 §4.7.3: "If the request_update field is set to "update_requested", then the receiver
        // MUST send a KeyUpdate of its own with request_update set to "update_not_requested" prior to
        // sending its next Application Data record"; and one for several requests will do.
        self.owes_key_update |= update.request_update == KeyUpdateRequest::UPDATE_REQUESTED;
        Ok(())
    }

    /// A record came that was no handshake message.
    pub(crate) fn received_record(&mut self, common: &mut Common) -> Result<(), Error> {
        if !common.input.plaintext().is_empty() {
            self.key_updates = 0;
        }
        if common.reader().is_exhausted() && !self.wants_key_update && !common.closed {
            self.update_write_keys(common, true)?;
        }
        Ok(())
    }

    /// Sends the KeyUpdate that the peer has asked for, if it has.
    pub(crate) fn pay_key_update(&mut self, common: &mut Common) -> Result<(), Error> {
        if self.owes_key_update {
            self.update_write_keys(common, false)?;
        }
        Ok(())
    }

    /// Sends a KeyUpdate, and changes the keys behind it.
    pub(crate) fn update_write_keys(
        &mut self,
        common: &mut Common,
        request_peer: bool,
    ) -> Result<(), Error> {
        self.owes_key_update = false;
        // RFC 9846 §4.7.3: "Until receiving a subsequent KeyUpdate from the peer, the sender MUST NOT
        // send another KeyUpdate with request_update set to "update_requested"."
        let request_update = if request_peer && !self.wants_key_update {
            self.wants_key_update = true;
            KeyUpdateRequest::UPDATE_REQUESTED
        } else {
            KeyUpdateRequest::UPDATE_NOT_REQUESTED
        };
        // RFC 9846 §4.7.3: "Both sender and receiver MUST encrypt their KeyUpdate messages with the
        // old keys."
        common.send_handshake(&handshake::to_message(&KeyUpdate { request_update }));
        self.write = self.write.next();
        common.set_write_protection(self.write.protection()?)
    }
}
