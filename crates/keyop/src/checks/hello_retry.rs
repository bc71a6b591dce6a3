//! HelloRetryRequest and the second ClientHello.

use keyward_wire::extensions::{ClientHelloExtensions, ServerKeyShare};
use keyward_wire::handshake::{ClientHello, ServerHello};
use keyward_wire::values::{ExtensionType, NamedGroup};

use crate::checks::server_hello::check_tls13_choices;
use crate::error::CheckError;

/// Checks that `retry` answers `first`, and that `second` is `first` with what `retry` asks for.
pub(crate) fn check_hello_retry(
    first: &ClientHello,
    retry: &ServerHello,
    second: &ClientHello,
) -> Result<(), CheckError> {
    check_tls13_choices(retry, first)?;
    check_cause(first, retry)?;
    if let Some(field) = changed_field(first, second) {
        return Err(CheckError::SecondClientHelloDiffers { field });
    }
    check_key_share(first, retry, second)?;
    // RFC 9846 §4.3.2: "When sending the new ClientHello, the client MUST copy the contents of the
    // extension received in the HelloRetryRequest into a 'cookie' extension".
    if second.extensions.cookie != retry.extensions.cookie {
        return Err(CheckError::SecondClientHelloDiffers { field: "cookie" });
    }
    Ok(())
}

/// RFC 9846 §4.2.4: "Clients MUST abort the handshake with an 'illegal_parameter' alert if the
/// HelloRetryRequest would not result in any change in the ClientHello." §4.3.8: the selected_group
/// is in the client's supported_groups and not in its key_share.
fn check_cause(first: &ClientHello, retry: &ServerHello) -> Result<(), CheckError> {
    let Some(group) = asked_group(retry) else {
        return if retry.extensions.cookie.is_some() {
            Ok(())
        } else {
            Err(CheckError::RetryWithoutCause)
        };
    };
    let groups = first
        .extensions
        .supported_groups
        .as_deref()
        .unwrap_or_default();
    let shares = first.extensions.key_share.as_deref().unwrap_or_default();
    if !groups.contains(&group) || shares.iter().any(|share| share.group == group) {
        return Err(CheckError::RetryWithoutCause);
    }
    Ok(())
}

/// RFC 9846 §4.2.2: "the client MUST send the same ClientHello without modification, except as
/// follows". The first field that differs and must not.
pub(crate) fn changed_field(first: &ClientHello, second: &ClientHello) -> Option<&'static str> {
    let fields = [
        (
            "legacy_version",
            first.legacy_version == second.legacy_version,
        ),
        ("random", first.random == second.random),
        ("legacy_session_id", first.session_id == second.session_id),
        ("cipher_suites", first.cipher_suites == second.cipher_suites),
        (
            "legacy_compression_methods",
            first.compression_methods == second.compression_methods,
        ),
        ("early_data", !second.extensions.early_data),
        (
            "extension",
            fixed_extensions(first) == fixed_extensions(second),
        ),
    ];
    fields
        .into_iter()
        .find_map(|(field, same)| (!same).then_some(field))
}

/// The extensions that a second ClientHello repeats. RFC 9846 §4.2.2 excepts key_share, early_data,
/// cookie, pre_shared_key and padding; RFC 9849 §6.1.5 encrypted_client_hello.
fn fixed_extensions(client_hello: &ClientHello) -> ClientHelloExtensions {
    let mut extensions = client_hello.extensions.clone();
    extensions.key_share = None;
    extensions.early_data = false;
    extensions.cookie = None;
    extensions.pre_shared_key = None;
    extensions.unknown.retain(|(kind, _)| {
        ![
            ExtensionType::PADDING,
            ExtensionType::ENCRYPTED_CLIENT_HELLO,
        ]
        .contains(kind)
    });
    extensions
}

/// RFC 9846 §4.2.2: "If a 'key_share' extension was supplied in the HelloRetryRequest, replacing the
/// list of shares with a list containing a single KeyShareEntry from the indicated group."
fn check_key_share(
    first: &ClientHello,
    retry: &ServerHello,
    second: &ClientHello,
) -> Result<(), CheckError> {
    let shares = second.extensions.key_share.as_deref().unwrap_or_default();
    let matches = match asked_group(retry) {
        Some(group) => matches!(shares, [share] if share.group == group),
        None => first.extensions.key_share == second.extensions.key_share,
    };
    if matches {
        Ok(())
    } else {
        Err(CheckError::SecondClientHelloDiffers { field: "key_share" })
    }
}

/// The selected_group, if the HelloRetryRequest asks for another key share.
fn asked_group(retry: &ServerHello) -> Option<NamedGroup> {
    match retry.extensions.key_share {
        Some(ServerKeyShare::Retry(group)) => Some(group),
        _ => None,
    }
}
