//! Certificate, or CompressedCertificate in its place (RFC 9846 §4.5.1, RFC 8879).

use keyward_keyop::ServerNonce;
use keyward_wire::handshake::ClientHello;

use super::server_hello::Flight;
use super::{State, certificate_verify};
use crate::error::Error;
use crate::server::Context;
use crate::signer::Signer;
use crate::tls13::certificate::{self, Takes};

pub(super) fn send(
    hello: &ClientHello,
    signer: Signer,
    nonce: ServerNonce,
    mut flight: Flight,
    cx: &mut Context<'_>,
) -> Result<State, Error> {
    let takes = Takes::of_client(hello, signer.is_delegated());
    let algorithms = &cx.config.certificate_compression;
    let message = certificate::message(&signer.certificate, &takes, algorithms);
    flight.transcript.add(&message);
    cx.common.send_handshake(&message);
    certificate_verify::ask(signer, nonce, flight, cx)
}
