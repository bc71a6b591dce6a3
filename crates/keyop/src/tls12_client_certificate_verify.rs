//! The signature of a TLS 1.2 client.

use keyward_wire::codec::{Decode, DecodeError, Encode, Reader};
use keyward_wire::handshake::{
    CertificateRequestTls12, CertificateTls12, ClientHello, ServerHello, ServerHelloDone,
};
use keyward_wire::values::{HandshakeType, SignatureScheme};

use crate::checked::{CheckedOperation, Names, Task};
use crate::checks::certificate::check_leaf;
use crate::checks::messages::Messages;
use crate::checks::scheme::{Version, check_scheme};
use crate::checks::server_hello::check_tls12;
use crate::checks::tls12_suite::{KeyExchange, tls12_suite};
use crate::error::CheckError;
use crate::key_id::KeyId;
use crate::rules::KeyRules;

/// Asks for the signature in the client's CertificateVerify (RFC 5246 §7.4.8): the edge's own identity toward a
/// server.
#[derive(Debug)]
pub struct Tls12ClientCertificateVerify {
    /// The key.
    pub key: KeyId,
    /// How to sign.
    pub scheme: SignatureScheme,
    /// The handshake so far, whole messages with their headers: ClientHello, ServerHello, the server's Certificate,
    /// perhaps CertificateStatus, ServerKeyExchange (but with RSA key transport), CertificateRequest,
    /// ServerHelloDone, the client's Certificate, ClientKeyExchange.
    pub messages: Vec<u8>,
}

impl Tls12ClientCertificateVerify {
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
        check_tls12(&server_hello, &client_hello)?;
        check_connection(&server_hello, rules)?;

        messages.skip(HandshakeType::CERTIFICATE, "the server's Certificate")?;
        messages.skip_if(HandshakeType::CERTIFICATE_STATUS)?;
        messages.skip_if(HandshakeType::SERVER_KEY_EXCHANGE)?;
        let request: CertificateRequestTls12 = messages.take("CertificateRequest")?;
        messages.take::<ServerHelloDone>("ServerHelloDone")?;
        let certificate: CertificateTls12 = messages.take("the client's Certificate")?;
        messages.skip(HandshakeType::CLIENT_KEY_EXCHANGE, "ClientKeyExchange")?;
        messages.end()?;
        check_leaf(
            certificate.certificate_list.first().map(Vec::as_slice),
            rules,
        )?;

        let offered = Some(request.supported_signature_algorithms.as_slice());
        let algorithm = check_scheme(self.scheme, Version::Tls12, offered, rules)?;
        Ok(CheckedOperation {
            public_key: rules.public_key,
            names: Names::of_client_hello(&client_hello),
            task: Task::Sign {
                algorithm,
                // RFC 5246 §7.4.8: "handshake_messages refers to all handshake messages sent or received, starting at
                // client hello and up to, but not including, this message".
                message: self.messages.clone(),
            },
        })
    }
}

/// The suite is one that the key's owner has heard of, and the signature is bound to this connection: without extended
/// master secret a malicious server can have another accept it (the Triple Handshake; RFC 7627 §1).
fn check_connection(server_hello: &ServerHello, rules: &KeyRules<'_>) -> Result<(), CheckError> {
    let suite = server_hello.cipher_suite;
    let known = tls12_suite(suite).ok_or(CheckError::SuiteNotAllowed(suite))?;
    let current = !known.cbc
        && matches!(
            known.key_exchange,
            KeyExchange::EcdheRsa | KeyExchange::EcdheEcdsa
        );
    if !current && !rules.legacy {
        return Err(CheckError::SuiteNotAllowed(suite));
    }
    if !server_hello.extensions.extended_master_secret && !rules.legacy {
        return Err(CheckError::NoExtendedMasterSecret);
    }
    Ok(())
}

/// `opaque key[32]; SignatureScheme scheme; opaque messages<0..2^24-1>`
impl Encode for Tls12ClientCertificateVerify {
    fn encode(&self, out: &mut Vec<u8>) {
        self.key.encode(out);
        self.scheme.encode(out);
        crate::fields::encode_messages(&self.messages, out);
    }
}

impl<'a> Decode<'a> for Tls12ClientCertificateVerify {
    fn decode(reader: &mut Reader<'a>) -> Result<Self, DecodeError> {
        Ok(Self {
            key: Decode::decode(reader)?,
            scheme: Decode::decode(reader)?,
            messages: crate::fields::decode_messages(reader)?,
        })
    }
}
