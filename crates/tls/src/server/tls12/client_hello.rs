//! The ClientHello: what TLS 1.2 must find in it.

use keyward_wire::handshake::ClientHello;
use keyward_wire::values::{CipherSuite, EcPointFormat};

use super::renegotiation::Renegotiable;
use super::{State, resumption};
use crate::error::{Error, PeerIncompatible, PeerMisbehaved};
use crate::server::client_hello::Opening;
use crate::server::{Context, negotiation};

/// A ClientHello that will be answered, with a full or an abbreviated handshake.
pub(super) struct Offer {
    pub(super) opening: Opening,
    /// What the ServerHello says.
    pub(super) alpn: Option<Vec<u8>>,
    /// What the handshake renegotiates; `None` in a connection's first.
    pub(super) renegotiated: Option<Box<Renegotiable>>,
}

impl Offer {
    /// The application protocol of the connection, which a renegotiation does not change.
    pub(super) fn connection_alpn(&self) -> Option<Vec<u8>> {
        match &self.renegotiated {
            None => self.alpn.clone(),
            Some(earlier) => earlier.alpn(),
        }
    }
}

/// The policy and the client agreed on TLS 1.2.
pub(crate) fn start(opening: Opening, cx: &mut Context<'_>) -> Result<State, Error> {
    // RFC 5746 §3.6: "The server MUST then verify that the length of the "renegotiated_connection"
    // field is zero, and if it is not, MUST abort the handshake."
    let info = opening.hello.extensions.renegotiation_info.as_ref();
    if info.is_some_and(|info| !info.is_empty()) {
        return Err(PeerMisbehaved::BadRenegotiationInfo.into());
    }
    answer(opening, None, cx)
}

/// Answers the ClientHello of a first handshake or of a renegotiation.
pub(super) fn answer(
    opening: Opening,
    renegotiated: Option<Box<Renegotiable>>,
    cx: &mut Context<'_>,
) -> Result<State, Error> {
    // What follows depends on our answer.
    cx.common.expect_no_more_handshake()?;
    check(&opening)?;
    let alpn = negotiation::alpn(&opening.hello, &opening.site)?;
    let offer = Offer {
        opening,
        alpn,
        renegotiated,
    };
    resumption::look_up(offer, cx)
}

/// What must be so in every ClientHello that TLS 1.2 answers.
fn check(opening: &Opening) -> Result<(), Error> {
    let extensions = &opening.hello.extensions;
    // RFC 8422 §5.1.2: "If the client sends the extension and the extension does not contain the
    // uncompressed point format, and the client has used the Supported Groups extension to indicate
    // support for any of the curves defined in this specification, then the server MUST abort the
    // handshake and return an illegal_parameter alert."
    let formats = extensions.ec_point_formats.as_ref();
    if formats.is_some_and(|formats| !formats.contains(&EcPointFormat::UNCOMPRESSED))
        && extensions.supported_groups.is_some()
    {
        return Err(PeerIncompatible::NoUncompressedPoints.into());
    }
    // RFC 7627 §5.2: "If the server receives a ClientHello without the extension, it SHOULD abort the
    // handshake if it does not wish to interoperate with legacy clients."
    if opening.site.policy.require_extended_master_secret && !extensions.extended_master_secret {
        return Err(PeerIncompatible::NoExtendedMasterSecret.into());
    }
    Ok(())
}

/// RFC 5746 §3.6: whether the client has the extension or the signalling cipher suite value; the
/// server answers either with the extension.
pub(super) fn speaks_secure_renegotiation(hello: &ClientHello) -> bool {
    hello.extensions.renegotiation_info.is_some() || has_scsv(hello)
}

pub(super) fn has_scsv(hello: &ClientHello) -> bool {
    let scsv = CipherSuite::TLS_EMPTY_RENEGOTIATION_INFO_SCSV;
    hello.cipher_suites.contains(&scsv)
}
