//! The hellos of TLS 1.3, with or without a HelloRetryRequest.

use keyward_wire::handshake::{ClientHello, ServerHello};

use crate::checks::hello_retry::check_hello_retry;
use crate::checks::messages::Messages;
use crate::checks::server_hello::check_tls13;
use crate::error::CheckError;

/// Takes all the hellos, and yields the ClientHello that counts and its ServerHello: of a full handshake, not of a
/// resumed one.
pub(crate) fn take_hellos(
    messages: &mut Messages<'_>,
) -> Result<(ClientHello, ServerHello), CheckError> {
    let first: ClientHello = messages.take("ClientHello")?;
    let answer: ServerHello = messages.take("ServerHello")?;
    let (client_hello, server_hello) = if answer.is_hello_retry_request() {
        let second: ClientHello = messages.take("the second ClientHello")?;
        check_hello_retry(&first, &answer, &second)?;
        let server_hello: ServerHello = messages.take("ServerHello")?;
        if server_hello.cipher_suite != answer.cipher_suite {
            return Err(CheckError::SuiteChangedAfterRetry);
        }
        (second, server_hello)
    } else {
        (first, answer)
    };
    check_tls13(&server_hello, &client_hello)?;
    Ok((client_hello, server_hello))
}
