//! A TLS 1.2 handshake with RSA key transport up to the ClientKeyExchange.

use keyward_keyop::{Operation, ServerNonce, Tls12RsaMasterSecret};
use keyward_wire::extensions::{ClientHelloExtensions, ServerName};
use keyward_wire::handshake::{
    CertificateTls12, ClientHello, RsaClientKeyExchange, ServerHello, ServerHelloDone, to_message,
};
use keyward_wire::values::CipherSuite;

use super::identity::{self, Identity};
use super::rsa::RsaPublic;
use super::{Allowed, EditMessages, client_hello, nonce, tls12_ecdhe};

pub(crate) struct Handshake {
    pub(crate) identity: &'static Identity,
    pub(crate) allowed: Allowed,
    pub(crate) nonce: ServerNonce,
    pub(crate) client_hello: ClientHello,
    pub(crate) server_hello: ServerHello,
    pub(crate) certificate: CertificateTls12,
    /// Between Certificate and ServerHelloDone.
    pub(crate) request: Vec<Vec<u8>>,
    /// Between ServerHelloDone and ClientKeyExchange.
    pub(crate) client_certificate: Option<CertificateTls12>,
    pub(crate) ciphertext: Vec<u8>,
    pub(crate) edit: EditMessages,
}

/// The premaster secret of the handshakes here.
pub(crate) const PREMASTER: [u8; 48] = {
    let mut premaster = [0x77; 48];
    premaster[0] = 3;
    premaster[1] = 3;
    premaster
};

/// RSA 2048, AES-128-GCM, with the extended master secret.
pub(crate) fn handshake() -> Handshake {
    let identity = identity::rsa();
    let public = RsaPublic::of(identity);
    let mut client_hello = client_hello(&[
        CipherSuite::TLS_RSA_WITH_AES_128_GCM_SHA256,
        CipherSuite::TLS_RSA_WITH_AES_256_GCM_SHA384,
        CipherSuite::TLS_RSA_WITH_AES_128_CBC_SHA,
        CipherSuite::TLS_RSA_WITH_3DES_EDE_CBC_SHA,
        CipherSuite::TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
    ]);
    client_hello.extensions = ClientHelloExtensions {
        server_name: Some("shop.example".parse::<ServerName>().unwrap()),
        extended_master_secret: true,
        ..Default::default()
    };
    Handshake {
        identity,
        allowed: Allowed {
            rsa_decryption: true,
            rsa_signing: false,
            legacy: true,
            ..Allowed::default()
        },
        nonce: nonce(),
        client_hello,
        server_hello: tls12_ecdhe::server_hello(CipherSuite::TLS_RSA_WITH_AES_128_GCM_SHA256),
        certificate: certificate(identity),
        request: Vec::new(),
        client_certificate: None,
        ciphertext: public.encrypt_block(&public.pad(&PREMASTER)),
        edit: |_| (),
    }
}

pub(crate) fn certificate(identity: &Identity) -> CertificateTls12 {
    CertificateTls12 {
        certificate_list: vec![identity.certificate.clone()],
    }
}

impl Handshake {
    pub(crate) fn messages(&self) -> Vec<Vec<u8>> {
        let mut messages = vec![
            to_message(&self.client_hello),
            to_message(&self.server_hello),
            to_message(&self.certificate),
        ];
        messages.extend(self.request.iter().cloned());
        messages.push(to_message(&ServerHelloDone));
        messages.extend(self.client_certificate.as_ref().map(to_message));
        messages.push(to_message(&RsaClientKeyExchange {
            encrypted_premaster_secret: self.ciphertext.clone(),
        }));
        (self.edit)(&mut messages);
        messages
    }

    pub(crate) fn operation(self) -> Operation {
        Operation::Tls12RsaMasterSecret(Tls12RsaMasterSecret {
            key: self.identity.id(),
            messages: self.messages().concat(),
            server_nonce: self.nonce,
        })
    }
}
