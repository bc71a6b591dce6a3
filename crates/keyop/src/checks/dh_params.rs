//! The parameters of a TLS 1.2 key exchange in a finite field.

use keyward_crypto::key_exchange::{Group, is_valid_public};
use keyward_wire::codec::Decode;
use keyward_wire::handshake::{ClientHello, ServerDhParams};
use keyward_wire::values::NamedGroup;

use crate::error::CheckError;

/// The code points of finite fields, known or not (RFC 7919 §2).
const FFDHE: core::ops::RangeInclusive<u16> = 0x0100..=0x01ff;

/// Checks that the parameters are a valid public value in a group of RFC 7919, and that the client offers it if it
/// offers any. Primes without a name are where Logjam lives, and nobody can check one in passing.
pub(crate) fn check_dh_params(params: &[u8], client_hello: &ClientHello) -> Result<(), CheckError> {
    let params = ServerDhParams::from_bytes(params)?;
    let group = Group::from_prime(&params.p, &params.g).ok_or(CheckError::FieldNotNamed)?;
    // RFC 7919 §4: "If at least one FFDHE cipher suite is present in the client cipher suite list and the Supported
    // Groups extension is either absent from the ClientHello entirely or contains no FFDHE groups (i.e., no codepoints
    // between 256 and 511, inclusive), then the server knows that the client is not compatible with this document": it
    // is older, and takes what it gets.
    let offered = client_hello
        .extensions
        .supported_groups
        .as_deref()
        .unwrap_or_default();
    let named = NamedGroup(group.code());
    if offered.iter().any(|group| FFDHE.contains(&group.0)) && !offered.contains(&named) {
        return Err(CheckError::GroupNotOffered(named));
    }
    if is_valid_public(group, &params.public) {
        Ok(())
    } else {
        Err(CheckError::InvalidPublicValue)
    }
}
