//! The signature of a TLS 1.3 server.

use keyward_wire::codec::{Decode, DecodeError, Encode, Reader};
use keyward_wire::handshake::{CertificateRequestTls13, EncryptedExtensions};
use keyward_wire::values::SignatureScheme;

use crate::checked::{CheckedOperation, Names, Task};
use crate::checks::certificate::take_certificate;
use crate::checks::messages::Messages;
use crate::checks::server_hello::check_random;
use crate::checks::signing_key::check_signing_key;
use crate::checks::tls13_hellos::take_hellos;
use crate::error::CheckError;
use crate::key_id::KeyId;
use crate::rules::KeyRules;
use crate::server_nonce::ServerNonce;
use crate::tls13;

/// Asks for the signature in the server's CertificateVerify (RFC 9846 §4.5.2).
#[derive(Debug)]
pub struct Tls13ServerCertificateVerify {
    /// The key.
    pub key: KeyId,
    /// How to sign.
    pub scheme: SignatureScheme,
    /// What the ServerHello random derives from.
    pub server_nonce: ServerNonce,
    /// The handshake so far, whole messages with their headers: ClientHello, ServerHello,
    /// EncryptedExtensions, perhaps CertificateRequest, Certificate or CompressedCertificate. After a HelloRetryRequest: the
    /// first ClientHello and the HelloRetryRequest in front.
    pub messages: Vec<u8>,
}

impl Tls13ServerCertificateVerify {
    pub(crate) fn payload_len(&self) -> usize {
        self.messages.len()
    }

    pub(crate) fn check<'a>(
        &'a self,
        rules: &KeyRules<'a>,
    ) -> Result<CheckedOperation<'a>, CheckError> {
        let mut messages = Messages::new(&self.messages)?;
        let (client_hello, server_hello) = take_hellos(&mut messages)?;
        check_random(&server_hello, self.server_nonce.tls13_random())?;

        messages.take::<EncryptedExtensions>("EncryptedExtensions")?;
        messages.take_if::<CertificateRequestTls13>()?;
        let compression = client_hello.extensions.compress_certificate.as_deref();
        let certificate = take_certificate(&mut messages, compression, "Certificate")?;
        messages.end()?;
        if !certificate.certificate_request_context.is_empty() {
            return Err(CheckError::CertificateContext);
        }
        let algorithm = check_signing_key(&certificate, self.scheme, &client_hello, rules)?;
        let suite = server_hello.cipher_suite;
        let hash = tls13::suite_hash(suite).ok_or(CheckError::SuiteNotAllowed(suite))?;
        let transcript_hash = tls13::transcript_hash(&self.messages, hash)?;
        Ok(CheckedOperation {
            public_key: rules.public_key,
            names: Names::of_client_hello(&client_hello),
            task: Task::Sign {
                algorithm,
                message: tls13::server_certificate_verify_message(&transcript_hash),
            },
        })
    }
}

/// `opaque key[32]; SignatureScheme scheme; opaque server_nonce[32]; opaque messages<0..2^24-1>`
impl Encode for Tls13ServerCertificateVerify {
    fn encode(&self, out: &mut Vec<u8>) {
        crate::fields::reserve(&self.messages, &[], out);
        self.key.encode(out);
        self.scheme.encode(out);
        self.server_nonce.encode(out);
        crate::fields::encode_messages(&self.messages, out);
    }
}

impl<'a> Decode<'a> for Tls13ServerCertificateVerify {
    fn decode(reader: &mut Reader<'a>) -> Result<Self, DecodeError> {
        Ok(Self {
            key: Decode::decode(reader)?,
            scheme: Decode::decode(reader)?,
            server_nonce: Decode::decode(reader)?,
            messages: crate::fields::decode_messages(reader)?,
        })
    }
}
