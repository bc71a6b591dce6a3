//! The signature of a TLS 1.2 server with an ephemeral key exchange.

use keyward_crypto::signature::KeyKind;
use keyward_wire::codec::{Decode, DecodeError, Encode, Reader};
use keyward_wire::handshake::{ClientHello, ServerHello};
use keyward_wire::values::{CipherSuite, SignatureScheme};

use crate::checked::{CheckedOperation, Names, Task};
use crate::checks::dh_params::check_dh_params;
use crate::checks::ecdh_params::check_ecdh_params;
use crate::checks::messages::Messages;
use crate::checks::scheme::{Version, check_scheme};
use crate::checks::server_hello::{check_random, check_tls12};
use crate::checks::tls12_suite::{KeyExchange, tls12_suite};
use crate::error::CheckError;
use crate::key_id::KeyId;
use crate::rules::KeyRules;
use crate::server_nonce::ServerNonce;
use crate::tls12;

/// Asks for the signature in a ServerKeyExchange (RFC 5246 §7.4.3, RFC 8422 §5.4).
#[derive(Debug)]
pub struct Tls12ServerKeyExchange {
    /// The key.
    pub key: KeyId,
    /// How to sign.
    pub scheme: SignatureScheme,
    /// What the ServerHello random derives from.
    pub server_nonce: ServerNonce,
    /// ClientHello and ServerHello, whole messages with their headers.
    pub messages: Vec<u8>,
    /// The ServerECDHParams, named curve and public value, or the ServerDHParams of a DHE suite: prime and generator of
    /// a group of RFC 7919, and public value.
    pub params: Vec<u8>,
}

impl Tls12ServerKeyExchange {
    pub(crate) fn payload_len(&self) -> usize {
        self.messages.len() + self.params.len()
    }

    pub(crate) fn check<'a>(
        &'a self,
        rules: &KeyRules<'a>,
    ) -> Result<CheckedOperation<'a>, CheckError> {
        let mut messages = Messages::new(&self.messages)?;
        let client_hello: ClientHello = messages.take("ClientHello")?;
        let server_hello: ServerHello = messages.take("ServerHello")?;
        messages.end()?;
        check_tls12(&server_hello, &client_hello)?;
        check_random(&server_hello, self.server_nonce.tls12_random())?;
        match key_exchange(server_hello.cipher_suite, rules)? {
            Params::Ecdh => check_ecdh_params(&self.params, &client_hello)?,
            Params::Dh => check_dh_params(&self.params, &client_hello)?,
        }

        let offered = client_hello.extensions.signature_algorithms.as_deref();
        let algorithm = check_scheme(self.scheme, Version::Tls12, offered, rules)?;
        let message = tls12::server_key_exchange_message(
            &client_hello.random,
            &server_hello.random,
            &self.params,
        );
        Ok(CheckedOperation {
            public_key: rules.public_key,
            names: Names::of_client_hello(&client_hello),
            task: Task::Sign { algorithm, message },
        })
    }
}

/// What the server's half of the key exchange is written as.
enum Params {
    Ecdh,
    Dh,
}

/// RFC 8422 §2: ECDHE_ECDSA wants an ECDSA or EdDSA key, ECDHE_RSA an RSA key, as does DHE_RSA.
fn key_exchange(suite: CipherSuite, rules: &KeyRules<'_>) -> Result<Params, CheckError> {
    let known = tls12_suite(suite)
        .filter(|known| !known.cbc || rules.legacy)
        .ok_or(CheckError::SuiteNotAllowed(suite))?;
    let (params, wants_rsa) = match known.key_exchange {
        KeyExchange::EcdheRsa => (Params::Ecdh, true),
        KeyExchange::EcdheEcdsa => (Params::Ecdh, false),
        KeyExchange::DheRsa if rules.legacy => (Params::Dh, true),
        KeyExchange::DheRsa | KeyExchange::Rsa => return Err(CheckError::SuiteNotAllowed(suite)),
    };
    let rsa = matches!(
        rules.public_key.kind(),
        KeyKind::Rsa { .. } | KeyKind::RsaPss { .. }
    );
    if wants_rsa == rsa {
        Ok(params)
    } else {
        Err(CheckError::SuiteKeyMismatch(suite))
    }
}

/// `opaque key[32]; SignatureScheme scheme; opaque server_nonce[32]; opaque messages<0..2^24-1>;
/// opaque params<0..2^16-1>`
impl Encode for Tls12ServerKeyExchange {
    fn encode(&self, out: &mut Vec<u8>) {
        crate::fields::reserve(&self.messages, &self.params, out);
        self.key.encode(out);
        self.scheme.encode(out);
        self.server_nonce.encode(out);
        crate::fields::encode_messages(&self.messages, out);
        crate::fields::encode_params(&self.params, out);
    }
}

impl<'a> Decode<'a> for Tls12ServerKeyExchange {
    fn decode(reader: &mut Reader<'a>) -> Result<Self, DecodeError> {
        Ok(Self {
            key: Decode::decode(reader)?,
            scheme: Decode::decode(reader)?,
            server_nonce: Decode::decode(reader)?,
            messages: crate::fields::decode_messages(reader)?,
            params: crate::fields::decode_params(reader)?,
        })
    }
}
