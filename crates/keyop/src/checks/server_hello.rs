//! What a ServerHello must be, given the ClientHello that it answers, and the nonce where a server asks.

use keyward_wire::extensions::ServerKeyShare;
use keyward_wire::handshake::{ClientHello, ServerHello};
use keyward_wire::values::{CompressionMethod, ProtocolVersion};
use subtle::ConstantTimeEq;

use crate::error::CheckError;

/// A TLS 1.3 ServerHello that answers this ClientHello, which is the second one after a
/// HelloRetryRequest.
pub(crate) fn check_tls13(
    server_hello: &ServerHello,
    client_hello: &ClientHello,
) -> Result<(), CheckError> {
    check_tls13_choices(server_hello, client_hello)?;
    if server_hello.extensions.pre_shared_key.is_some() {
        return Err(CheckError::Resumption);
    }
    // RFC 9846 §4.3.8: "This value MUST be in the same group as the KeyShareEntry value offered by
    // the client that the server has selected for the negotiated key exchange."
    let shares = client_hello
        .extensions
        .key_share
        .as_deref()
        .unwrap_or_default();
    match &server_hello.extensions.key_share {
        Some(ServerKeyShare::Share(own)) if shares.iter().any(|share| share.group == own.group) => {
            Ok(())
        }
        _ => Err(CheckError::KeyShareNotOffered),
    }
}

/// What HelloRetryRequest and ServerHello have in common in TLS 1.3: version, session ID, cipher
/// suite, compression.
pub(crate) fn check_tls13_choices(
    server_hello: &ServerHello,
    client_hello: &ClientHello,
) -> Result<(), CheckError> {
    let offered = client_hello
        .extensions
        .supported_versions
        .as_deref()
        .unwrap_or_default();
    if !offered.contains(&ProtocolVersion::TLS13) {
        return Err(CheckError::VersionNotOffered);
    }
    // RFC 9846 §4.3.1: "A server which negotiates TLS 1.3 MUST respond by sending a
    // 'supported_versions' extension containing the selected version value (0x0304). It MUST set the
    // ServerHello.legacy_version field to 0x0303".
    if server_hello.legacy_version != ProtocolVersion::TLS12
        || server_hello.extensions.supported_versions != Some(ProtocolVersion::TLS13)
    {
        return Err(CheckError::WrongVersion);
    }
    if server_hello.session_id != client_hello.session_id {
        return Err(CheckError::SessionIdNotEchoed);
    }
    check_suite_and_compression(server_hello, client_hello)
}

/// A TLS 1.2 ServerHello that starts a full handshake.
pub(crate) fn check_tls12(
    server_hello: &ServerHello,
    client_hello: &ClientHello,
) -> Result<(), CheckError> {
    let offered = match client_hello.extensions.supported_versions.as_deref() {
        // RFC 9846 §4.3.1: "If this extension is present in the ClientHello, servers MUST NOT use the
        // ClientHello.legacy_version value for version negotiation".
        Some(versions) => versions.contains(&ProtocolVersion::TLS12),
        None => client_hello.legacy_version.0 >= ProtocolVersion::TLS12.0,
    };
    if !offered {
        return Err(CheckError::VersionNotOffered);
    }
    if server_hello.legacy_version != ProtocolVersion::TLS12
        || server_hello.extensions.supported_versions.is_some()
    {
        return Err(CheckError::WrongVersion);
    }
    // RFC 5246 §7.4.1.3: a server that echoes the session ID "indicates a resumed session".
    if !server_hello.session_id.is_empty() && server_hello.session_id == client_hello.session_id {
        return Err(CheckError::Resumption);
    }
    if server_hello.extensions.extended_master_secret
        && !client_hello.extensions.extended_master_secret
    {
        return Err(CheckError::UnsolicitedExtension);
    }
    check_suite_and_compression(server_hello, client_hello)
}

/// The random shows that the edge that asks made this ServerHello. The nonce is secret, so the
/// comparison takes the same time wherever the difference is.
pub(crate) fn check_random(
    server_hello: &ServerHello,
    derived: [u8; 32],
) -> Result<(), CheckError> {
    if bool::from(server_hello.random.ct_eq(&derived)) {
        Ok(())
    } else {
        Err(CheckError::RandomNotDerived)
    }
}

fn check_suite_and_compression(
    server_hello: &ServerHello,
    client_hello: &ClientHello,
) -> Result<(), CheckError> {
    let suite = server_hello.cipher_suite;
    if !client_hello.cipher_suites.contains(&suite) {
        return Err(CheckError::SuiteNotOffered(suite));
    }
    if server_hello.compression_method != CompressionMethod::NULL {
        return Err(CheckError::Compression);
    }
    Ok(())
}
