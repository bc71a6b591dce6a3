//! Finished (RFC 5246 §7.4.9), the same both ways but for the label.

use keyward_wire::handshake::Finished;
use keyward_wire::values::HandshakeType;

use crate::common::Common;
use crate::error::{Error, PeerMisbehaved};
use crate::handshake::{Incoming, Transcript};
use crate::key_schedule::tls12::{MasterSecret, Side, VerifyData};
use crate::record::Protection;

/// Sends change_cipher_spec and Finished.
///
/// RFC 5246 §7.4.9: "A Finished message is always sent immediately after a change cipher spec message to
/// verify that the key exchange and authentication processes were successful."
pub(crate) fn send_finished(
    sender: Side,
    master: &MasterSecret,
    transcript: &mut Transcript,
    protection: Protection,
    common: &mut Common,
) -> Result<VerifyData, Error> {
    common.send_change_cipher_spec()?;
    common.set_write_protection(protection)?;
    common.hold_data();
    let verify_data = master.verify_data(sender, &transcript.current());
    let message = common.send_message_of(HandshakeType::FINISHED, verify_data.as_bytes());
    transcript.add(message);
    Ok(verify_data)
}

/// Checks the peer's Finished and adds it to the transcript.
///
/// RFC 5246 §7.4.9: "Recipients of Finished messages MUST verify that the contents are correct."
pub(crate) fn check_finished(
    sender: Side,
    master: &MasterSecret,
    transcript: &mut Transcript,
    incoming: Incoming,
) -> Result<VerifyData, Error> {
    let message = incoming.expect(HandshakeType::FINISHED)?;
    let finished: Finished = message.decode()?;
    let verify_data = master.verify_data(sender, &transcript.current());
    if !verify_data.is(&finished.verify_data) {
        return Err(PeerMisbehaved::BadFinished.into());
    }
    transcript.add(&message.bytes);
    Ok(verify_data)
}
