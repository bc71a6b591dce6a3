//! Operations that pass every check, for the tests and benchmarks of the crates above.
//!
//! A client and an edge that exist only as their messages: nothing here has a key.

use keyward_crypto::key_exchange::{Group, KeyExchangeError, KeyPair};
use keyward_wire::codec::Encode;
use keyward_wire::extensions::{
    CertificateRequestExtensions, ClientHelloExtensions, KeyShareEntry, ServerHelloExtensions,
    ServerKeyShare, ServerName,
};
use keyward_wire::handshake::{
    CertificateEntry, CertificateRequestTls12, CertificateRequestTls13, CertificateTls12,
    CertificateTls13, CertificateVerify, ClientHello, EcdhClientKeyExchange, EncryptedExtensions,
    Finished, RsaClientKeyExchange, ServerEcdhParams, ServerHello, ServerHelloDone,
    ServerKeyExchange, split, to_message,
};
use keyward_wire::values::{
    CipherSuite, ClientCertificateType, CompressionMethod, NamedGroup, ProtocolVersion,
    SignatureScheme,
};

use crate::{
    KeyId, Operation, ServerNonce, Tls12ClientCertificateVerify, Tls12RsaMasterSecret,
    Tls12ServerKeyExchange, Tls13ClientCertificateVerify, Tls13ServerCertificateVerify,
};

/// A handshake with one certificate.
#[derive(Clone, Copy, Debug)]
pub struct Handshake<'a> {
    /// The certificate's key.
    pub key: KeyId,
    /// The leaf, in DER.
    pub certificate: &'a [u8],
    /// What the client asks for; it must be a DNS name.
    pub server_name: Option<&'a str>,
}

const NONCE: [u8; 32] = [0x5a; 32];

impl Handshake<'_> {
    /// TLS 1.3 up to the CertificateVerify, which the client lets be signed with `scheme`.
    pub fn tls13(&self, scheme: SignatureScheme) -> Operation {
        let nonce = ServerNonce::from_bytes(NONCE);
        let share = KeyShareEntry {
            group: NamedGroup::X25519,
            key_exchange: vec![9; 32],
        };
        let mut client_hello = self.client_hello(&[CipherSuite::TLS_AES_128_GCM_SHA256]);
        client_hello.extensions = ClientHelloExtensions {
            supported_versions: Some(vec![ProtocolVersion::TLS13]),
            supported_groups: Some(vec![NamedGroup::X25519]),
            signature_algorithms: Some(vec![scheme]),
            key_share: Some(vec![share.clone()]),
            ..client_hello.extensions
        };
        let server_hello = ServerHello {
            random: nonce.tls13_random(),
            session_id: client_hello.session_id.clone(),
            extensions: ServerHelloExtensions {
                supported_versions: Some(ProtocolVersion::TLS13),
                key_share: Some(ServerKeyShare::Share(share)),
                ..Default::default()
            },
            ..server_hello(CipherSuite::TLS_AES_128_GCM_SHA256)
        };
        let certificate = CertificateTls13 {
            certificate_request_context: Vec::new(),
            certificate_list: vec![CertificateEntry {
                cert_data: self.certificate.to_vec(),
                extensions: Default::default(),
            }],
        };
        let messages = [
            to_message(&client_hello),
            to_message(&server_hello),
            to_message(&EncryptedExtensions::default()),
            to_message(&certificate),
        ];
        Operation::Tls13ServerCertificateVerify(Tls13ServerCertificateVerify {
            key: self.key,
            scheme,
            server_nonce: nonce,
            messages: messages.concat(),
        })
    }

    /// TLS 1.2 up to the ServerKeyExchange, with an ECDHE suite that fits the key.
    ///
    /// # Errors
    /// If no ephemeral key can be made.
    pub fn tls12_ecdhe(
        &self,
        suite: CipherSuite,
        scheme: SignatureScheme,
    ) -> Result<Operation, KeyExchangeError> {
        let pair = KeyPair::generate(Group::X25519)?;
        let params = ServerEcdhParams {
            group: NamedGroup::X25519,
            public: pair.public().to_vec(),
        };
        let mut client_hello = self.client_hello(&[suite]);
        client_hello.extensions.supported_groups = Some(vec![NamedGroup::X25519]);
        client_hello.extensions.signature_algorithms = Some(vec![scheme]);
        let messages = [to_message(&client_hello), to_message(&server_hello(suite))];
        Ok(Operation::Tls12ServerKeyExchange(Tls12ServerKeyExchange {
            key: self.key,
            scheme,
            server_nonce: ServerNonce::from_bytes(NONCE),
            messages: messages.concat(),
            params: params.to_bytes(),
        }))
    }

    /// TLS 1.2 with RSA key transport up to the ClientKeyExchange with this ciphertext.
    pub fn tls12_rsa(&self, encrypted_premaster_secret: Vec<u8>) -> Operation {
        let suite = CipherSuite::TLS_RSA_WITH_AES_128_GCM_SHA256;
        let certificate = CertificateTls12 {
            certificate_list: vec![self.certificate.to_vec()],
        };
        let messages = [
            to_message(&self.client_hello(&[suite])),
            to_message(&server_hello(suite)),
            to_message(&certificate),
            to_message(&ServerHelloDone),
            to_message(&RsaClientKeyExchange {
                encrypted_premaster_secret,
            }),
        ];
        Operation::Tls12RsaMasterSecret(Tls12RsaMasterSecret {
            key: self.key,
            server_nonce: ServerNonce::from_bytes(NONCE),
            messages: messages.concat(),
        })
    }

    /// TLS 1.3 up to the CertificateVerify of a client that was asked for its certificate.
    pub fn tls13_client(&self, scheme: SignatureScheme) -> Operation {
        let Operation::Tls13ServerCertificateVerify(server) = self.tls13(scheme) else {
            unreachable!("that is what `tls13` makes");
        };
        // Its last message is the Certificate; a server's and a client's look the same.
        let messages: Vec<_> = split(&server.messages).flatten().collect();
        let [hellos_and_extensions @ .., certificate] = &messages[..] else {
            unreachable!("there are four");
        };
        let request = CertificateRequestTls13 {
            certificate_request_context: Vec::new(),
            extensions: CertificateRequestExtensions {
                signature_algorithms: Some(vec![scheme]),
                ..Default::default()
            },
        };
        let mut all: Vec<u8> = Vec::new();
        for message in hellos_and_extensions {
            all.extend_from_slice(message.bytes);
        }
        all.extend(to_message(&request));
        all.extend_from_slice(certificate.bytes);
        all.extend(to_message(&CertificateVerify {
            scheme,
            signature: vec![0x30, 0],
        }));
        all.extend(to_message(&Finished {
            verify_data: vec![0xf1; 32],
        }));
        all.extend_from_slice(certificate.bytes);
        Operation::Tls13ClientCertificateVerify(Tls13ClientCertificateVerify {
            key: self.key,
            scheme,
            messages: all,
        })
    }

    /// TLS 1.2 up to the CertificateVerify of a client that was asked for its certificate, with an ECDHE suite and the
    /// extended master secret.
    pub fn tls12_client(&self, suite: CipherSuite, scheme: SignatureScheme) -> Operation {
        let mut client_hello = self.client_hello(&[suite]);
        client_hello.extensions.extended_master_secret = true;
        let mut server_hello = server_hello(suite);
        server_hello.extensions.extended_master_secret = true;
        let certificate = to_message(&CertificateTls12 {
            certificate_list: vec![self.certificate.to_vec()],
        });
        let request = CertificateRequestTls12 {
            certificate_types: vec![ClientCertificateType::ECDSA_SIGN],
            supported_signature_algorithms: vec![scheme],
            certificate_authorities: Vec::new(),
        };
        let key_exchange = ServerKeyExchange {
            params: ServerEcdhParams {
                group: NamedGroup::X25519,
                public: vec![9; 32],
            },
            scheme,
            signature: vec![0x30, 0],
        };
        let messages = [
            to_message(&client_hello),
            to_message(&server_hello),
            certificate.clone(),
            to_message(&key_exchange),
            to_message(&request),
            to_message(&ServerHelloDone),
            certificate,
            to_message(&EcdhClientKeyExchange {
                public: vec![9; 32],
            }),
        ];
        Operation::Tls12ClientCertificateVerify(Tls12ClientCertificateVerify {
            key: self.key,
            scheme,
            messages: messages.concat(),
        })
    }

    fn client_hello(&self, cipher_suites: &[CipherSuite]) -> ClientHello {
        ClientHello {
            legacy_version: ProtocolVersion::TLS12,
            random: [0xc1; 32],
            session_id: vec![0x1d; 32],
            cipher_suites: cipher_suites.to_vec(),
            compression_methods: vec![CompressionMethod::NULL],
            extensions: ClientHelloExtensions {
                server_name: self
                    .server_name
                    .map(|name| name.parse::<ServerName>().expect("a DNS name")),
                ..Default::default()
            },
        }
    }
}

/// A TLS 1.2 ServerHello; TLS 1.3 has another random and extensions of its own.
fn server_hello(cipher_suite: CipherSuite) -> ServerHello {
    ServerHello {
        legacy_version: ProtocolVersion::TLS12,
        random: ServerNonce::from_bytes(NONCE).tls12_random(),
        session_id: vec![0x5e; 32],
        cipher_suite,
        compression_method: CompressionMethod::NULL,
        extensions: Default::default(),
    }
}
