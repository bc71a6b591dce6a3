//! ClientKeyExchange (RFC 5246 §7.4.7), and the master secret that follows from it.

use std::sync::Arc;

use keyward_crypto::key_exchange::{Group, KeyPair};
use keyward_crypto::signature::KeyKind;
use keyward_keyop::{Operation, OperationResult, ServerNonce, Tls12RsaMasterSecret};
use keyward_wire::handshake::RsaClientKeyExchange;
use keyward_wire::values::HandshakeType;

use super::server_hello::Flight;
use super::{State, client_certificate_verify};
use crate::credential::Credential;
use crate::error::{Error, KeyOperationFault, PeerMisbehaved};
use crate::handshake::{HandshakeMessage, Incoming};
use crate::key_schedule::tls12::MasterSecret;
use crate::needs::{KeyAnswer, KeyOperationNeed, Need, NeedError, NeedKind};
use crate::server::Context;
use crate::tls12::{agree, client_public, master_secret};

/// Our half of the key exchange.
pub(super) enum KeyExchange {
    Ephemeral {
        group: Group,
        key_pair: KeyPair,
    },
    Rsa {
        certificate: Arc<Credential>,
        nonce: ServerNonce,
    },
}

pub(crate) struct ExpectClientKeyExchange {
    pub(super) key_exchange: KeyExchange,
    pub(super) flight: Flight,
}

impl ExpectClientKeyExchange {
    pub(super) fn handle(
        mut self,
        incoming: Incoming,
        cx: &mut Context<'_>,
    ) -> Result<State, Error> {
        let message = incoming.expect(HandshakeType::CLIENT_KEY_EXCHANGE)?;
        match self.key_exchange {
            KeyExchange::Ephemeral { group, key_pair } => {
                let public = client_public(group, &message)?;
                let premaster = agree(group, key_pair, &public)?;
                let flight = &mut self.flight;
                flight.transcript.add(&message.bytes);
                let master = master_secret(
                    flight.suite,
                    premaster.as_bytes(),
                    flight.extended_master_secret,
                    &flight.transcript,
                    &flight.randoms,
                );
                client_certificate_verify::expect(master, self.flight, cx)
            }
            KeyExchange::Rsa { certificate, nonce } => {
                ask(&certificate, nonce, &message, self.flight, cx)
            }
        }
    }
}

/// Asks for the master secret. Nothing here depends on what is in the ciphertext, and the answer does
/// not tell: with a wrong one the client's Finished does not decrypt, however it came about (RFC 5246
/// §7.4.7.1).
fn ask(
    certificate: &Credential,
    server_nonce: ServerNonce,
    message: &HandshakeMessage,
    mut flight: Flight,
    cx: &mut Context<'_>,
) -> Result<State, Error> {
    let exchange: RsaClientKeyExchange = message.decode()?;
    // The key server would refuse it; its length is for everybody to see.
    let modulus = match certificate.public_key().kind() {
        KeyKind::Rsa { bits } => bits.div_ceil(8),
        _ => return Err(Error::Internal("RSA key transport without an RSA key")),
    };
    if exchange.encrypted_premaster_secret.len() != modulus {
        return Err(PeerMisbehaved::BadClientKeyExchange.into());
    }
    flight.transcript.add(&message.bytes);
    // A CertificateVerify would sign the same messages.
    let messages = if flight.claimed.is_some() {
        flight.transcript.messages().to_vec()
    } else {
        flight.transcript.take_messages()
    };
    let operation = Operation::Tls12RsaMasterSecret(Tls12RsaMasterSecret {
        key: certificate.key(),
        server_nonce,
        messages,
    });
    cx.common
        .ask(|id| Need::KeyOperation(KeyOperationNeed { id, operation }));
    Ok(State::AwaitMasterSecret(Box::new(AwaitMasterSecret {
        flight,
    })))
}

pub(crate) struct AwaitMasterSecret {
    flight: Flight,
}

impl AwaitMasterSecret {
    pub(super) fn answered(
        self,
        answer: Result<KeyAnswer, NeedError>,
        cx: &Context<'_>,
    ) -> Result<State, Error> {
        let result = answer.map_err(|error| Error::Need(NeedKind::KeyOperation, error))?;
        let OperationResult::MasterSecret(secret) = result.into_result() else {
            return Err(Error::KeyOperation(KeyOperationFault::WrongResult));
        };
        let master = MasterSecret::new(self.flight.suite, secret);
        client_certificate_verify::expect(master, self.flight, cx)
    }
}
