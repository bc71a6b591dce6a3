//! The ServerHello or HelloRetryRequest, up to where the versions part.

use keyward_wire::handshake::{HelloRequest, ServerHello};
use keyward_wire::values::{ExtensionType, HandshakeType, ProtocolVersion};

use super::{Context, Hello, State, tls12, tls13};
use crate::error::{Error, PeerIncompatible, PeerMisbehaved};
use crate::handshake::Incoming;

pub(crate) struct ExpectServerHello {
    pub(super) hello: Hello,
    /// What goes with the ClientHello if TLS 1.3 is offered.
    pub(super) tls13: Option<tls13::Offer>,
}

impl ExpectServerHello {
    pub(super) fn handle(self, incoming: Incoming, cx: &mut Context<'_>) -> Result<State, Error> {
        // RFC 5246 §7.4.1.1, of HelloRequest: "This message will be ignored by the client if the client is
        // currently negotiating a session." A HelloRetryRequest has left no doubt that this one is of TLS 1.3.
        let may_be_tls12 = self.hello.offers_version(ProtocolVersion::TLS12)
            && !self.tls13.as_ref().is_some_and(tls13::Offer::is_retried);
        if let Incoming::Handshake(message) = &incoming
            && message.typ == HandshakeType::HELLO_REQUEST
            && may_be_tls12
        {
            message.decode::<HelloRequest>()?;
            cx.common.count_hello_request()?;
            return Ok(State::ExpectServerHello(Box::new(self)));
        }
        let message = incoming.expect(HandshakeType::SERVER_HELLO)?;
        let server_hello: ServerHello = message.decode()?;
        // RFC 9846 §4.3.1: "clients MUST check for this extension prior to processing the rest of
        // the ServerHello."
        let version = version(&self.hello, &server_hello)?;
        match self.tls13 {
            Some(offer) if version == ProtocolVersion::TLS13 => {
                tls13::start(self.hello, offer, server_hello, &message, cx)
            }
            // To a client that did not offer TLS 1.3, or without supported_versions, it means nothing.
            _ if server_hello.is_hello_retry_request() => Err(PeerIncompatible::NoVersion.into()),
            offer => {
                if let Some(offer) = offer {
                    refuse_downgrade(&offer, &server_hello)?;
                }
                tls12::start(self.hello, server_hello, message, cx).map(State::Tls12)
            }
        }
    }
}

/// The version that the server chose, if it was offered.
fn version(hello: &Hello, server_hello: &ServerHello) -> Result<ProtocolVersion, Error> {
    let Some(version) = server_hello.extensions.supported_versions else {
        // RFC 9846 §E.1: "If the version chosen by the server is not supported by the client (or is not
        // acceptable), the client MUST abort the handshake with a "protocol_version" alert."
        let version = server_hello.legacy_version;
        let older = version != ProtocolVersion::TLS13 && hello.offers_version(version);
        return if older {
            Ok(version)
        } else {
            Err(PeerIncompatible::NoVersion.into())
        };
    };
    hello.expect_offered([ExtensionType::SUPPORTED_VERSIONS])?;
    // RFC 9846 §4.3.1: "If the "supported_versions" extension in the ServerHello contains a version not
    // offered by the client or contains a version prior to TLS 1.3, the client MUST abort the handshake with
    // an "illegal_parameter" alert."
    if version != ProtocolVersion::TLS13 {
        return Err(PeerMisbehaved::UnofferedVersion.into());
    }
    // RFC 9846 §4.2.3: "A client which receives a TLS 1.3 Server Hello with a legacy_version value not equal
    // to 0x0303 MUST abort the handshake with a "protocol_version" alert."
    if server_hello.legacy_version != ProtocolVersion::TLS12 {
        return Err(PeerMisbehaved::LegacyVersion.into());
    }
    Ok(version)
}

/// What a client that offered TLS 1.3 does not take from a server that chose TLS 1.2.
fn refuse_downgrade(offer: &tls13::Offer, server_hello: &ServerHello) -> Result<(), Error> {
    // RFC 9846 §4.2.4: "The value of selected_version in the HelloRetryRequest "supported_versions" extension
    // MUST be retained in the ServerHello".
    if offer.is_retried() {
        return Err(PeerMisbehaved::ChangedAfterRetry.into());
    }
    // RFC 9846 §E.3: "A client that attempts to send 0-RTT data MUST fail a connection if it receives a
    // ServerHello with TLS 1.2 or older."
    if offer.offers_early_data() {
        return Err(PeerMisbehaved::OldVersionAfterEarlyData.into());
    }
    // RFC 9846 §4.2.3: "TLS 1.3 clients receiving a ServerHello indicating TLS 1.2 or below MUST check that
    // the last 8 bytes are not equal to either of these values."
    if DOWNGRADE_SENTINELS
        .iter()
        .any(|sentinel| server_hello.random.ends_with(*sentinel))
    {
        return Err(PeerMisbehaved::Downgrade.into());
    }
    Ok(())
}

/// RFC 9846 §4.2.3: "44 4F 57 4E 47 52 44 01" and "44 4F 57 4E 47 52 44 00".
const DOWNGRADE_SENTINELS: [&[u8; 8]; 2] = [b"DOWNGRD\x01", b"DOWNGRD\x00"];
