//! The signature of a TLS 1.3 client.

use keyward_wire::codec::{Decode, DecodeError, Encode, Reader};
use keyward_wire::handshake::{CertificateRequestTls13, EncryptedExtensions};
use keyward_wire::values::{HandshakeType, SignatureScheme};

use crate::checked::{CheckedOperation, Names, Task};
use crate::checks::certificate::{check_leaf_tls13, take_certificate};
use crate::checks::messages::Messages;
use crate::checks::scheme::{Version, check_scheme};
use crate::checks::tls13_hellos::take_hellos;
use crate::error::CheckError;
use crate::key_id::KeyId;
use crate::rules::KeyRules;
use crate::tls13;

/// Asks for the signature in the client's CertificateVerify (RFC 9846 §4.5.2): the edge's own identity toward a
/// server.
///
/// It carries no nonce, since there is nothing to replay: the random of the ServerHello is the server's, which takes
/// the signature for no other connection.
#[derive(Debug)]
pub struct Tls13ClientCertificateVerify {
    /// The key.
    pub key: KeyId,
    /// How to sign.
    pub scheme: SignatureScheme,
    /// The handshake so far, whole messages with their headers: ClientHello, ServerHello, EncryptedExtensions,
    /// CertificateRequest, the server's Certificate (or CompressedCertificate), CertificateVerify and Finished, the
    /// client's Certificate. After a HelloRetryRequest: the first ClientHello and the HelloRetryRequest in front.
    pub messages: Vec<u8>,
}

impl Tls13ClientCertificateVerify {
    pub(crate) fn payload_len(&self) -> usize {
        self.messages.len()
    }

    pub(crate) fn check<'a>(
        &'a self,
        rules: &KeyRules<'a>,
    ) -> Result<CheckedOperation<'a>, CheckError> {
        let mut messages = Messages::new(&self.messages)?;
        let (client_hello, server_hello) = take_hellos(&mut messages)?;
        messages.take::<EncryptedExtensions>("EncryptedExtensions")?;
        let request: CertificateRequestTls13 = messages.take("CertificateRequest")?;
        if !messages.skip_if(HandshakeType::COMPRESSED_CERTIFICATE)? {
            messages.skip(HandshakeType::CERTIFICATE, "the server's Certificate")?;
        }
        messages.skip(HandshakeType::CERTIFICATE_VERIFY, "CertificateVerify")?;
        messages.skip(HandshakeType::FINISHED, "Finished")?;
        let compression = request.extensions.compress_certificate.as_deref();
        let certificate = take_certificate(&mut messages, compression, "the client's Certificate")?;
        messages.end()?;
        // RFC 9846 §4.5.1: "If this message is in response to a CertificateRequest, the value of
        // certificate_request_context in that message."
        if certificate.certificate_request_context != request.certificate_request_context {
            return Err(CheckError::ContextNotEchoed);
        }
        check_leaf_tls13(&certificate, rules)?;

        let offered = request.extensions.signature_algorithms.as_deref();
        let algorithm = check_scheme(self.scheme, Version::Tls13, offered, rules)?;
        let suite = server_hello.cipher_suite;
        let hash = tls13::suite_hash(suite).ok_or(CheckError::SuiteNotAllowed(suite))?;
        let transcript_hash = tls13::transcript_hash(&self.messages, hash)?;
        Ok(CheckedOperation {
            public_key: rules.public_key,
            names: Names::of_client_hello(&client_hello),
            task: Task::Sign {
                algorithm,
                message: tls13::client_certificate_verify_message(&transcript_hash),
            },
        })
    }
}

/// `opaque key[32]; SignatureScheme scheme; opaque messages<0..2^24-1>`
impl Encode for Tls13ClientCertificateVerify {
    fn encode(&self, out: &mut Vec<u8>) {
        self.key.encode(out);
        self.scheme.encode(out);
        crate::fields::encode_messages(&self.messages, out);
    }
}

impl<'a> Decode<'a> for Tls13ClientCertificateVerify {
    fn decode(reader: &mut Reader<'a>) -> Result<Self, DecodeError> {
        Ok(Self {
            key: Decode::decode(reader)?,
            scheme: Decode::decode(reader)?,
            messages: crate::fields::decode_messages(reader)?,
        })
    }
}
