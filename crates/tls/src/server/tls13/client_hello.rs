//! The ClientHello: what TLS 1.3 chooses from it.

use keyward_crypto::key_exchange::Group;
use keyward_wire::handshake::ClientHello;
use keyward_wire::values::{CompressionMethod, NamedGroup, ProtocolVersion};

use super::{State, hello_retry, psk};
use crate::error::{Error, PeerIncompatible, PeerMisbehaved};
use crate::handshake::Transcript;
use crate::policy::Policy;
use crate::server::client_hello::Opening;
use crate::server::{Context, negotiation};
use crate::suites::Suite;

/// What has been chosen from the ClientHello that will be answered with a ServerHello.
pub(super) struct Chosen {
    pub(super) opening: Opening,
    pub(super) suite: &'static Suite,
    pub(super) group: Group,
    pub(super) alpn: Option<Vec<u8>>,
    /// Without the ClientHello in `opening`: binders need the hash up to it.
    pub(super) transcript: Transcript,
    /// Whether the client was asked for another ClientHello.
    pub(super) retried: bool,
    /// Whether the first ClientHello offered early data.
    pub(super) early_data_offered: bool,
    /// How much early data the session on offer allows, in bytes, whether or not it is resumed.
    pub(super) early_data_promised: u32,
}

/// The policy and the client agreed on TLS 1.3.
pub(crate) fn start(opening: Opening, cx: &mut Context<'_>) -> Result<State, Error> {
    let hello = &opening.hello;
    let policy = &opening.site.policy;
    cx.common.expect_no_more_handshake()?;
    check(hello)?;
    let suite = negotiation::cipher_suite(hello, policy, ProtocolVersion::TLS13, |_| true)?;
    let alpn = negotiation::alpn(hello, &opening.site)?;
    let (group, has_share) = choose_group(hello, policy)?;
    let chosen = Chosen {
        suite,
        group,
        alpn,
        transcript: Transcript::new(suite.hash),
        retried: false,
        early_data_offered: hello.extensions.early_data,
        early_data_promised: 0,
        opening,
    };
    if has_share {
        psk::look_up(chosen, cx)
    } else {
        hello_retry::send(chosen, cx)
    }
}

/// What must be so in every ClientHello that TLS 1.3 answers.
pub(super) fn check(hello: &ClientHello) -> Result<(), Error> {
    // RFC 9846 §4.2.2: "For every TLS 1.3 ClientHello, this list MUST contain exactly one byte, set to
    // zero ... If a TLS 1.3 ClientHello is received with any other value in this field, the server
    // MUST abort the handshake with an "illegal_parameter" alert."
    if hello.compression_methods != [CompressionMethod::NULL] {
        return Err(PeerMisbehaved::Compression.into());
    }
    // RFC 9846 §4.3.9: "If clients offer "pre_shared_key" without a "psk_key_exchange_modes"
    // extension, servers MUST abort the handshake."
    let extensions = &hello.extensions;
    if extensions.pre_shared_key.is_some() && extensions.psk_key_exchange_modes.is_none() {
        return Err(PeerMisbehaved::PskWithoutModes.into());
    }
    // RFC 9846 §9.2: "If containing a "supported_groups" extension, it MUST also contain a "key_share"
    // extension, and vice versa"; "Servers receiving a ClientHello which does not conform to these
    // requirements MUST abort the handshake with a "missing_extension" alert." Without (EC)DHE there
    // is nothing that this server does.
    if extensions.supported_groups.is_none() {
        return Err(PeerIncompatible::MissingSupportedGroups.into());
    }
    let shares = extensions
        .key_share
        .as_ref()
        .ok_or(PeerIncompatible::MissingKeyShare)?;
    // RFC 9846 §4.3.8: "Clients MUST NOT offer any KeyShareEntry values for groups not listed in the
    // client's "supported_groups" extension. Servers MAY check for violations".
    let groups = extensions.supported_groups.as_deref().unwrap_or_default();
    if shares.iter().any(|share| !groups.contains(&share.group)) {
        return Err(PeerMisbehaved::KeyShareWithoutGroup.into());
    }
    Ok(())
}

/// The share that the client sent for a group.
pub(super) fn share(hello: &ClientHello, group: Group) -> Option<&[u8]> {
    let shares = hello.extensions.key_share.as_deref()?;
    shares
        .iter()
        .find(|share| share.group.0 == group.code())
        .map(|share| share.key_exchange.as_slice())
}

/// The group, and whether the client has sent a share for it.
///
/// A round trip more is a small price for secrecy from tomorrow's computers, and a large one for one
/// curve instead of another.
fn choose_group(hello: &ClientHello, policy: &Policy) -> Result<(Group, bool), Error> {
    let common = || {
        negotiation::common_groups(hello, policy, |group| speak(group).is_some()).filter_map(speak)
    };
    // RFC 9846 §4.2.1: "If there is no overlap between the received "supported_groups" and the
    // groups supported by the server, then the server MUST abort the handshake with a
    // "handshake_failure" or an "insufficient_security" alert."
    let first = common().next().ok_or(PeerIncompatible::NoGroup)?;
    if first.is_post_quantum() {
        return Ok((first, share(hello, first).is_some()));
    }
    match common().find(|group| share(hello, *group).is_some()) {
        Some(group) => Ok((group, true)),
        // RFC 9846 §4.2.1: "If the server selects an asymmetric key exchange group and the client
        // did not offer a compatible "key_share" extension in the initial ClientHello, the server
        // MUST respond with a HelloRetryRequest".
        None => Ok((first, false)),
    }
}

/// Finite fields are for TLS 1.2 here.
fn speak(group: NamedGroup) -> Option<Group> {
    Group::from_code(group.0).filter(|group| !group.is_ffdhe())
}
