//! EncryptedExtensions (RFC 9846 §4.4.1): what the server says to the offers that need no plaintext.

use keyward_wire::handshake::EncryptedExtensions;
use keyward_wire::values::HandshakeType;

use super::certificate::ExpectCertificate;
use super::finished::ExpectFinished;
use super::server_hello::Flight;
use super::{State, early_data, psk};
use crate::client::Context;
use crate::error::{Error, PeerMisbehaved};
use crate::handshake::Incoming;
use crate::negotiated::{EarlyDataStatus, NoEarlyData};

pub(crate) struct ExpectEncryptedExtensions {
    pub(super) flight: Flight,
    /// Whether early data was announced, in the first ClientHello, or why not.
    pub(super) early_data: Result<(), NoEarlyData>,
}

impl ExpectEncryptedExtensions {
    pub(super) fn handle(self, incoming: Incoming, cx: &mut Context<'_>) -> Result<State, Error> {
        let message = incoming.expect(HandshakeType::ENCRYPTED_EXTENSIONS)?;
        let extensions: EncryptedExtensions = message.decode()?;
        let mut flight = self.flight;
        flight.hello.expect_offered(extensions.types())?;
        // RFC 9846 §4.4.1: "The client MUST check EncryptedExtensions for the presence of any forbidden
        // extensions and if any are found MUST abort the handshake with an "illegal_parameter" alert": the
        // message does not decode with any.
        flight.transcript.add(&message.bytes);
        check_alpn(&flight, &extensions)?;
        if let Some(limit) = extensions.record_size_limit {
            // RFC 8449 §4: in TLS 1.3 the limit "includes the content type and padding added in TLS 1.3 (that is,
            // the complete length of TLSInnerPlaintext)".
            let plaintext = usize::from(limit).saturating_sub(1);
            cx.common.writer().limit_fragment(plaintext);
            let ours = flight.hello.hello.extensions.record_size_limit;
            cx.common
                .reader()
                .limit_record(ours.map_or(usize::MAX, usize::from));
        }
        if extensions.early_data {
            check_early_data(&flight, &extensions)?;
        }
        let early_data = match (self.early_data, extensions.early_data) {
            (Err(_), _) => EarlyDataStatus::NotOffered,
            (Ok(()), true) => EarlyDataStatus::Accepted,
            (Ok(()), false) => EarlyDataStatus::Rejected,
        };
        if early_data == EarlyDataStatus::Rejected {
            early_data::rejected(&flight, cx)?;
        }
        let negotiated = cx.common.negotiated()?;
        negotiated.alpn = extensions.alpn;
        negotiated.early_data = early_data;
        negotiated.no_early_data = match early_data {
            EarlyDataStatus::Accepted => None,
            EarlyDataStatus::NotOffered => self.early_data.err(),
            EarlyDataStatus::Rejected if negotiated.hello_retry_request => {
                Some(NoEarlyData::HelloRetryRequest)
            }
            EarlyDataStatus::Rejected if flight.resumed => Some(NoEarlyData::Declined),
            EarlyDataStatus::Rejected => Some(NoEarlyData::SessionNotResumed),
        };
        if let Some((session, _)) = psk::of(&flight.hello).filter(|_| flight.resumed) {
            // It was trusted before the session was offered.
            negotiated
                .peer_certificates
                .clone_from(&session.state.peer_certificates);
            negotiated.stapled.clone_from(&session.state.stapled);
            return Ok(State::ExpectFinished(Box::new(ExpectFinished {
                flight,
                request: None,
            })));
        }
        Ok(State::ExpectCertificate(Box::new(ExpectCertificate {
            flight,
            request: None,
        })))
    }
}

/// The protocol must be one of those that were offered (RFC 7301 §3.2: the server "selects" from them).
fn check_alpn(flight: &Flight, extensions: &EncryptedExtensions) -> Result<(), Error> {
    let offered = flight.hello.hello.extensions.alpn.as_deref();
    match &extensions.alpn {
        Some(protocol) if !offered.unwrap_or_default().contains(protocol) => {
            Err(PeerMisbehaved::UnofferedProtocol.into())
        }
        _ => Ok(()),
    }
}

/// RFC 9846 §4.3.10: "In order to accept early data, the server MUST have selected the first key offered in the
/// client's "pre_shared_key" extension. In addition, it MUST verify that the following values are the same as those
/// associated with the selected PSK": version, cipher suite and ALPN protocol.
fn check_early_data(flight: &Flight, extensions: &EncryptedExtensions) -> Result<(), Error> {
    let same = psk::of(&flight.hello).is_some_and(|(session, suite)| {
        flight.resumed && suite.code == flight.suite.code && session.state.alpn == extensions.alpn
    });
    if same {
        Ok(())
    } else {
        Err(PeerMisbehaved::EarlyDataWithoutSession.into())
    }
}
