//! The decryption of a TLS 1.2 server with RSA key transport.

use keyward_crypto::signature::KeyKind;
use keyward_wire::codec::{Decode, DecodeError, Encode, Reader};
use keyward_wire::handshake::{
    CertificateRequestTls12, CertificateStatus, CertificateTls12, ClientHello,
    RsaClientKeyExchange, ServerHello, ServerHelloDone,
};
use keyward_wire::values::CipherSuite;

use crate::checked::{CheckedOperation, Names, Seed, Task};
use crate::checks::certificate::check_leaf;
use crate::checks::messages::Messages;
use crate::checks::server_hello::{check_random, check_tls12};
use crate::checks::tls12_suite::{KeyExchange, tls12_suite};
use crate::error::CheckError;
use crate::key_id::KeyId;
use crate::rules::KeyRules;
use crate::server_nonce::ServerNonce;

/// Asks for the master secret of a handshake in which the client encrypted the premaster secret to
/// the certificate's RSA key (RFC 5246 §7.4.7.1).
#[derive(Debug)]
pub struct Tls12RsaMasterSecret {
    /// The key.
    pub key: KeyId,
    /// What the ServerHello random derives from.
    pub server_nonce: ServerNonce,
    /// The handshake so far, whole messages with their headers: ClientHello, ServerHello,
    /// Certificate, perhaps CertificateStatus and CertificateRequest, ServerHelloDone, the client's
    /// Certificate if it was asked for, ClientKeyExchange.
    pub messages: Vec<u8>,
}

impl Tls12RsaMasterSecret {
    pub(crate) fn payload_len(&self) -> usize {
        self.messages.len()
    }

    pub(crate) fn check<'a>(
        &'a self,
        rules: &KeyRules<'a>,
    ) -> Result<CheckedOperation<'a>, CheckError> {
        let mut messages = Messages::new(&self.messages)?;
        let client_hello: ClientHello = messages.take("ClientHello")?;
        let server_hello: ServerHello = messages.take("ServerHello")?;
        let certificate: CertificateTls12 = messages.take("Certificate")?;
        messages.take_if::<CertificateStatus>()?;
        let request = messages.take_if::<CertificateRequestTls12>()?;
        messages.take::<ServerHelloDone>("ServerHelloDone")?;
        if request.is_some() {
            // RFC 5246 §7.4.6: "If no suitable certificate is available, the client MUST send a
            // certificate message containing no certificates."
            messages.take::<CertificateTls12>("the client's Certificate")?;
        }
        let key_exchange: RsaClientKeyExchange = messages.take("ClientKeyExchange")?;
        messages.end()?;

        check_tls12(&server_hello, &client_hello)?;
        check_random(&server_hello, self.server_nonce.tls12_random())?;
        let suite = server_hello.cipher_suite;
        // With or without AEAD: who switches RSA key transport on for a key has clients as old as CBC.
        let prf = tls12_suite(suite)
            .filter(|known| known.key_exchange == KeyExchange::Rsa)
            .ok_or(CheckError::SuiteNotAllowed(suite))?
            .prf;
        check_leaf(
            certificate.certificate_list.first().map(Vec::as_slice),
            rules,
        )?;
        let encrypted_premaster_secret = key_exchange.encrypted_premaster_secret;
        check_key(
            rules,
            encrypted_premaster_secret.len(),
            server_hello.cipher_suite,
        )?;

        // RFC 7627 §5.1: both hellos have the extension. That the server's has it only where the
        // client's does is checked above.
        let seed = if server_hello.extensions.extended_master_secret {
            Seed::Extended {
                session_hash: prf.digest(&self.messages),
            }
        } else {
            Seed::Classic {
                client_random: client_hello.random,
                server_random: server_hello.random,
            }
        };
        Ok(CheckedOperation {
            public_key: rules.public_key,
            names: Names::of_client_hello(&client_hello),
            task: Task::MasterSecret {
                encrypted_premaster_secret,
                client_version: client_hello.legacy_version.0,
                prf,
                seed,
            },
        })
    }
}

fn check_key(
    rules: &KeyRules<'_>,
    ciphertext: usize,
    suite: CipherSuite,
) -> Result<(), CheckError> {
    let KeyKind::Rsa { bits } = rules.public_key.kind() else {
        return Err(CheckError::SuiteKeyMismatch(suite));
    };
    if !rules.rsa_decryption {
        return Err(CheckError::DecryptionDisabled);
    }
    let modulus = bits.div_ceil(8);
    if ciphertext == modulus {
        Ok(())
    } else {
        Err(CheckError::CiphertextLength {
            found: ciphertext,
            modulus,
        })
    }
}

/// `opaque key[32]; opaque server_nonce[32]; opaque messages<0..2^24-1>`
impl Encode for Tls12RsaMasterSecret {
    fn encode(&self, out: &mut Vec<u8>) {
        crate::fields::reserve(&self.messages, &[], out);
        self.key.encode(out);
        self.server_nonce.encode(out);
        crate::fields::encode_messages(&self.messages, out);
    }
}

impl<'a> Decode<'a> for Tls12RsaMasterSecret {
    fn decode(reader: &mut Reader<'a>) -> Result<Self, DecodeError> {
        Ok(Self {
            key: Decode::decode(reader)?,
            server_nonce: Decode::decode(reader)?,
            messages: crate::fields::decode_messages(reader)?,
        })
    }
}
