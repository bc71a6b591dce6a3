//! ClientKeyExchange (RFC 5246 §7.4.7), and the master secret that follows from it.

use keyward_crypto::key_exchange::Group;
use keyward_crypto::rsa_kex::{self, PREMASTER_LEN};
use keyward_crypto::signature::PublicKey;
use keyward_wire::codec::Encode;
use keyward_wire::handshake::{self, RsaClientKeyExchange};
use zeroize::Zeroizing;

use super::finished::{self, Keyed};
use super::server_hello::Flight;
use super::{State, certificate_verify};
use crate::client::Context;
use crate::error::Error;
use crate::signer::Signer;
use crate::tls12::{client_key_exchange, master_secret, respond};

/// The server's half of the key exchange.
pub(super) enum KeyExchange {
    Ephemeral { group: Group, public: Vec<u8> },
    Rsa,
}

/// Whom the keys are exchanged with: a server that is trusted.
pub(super) struct Server {
    pub(super) key: PublicKey,
    pub(super) key_exchange: KeyExchange,
}

/// Sends it, and what follows. `signer` is there if we have presented a certificate.
pub(super) fn send(
    mut flight: Flight,
    server: Server,
    signer: Option<Signer>,
    cx: &mut Context<'_>,
) -> Result<State, Error> {
    let master = match server.key_exchange {
        KeyExchange::Ephemeral { group, public } => {
            let (ours, premaster) = respond(group, &public, &*cx.config.random)?;
            flight.send(&client_key_exchange(group, ours), cx);
            derive(&flight, premaster.as_bytes())
        }
        KeyExchange::Rsa => {
            let premaster = rsa_premaster(&flight, cx)?;
            let encrypted_premaster_secret = rsa_kex::encrypt_premaster(&server.key, &premaster)
                .map_err(|_| Error::Internal("RSA encryption"))?;
            let message = handshake::to_message(&RsaClientKeyExchange {
                encrypted_premaster_secret,
            });
            flight.send(&message, cx);
            derive(&flight, premaster.as_slice())
        }
    };
    let keyed = Keyed { master, flight };
    match signer {
        Some(signer) => Ok(certificate_verify::ask(signer, keyed, cx)),
        None => finished::send_full(keyed, cx),
    }
}

fn derive(flight: &Flight, premaster: &[u8]) -> crate::key_schedule::tls12::MasterSecret {
    master_secret(
        flight.suite,
        premaster,
        flight.extended_master_secret(),
        &flight.transcript,
        &flight.randoms,
    )
}

/// RFC 5246 §7.4.7.1: "struct { ProtocolVersion client_version; opaque random[46]; } PreMasterSecret", and
/// "The version number in the PreMasterSecret is the version offered by the client in the
/// ClientHello.client_version, not the version negotiated for the connection."
fn rsa_premaster(
    flight: &Flight,
    cx: &Context<'_>,
) -> Result<Zeroizing<[u8; PREMASTER_LEN]>, Error> {
    let mut premaster = Zeroizing::new([0; PREMASTER_LEN]);
    let (version, random) = premaster.split_at_mut(2);
    version.copy_from_slice(&flight.hello.hello.legacy_version.to_bytes());
    cx.config
        .random
        .fill(random)
        .map_err(|_| Error::Internal("random generation"))?;
    Ok(premaster)
}
