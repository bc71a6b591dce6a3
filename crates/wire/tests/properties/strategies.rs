//! Values of every type, as a well-behaved sender would make them.

use std::collections::BTreeMap;
use std::ops::Range;

use keyward_wire::handshake::HELLO_RETRY_REQUEST_RANDOM;
use keyward_wire::*;
use proptest::collection::{btree_map, vec};
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;

fn bytes(len: Range<usize>) -> impl Strategy<Value = Vec<u8>> + Clone {
    vec(any::<u8>(), len)
}

/// Numbers as one of a registry's newtypes.
fn values<N, T>(len: Range<usize>) -> impl Strategy<Value = Vec<T>>
where
    N: Arbitrary + Clone + 'static,
    T: From<N> + std::fmt::Debug + Clone,
{
    vec(any::<N>().prop_map(T::from), len)
}

/// Extensions that nobody knows, none twice.
fn unknown() -> impl Strategy<Value = Vec<(ExtensionType, Vec<u8>)>> {
    let nameless = any::<u16>()
        .prop_map(ExtensionType)
        .prop_filter("has a name", |extension| extension.name().is_none());
    btree_map(nameless, bytes(0..8), 0..4)
        .prop_map(|extensions: BTreeMap<_, _>| extensions.into_iter().rev().collect())
}

fn server_name() -> impl Strategy<Value = ServerName> {
    "[a-z]([a-z0-9-]{0,10}[a-z0-9])?(\\.[a-z]([a-z0-9_]{0,10})?){0,3}"
        .prop_map(|name| name.parse().expect("the pattern makes host names"))
}

fn max_fragment_length() -> impl Strategy<Value = MaxFragmentLength> {
    select(vec![
        MaxFragmentLength::Bytes512,
        MaxFragmentLength::Bytes1024,
        MaxFragmentLength::Bytes2048,
        MaxFragmentLength::Bytes4096,
    ])
}

pub(crate) fn cipher_suite() -> impl Strategy<Value = CipherSuite> {
    any::<u16>().prop_map(CipherSuite)
}

pub(crate) fn content_type() -> impl Strategy<Value = ContentType> {
    any::<u8>().prop_map(ContentType)
}

pub(crate) fn key_share_entry() -> impl Strategy<Value = KeyShareEntry> {
    (any::<u16>(), bytes(1..80)).prop_map(|(group, key_exchange)| KeyShareEntry {
        group: NamedGroup(group),
        key_exchange,
    })
}

fn key_shares() -> impl Strategy<Value = Vec<KeyShareEntry>> {
    btree_map(any::<u16>(), bytes(1..80), 0..4).prop_map(|shares| {
        shares
            .into_iter()
            .map(|(group, key_exchange)| KeyShareEntry {
                group: NamedGroup(group),
                key_exchange,
            })
            .collect()
    })
}

fn pre_shared_keys() -> impl Strategy<Value = PreSharedKeys> {
    vec((bytes(1..50), any::<u32>(), bytes(32..65)), 1..4).prop_map(|offers| {
        let (identities, binders) = offers
            .into_iter()
            .map(|(identity, obfuscated_ticket_age, binder)| {
                let identity = PskIdentity {
                    identity,
                    obfuscated_ticket_age,
                };
                (identity, binder)
            })
            .unzip();
        PreSharedKeys {
            identities,
            binders,
        }
    })
}

fn names() -> impl Strategy<Value = Vec<Vec<u8>>> {
    vec(bytes(1..20), 1..4)
}

prop_compose! {
    /// The half of a ClientHello's extensions that TLS 1.2 knows.
    fn client_hello_extensions_tls12()(
        (server_name, max_fragment_length, supported_groups, ec_point_formats) in (
            option::of(server_name()),
            option::of(max_fragment_length()),
            option::of(values::<u16, _>(1..6)),
            option::of(values::<u8, _>(1..4)),
        ),
        (signature_algorithms, alpn, session_ticket, renegotiation_info) in (
            option::of(values::<u16, _>(1..6)),
            option::of(names()),
            option::of(bytes(0..50)),
            option::of(bytes(0..30)),
        ),
        flags in any::<[bool; 4]>(),
    ) -> ClientHelloExtensions {
        let [status_request, signed_certificate_timestamp, encrypt_then_mac, extended_master_secret] = flags;
        ClientHelloExtensions {
            server_name,
            max_fragment_length,
            supported_groups,
            ec_point_formats,
            signature_algorithms,
            alpn,
            session_ticket,
            renegotiation_info,
            status_request,
            signed_certificate_timestamp,
            encrypt_then_mac,
            extended_master_secret,
            ..ClientHelloExtensions::default()
        }
    }
}

prop_compose! {
    pub(crate) fn client_hello_extensions()(
        tls12 in client_hello_extensions_tls12(),
        (signature_algorithms_cert, compress_certificate, record_size_limit, delegated_credential) in (
            option::of(values::<u16, _>(1..6)),
            option::of(values::<u16, _>(1..4)),
            option::of(64..=u16::MAX),
            option::of(values::<u16, _>(1..4)),
        ),
        (supported_versions, cookie, psk_key_exchange_modes, certificate_authorities) in (
            option::of(values::<u16, _>(1..6)),
            option::of(bytes(1..50)),
            option::of(values::<u8, _>(1..4)),
            option::of(names()),
        ),
        (key_share, pre_shared_key, unknown) in (
            option::of(key_shares()),
            option::of(pre_shared_keys()),
            unknown(),
        ),
        [early_data, post_handshake_auth] in any::<[bool; 2]>(),
    ) -> ClientHelloExtensions {
        ClientHelloExtensions {
            signature_algorithms_cert,
            compress_certificate,
            record_size_limit,
            delegated_credential,
            supported_versions,
            cookie,
            psk_key_exchange_modes,
            certificate_authorities,
            key_share,
            pre_shared_key,
            early_data,
            post_handshake_auth,
            unknown,
            ..tls12
        }
    }
}

prop_compose! {
    pub(crate) fn client_hello()(
        legacy_version in any::<u16>(),
        random in any::<[u8; 32]>(),
        session_id in bytes(0..33),
        cipher_suites in values::<u16, _>(1..10),
        mut compression_methods in values::<u8, _>(0..3),
        extensions in prop_oneof![
            1 => Just(ClientHelloExtensions::default()),
            9 => client_hello_extensions(),
        ],
    ) -> ClientHello {
        compression_methods.push(CompressionMethod::NULL);
        ClientHello {
            legacy_version: ProtocolVersion(legacy_version),
            random,
            session_id,
            cipher_suites,
            compression_methods,
            extensions,
        }
    }
}

prop_compose! {
    fn server_hello_extensions()(
        (supported_versions, key_share, pre_shared_key, max_fragment_length, ec_point_formats) in (
            option::of(any::<u16>().prop_map(ProtocolVersion)),
            option::of(key_share_entry().prop_map(ServerKeyShare::Share)),
            option::of(any::<u16>()),
            option::of(max_fragment_length()),
            option::of(values::<u8, _>(1..4)),
        ),
        (alpn, timestamps, record_size_limit, renegotiation_info) in (
            option::of(bytes(1..10)),
            option::of(bytes(1..20)),
            option::of(64..=u16::MAX),
            option::of(bytes(0..30)),
        ),
        flags in any::<[bool; 5]>(),
        unknown in unknown(),
    ) -> ServerHelloExtensions {
        let [server_name, status_request, encrypt_then_mac, extended_master_secret, session_ticket] = flags;
        ServerHelloExtensions {
            supported_versions,
            key_share,
            pre_shared_key,
            cookie: None,
            server_name,
            max_fragment_length,
            status_request,
            ec_point_formats,
            alpn,
            signed_certificate_timestamp: timestamps.map(timestamp_list),
            encrypt_then_mac,
            extended_master_secret,
            record_size_limit,
            session_ticket,
            renegotiation_info,
            unknown,
        }
    }
}

/// A `SignedCertificateTimestampList` of one.
fn timestamp_list(timestamp: Vec<u8>) -> Vec<u8> {
    let mut out = Vec::new();
    out.put_vector_u16(|out| out.put_opaque_u16(&timestamp));
    out
}

prop_compose! {
    fn plain_server_hello()(
        legacy_version in any::<u16>(),
        random in any::<[u8; 32]>()
            .prop_filter("a HelloRetryRequest", |random| *random != HELLO_RETRY_REQUEST_RANDOM),
        session_id in bytes(0..33),
        cipher_suite in cipher_suite(),
        compression_method in any::<u8>(),
        extensions in prop_oneof![
            1 => Just(ServerHelloExtensions::default()),
            9 => server_hello_extensions(),
        ],
    ) -> ServerHello {
        ServerHello {
            legacy_version: ProtocolVersion(legacy_version),
            random,
            session_id,
            cipher_suite,
            compression_method: CompressionMethod(compression_method),
            extensions,
        }
    }
}

prop_compose! {
    fn hello_retry_request()(
        session_id in bytes(0..33),
        cipher_suite in cipher_suite(),
        group in option::of(any::<u16>().prop_map(NamedGroup)),
        cookie in option::of(bytes(1..50)),
        unknown in unknown(),
    ) -> ServerHello {
        let mut hello = ServerHello::hello_retry_request(session_id, cipher_suite, group, cookie);
        hello.extensions.unknown = unknown;
        hello
    }
}

pub(crate) fn server_hello() -> impl Strategy<Value = ServerHello> {
    prop_oneof![2 => plain_server_hello(), 1 => hello_retry_request()]
}

prop_compose! {
    pub(crate) fn encrypted_extensions()(
        server_name in any::<bool>(),
        max_fragment_length in option::of(max_fragment_length()),
        supported_groups in option::of(values::<u16, _>(1..6)),
        alpn in option::of(bytes(1..10)),
        record_size_limit in option::of(64..=u16::MAX),
        early_data in any::<bool>(),
        unknown in unknown(),
    ) -> EncryptedExtensions {
        EncryptedExtensions {
            server_name,
            max_fragment_length,
            supported_groups,
            alpn,
            record_size_limit,
            early_data,
            unknown,
        }
    }
}

prop_compose! {
    fn certificate_entry()(
        cert_data in bytes(1..100),
        status_request in option::of(bytes(1..20)),
        timestamps in option::of(bytes(1..20)),
        delegated_credential in option::of(bytes(1..20)),
        unknown in unknown(),
    ) -> CertificateEntry {
        CertificateEntry {
            cert_data,
            extensions: CertificateEntryExtensions {
                status_request,
                signed_certificate_timestamp: timestamps.map(timestamp_list),
                delegated_credential,
                unknown,
            },
        }
    }
}

pub(crate) fn certificate_tls13() -> impl Strategy<Value = CertificateTls13> {
    (bytes(0..256), vec(certificate_entry(), 0..4)).prop_map(
        |(certificate_request_context, certificate_list)| CertificateTls13 {
            certificate_request_context,
            certificate_list,
        },
    )
}

pub(crate) fn certificate_tls12() -> impl Strategy<Value = CertificateTls12> {
    vec(bytes(1..100), 0..4).prop_map(|certificate_list| CertificateTls12 { certificate_list })
}

prop_compose! {
    pub(crate) fn certificate_request_tls13()(
        certificate_request_context in bytes(0..256),
        signature_algorithms in values::<u16, _>(1..6),
        signature_algorithms_cert in option::of(values::<u16, _>(1..6)),
        compress_certificate in option::of(values::<u16, _>(1..4)),
        delegated_credential in option::of(values::<u16, _>(1..4)),
        certificate_authorities in option::of(names()),
        oid_filters in option::of(vec((bytes(1..10), bytes(0..10)), 0..3)),
        [status_request, signed_certificate_timestamp] in any::<[bool; 2]>(),
        unknown in unknown(),
    ) -> CertificateRequestTls13 {
        let oid_filters = oid_filters.map(|filters| {
            filters
                .into_iter()
                .map(|(oid, values)| OidFilter {
                    certificate_extension_oid: oid,
                    certificate_extension_values: values,
                })
                .collect()
        });
        CertificateRequestTls13 {
            certificate_request_context,
            extensions: CertificateRequestExtensions {
                status_request,
                signature_algorithms: Some(signature_algorithms),
                signature_algorithms_cert,
                signed_certificate_timestamp,
                compress_certificate,
                delegated_credential,
                certificate_authorities,
                oid_filters,
                unknown,
            },
        }
    }
}

prop_compose! {
    pub(crate) fn certificate_request_tls12()(
        certificate_types in values::<u8, _>(1..4),
        supported_signature_algorithms in values::<u16, _>(1..6),
        certificate_authorities in vec(bytes(1..20), 0..4),
    ) -> CertificateRequestTls12 {
        CertificateRequestTls12 {
            certificate_types,
            supported_signature_algorithms,
            certificate_authorities,
        }
    }
}

pub(crate) fn certificate_status() -> impl Strategy<Value = CertificateStatus> {
    bytes(1..100).prop_map(|ocsp_response| CertificateStatus { ocsp_response })
}

pub(crate) fn certificate_verify() -> impl Strategy<Value = CertificateVerify> {
    (any::<u16>(), bytes(0..100)).prop_map(|(scheme, signature)| CertificateVerify {
        scheme: SignatureScheme(scheme),
        signature,
    })
}

pub(crate) fn compressed_certificate() -> impl Strategy<Value = CompressedCertificate> {
    (any::<u16>(), 0..1u32 << 24, bytes(1..100)).prop_map(
        |(algorithm, uncompressed_length, compressed_certificate_message)| CompressedCertificate {
            algorithm: CertificateCompressionAlgorithm(algorithm),
            uncompressed_length,
            compressed_certificate_message,
        },
    )
}

pub(crate) fn server_ecdh_params() -> impl Strategy<Value = ServerEcdhParams> {
    (any::<u16>(), bytes(1..256)).prop_map(|(group, public)| ServerEcdhParams {
        group: NamedGroup(group),
        public,
    })
}

pub(crate) fn server_dh_params() -> impl Strategy<Value = ServerDhParams> {
    (bytes(1..600), bytes(1..600), bytes(1..600)).prop_map(|(p, g, public)| ServerDhParams {
        p,
        g,
        public,
    })
}

pub(crate) fn server_key_exchange_dh() -> impl Strategy<Value = ServerKeyExchange<ServerDhParams>> {
    (server_dh_params(), any::<u16>(), bytes(0..100)).prop_map(|(params, scheme, signature)| {
        ServerKeyExchange {
            params,
            scheme: SignatureScheme(scheme),
            signature,
        }
    })
}

pub(crate) fn dh_client_key_exchange() -> impl Strategy<Value = DhClientKeyExchange> {
    bytes(1..600).prop_map(|public| DhClientKeyExchange { public })
}

pub(crate) fn server_key_exchange() -> impl Strategy<Value = ServerKeyExchange> {
    (server_ecdh_params(), any::<u16>(), bytes(0..100)).prop_map(|(params, scheme, signature)| {
        ServerKeyExchange {
            params,
            scheme: SignatureScheme(scheme),
            signature,
        }
    })
}

pub(crate) fn ecdh_client_key_exchange() -> impl Strategy<Value = EcdhClientKeyExchange> {
    bytes(1..256).prop_map(|public| EcdhClientKeyExchange { public })
}

pub(crate) fn rsa_client_key_exchange() -> impl Strategy<Value = RsaClientKeyExchange> {
    bytes(0..600).prop_map(|encrypted_premaster_secret| RsaClientKeyExchange {
        encrypted_premaster_secret,
    })
}

prop_compose! {
    pub(crate) fn new_session_ticket_tls13()(
        ticket_lifetime in any::<u32>(),
        ticket_age_add in any::<u32>(),
        ticket_nonce in bytes(0..256),
        ticket in bytes(1..300),
        max_early_data_size in option::of(any::<u32>()),
        unknown in unknown(),
    ) -> NewSessionTicketTls13 {
        NewSessionTicketTls13 {
            ticket_lifetime,
            ticket_age_add,
            ticket_nonce,
            ticket,
            extensions: NewSessionTicketExtensions { max_early_data_size, unknown },
        }
    }
}

pub(crate) fn new_session_ticket_tls12() -> impl Strategy<Value = NewSessionTicketTls12> {
    (any::<u32>(), bytes(0..300)).prop_map(|(ticket_lifetime_hint, ticket)| NewSessionTicketTls12 {
        ticket_lifetime_hint,
        ticket,
    })
}

pub(crate) fn finished() -> impl Strategy<Value = Finished> {
    bytes(12..65).prop_map(|verify_data| Finished { verify_data })
}

pub(crate) fn key_update() -> impl Strategy<Value = KeyUpdate> {
    (0..2u8).prop_map(|request| KeyUpdate {
        request_update: KeyUpdateRequest(request),
    })
}

pub(crate) fn server_hello_done() -> impl Strategy<Value = ServerHelloDone> {
    Just(ServerHelloDone)
}

pub(crate) fn end_of_early_data() -> impl Strategy<Value = EndOfEarlyData> {
    Just(EndOfEarlyData)
}

pub(crate) fn hello_request() -> impl Strategy<Value = HelloRequest> {
    Just(HelloRequest)
}

pub(crate) fn record_header() -> impl Strategy<Value = RecordHeader> {
    any::<[u8; 5]>().prop_map(RecordHeader::from_array)
}

pub(crate) fn alert() -> impl Strategy<Value = Alert> {
    any::<[u8; 2]>().prop_map(|[level, description]| Alert {
        level: AlertLevel(level),
        description: AlertDescription(description),
    })
}
