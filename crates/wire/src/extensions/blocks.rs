//! Which extension may be in which message: the table of RFC 9846 §4.3, and what TLS 1.2 adds to it.

use super::block::{Extensions, Present, extension_block, put};
use super::{
    KeyShareEntry, MaxFragmentLength, OidFilter, PreSharedKeys, ServerKeyShare, ServerName, alpn,
    certificate_authorities, compress_certificate, cookie, delegated_credential, early_data,
    ec_point_formats, flag, key_share, max_fragment_length, oid_filters, pre_shared_key,
    psk_key_exchange_modes, record_size_limit, renegotiation_info, server_name, session_ticket,
    signature_algorithms, signed_certificate_timestamp, status_request, supported_groups,
    supported_versions,
};
use crate::codec::{Decode, DecodeError, Encode, Put, Reader};
use crate::values::{
    CertificateCompressionAlgorithm, EcPointFormat, ExtensionType, NamedGroup, ProtocolVersion,
    PskKeyExchangeMode, SignatureScheme,
};

extension_block! {
    /// The extensions of a ClientHello (RFC 9846 §4.2.2 and §4.3, RFC 5246 §7.4.1.4).
    pub struct ClientHelloExtensions in "ClientHello.extensions" {
        /// The host that the client wants (RFC 6066 §3). `None` also when it sent an IP address or only name types that
        /// do not exist.
        server_name: Option<ServerName> = SERVER_NAME via server_name,
        /// The client asks for shorter records (RFC 6066 §4).
        max_fragment_length: Option<MaxFragmentLength> = MAX_FRAGMENT_LENGTH via max_fragment_length,
        /// The client would like an OCSP response (RFC 6066 §8). `false` also when it asked for another kind of status.
        status_request: bool = STATUS_REQUEST via status_request::request,
        /// Groups that the client can exchange keys in, best first (RFC 9846 §4.3.7).
        supported_groups: Option<Vec<NamedGroup>> = SUPPORTED_GROUPS via supported_groups,
        /// Point formats (RFC 8422 §5.1.2). Whether `uncompressed` is among them matters to TLS 1.2 alone, and is for the
        /// engine to check.
        ec_point_formats: Option<Vec<EcPointFormat>> = EC_POINT_FORMATS via ec_point_formats,
        /// Signatures that the client can verify, best first (RFC 9846 §4.3.3).
        signature_algorithms: Option<Vec<SignatureScheme>> = SIGNATURE_ALGORITHMS via signature_algorithms,
        /// Signatures that the client can verify in certificates, where they differ (RFC 9846 §4.3.3).
        signature_algorithms_cert: Option<Vec<SignatureScheme>> = SIGNATURE_ALGORITHMS_CERT via signature_algorithms,
        /// Application protocols that the client speaks, best first (RFC 7301 §3.1). Never empty, nor is any name in it.
        alpn: Option<Vec<Vec<u8>>> = APPLICATION_LAYER_PROTOCOL_NEGOTIATION via alpn::offer,
        /// The client would like certificate transparency timestamps (RFC 6962 §3.3.1).
        signed_certificate_timestamp: bool = SIGNED_CERTIFICATE_TIMESTAMP via flag,
        /// Encrypt-then-MAC for CBC suites (RFC 7366 §2).
        encrypt_then_mac: bool = ENCRYPT_THEN_MAC via flag,
        /// The master secret is bound to the handshake (RFC 7627 §5.1).
        extended_master_secret: bool = EXTENDED_MASTER_SECRET via flag,
        /// Compressions of the Certificate message that the client understands (RFC 8879 §3).
        compress_certificate: Option<Vec<CertificateCompressionAlgorithm>> = COMPRESS_CERTIFICATE via compress_certificate,
        /// The longest record that the client accepts, in bytes of plaintext, at least 64 (RFC 8449 §4).
        record_size_limit: Option<u16> = RECORD_SIZE_LIMIT via record_size_limit,
        /// Signatures of delegated credentials that the client can verify (RFC 9345 §4.1.1).
        delegated_credential: Option<Vec<SignatureScheme>> = DELEGATED_CREDENTIAL via signature_algorithms,
        /// A TLS 1.2 ticket, or empty to ask for one (RFC 5077 §3.2).
        session_ticket: Option<Vec<u8>> = SESSION_TICKET via session_ticket,
        /// Early data follows (RFC 9846 §4.3.10).
        early_data: bool = EARLY_DATA via flag,
        /// Versions that the client speaks, best first (RFC 9846 §4.3.1).
        supported_versions: Option<Vec<ProtocolVersion>> = SUPPORTED_VERSIONS via supported_versions::offer,
        /// The cookie of the HelloRetryRequest, returned (RFC 9846 §4.3.2).
        cookie: Option<Vec<u8>> = COOKIE via cookie,
        /// How a PSK may be used (RFC 9846 §4.3.9).
        psk_key_exchange_modes: Option<Vec<PskKeyExchangeMode>> = PSK_KEY_EXCHANGE_MODES via psk_key_exchange_modes,
        /// Distinguished names (DER) of authorities that the client trusts (RFC 9846 §4.3.4).
        certificate_authorities: Option<Vec<Vec<u8>>> = CERTIFICATE_AUTHORITIES via certificate_authorities,
        /// The client can authenticate after the handshake (RFC 9846 §4.3.6).
        post_handshake_auth: bool = POST_HANDSHAKE_AUTH via flag,
        /// The client's shares, one a group at most; empty to ask for a HelloRetryRequest (RFC 9846 §4.3.8).
        key_share: Option<Vec<KeyShareEntry>> = KEY_SHARE via key_share::client,
        /// Secure renegotiation: empty in a first handshake (RFC 5746 §3.2).
        renegotiation_info: Option<Vec<u8>> = RENEGOTIATION_INFO via renegotiation_info,
    }
    last {
        /// Sessions that the client would resume, with their binders (RFC 9846 §4.3.11).
        pre_shared_key: Option<PreSharedKeys> = PRE_SHARED_KEY via pre_shared_key::offer,
    }
    forbidden {
        OID_FILTERS,
    }
}

extension_block! {
    /// The extensions of a ServerHello (RFC 9846 §4.2.3, RFC 5246 §7.4.1.4) or of a HelloRetryRequest (RFC 9846 §4.2.4).
    ///
    /// [`ServerHello`](crate::ServerHello) holds a HelloRetryRequest to the few that it may carry.
    pub struct ServerHelloExtensions in "ServerHello.extensions" {
        /// The version that the server chose, TLS 1.3 (RFC 9846 §4.3.1).
        supported_versions: Option<ProtocolVersion> = SUPPORTED_VERSIONS via supported_versions::selected,
        /// The server's share, or the group that it asks for (RFC 9846 §4.3.8).
        key_share: Option<ServerKeyShare> = KEY_SHARE via key_share::server,
        /// Which of the offered sessions is resumed, from 0 (RFC 9846 §4.3.11).
        pre_shared_key: Option<u16> = PRE_SHARED_KEY via pre_shared_key::selected,
        /// HelloRetryRequest: what the client shall return (RFC 9846 §4.3.2).
        cookie: Option<Vec<u8>> = COOKIE via cookie,
        /// TLS 1.2: the server used the name (RFC 6066 §3).
        server_name: bool = SERVER_NAME via flag,
        /// TLS 1.2: shorter records are agreed (RFC 6066 §4).
        max_fragment_length: Option<MaxFragmentLength> = MAX_FRAGMENT_LENGTH via max_fragment_length,
        /// TLS 1.2: a CertificateStatus message may follow (RFC 6066 §8).
        status_request: bool = STATUS_REQUEST via flag,
        /// TLS 1.2: point formats (RFC 8422 §5.2).
        ec_point_formats: Option<Vec<EcPointFormat>> = EC_POINT_FORMATS via ec_point_formats,
        /// TLS 1.2: the application protocol (RFC 7301 §3.1).
        alpn: Option<Vec<u8>> = APPLICATION_LAYER_PROTOCOL_NEGOTIATION via alpn::selected,
        /// TLS 1.2: a `SignedCertificateTimestampList` (RFC 6962 §3.3.1), raw.
        signed_certificate_timestamp: Option<Vec<u8>> = SIGNED_CERTIFICATE_TIMESTAMP via signed_certificate_timestamp,
        /// TLS 1.2: encrypt-then-MAC is agreed (RFC 7366 §2).
        encrypt_then_mac: bool = ENCRYPT_THEN_MAC via flag,
        /// TLS 1.2: the master secret is bound to the handshake (RFC 7627 §5.1).
        extended_master_secret: bool = EXTENDED_MASTER_SECRET via flag,
        /// TLS 1.2: the longest record that the server accepts (RFC 8449 §4).
        record_size_limit: Option<u16> = RECORD_SIZE_LIMIT via record_size_limit,
        /// TLS 1.2: a NewSessionTicket will follow (RFC 5077 §3.2).
        session_ticket: bool = SESSION_TICKET via flag,
        /// TLS 1.2: secure renegotiation (RFC 5746 §3.2).
        renegotiation_info: Option<Vec<u8>> = RENEGOTIATION_INFO via renegotiation_info,
    }
    forbidden {
        SIGNATURE_ALGORITHMS, SIGNATURE_ALGORITHMS_CERT, COMPRESS_CERTIFICATE, DELEGATED_CREDENTIAL, EARLY_DATA,
        PSK_KEY_EXCHANGE_MODES, CERTIFICATE_AUTHORITIES, OID_FILTERS, POST_HANDSHAKE_AUTH, PADDING,
    }
}

extension_block! {
    /// EncryptedExtensions: nothing but a block of extensions (RFC 9846 §4.4.1).
    pub struct EncryptedExtensions in "EncryptedExtensions" {
        /// The server used the name (RFC 6066 §3).
        server_name: bool = SERVER_NAME via flag,
        /// Shorter records are agreed (RFC 6066 §4).
        max_fragment_length: Option<MaxFragmentLength> = MAX_FRAGMENT_LENGTH via max_fragment_length,
        /// Groups that the server likes, for the client's next time (RFC 9846 §4.3.7).
        supported_groups: Option<Vec<NamedGroup>> = SUPPORTED_GROUPS via supported_groups,
        /// The application protocol (RFC 7301 §3.1).
        alpn: Option<Vec<u8>> = APPLICATION_LAYER_PROTOCOL_NEGOTIATION via alpn::selected,
        /// The longest record that the server accepts (RFC 8449 §4).
        record_size_limit: Option<u16> = RECORD_SIZE_LIMIT via record_size_limit,
        /// The server takes the early data (RFC 9846 §4.3.10).
        early_data: bool = EARLY_DATA via flag,
    }
    forbidden {
        STATUS_REQUEST, EC_POINT_FORMATS, SIGNATURE_ALGORITHMS, SIGNATURE_ALGORITHMS_CERT, SIGNED_CERTIFICATE_TIMESTAMP,
        PADDING, ENCRYPT_THEN_MAC, EXTENDED_MASTER_SECRET, COMPRESS_CERTIFICATE, DELEGATED_CREDENTIAL, SESSION_TICKET,
        PRE_SHARED_KEY, SUPPORTED_VERSIONS, COOKIE, PSK_KEY_EXCHANGE_MODES, CERTIFICATE_AUTHORITIES, OID_FILTERS,
        POST_HANDSHAKE_AUTH, KEY_SHARE, RENEGOTIATION_INFO,
    }
}

extension_block! {
    /// The extensions of one certificate in a TLS 1.3 Certificate message (RFC 9846 §4.5.1).
    pub struct CertificateEntryExtensions in "CertificateEntry.extensions" {
        /// An OCSP response, DER (RFC 9846 §4.5.1.1).
        status_request: Option<Vec<u8>> = STATUS_REQUEST via status_request::response,
        /// A `SignedCertificateTimestampList` (RFC 6962 §3.3.1), raw.
        signed_certificate_timestamp: Option<Vec<u8>> = SIGNED_CERTIFICATE_TIMESTAMP via signed_certificate_timestamp,
        /// A `DelegatedCredential` (RFC 9345 §4), raw.
        delegated_credential: Option<Vec<u8>> = DELEGATED_CREDENTIAL via delegated_credential,
    }
    forbidden {
        SERVER_NAME, MAX_FRAGMENT_LENGTH, SUPPORTED_GROUPS, EC_POINT_FORMATS, SIGNATURE_ALGORITHMS,
        SIGNATURE_ALGORITHMS_CERT, APPLICATION_LAYER_PROTOCOL_NEGOTIATION, PADDING, ENCRYPT_THEN_MAC,
        EXTENDED_MASTER_SECRET, COMPRESS_CERTIFICATE, RECORD_SIZE_LIMIT, SESSION_TICKET, PRE_SHARED_KEY, EARLY_DATA,
        SUPPORTED_VERSIONS, COOKIE, PSK_KEY_EXCHANGE_MODES, CERTIFICATE_AUTHORITIES, OID_FILTERS, POST_HANDSHAKE_AUTH,
        KEY_SHARE, RENEGOTIATION_INFO,
    }
}

extension_block! {
    /// The extensions of a TLS 1.3 CertificateRequest (RFC 9846 §4.4.2).
    pub struct CertificateRequestExtensions in "CertificateRequest.extensions" {
        /// An OCSP response is welcome (RFC 9846 §4.5.1.1).
        status_request: bool = STATUS_REQUEST via flag,
        /// Signatures that the sender can verify. Mandatory; [`CertificateRequestTls13`](crate::CertificateRequestTls13)
        /// does not decode without it.
        signature_algorithms: Option<Vec<SignatureScheme>> = SIGNATURE_ALGORITHMS via signature_algorithms,
        /// Signatures that the sender can verify in certificates, where they differ (RFC 9846 §4.3.3).
        signature_algorithms_cert: Option<Vec<SignatureScheme>> = SIGNATURE_ALGORITHMS_CERT via signature_algorithms,
        /// Certificate transparency timestamps are welcome (RFC 6962 §3.3.1).
        signed_certificate_timestamp: bool = SIGNED_CERTIFICATE_TIMESTAMP via flag,
        /// Compressions of the Certificate message that the sender understands (RFC 8879 §3).
        compress_certificate: Option<Vec<CertificateCompressionAlgorithm>> = COMPRESS_CERTIFICATE via compress_certificate,
        /// Signatures of delegated credentials that the sender can verify (RFC 9345 §4.1.2).
        delegated_credential: Option<Vec<SignatureScheme>> = DELEGATED_CREDENTIAL via signature_algorithms,
        /// Distinguished names (DER) of authorities that the sender trusts (RFC 9846 §4.3.4).
        certificate_authorities: Option<Vec<Vec<u8>>> = CERTIFICATE_AUTHORITIES via certificate_authorities,
        /// Certificate extensions that the certificate must have (RFC 9846 §4.3.5).
        oid_filters: Option<Vec<OidFilter>> = OID_FILTERS via oid_filters,
    }
    forbidden {
        SERVER_NAME, MAX_FRAGMENT_LENGTH, SUPPORTED_GROUPS, EC_POINT_FORMATS, APPLICATION_LAYER_PROTOCOL_NEGOTIATION,
        PADDING, ENCRYPT_THEN_MAC, EXTENDED_MASTER_SECRET, RECORD_SIZE_LIMIT, SESSION_TICKET, PRE_SHARED_KEY, EARLY_DATA,
        SUPPORTED_VERSIONS, COOKIE, PSK_KEY_EXCHANGE_MODES, POST_HANDSHAKE_AUTH, KEY_SHARE, RENEGOTIATION_INFO,
    }
}

extension_block! {
    /// The extensions of a TLS 1.3 NewSessionTicket (RFC 9846 §4.7.1).
    pub struct NewSessionTicketExtensions in "NewSessionTicket.extensions" {
        /// The most bytes of early data that the ticket is good for (RFC 9846 §4.3.10).
        max_early_data_size: Option<u32> = EARLY_DATA via early_data,
    }
    forbidden {
        SERVER_NAME, MAX_FRAGMENT_LENGTH, STATUS_REQUEST, SUPPORTED_GROUPS, EC_POINT_FORMATS, SIGNATURE_ALGORITHMS,
        SIGNATURE_ALGORITHMS_CERT, APPLICATION_LAYER_PROTOCOL_NEGOTIATION, SIGNED_CERTIFICATE_TIMESTAMP, PADDING,
        ENCRYPT_THEN_MAC, EXTENDED_MASTER_SECRET, COMPRESS_CERTIFICATE, RECORD_SIZE_LIMIT, DELEGATED_CREDENTIAL,
        SESSION_TICKET, PRE_SHARED_KEY, SUPPORTED_VERSIONS, COOKIE, PSK_KEY_EXCHANGE_MODES, CERTIFICATE_AUTHORITIES,
        OID_FILTERS, POST_HANDSHAKE_AUTH, KEY_SHARE, RENEGOTIATION_INFO,
    }
}
