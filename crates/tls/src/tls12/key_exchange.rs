//! The ephemeral key exchanges of TLS 1.2: points of a curve (RFC 8422), and numbers of a finite field
//! (RFC 5246 §7.4.3) that is one of those with a name (RFC 7919).

use keyward_crypto::key_exchange::{
    self, FFDHE_GENERATOR, Group, KeyExchangeError, KeyPair, SharedSecret,
};
use keyward_crypto::random::SecureRandom;
use keyward_crypto::signature::KeyKind;
use keyward_keyop::tls12::MasterSecretSeed;
use keyward_wire::codec::{Decode, Encode};
use keyward_wire::handshake::{
    self, DhClientKeyExchange, EcdhClientKeyExchange, ServerDhParams, ServerEcdhParams,
    ServerKeyExchange,
};
use keyward_wire::values::{NamedGroup, SignatureScheme};

use crate::error::{Error, PeerMisbehaved};
use crate::handshake::{HandshakeMessage, Transcript};
use crate::key_schedule::tls12::{MasterSecret, Randoms};
use crate::suites::{KeyExchange, Suite};

/// Whether suites with this key exchange exchange keys in this group. Hybrid groups exist in TLS 1.3
/// only.
pub(crate) fn is_tls12_group(exchange: KeyExchange, group: Group) -> bool {
    match exchange {
        KeyExchange::EcdheEcdsa | KeyExchange::EcdheRsa => group.is_elliptic_curve(),
        KeyExchange::DheRsa => group.is_ffdhe(),
        KeyExchange::Rsa | KeyExchange::Tls13 => false,
    }
}

/// The curve that a key is on, as `supported_groups` names it (RFC 8422 §5.1.1). EdDSA's have no name there.
pub(crate) fn curve(key: KeyKind) -> Option<NamedGroup> {
    match key {
        KeyKind::EcP256 => Some(NamedGroup::SECP256R1),
        KeyKind::EcP384 => Some(NamedGroup::SECP384R1),
        KeyKind::EcP521 => Some(NamedGroup::SECP521R1),
        _ => None,
    }
}

/// The server's half.
pub(crate) enum ServerParams {
    Ecdh(ServerEcdhParams),
    Dh(ServerDhParams),
}

impl ServerParams {
    pub(crate) fn new(group: Group, public: Vec<u8>) -> Self {
        match group.prime() {
            Some(p) => Self::Dh(ServerDhParams {
                p,
                g: FFDHE_GENERATOR.to_vec(),
                public,
            }),
            None => Self::Ecdh(ServerEcdhParams {
                group: NamedGroup(group.code()),
                public,
            }),
        }
    }

    /// The form that is signed.
    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        match self {
            Self::Ecdh(params) => params.to_bytes(),
            Self::Dh(params) => params.to_bytes(),
        }
    }

    pub(crate) fn public(&self) -> &[u8] {
        match self {
            Self::Ecdh(params) => &params.public,
            Self::Dh(params) => &params.public,
        }
    }

    /// The group, if it is one that we know.
    pub(crate) fn group(&self) -> Option<Group> {
        match self {
            Self::Ecdh(params) => {
                Group::from_code(params.group.0).filter(|group| group.is_elliptic_curve())
            }
            Self::Dh(params) => Group::from_prime(&params.p, &params.g),
        }
    }
}

/// A ServerKeyExchange of either kind.
pub(crate) struct SignedParams {
    pub(crate) params: ServerParams,
    pub(crate) scheme: SignatureScheme,
    pub(crate) signature: Vec<u8>,
}

impl SignedParams {
    /// The message, whole.
    pub(crate) fn into_message(self) -> Vec<u8> {
        fn whole<P: Encode>(params: P, scheme: SignatureScheme, signature: Vec<u8>) -> Vec<u8> {
            handshake::to_message(&ServerKeyExchange {
                params,
                scheme,
                signature,
            })
        }
        match self.params {
            ServerParams::Ecdh(params) => whole(params, self.scheme, self.signature),
            ServerParams::Dh(params) => whole(params, self.scheme, self.signature),
        }
    }

    /// Reads the message as the suite says that it is.
    pub(crate) fn decode(exchange: KeyExchange, message: &HandshakeMessage) -> Result<Self, Error> {
        fn read<'a, P: Decode<'a>>(
            message: &'a HandshakeMessage,
            params: impl FnOnce(P) -> ServerParams,
        ) -> Result<SignedParams, Error> {
            let exchange: ServerKeyExchange<P> = message.decode()?;
            Ok(SignedParams {
                params: params(exchange.params),
                scheme: exchange.scheme,
                signature: exchange.signature,
            })
        }
        match exchange {
            KeyExchange::DheRsa => read(message, ServerParams::Dh),
            _ => read(message, ServerParams::Ecdh),
        }
    }
}

/// The ClientKeyExchange with the client's public value, whole.
pub(crate) fn client_key_exchange(group: Group, public: Vec<u8>) -> Vec<u8> {
    if group.is_ffdhe() {
        handshake::to_message(&DhClientKeyExchange { public })
    } else {
        handshake::to_message(&EcdhClientKeyExchange { public })
    }
}

/// The client's public value in a ClientKeyExchange.
pub(crate) fn client_public(group: Group, message: &HandshakeMessage) -> Result<Vec<u8>, Error> {
    if group.is_ffdhe() {
        message.decode::<DhClientKeyExchange>().map(|dh| dh.public)
    } else {
        message
            .decode::<EcdhClientKeyExchange>()
            .map(|ecdh| ecdh.public)
    }
}

/// The server's half of the exchange.
pub(crate) fn agree(group: Group, key_pair: KeyPair, peer: &[u8]) -> Result<SharedSecret, Error> {
    key_pair.agree(peer).map_err(|error| failure(group, error))
}

/// The client's half in one go: its public value, and the premaster secret.
pub(crate) fn respond(
    group: Group,
    peer: &[u8],
    random: &dyn SecureRandom,
) -> Result<(Vec<u8>, SharedSecret), Error> {
    key_exchange::respond(group, peer, random).map_err(|error| failure(group, error))
}

/// RFC 8422 §5.10: what is no point of the curve ends the handshake; RFC 7919 §3 and §4: so does a
/// number that is out of range, "with a fatal handshake_failure(40) alert".
fn failure(group: Group, error: KeyExchangeError) -> Error {
    match error {
        KeyExchangeError::InvalidPeerShare if group.is_ffdhe() => {
            PeerMisbehaved::DhPublicOutOfRange.into()
        }
        KeyExchangeError::InvalidPeerShare => PeerMisbehaved::BadKeyShare.into(),
        KeyExchangeError::Failed(_) => Error::Internal("key exchange"),
    }
}

/// The master secret, once ClientKeyExchange is in the transcript.
///
/// RFC 7627 §4: "master_secret = PRF(pre_master_secret, "extended master secret", session_hash)[0..47]",
/// the session hash over all messages "up to and including the ClientKeyExchange" (§3).
pub(crate) fn master_secret(
    suite: &Suite,
    premaster: &[u8],
    extended: bool,
    transcript: &Transcript,
    randoms: &Randoms,
) -> MasterSecret {
    let session_hash = transcript.current();
    let seed = if extended {
        MasterSecretSeed::Extended {
            session_hash: &session_hash,
        }
    } else {
        MasterSecretSeed::Classic {
            client_random: &randoms.client,
            server_random: &randoms.server,
        }
    };
    MasterSecret::derive(suite, premaster, seed)
}
