//! One frame of each kind, small enough to read.

use keyward_crypto::hkdf::Secret;
use keyward_crypto::signature::KeyKind;
use keyward_keyop::{
    CertificateRequest, DelegatedCredential, KeyId, Operation, OperationKind, OperationResult,
    ServerNonce, Tls12ClientCertificateVerify, Tls12RsaMasterSecret, Tls12ServerKeyExchange,
    Tls13ClientCertificateVerify, Tls13ServerCertificateVerify, Tls13TranscriptHash,
};
use keyward_protocol::{
    Capability, CatalogEntry, CatalogPart, ErrorReply, Frame, GoingAway, Hello, RefusalReason,
    Reply, Request, TenantTicketKeys, TicketKeys,
};
use keyward_wire::values::SignatureScheme;
use zeroize::Zeroizing;

fn key() -> KeyId {
    KeyId::from_bytes([0xab; 32])
}

fn nonce() -> ServerNonce {
    ServerNonce::from_bytes([0x5a; 32])
}

fn request(id: u32, operation: Operation) -> Frame {
    Frame::Request {
        id,
        request: Request {
            deadline_ms: 2000,
            operation,
        },
    }
}

fn reply(id: u32, result: OperationResult) -> Frame {
    Frame::Reply {
        id,
        reply: Reply {
            queue_us: 7,
            work_us: 43,
            result,
        },
    }
}

/// By the names that the specification has for them.
pub(crate) fn all() -> Vec<(&'static str, Frame)> {
    vec![
        (
            "hello of an edge",
            Frame::Hello(Hello {
                min_version: 1,
                max_version: 1,
                max_in_flight: 0,
                capabilities: Vec::new(),
                operations: Vec::new(),
                software: "edge/1".to_owned(),
            }),
        ),
        (
            "hello of a key server",
            Frame::Hello(Hello {
                min_version: 1,
                max_version: 1,
                max_in_flight: 1024,
                capabilities: vec![Capability::CatalogPush],
                operations: vec![1, 2, 3, 4, 5, 6, 7, 8],
                software: "ks/1".to_owned(),
            }),
        ),
        (
            "request for a TLS 1.3 signature",
            request(
                1,
                Operation::Tls13ServerCertificateVerify(Tls13ServerCertificateVerify {
                    key: key(),
                    scheme: SignatureScheme::ECDSA_SECP256R1_SHA256,
                    server_nonce: nonce(),
                    messages: vec![1, 0, 0, 0],
                }),
            ),
        ),
        (
            "request for a TLS 1.2 signature",
            request(
                2,
                Operation::Tls12ServerKeyExchange(Tls12ServerKeyExchange {
                    key: key(),
                    scheme: SignatureScheme::RSA_PSS_RSAE_SHA256,
                    server_nonce: nonce(),
                    messages: vec![1, 0, 0, 0],
                    params: vec![3, 0, 0x1d, 0],
                }),
            ),
        ),
        (
            "request for a master secret",
            request(
                3,
                Operation::Tls12RsaMasterSecret(Tls12RsaMasterSecret {
                    key: key(),
                    server_nonce: nonce(),
                    messages: vec![1, 0, 0, 0],
                }),
            ),
        ),
        (
            "request for a client's signature",
            request(
                4,
                Operation::Tls13ClientCertificateVerify(Tls13ClientCertificateVerify {
                    key: key(),
                    scheme: SignatureScheme::ED25519,
                    messages: vec![1, 0, 0, 0],
                }),
            ),
        ),
        (
            "request for a TLS 1.2 client's signature",
            request(
                5,
                Operation::Tls12ClientCertificateVerify(Tls12ClientCertificateVerify {
                    key: key(),
                    scheme: SignatureScheme::RSA_PKCS1_SHA256,
                    messages: vec![1, 0, 0, 0],
                }),
            ),
        ),
        (
            "request for a delegated credential",
            request(
                6,
                Operation::DelegatedCredential(DelegatedCredential {
                    key: key(),
                    scheme: SignatureScheme::ECDSA_SECP256R1_SHA256,
                    certificate: vec![0x30, 0],
                    valid_time: 86_400,
                    credential_scheme: SignatureScheme::ED25519,
                    public_key: vec![0x30, 0],
                }),
            ),
        ),
        (
            "request for a certificate request",
            request(
                7,
                Operation::CertificateRequest(CertificateRequest {
                    key: key(),
                    scheme: SignatureScheme::ECDSA_SECP256R1_SHA256,
                    names: vec!["*.a.example".to_owned()],
                }),
            ),
        ),
        (
            "request by a transcript hash",
            request(
                8,
                Operation::Tls13TranscriptHash(Tls13TranscriptHash {
                    key: key(),
                    scheme: SignatureScheme::ECDSA_SECP256R1_SHA256,
                    transcript_hash: vec![0x4a; 32],
                }),
            ),
        ),
        (
            "reply with a signature",
            reply(
                1,
                OperationResult::Signature(vec![0x30, 6, 2, 1, 1, 2, 1, 1]),
            ),
        ),
        (
            "reply with a master secret",
            reply(
                3,
                OperationResult::MasterSecret(Secret::from_slice(&[0x77; 48])),
            ),
        ),
        (
            "error",
            Frame::Error {
                id: 2,
                error: ErrorReply {
                    message: "no".to_owned(),
                    ..ErrorReply::refused(RefusalReason::Name)
                },
            },
        ),
        ("ping", Frame::Ping { id: 9 }),
        ("pong", Frame::Pong { id: 9 }),
        ("catalog request", Frame::CatalogRequest { id: 10 }),
        (
            "catalog",
            Frame::Catalog {
                id: 10,
                part: CatalogPart {
                    more: false,
                    entries: vec![CatalogEntry {
                        key: key(),
                        label: "shop".to_owned(),
                        kind: KeyKind::EcP256,
                        operations: vec![
                            OperationKind::Tls13ServerCertificateVerify,
                            OperationKind::Tls12ServerKeyExchange,
                        ],
                        names: vec!["a.example".to_owned()],
                        allow_no_sni: true,
                        chain: vec![vec![0x30, 0]],
                    }],
                },
            },
        ),
        ("going away", Frame::GoingAway(GoingAway { grace_ms: 5000 })),
        ("cancel", Frame::Cancel { id: 2 }),
        ("ticket keys request", Frame::TicketKeysRequest { id: 11 }),
        (
            "ticket keys",
            Frame::TicketKeys {
                id: 11,
                keys: TicketKeys {
                    epoch: 498_650,
                    epoch_s: 3600,
                    next_ms: 1_800_000,
                    tenants: vec![TenantTicketKeys {
                        names: vec!["a.example".to_owned()],
                        previous: None,
                        current: Zeroizing::new([0xc1; 32]),
                        next: Zeroizing::new([0xd2; 32]),
                    }],
                },
            },
        ),
    ]
}
