//! A TLS 1.3 handshake up to the server's CertificateVerify.

use keyward_keyop::{Operation, Tls13ServerCertificateVerify};
use keyward_wire::extensions::{
    CertificateRequestExtensions, ClientHelloExtensions, KeyShareEntry, ServerHelloExtensions,
    ServerKeyShare, ServerName,
};
use keyward_wire::handshake::{
    CertificateEntry, CertificateRequestTls13, CertificateTls13, ClientHello, EncryptedExtensions,
    HELLO_RETRY_REQUEST_RANDOM, ServerHello, to_message,
};
use keyward_wire::values::{
    CipherSuite, CompressionMethod, NamedGroup, ProtocolVersion, SignatureScheme,
};

use super::identity::{self, Identity};
use super::{Allowed, EditMessages, client_hello, nonce};

pub(crate) struct Handshake {
    pub(crate) identity: &'static Identity,
    pub(crate) allowed: Allowed,
    pub(crate) scheme: SignatureScheme,
    pub(crate) nonce: keyward_keyop::ServerNonce,
    pub(crate) client_hello: ClientHello,
    pub(crate) retry: Option<(ServerHello, ClientHello)>,
    pub(crate) server_hello: ServerHello,
    pub(crate) certificate_request: Option<CertificateRequestTls13>,
    pub(crate) certificate: CertificateTls13,
    pub(crate) edit: EditMessages,
}

pub(crate) fn share(group: NamedGroup) -> KeyShareEntry {
    KeyShareEntry {
        group,
        key_exchange: vec![9; 32],
    }
}

/// ECDSA on P-256, no retry.
pub(crate) fn handshake() -> Handshake {
    let mut client_hello = client_hello(&[
        CipherSuite(0x1a1a),
        CipherSuite::TLS_AES_128_GCM_SHA256,
        CipherSuite::TLS_AES_256_GCM_SHA384,
        CipherSuite::TLS_CHACHA20_POLY1305_SHA256,
        CipherSuite::TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
    ]);
    client_hello.extensions = ClientHelloExtensions {
        server_name: Some("shop.example".parse::<ServerName>().unwrap()),
        supported_versions: Some(vec![ProtocolVersion::TLS13, ProtocolVersion::TLS12]),
        supported_groups: Some(vec![NamedGroup::X25519, NamedGroup::SECP256R1]),
        signature_algorithms: Some(vec![
            SignatureScheme::ECDSA_SECP256R1_SHA256,
            SignatureScheme::ECDSA_SECP384R1_SHA384,
            SignatureScheme::RSA_PSS_RSAE_SHA256,
            SignatureScheme::RSA_PKCS1_SHA256,
            SignatureScheme::RSA_PKCS1_SHA1,
            SignatureScheme::ECDSA_SHA1,
            SignatureScheme::RSA_PSS_PSS_SHA256,
            SignatureScheme::ED25519,
        ]),
        key_share: Some(vec![share(NamedGroup::X25519)]),
        ..Default::default()
    };
    let server_hello = ServerHello {
        legacy_version: ProtocolVersion::TLS12,
        random: nonce().tls13_random(),
        session_id: client_hello.session_id.clone(),
        cipher_suite: CipherSuite::TLS_AES_128_GCM_SHA256,
        compression_method: CompressionMethod::NULL,
        extensions: ServerHelloExtensions {
            supported_versions: Some(ProtocolVersion::TLS13),
            key_share: Some(ServerKeyShare::Share(share(NamedGroup::X25519))),
            ..Default::default()
        },
    };
    let identity = identity::p256();
    Handshake {
        identity,
        allowed: Allowed::default(),
        scheme: SignatureScheme::ECDSA_SECP256R1_SHA256,
        nonce: nonce(),
        client_hello,
        retry: None,
        server_hello,
        certificate_request: None,
        certificate: certificate(identity),
        edit: |_| (),
    }
}

/// The same with another key.
pub(crate) fn handshake_with(identity: &'static Identity, scheme: SignatureScheme) -> Handshake {
    Handshake {
        identity,
        scheme,
        certificate: certificate(identity),
        ..handshake()
    }
}

/// The same after a HelloRetryRequest for P-256.
pub(crate) fn retried() -> Handshake {
    let mut handshake = handshake();
    let mut retry = handshake.server_hello.clone();
    retry.random = HELLO_RETRY_REQUEST_RANDOM;
    retry.extensions.key_share = Some(ServerKeyShare::Retry(NamedGroup::SECP256R1));
    retry.extensions.cookie = Some(b"cookie".to_vec());
    let mut second = handshake.client_hello.clone();
    second.extensions.key_share = Some(vec![share(NamedGroup::SECP256R1)]);
    second.extensions.cookie = Some(b"cookie".to_vec());
    handshake.server_hello.extensions.key_share =
        Some(ServerKeyShare::Share(share(NamedGroup::SECP256R1)));
    handshake.retry = Some((retry, second));
    handshake
}

pub(crate) fn certificate(identity: &Identity) -> CertificateTls13 {
    CertificateTls13 {
        certificate_request_context: Vec::new(),
        certificate_list: vec![CertificateEntry {
            cert_data: identity.certificate.clone(),
            extensions: Default::default(),
        }],
    }
}

pub(crate) fn certificate_request() -> CertificateRequestTls13 {
    CertificateRequestTls13 {
        certificate_request_context: Vec::new(),
        extensions: CertificateRequestExtensions {
            signature_algorithms: Some(vec![SignatureScheme::ED25519]),
            ..Default::default()
        },
    }
}

impl Handshake {
    pub(crate) fn messages(&self) -> Vec<Vec<u8>> {
        let mut messages = vec![to_message(&self.client_hello)];
        if let Some((retry, second)) = &self.retry {
            messages.push(to_message(retry));
            messages.push(to_message(second));
        }
        messages.push(to_message(&self.server_hello));
        messages.push(to_message(&EncryptedExtensions::default()));
        messages.extend(self.certificate_request.as_ref().map(to_message));
        messages.push(to_message(&self.certificate));
        (self.edit)(&mut messages);
        messages
    }

    pub(crate) fn operation(self) -> Operation {
        Operation::Tls13ServerCertificateVerify(Tls13ServerCertificateVerify {
            key: self.identity.id(),
            scheme: self.scheme,
            messages: self.messages().concat(),
            server_nonce: self.nonce,
        })
    }
}
