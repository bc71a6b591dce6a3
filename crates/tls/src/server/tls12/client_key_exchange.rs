//! ClientKeyExchange (RFC 5246 §7.4.7), and the master secret that follows from it.

use std::sync::Arc;

use keyward_crypto::hash::Digest;
use keyward_crypto::key_exchange::{KeyExchangeError, KeyPair};
use keyward_crypto::signature::KeyKind;
use keyward_keyop::tls12::MasterSecretSeed;
use keyward_keyop::{Operation, OperationResult, ServerNonce, Tls12RsaMasterSecret};
use keyward_wire::handshake::{EcdhClientKeyExchange, RsaClientKeyExchange};
use keyward_wire::values::HandshakeType;

use super::State;
use super::change_cipher_spec::ExpectChangeCipherSpec;
use super::server_hello::Flight;
use crate::credential::Credential;
use crate::error::{Error, KeyOperationFault, PeerMisbehaved};
use crate::handshake::{HandshakeMessage, Incoming};
use crate::key_schedule::tls12::MasterSecret;
use crate::needs::{KeyOperationNeed, Need, NeedError, NeedKind};
use crate::server::Context;

/// Our half of the key exchange.
pub(super) enum KeyExchange {
    Ecdhe(KeyPair),
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
    pub(super) fn handle(self, incoming: Incoming, cx: &mut Context<'_>) -> Result<State, Error> {
        let message = incoming.expect(HandshakeType::CLIENT_KEY_EXCHANGE)?;
        match self.key_exchange {
            KeyExchange::Ecdhe(key_pair) => agree(key_pair, &message, self.flight),
            KeyExchange::Rsa { certificate, nonce } => {
                ask(&certificate, nonce, &message, self.flight, cx)
            }
        }
    }
}

/// RFC 8422 §5.10: the premaster secret is the shared secret, and what is no point of the curve ends
/// the handshake.
fn agree(
    key_pair: KeyPair,
    message: &HandshakeMessage,
    mut flight: Flight,
) -> Result<State, Error> {
    let exchange: EcdhClientKeyExchange = message.decode()?;
    let premaster = key_pair
        .agree(&exchange.public)
        .map_err(|error| match error {
            KeyExchangeError::InvalidPeerShare => PeerMisbehaved::BadKeyShare.into(),
            KeyExchangeError::Failed(_) => Error::Internal("key exchange"),
        })?;
    flight.transcript.add(&message.bytes);
    let session_hash: Digest = flight.transcript.current();
    // RFC 7627 §4: "master_secret = PRF(pre_master_secret, "extended master secret", session_hash)",
    // the hash of all messages "up to and including the ClientKeyExchange".
    let seed = if flight.extended_master_secret {
        MasterSecretSeed::Extended {
            session_hash: &session_hash,
        }
    } else {
        MasterSecretSeed::Classic {
            client_random: &flight.randoms.client,
            server_random: &flight.randoms.server,
        }
    };
    let master = MasterSecret::derive(flight.suite, premaster.as_bytes(), seed);
    ExpectChangeCipherSpec::in_full_handshake(master, flight)
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
    let operation = Operation::Tls12RsaMasterSecret(Tls12RsaMasterSecret {
        key: certificate.key(),
        server_nonce,
        messages: flight.transcript.take_messages(),
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
        answer: Result<OperationResult, NeedError>,
    ) -> Result<State, Error> {
        let result = answer.map_err(|error| Error::Need(NeedKind::KeyOperation, error))?;
        let OperationResult::MasterSecret(secret) = result else {
            return Err(Error::KeyOperation(KeyOperationFault::WrongResult));
        };
        let master = MasterSecret::new(self.flight.suite, secret);
        ExpectChangeCipherSpec::in_full_handshake(master, self.flight)
    }
}
