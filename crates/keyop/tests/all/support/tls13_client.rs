//! A TLS 1.3 handshake up to the client's CertificateVerify.

use keyward_keyop::{Operation, Tls13ClientCertificateVerify};
use keyward_wire::handshake::{
    CertificateRequestTls13, CertificateTls13, CertificateVerify, EncryptedExtensions, Finished,
    to_message,
};
use keyward_wire::values::SignatureScheme;

use super::identity::{self, Identity};
use super::tls13::{self, certificate};
use super::{Allowed, EditMessages};

pub(crate) struct Handshake {
    pub(crate) identity: &'static Identity,
    pub(crate) allowed: Allowed,
    pub(crate) scheme: SignatureScheme,
    /// Where the hellos come from.
    pub(crate) server: tls13::Handshake,
    pub(crate) request: CertificateRequestTls13,
    pub(crate) certificate: CertificateTls13,
    pub(crate) edit: EditMessages,
}

/// ECDSA on P-256, no retry.
pub(crate) fn handshake() -> Handshake {
    handshake_with(
        identity::p256(),
        SignatureScheme::ECDSA_SECP256R1_SHA256,
        tls13::handshake(),
    )
}

pub(crate) fn retried() -> Handshake {
    handshake_with(
        identity::p256(),
        SignatureScheme::ECDSA_SECP256R1_SHA256,
        tls13::retried(),
    )
}

pub(crate) fn handshake_with(
    identity: &'static Identity,
    scheme: SignatureScheme,
    mut server: tls13::Handshake,
) -> Handshake {
    // A server that Keyward does not know draws its random as it likes.
    server.server_hello.random = [0x77; 32];
    let mut request = tls13::certificate_request();
    request.extensions.signature_algorithms = Some(vec![
        SignatureScheme::ECDSA_SECP256R1_SHA256,
        SignatureScheme::RSA_PSS_RSAE_SHA256,
        SignatureScheme::RSA_PKCS1_SHA256,
        SignatureScheme::ECDSA_SHA1,
        SignatureScheme::ED25519,
    ]);
    Handshake {
        identity,
        allowed: Allowed {
            client: true,
            ..Allowed::default()
        },
        scheme,
        server,
        request,
        certificate: certificate(identity),
        edit: |_| (),
    }
}

impl Handshake {
    /// The indices without a retry: ClientHello 0, ServerHello 1, EncryptedExtensions 2, CertificateRequest 3, then the
    /// server's Certificate 4, CertificateVerify 5 and Finished 6, the client's Certificate 7.
    pub(crate) fn messages(&self) -> Vec<Vec<u8>> {
        let mut messages = vec![to_message(&self.server.client_hello)];
        if let Some((retry, second)) = &self.server.retry {
            messages.push(to_message(retry));
            messages.push(to_message(second));
        }
        messages.extend([
            to_message(&self.server.server_hello),
            to_message(&EncryptedExtensions::default()),
            to_message(&self.request),
            to_message(&certificate(identity::other_p256())),
            to_message(&CertificateVerify {
                scheme: SignatureScheme::ECDSA_SECP256R1_SHA256,
                signature: vec![0x30, 0],
            }),
            to_message(&Finished {
                verify_data: vec![0xf1; 32],
            }),
            to_message(&self.certificate),
        ]);
        (self.edit)(&mut messages);
        messages
    }

    pub(crate) fn operation(self) -> Operation {
        Operation::Tls13ClientCertificateVerify(Tls13ClientCertificateVerify {
            key: self.identity.id(),
            scheme: self.scheme,
            messages: self.messages().concat(),
        })
    }
}
