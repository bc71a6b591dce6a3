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
    /// How often that may still be changed.
    updates_left: u64,
    /// KeyUpdates from the peer since it last sent data.
    key_updates: u8,
    /// The peer waits for a KeyUpdate from us.
    owes_key_update: bool,
    /// We have asked the peer for a KeyUpdate, and none has come since.
    wants_key_update: bool,
}

/// As many as BoringSSL takes in a row.
const MAX_KEY_UPDATES: u8 = 32;

/// RFC 9846 §4.7.3: "sending implementations MUST NOT allow the epoch -- and hence the number of key updates -- to exceed
/// 2^48-1"; and "receiving implementations MUST NOT enforce this rule."
const MAX_EPOCH: u64 = (1 << 48) - 1;

/// Application data begins with this epoch, behind early data and the handshake.
const FIRST_EPOCH: u64 = 3;

impl Traffic {
    pub(crate) fn new(read: TrafficSecret, write: TrafficSecret) -> Self {
        Self {
            read,
            write,
            updates_left: MAX_EPOCH - FIRST_EPOCH,
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
        let exhausted = common.reader().is_exhausted();
        if exhausted && !self.wants_key_update && !common.closed && self.may_update() {
            self.update_write_keys(common, true)?;
        }
        Ok(())
    }

    /// Sends the KeyUpdate that the peer has asked for, if it has.
    pub(crate) fn pay_key_update(&mut self, common: &mut Common) -> Result<(), Error> {
        // RFC 9846 §4.7.3: "If a sending implementation receives a KeyUpdate with request_update set to
        // "update_requested", it MUST NOT send its own KeyUpdate if that would cause it to exceed these limits and SHOULD
        // instead ignore the "update_requested" flag."
        if self.owes_key_update && self.may_update() {
            self.update_write_keys(common, false)?;
        }
        self.owes_key_update = false;
        Ok(())
    }

    /// Whether our keys may change once more.
    pub(crate) fn may_update(&self) -> bool {
        self.updates_left > 0
    }

    /// Sends a KeyUpdate, and changes the keys behind it.
    ///
    /// # Errors
    /// [`Error::KeyExhausted`] if they [may not](Self::may_update) be changed again.
    pub(crate) fn update_write_keys(
        &mut self,
        common: &mut Common,
        request_peer: bool,
    ) -> Result<(), Error> {
        self.updates_left = self
            .updates_left
            .checked_sub(1)
            .ok_or(Error::KeyExhausted)?;
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Limits;
    use crate::key_schedule::tls13::tests::traffic_secret;

    fn last() -> (Traffic, Common) {
        let mut common = Common::new(&Limits::default(), false, false);
        common
            .set_write_protection(traffic_secret().protection().unwrap())
            .unwrap();
        let mut traffic = Traffic::new(traffic_secret(), traffic_secret());
        assert_eq!(traffic.updates_left, (1 << 48) - 4);
        traffic.updates_left = 1;
        (traffic, common)
    }

    fn sent(common: &mut Common) -> usize {
        common.flush().unwrap();
        let sent = common.output.pending().len();
        common.output.consume(sent);
        sent
    }

    #[test]
    fn keys_are_not_changed_more_often_than_allowed() {
        let (mut traffic, mut common) = last();
        traffic.update_write_keys(&mut common, false).unwrap();
        assert!(sent(&mut common) > 0);
        let refused = traffic.update_write_keys(&mut common, false);
        assert_eq!(refused, Err(Error::KeyExhausted));
        assert_eq!(sent(&mut common), 0);
    }

    #[test]
    fn a_request_is_then_ignored() {
        let (mut traffic, mut common) = last();
        for answered in [true, false] {
            traffic.owes_key_update = true;
            traffic.pay_key_update(&mut common).unwrap();
            assert_eq!(sent(&mut common) > 0, answered);
        }
    }
}
