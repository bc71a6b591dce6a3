//! The parameters of a TLS 1.2 key exchange on an elliptic curve.

use keyward_crypto::key_exchange::{Group, is_valid_public};
use keyward_wire::codec::Decode;
use keyward_wire::handshake::{ClientHello, ServerEcdhParams};
use keyward_wire::values::NamedGroup;

use crate::error::CheckError;

/// ECCurveType named_curve (RFC 8422 §5.4).
const NAMED_CURVE: u8 = 3;

/// Checks that the parameters are a valid public value in a group that the client offers.
pub(crate) fn check_ecdh_params(
    params: &[u8],
    client_hello: &ClientHello,
) -> Result<(), CheckError> {
    // RFC 8422 §5.4: explicit_prime and explicit_char2 "MUST NOT be used". Looked at before parsing,
    // since a parser for named curves would only say that it cannot read them.
    if let Some(&curve_type) = params.first()
        && curve_type != NAMED_CURVE
    {
        return Err(CheckError::CurveNotNamed { curve_type });
    }
    let params = ServerEcdhParams::from_bytes(params)?;
    let named = params.group;
    let offered = client_hello
        .extensions
        .supported_groups
        .as_deref()
        .unwrap_or_default();
    if !offered.contains(&named) {
        return Err(CheckError::GroupNotOffered(named));
    }
    let group = tls12_group(named).ok_or(CheckError::GroupNotAllowed(named))?;
    if is_valid_public(group, &params.public) {
        Ok(())
    } else {
        Err(CheckError::InvalidPublicValue)
    }
}

/// The groups of RFC 8422. Hybrid groups exist in TLS 1.3 only (RFC 9954).
fn tls12_group(named: NamedGroup) -> Option<Group> {
    Group::from_code(named.0).filter(|group| group.is_elliptic_curve())
}
