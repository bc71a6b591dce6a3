//! Every message and every extension from bytes written by hand, and back to the same bytes.

mod common;

use std::fmt::Debug;

use common::hex;
use keyward_wire::*;

/// The bytes are the value's, both ways.
#[track_caller]
fn exact<T>(bytes: &str, value: T)
where
    T: Encode + for<'a> Decode<'a> + PartialEq + Debug,
{
    let bytes = hex(bytes);
    assert_eq!(T::from_bytes(&bytes), Ok(value));
    assert_eq!(T::from_bytes(&bytes).unwrap().to_bytes(), bytes);
}

#[track_caller]
fn in_client_hello(extension: &str, value: ClientHelloExtensions) {
    let [high, low] = u16::try_from(hex(extension).len()).unwrap().to_be_bytes();
    exact(&format!("{high:02x}{low:02x}{extension}"), value);
}

macro_rules! client_hello_extensions {
    ($($test:ident: $bytes:literal => $field:ident: $value:expr,)*) => {$(
        #[test]
        fn $test() {
            in_client_hello($bytes, ClientHelloExtensions {
                $field: $value,
                ..ClientHelloExtensions::default()
            });
        }
    )*};
}

client_hello_extensions! {
    server_name: "0000 000e 000c 00 0009 612e6578616d706c65"
        => server_name: Some("a.example".parse().unwrap()),
    max_fragment_length: "0001 0001 03"
        => max_fragment_length: Some(MaxFragmentLength::Bytes2048),
    status_request: "0005 0005 01 0000 0000"
        => status_request: true,
    supported_groups: "000a 0006 0004 11ec 001d"
        => supported_groups: Some(vec![NamedGroup::X25519MLKEM768, NamedGroup::X25519]),
    ec_point_formats: "000b 0002 01 00"
        => ec_point_formats: Some(vec![EcPointFormat::UNCOMPRESSED]),
    signature_algorithms: "000d 0006 0004 0403 0804"
        => signature_algorithms: Some(vec![
            SignatureScheme::ECDSA_SECP256R1_SHA256,
            SignatureScheme::RSA_PSS_RSAE_SHA256,
        ]),
    signature_algorithms_cert: "0032 0004 0002 0807"
        => signature_algorithms_cert: Some(vec![SignatureScheme::ED25519]),
    alpn: "0010 000e 000c 02 6832 08 687474702f312e31"
        => alpn: Some(vec![b"h2".to_vec(), b"http/1.1".to_vec()]),
    signed_certificate_timestamp: "0012 0000"
        => signed_certificate_timestamp: true,
    encrypt_then_mac: "0016 0000"
        => encrypt_then_mac: true,
    extended_master_secret: "0017 0000"
        => extended_master_secret: true,
    compress_certificate: "001b 0005 04 0002 0003"
        => compress_certificate: Some(vec![
            CertificateCompressionAlgorithm::BROTLI,
            CertificateCompressionAlgorithm::ZSTD,
        ]),
    record_size_limit: "001c 0002 4001"
        => record_size_limit: Some(16385),
    delegated_credential: "0022 0004 0002 0403"
        => delegated_credential: Some(vec![SignatureScheme::ECDSA_SECP256R1_SHA256]),
    session_ticket_asked_for: "0023 0000"
        => session_ticket: Some(vec![]),
    session_ticket: "0023 0003 010203"
        => session_ticket: Some(vec![1, 2, 3]),
    early_data: "002a 0000"
        => early_data: true,
    supported_versions: "002b 0007 06 9a9a 0304 0303"
        => supported_versions: Some(vec![
            ProtocolVersion(0x9a9a),
            ProtocolVersion::TLS13,
            ProtocolVersion::TLS12,
        ]),
    cookie: "002c 0004 0002 abcd"
        => cookie: Some(vec![0xab, 0xcd]),
    psk_key_exchange_modes: "002d 0003 02 01 00"
        => psk_key_exchange_modes: Some(vec![
            PskKeyExchangeMode::PSK_DHE_KE,
            PskKeyExchangeMode::PSK_KE,
        ]),
    certificate_authorities: "002f 0006 0004 0002 3000"
        => certificate_authorities: Some(vec![vec![0x30, 0x00]]),
    post_handshake_auth: "0031 0000"
        => post_handshake_auth: true,
    key_share: "0033 000e 000c 2a2a 0001 00 001d 0003 010203"
        => key_share: Some(vec![
            KeyShareEntry { group: NamedGroup(0x2a2a), key_exchange: vec![0] },
            KeyShareEntry { group: NamedGroup::X25519, key_exchange: vec![1, 2, 3] },
        ]),
    key_share_without_a_share: "0033 0002 0000"
        => key_share: Some(vec![]),
    renegotiation_info: "ff01 0001 00"
        => renegotiation_info: Some(vec![]),
    grease_and_unknown: "0a0a 0000 0015 0002 0000 1234 0001 ff fafa 0001 00"
        => unknown: vec![
            (ExtensionType(0x0a0a), vec![]),
            (ExtensionType::PADDING, vec![0, 0]),
            (ExtensionType(0x1234), vec![0xff]),
            (ExtensionType(0xfafa), vec![0]),
        ],
}

#[test]
fn status_request_of_another_kind_or_with_details() {
    // A responder id and request extensions: asked for all the same.
    let block = hex("000e 0005 000a 01 0003 0001 aa 0002 bbcc");
    assert!(
        ClientHelloExtensions::from_bytes(&block)
            .unwrap()
            .status_request
    );
    let block = hex("0007 0005 0003 02 ffff");
    assert!(
        !ClientHelloExtensions::from_bytes(&block)
            .unwrap()
            .status_request
    );
}

#[test]
fn pre_shared_key_and_what_its_binders_cover() {
    let random = "11".repeat(32);
    let binder = "bb".repeat(32);
    let body = format!(
        "0303 {random} 01 ee 0002 1301 01 00 003b
         002a 0000
         0029 0033 000a 0004 61626364 00000102 0025 24 {binder} bbbbbbbb"
    );
    let hello = ClientHello {
        legacy_version: ProtocolVersion::TLS12,
        random: [0x11; 32],
        session_id: vec![0xee],
        cipher_suites: vec![CipherSuite::TLS_AES_128_GCM_SHA256],
        compression_methods: vec![CompressionMethod::NULL],
        extensions: ClientHelloExtensions {
            early_data: true,
            pre_shared_key: Some(PreSharedKeys {
                identities: vec![PskIdentity {
                    identity: b"abcd".to_vec(),
                    obfuscated_ticket_age: 0x102,
                }],
                binders: vec![vec![0xbb; 36]],
            }),
            ..ClientHelloExtensions::default()
        },
    };
    exact(&body, hello.clone());
    assert_eq!(hello.binders_len(), 2 + 1 + 36);
    assert_eq!(
        hello.extensions.types(),
        [ExtensionType::EARLY_DATA, ExtensionType::PRE_SHARED_KEY]
    );

    // RFC 9846 §4.3.11.2: the hash is over the message "up to and including the PreSharedKeyExtension.identities field".
    let message = handshake::to_message(&hello);
    let covered = hello.without_binders(&message).unwrap();
    assert!(covered.ends_with(b"\x00\x04abcd\x00\x00\x01\x02"));
    assert_eq!(hello.without_binders(&message[..38]), None);
}

#[test]
fn client_hello_without_extensions() {
    let random = "22".repeat(32);
    let hello = ClientHello {
        legacy_version: ProtocolVersion::TLS12,
        random: [0x22; 32],
        session_id: vec![],
        cipher_suites: vec![
            CipherSuite::TLS_RSA_WITH_AES_128_GCM_SHA256,
            CipherSuite::TLS_EMPTY_RENEGOTIATION_INFO_SCSV,
        ],
        compression_methods: vec![CompressionMethod::DEFLATE, CompressionMethod::NULL],
        extensions: ClientHelloExtensions::default(),
    };
    exact(
        &format!("0303 {random} 00 0004 009c 00ff 02 01 00"),
        hello.clone(),
    );
    // An empty block is legal too, and means the same.
    let with_empty_block = hex(&format!("0303 {random} 00 0004 009c 00ff 02 01 00 0000"));
    assert_eq!(ClientHello::from_bytes(&with_empty_block), Ok(hello));
}

fn server_hello(random: [u8; 32], extensions: ServerHelloExtensions) -> ServerHello {
    ServerHello {
        legacy_version: ProtocolVersion::TLS12,
        random,
        session_id: vec![0xee],
        cipher_suite: CipherSuite::TLS_AES_256_GCM_SHA384,
        compression_method: CompressionMethod::NULL,
        extensions,
    }
}

#[test]
fn server_hello_tls13() {
    let random = "33".repeat(32);
    let hello = server_hello(
        [0x33; 32],
        ServerHelloExtensions {
            supported_versions: Some(ProtocolVersion::TLS13),
            key_share: Some(ServerKeyShare::Share(KeyShareEntry {
                group: NamedGroup::X25519,
                key_exchange: vec![9],
            })),
            pre_shared_key: Some(1),
            ..ServerHelloExtensions::default()
        },
    );
    assert!(!hello.is_hello_retry_request());
    exact(
        &format!(
            "0303 {random} 01 ee 1302 00 0015
             002b 0002 0304  0033 0005 001d 0001 09  0029 0002 0001"
        ),
        hello,
    );
}

#[test]
fn hello_retry_request() {
    let random = "CF21AD74E59A6111BE1D8C021E65B891C2A211167ABB8C5E079E09E2C8A8339C";
    let hello = ServerHello::hello_retry_request(
        vec![0xee],
        CipherSuite::TLS_AES_256_GCM_SHA384,
        Some(NamedGroup::SECP256R1),
        Some(vec![0xc0]),
    );
    assert!(hello.is_hello_retry_request());
    exact(
        &format!(
            "0303 {random} 01 ee 1302 00 0013
             002b 0002 0304  0033 0002 0017  002c 0003 0001 c0"
        ),
        hello,
    );
}

#[test]
fn server_hello_tls12() {
    let random = "44".repeat(32);
    exact(
        &format!("0303 {random} 01 ee 1302 00"),
        server_hello([0x44; 32], ServerHelloExtensions::default()),
    );
    exact(
        &format!(
            "0303 {random} 01 ee 1302 00 0037
             0000 0000  0001 0001 01  0005 0000  000b 0002 01 00  0010 0005 0003 02 6832
             0012 0005 0003 0001 77  0016 0000  0017 0000  001c 0002 0040  0023 0000"
        ),
        server_hello(
            [0x44; 32],
            ServerHelloExtensions {
                server_name: true,
                max_fragment_length: Some(MaxFragmentLength::Bytes512),
                status_request: true,
                ec_point_formats: Some(vec![EcPointFormat::UNCOMPRESSED]),
                alpn: Some(b"h2".to_vec()),
                signed_certificate_timestamp: Some(vec![0, 3, 0, 1, 0x77]),
                encrypt_then_mac: true,
                extended_master_secret: true,
                record_size_limit: Some(64),
                session_ticket: true,
                ..ServerHelloExtensions::default()
            },
        ),
    );
    exact(
        &format!("0303 {random} 01 ee 1302 00 0007 ff01 0003 02 aabb"),
        server_hello(
            [0x44; 32],
            ServerHelloExtensions {
                renegotiation_info: Some(vec![0xaa, 0xbb]),
                ..ServerHelloExtensions::default()
            },
        ),
    );
}

#[test]
fn encrypted_extensions() {
    exact("0000", EncryptedExtensions::default());
    exact(
        "0028 0000 0000 0001 0001 04 000a 0004 0002 0018 0010 0005 0003 02 6832 001c 0002 4001 002a 0000 3a3a 0000",
        EncryptedExtensions {
            server_name: true,
            max_fragment_length: Some(MaxFragmentLength::Bytes4096),
            supported_groups: Some(vec![NamedGroup::SECP384R1]),
            alpn: Some(b"h2".to_vec()),
            record_size_limit: Some(16385),
            early_data: true,
            unknown: vec![(ExtensionType(0x3a3a), vec![])],
        },
    );
}

#[test]
fn certificate_tls13() {
    exact("00 000000", CertificateTls13::default());
    exact(
        "01 cc 00002a
         000002 3001 0019  0005 0006 01 000002 3002  0012 0005 0003 0001 77  0022 0002 dead
         000001 30 0004 4a4a 0000",
        CertificateTls13 {
            certificate_request_context: vec![0xcc],
            certificate_list: vec![
                CertificateEntry {
                    cert_data: vec![0x30, 0x01],
                    extensions: CertificateEntryExtensions {
                        status_request: Some(vec![0x30, 0x02]),
                        signed_certificate_timestamp: Some(vec![0, 3, 0, 1, 0x77]),
                        delegated_credential: Some(vec![0xde, 0xad]),
                        unknown: vec![],
                    },
                },
                CertificateEntry {
                    cert_data: vec![0x30],
                    extensions: CertificateEntryExtensions {
                        unknown: vec![(ExtensionType(0x4a4a), vec![])],
                        ..CertificateEntryExtensions::default()
                    },
                },
            ],
        },
    );
}

#[test]
fn certificate_tls12() {
    exact("000000", CertificateTls12::default());
    exact(
        "000009 000002 3001 000001 30",
        CertificateTls12 {
            certificate_list: vec![vec![0x30, 0x01], vec![0x30]],
        },
    );
}

#[test]
fn certificate_request_tls13() {
    exact(
        "00 0008 000d 0004 0002 0403",
        CertificateRequestTls13 {
            certificate_request_context: vec![],
            extensions: CertificateRequestExtensions {
                signature_algorithms: Some(vec![SignatureScheme::ECDSA_SECP256R1_SHA256]),
                ..CertificateRequestExtensions::default()
            },
        },
    );
    exact(
        "01 07 003d
         0005 0000  000d 0004 0002 0403  0032 0004 0002 0804  0012 0000  001b 0003 02 0001
         0022 0004 0002 0807  002f 0006 0004 0002 3000  0030 0008 0006 02 5501 0001 aa",
        CertificateRequestTls13 {
            certificate_request_context: vec![7],
            extensions: CertificateRequestExtensions {
                status_request: true,
                signature_algorithms: Some(vec![SignatureScheme::ECDSA_SECP256R1_SHA256]),
                signature_algorithms_cert: Some(vec![SignatureScheme::RSA_PSS_RSAE_SHA256]),
                signed_certificate_timestamp: true,
                compress_certificate: Some(vec![CertificateCompressionAlgorithm::ZLIB]),
                delegated_credential: Some(vec![SignatureScheme::ED25519]),
                certificate_authorities: Some(vec![vec![0x30, 0x00]]),
                oid_filters: Some(vec![OidFilter {
                    certificate_extension_oid: vec![0x55, 0x01],
                    certificate_extension_values: vec![0xaa],
                }]),
                unknown: vec![],
            },
        },
    );
}

#[test]
fn certificate_request_tls12() {
    exact(
        "02 01 40 0004 0401 0403 0005 0003 300100",
        CertificateRequestTls12 {
            certificate_types: vec![
                ClientCertificateType::RSA_SIGN,
                ClientCertificateType::ECDSA_SIGN,
            ],
            supported_signature_algorithms: vec![
                SignatureScheme::RSA_PKCS1_SHA256,
                SignatureScheme::ECDSA_SECP256R1_SHA256,
            ],
            certificate_authorities: vec![vec![0x30, 0x01, 0x00]],
        },
    );
    exact(
        "01 01 0002 0401 0000",
        CertificateRequestTls12 {
            certificate_types: vec![ClientCertificateType::RSA_SIGN],
            supported_signature_algorithms: vec![SignatureScheme::RSA_PKCS1_SHA256],
            certificate_authorities: vec![],
        },
    );
}

#[test]
fn certificate_status_and_compressed_certificate() {
    exact(
        "01 000003 300100",
        CertificateStatus {
            ocsp_response: vec![0x30, 0x01, 0x00],
        },
    );
    exact(
        "0002 010000 000002 1b00",
        CompressedCertificate {
            algorithm: CertificateCompressionAlgorithm::BROTLI,
            uncompressed_length: 0x1_0000,
            compressed_certificate_message: vec![0x1b, 0x00],
        },
    );
}

#[test]
fn certificate_verify() {
    exact(
        "0804 0003 010203",
        CertificateVerify {
            scheme: SignatureScheme::RSA_PSS_RSAE_SHA256,
            signature: vec![1, 2, 3],
        },
    );
}

#[test]
fn server_key_exchange_and_the_bytes_that_are_signed() {
    let bytes = "03 0017 03 04aabb 0403 0002 3000";
    let exchange = ServerKeyExchange {
        params: ServerEcdhParams {
            group: NamedGroup::SECP256R1,
            public: vec![0x04, 0xaa, 0xbb],
        },
        scheme: SignatureScheme::ECDSA_SECP256R1_SHA256,
        signature: vec![0x30, 0x00],
    };
    exact(bytes, exchange.clone());
    assert_eq!(exchange.params.to_bytes(), hex("03 0017 03 04aabb"));
    assert_eq!(hex(bytes)[..7], exchange.params.to_bytes());
}

/// RFC 5246 §7.4.3: three numbers, the signature behind them.
#[test]
fn server_key_exchange_with_diffie_hellman() {
    let exchange = ServerKeyExchange {
        params: ServerDhParams {
            p: vec![0xff, 0x17],
            g: vec![2],
            public: vec![0x0a, 0x0b, 0x0c],
        },
        scheme: SignatureScheme::RSA_PSS_RSAE_SHA256,
        signature: vec![0x99],
    };
    exact("0002 ff17 0001 02 0003 0a0b0c 0804 0001 99", exchange);
}

#[test]
fn client_key_exchange() {
    exact(
        "02 04aa",
        EcdhClientKeyExchange {
            public: vec![0x04, 0xaa],
        },
    );
    exact(
        "0002 04aa",
        DhClientKeyExchange {
            public: vec![0x04, 0xaa],
        },
    );
    exact(
        "0003 010203",
        RsaClientKeyExchange {
            encrypted_premaster_secret: vec![1, 2, 3],
        },
    );
}

#[test]
fn new_session_tickets() {
    exact(
        "00093a80 01020304 01 00 0002 abcd 0008 002a 0004 ffffffff",
        NewSessionTicketTls13 {
            ticket_lifetime: 604_800,
            ticket_age_add: 0x0102_0304,
            ticket_nonce: vec![0],
            ticket: vec![0xab, 0xcd],
            extensions: NewSessionTicketExtensions {
                max_early_data_size: Some(u32::MAX),
                unknown: vec![],
            },
        },
    );
    exact(
        "00000e10 0002 abcd",
        NewSessionTicketTls12 {
            ticket_lifetime_hint: 3600,
            ticket: vec![0xab, 0xcd],
        },
    );
    exact(
        "00000000 0000",
        NewSessionTicketTls12 {
            ticket_lifetime_hint: 0,
            ticket: vec![],
        },
    );
}

#[test]
fn small_messages() {
    exact(
        "010203040506070809101112",
        Finished {
            verify_data: hex("010203040506070809101112"),
        },
    );
    exact(
        "00",
        KeyUpdate {
            request_update: KeyUpdateRequest::UPDATE_NOT_REQUESTED,
        },
    );
    exact(
        "01",
        KeyUpdate {
            request_update: KeyUpdateRequest::UPDATE_REQUESTED,
        },
    );
    exact("", ServerHelloDone);
    exact("", EndOfEarlyData);
    exact("", HelloRequest);
}

#[test]
fn every_message_has_its_type() {
    assert_eq!(ClientHello::TYPE.0, 1);
    assert_eq!(ServerHello::TYPE.0, 2);
    assert_eq!(NewSessionTicketTls13::TYPE.0, 4);
    assert_eq!(NewSessionTicketTls12::TYPE.0, 4);
    assert_eq!(EndOfEarlyData::TYPE.0, 5);
    assert_eq!(EncryptedExtensions::TYPE.0, 8);
    assert_eq!(CertificateTls13::TYPE.0, 11);
    assert_eq!(CertificateTls12::TYPE.0, 11);
    assert_eq!(<ServerKeyExchange>::TYPE.0, 12);
    assert_eq!(ServerKeyExchange::<ServerDhParams>::TYPE.0, 12);
    assert_eq!(CertificateRequestTls13::TYPE.0, 13);
    assert_eq!(CertificateRequestTls12::TYPE.0, 13);
    assert_eq!(ServerHelloDone::TYPE.0, 14);
    assert_eq!(CertificateVerify::TYPE.0, 15);
    assert_eq!(EcdhClientKeyExchange::TYPE.0, 16);
    assert_eq!(DhClientKeyExchange::TYPE.0, 16);
    assert_eq!(RsaClientKeyExchange::TYPE.0, 16);
    assert_eq!(Finished::TYPE.0, 20);
    assert_eq!(CertificateStatus::TYPE.0, 22);
    assert_eq!(KeyUpdate::TYPE.0, 24);
    assert_eq!(CompressedCertificate::TYPE.0, 25);
    assert_eq!(HelloRequest::TYPE.0, 0);
}
