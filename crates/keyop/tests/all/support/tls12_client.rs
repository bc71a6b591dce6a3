//! A TLS 1.2 handshake up to the client's CertificateVerify.

use keyward_keyop::{Operation, Tls12ClientCertificateVerify};
use keyward_wire::codec::Decode;
use keyward_wire::handshake::{
    CertificateRequestTls12, CertificateTls12, ClientHello, EcdhClientKeyExchange,
    ServerEcdhParams, ServerHello, ServerHelloDone, ServerKeyExchange, to_message,
};
use keyward_wire::values::{ClientCertificateType, NamedGroup, SignatureScheme};

use super::identity::{self, Identity};
use super::{Allowed, EditMessages, tls12_ecdhe};

pub(crate) struct Handshake {
    pub(crate) identity: &'static Identity,
    pub(crate) allowed: Allowed,
    pub(crate) scheme: SignatureScheme,
    pub(crate) client_hello: ClientHello,
    pub(crate) server_hello: ServerHello,
    pub(crate) request: CertificateRequestTls12,
    pub(crate) certificate: CertificateTls12,
    pub(crate) edit: EditMessages,
}

/// ECDSA on P-256, ECDHE on X25519.
pub(crate) fn handshake() -> Handshake {
    handshake_with(identity::p256(), SignatureScheme::ECDSA_SECP256R1_SHA256)
}

pub(crate) fn handshake_with(identity: &'static Identity, scheme: SignatureScheme) -> Handshake {
    let server = tls12_ecdhe::handshake();
    let mut server_hello = server.server_hello;
    server_hello.random = [0x77; 32];
    Handshake {
        identity,
        allowed: Allowed {
            client: true,
            ..Allowed::default()
        },
        scheme,
        client_hello: server.client_hello,
        server_hello,
        request: CertificateRequestTls12 {
            certificate_types: vec![
                ClientCertificateType::RSA_SIGN,
                ClientCertificateType::ECDSA_SIGN,
            ],
            supported_signature_algorithms: vec![
                SignatureScheme::ECDSA_SECP256R1_SHA256,
                SignatureScheme::RSA_PSS_RSAE_SHA256,
                SignatureScheme::RSA_PKCS1_SHA256,
                SignatureScheme::RSA_PKCS1_SHA1,
                SignatureScheme::ED25519,
            ],
            certificate_authorities: Vec::new(),
        },
        certificate: certificate(identity),
        edit: |_| (),
    }
}

pub(crate) fn certificate(identity: &Identity) -> CertificateTls12 {
    CertificateTls12 {
        certificate_list: vec![identity.certificate.clone()],
    }
}

impl Handshake {
    /// ClientHello 0, ServerHello 1, the server's Certificate 2, ServerKeyExchange 3, CertificateRequest 4,
    /// ServerHelloDone 5, the client's Certificate 6, ClientKeyExchange 7.
    pub(crate) fn messages(&self) -> Vec<Vec<u8>> {
        let params = tls12_ecdhe::params_of(NamedGroup::X25519, &[9; 32]);
        let mut messages = vec![
            to_message(&self.client_hello),
            to_message(&self.server_hello),
            to_message(&certificate(identity::other_p256())),
            to_message(&ServerKeyExchange {
                params: ServerEcdhParams::from_bytes(&params).unwrap(),
                scheme: SignatureScheme::ECDSA_SECP256R1_SHA256,
                signature: vec![0x30, 0],
            }),
            to_message(&self.request),
            to_message(&ServerHelloDone),
            to_message(&self.certificate),
            to_message(&EcdhClientKeyExchange {
                public: vec![9; 32],
            }),
        ];
        (self.edit)(&mut messages);
        messages
    }

    pub(crate) fn operation(self) -> Operation {
        Operation::Tls12ClientCertificateVerify(Tls12ClientCertificateVerify {
            key: self.identity.id(),
            scheme: self.scheme,
            messages: self.messages().concat(),
        })
    }
}
