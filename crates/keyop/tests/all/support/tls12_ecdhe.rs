//! A TLS 1.2 handshake with ECDHE or DHE up to the ServerKeyExchange.

use keyward_crypto::key_exchange::{Group, KeyPair};
use keyward_keyop::{Operation, ServerNonce, Tls12ServerKeyExchange};
use keyward_wire::codec::Encode;
use keyward_wire::extensions::{ClientHelloExtensions, ServerHelloExtensions, ServerName};
use keyward_wire::handshake::{
    ClientHello, ServerDhParams, ServerEcdhParams, ServerHello, to_message,
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
    pub(crate) nonce: ServerNonce,
    pub(crate) client_hello: ClientHello,
    pub(crate) server_hello: ServerHello,
    pub(crate) params: Vec<u8>,
    pub(crate) edit: EditMessages,
}

/// ECDSA on P-256, ECDHE on X25519.
pub(crate) fn handshake() -> Handshake {
    let mut client_hello = client_hello(&[
        CipherSuite::TLS_AES_128_GCM_SHA256,
        CipherSuite::TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
        CipherSuite::TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
        CipherSuite::TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA,
        CipherSuite::TLS_RSA_WITH_AES_128_GCM_SHA256,
    ]);
    client_hello.extensions = ClientHelloExtensions {
        server_name: Some("shop.example".parse::<ServerName>().unwrap()),
        supported_groups: Some(vec![
            NamedGroup::X25519MLKEM768,
            NamedGroup::X25519,
            NamedGroup::SECP256R1,
            NamedGroup::SECP384R1,
            NamedGroup::FFDHE2048,
        ]),
        signature_algorithms: Some(vec![
            SignatureScheme::ECDSA_SECP256R1_SHA256,
            SignatureScheme::ECDSA_SECP384R1_SHA384,
            SignatureScheme::RSA_PSS_RSAE_SHA256,
            SignatureScheme::RSA_PKCS1_SHA256,
            SignatureScheme::RSA_PKCS1_SHA1,
            SignatureScheme::ECDSA_SHA1,
            SignatureScheme::ED25519,
        ]),
        extended_master_secret: true,
        ..Default::default()
    };
    Handshake {
        identity: identity::p256(),
        allowed: Allowed::default(),
        scheme: SignatureScheme::ECDSA_SECP256R1_SHA256,
        nonce: nonce(),
        client_hello,
        server_hello: server_hello(CipherSuite::TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256),
        params: params(NamedGroup::X25519),
        edit: |_| (),
    }
}

/// The same with another key, whose suite and scheme these are.
pub(crate) fn handshake_with(
    identity: &'static Identity,
    suite: CipherSuite,
    scheme: SignatureScheme,
) -> Handshake {
    Handshake {
        identity,
        scheme,
        server_hello: server_hello(suite),
        ..handshake()
    }
}

/// RSA, DHE in ffdhe2048, under legacy.
pub(crate) fn dhe() -> Handshake {
    let suite = CipherSuite::TLS_DHE_RSA_WITH_AES_128_GCM_SHA256;
    let mut handshake = handshake_with(identity::rsa(), suite, SignatureScheme::RSA_PKCS1_SHA256);
    handshake.client_hello.cipher_suites.push(suite);
    handshake.allowed.legacy = true;
    handshake.params = dh_params(Group::Ffdhe2048);
    handshake
}

/// A valid public value of a finite field.
pub(crate) fn dh_params(group: Group) -> Vec<u8> {
    let pair = KeyPair::generate(group).unwrap();
    dh_params_of(group.prime().unwrap(), vec![2], pair.public().to_vec())
}

pub(crate) fn dh_params_of(p: Vec<u8>, g: Vec<u8>, public: Vec<u8>) -> Vec<u8> {
    ServerDhParams { p, g, public }.to_bytes()
}

pub(crate) fn server_hello(cipher_suite: CipherSuite) -> ServerHello {
    ServerHello {
        legacy_version: ProtocolVersion::TLS12,
        random: nonce().tls12_random(),
        session_id: vec![0x5e; 32],
        cipher_suite,
        compression_method: CompressionMethod::NULL,
        extensions: ServerHelloExtensions {
            extended_master_secret: true,
            ..Default::default()
        },
    }
}

/// A valid public value of a group that TLS 1.2 has.
pub(crate) fn params(named: NamedGroup) -> Vec<u8> {
    let pair = KeyPair::generate(Group::from_code(named.0).unwrap()).unwrap();
    params_of(named, pair.public())
}

pub(crate) fn params_of(group: NamedGroup, public: &[u8]) -> Vec<u8> {
    ServerEcdhParams {
        group,
        public: public.to_vec(),
    }
    .to_bytes()
}

impl Handshake {
    pub(crate) fn operation(self) -> Operation {
        let mut messages = vec![
            to_message(&self.client_hello),
            to_message(&self.server_hello),
        ];
        (self.edit)(&mut messages);
        Operation::Tls12ServerKeyExchange(Tls12ServerKeyExchange {
            key: self.identity.id(),
            scheme: self.scheme,
            server_nonce: self.nonce,
            messages: messages.concat(),
            params: self.params,
        })
    }
}
