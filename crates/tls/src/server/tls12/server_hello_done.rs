//! ServerHelloDone (RFC 5246 §7.4.5).

use keyward_wire::handshake::ServerHelloDone;

use super::client_certificate::ExpectCertificate;
use super::client_key_exchange::{ExpectClientKeyExchange, KeyExchange};
use super::server_hello::Flight;
use super::{State, certificate_request};
use crate::server::Context;

/// Ends our flight, behind a CertificateRequest if the client is asked for a certificate.
pub(super) fn send(key_exchange: KeyExchange, mut flight: Flight, cx: &mut Context<'_>) -> State {
    certificate_request::send(&mut flight, cx);
    flight.send_message(&ServerHelloDone, cx);
    if flight.requested.is_some() {
        State::ExpectCertificate(Box::new(ExpectCertificate {
            key_exchange,
            flight,
        }))
    } else {
        State::ExpectClientKeyExchange(Box::new(ExpectClientKeyExchange {
            key_exchange,
            flight,
        }))
    }
}
