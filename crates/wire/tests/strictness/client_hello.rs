//! ClientHello.

use keyward_wire::*;

use super::{check, hex, plain};

/// A ClientHello's body: 41 bytes, the length of the extensions, and `extensions` from byte 43.
fn with(extensions: &str) -> String {
    let length = hex(extensions).len();
    let random = "00".repeat(32);
    format!("0303 {random} 00 0002 1301 01 00 {length:04x} {extensions}")
}

/// A ClientHello with nothing but `pre_shared_key`, of `identities / binders`, each without its length: the identities'
/// length is at byte 47, the identities from 49.
fn with_pre_shared_key(lists: &str) -> String {
    with(&pre_shared_key(lists))
}

fn pre_shared_key(lists: &str) -> String {
    let (identities, binders) = lists.split_once('/').expect("identities / binders");
    let (i, b) = (hex(identities).len(), hex(binders).len());
    format!(
        "0029 {:04x} {i:04x} {identities} {b:04x} {binders}",
        i + b + 4
    )
}

#[test]
fn fields() {
    check::<ClientHello>(
        "
        empty                                      |                                             | ClientHello.legacy_version      | Truncated     | 0
        random cut                                 | 0303 00                                     | ClientHello.random              | Truncated     | 2
        session_id<0..32>                          | 0303 {00}*32 21 {ee}*33 0002 1301 01 00     | ClientHello.session_id          | IllegalLength | 34
        cipher_suites<2..2^16-2>                   | 0303 {00}*32 00 0000 01 00                  | ClientHello.cipher_suites       | IllegalLength | 35
        half a cipher suite                        | 0303 {00}*32 00 0003 130113 01 00           | CipherSuite                     | Truncated     | 39
        more suites claimed than there are         | 0303 {00}*32 00 fffe 1301                   | ClientHello.cipher_suites       | Truncated     | 37
        compression_methods<1..2^8-1>              | 0303 {00}*32 00 0002 1301 00                | ClientHello.compression_methods | IllegalLength | 39
        null compression is mandatory              | 0303 {00}*32 00 0002 1301 01 01             | ClientHello.compression_methods | IllegalValue  | 39
        half a length of the extensions            | 0303 {00}*32 00 0002 1301 01 00 00          | ClientHello.extensions          | Truncated     | 41
        bytes after the extensions                 | 0303 {00}*32 00 0002 1301 01 00 0000 00     | ClientHello                     | Trailing      | 43
        ",
        plain,
    );
}

#[test]
fn extension_block() {
    check::<ClientHello>(
        "
        half an extension type                     | 00                                          | ClientHello.extensions          | Truncated          | 43
        an extension longer than the block         | 0017 0001                                   | extended_master_secret          | Truncated          | 47
        an extension twice                         | 0017 0000 000a 0004 0002 001d 0017 0000     | extended_master_secret          | DuplicateExtension | 55
        an unknown extension twice                 | 1234 0000 1234 0000                         | ClientHello.extensions          | DuplicateExtension | 47
        GREASE twice                               | 0a0a 0000 0a0a 0000                         | ClientHello.extensions          | DuplicateExtension | 47
        an extension of CertificateRequest         | 0030 0002 0000                              | oid_filters                     | Forbidden          | 43
        ",
        with,
    );
}

#[test]
fn pre_shared_key_must_be_last() {
    let binder = "bb".repeat(32);
    let keys = pre_shared_key(&format!("0001 61 00000000 / 20 {binder}"));
    check::<ClientHello>(
        &format!("not the last | {keys} 0017 0000 | pre_shared_key | NotLast | 43"),
        with,
    );
    let last = with(&format!("0017 0000 {keys}"));
    assert!(ClientHello::from_bytes(&hex(&last)).is_ok());
}

#[test]
fn no_more_than_256_extensions() {
    let extensions = |count: u16| -> String {
        (0..count)
            .map(|n| format!("{:04x} 0000 ", 0x1000 + n))
            .collect()
    };
    assert!(ClientHello::from_bytes(&hex(&with(&extensions(256)))).is_ok());
    check::<ClientHello>(
        &format!(
            "257 | {} | ClientHello.extensions | TooMany | {}",
            extensions(257),
            43 + 256 * 4
        ),
        with,
    );
}

#[test]
fn extensions() {
    check::<ClientHello>(
        "
        server_name empty                 | 0000 0000                               | server_name.server_name_list               | Truncated     | 47
        server_name_list<1..2^16-1>       | 0000 0002 0000                          | server_name.server_name_list               | IllegalLength | 47
        HostName<1..2^16-1>               | 0000 0005 0003 00 0000                  | server_name.host_name                      | IllegalLength | 50
        HostName cut                      | 0000 0006 0004 00 0002 61               | server_name.host_name                      | Truncated     | 52
        two host names                    | 0000 000a 0008 00 0001 61 00 0001 62    | server_name.server_name_list               | Duplicate     | 53
        trailing dot                      | 0000 0007 0005 00 0002 612e             | server_name.host_name                      | IllegalValue  | 49
        not ASCII                         | 0000 0007 0005 00 0002 c3bc             | server_name.host_name                      | IllegalValue  | 49
        bytes after the names             | 0000 0007 0004 00 0001 61 00            | server_name                                | Trailing      | 53
        max_fragment_length of 0          | 0001 0001 00                            | max_fragment_length                        | IllegalValue  | 47
        max_fragment_length of 5          | 0001 0001 05                            | max_fragment_length                        | IllegalValue  | 47
        two lengths                       | 0001 0002 0101                          | max_fragment_length                        | Trailing      | 48
        status_request empty              | 0005 0000                               | status_request.status_type                 | Truncated     | 47
        ResponderID<1..2^16-1>            | 0005 0007 01 0002 0000 0000             | status_request.responder_id                | IllegalLength | 50
        status_request cut                | 0005 0003 01 0000                       | status_request.request_extensions          | Truncated     | 50
        named_group_list<2..2^16-1>       | 000a 0002 0000                          | supported_groups.named_group_list          | IllegalLength | 47
        half a group                      | 000a 0005 0003 001d00                   | NamedGroup                                 | Truncated     | 51
        bytes after the groups            | 000a 0005 0002 001d 00                  | supported_groups                           | Trailing      | 51
        ec_point_format_list<1..2^8-1>    | 000b 0001 00                            | ec_point_formats.ec_point_format_list      | IllegalLength | 47
        signature_algorithms<2..2^16-2>   | 000d 0002 0000                          | supported_signature_algorithms             | IllegalLength | 47
        half a scheme                     | 000d 0003 0001 04                       | supported_signature_algorithms             | IllegalLength | 47
        a scheme and a half               | 000d 0005 0003 040304                   | SignatureScheme                            | Truncated     | 51
        signature_algorithms_cert empty   | 0032 0002 0000                          | supported_signature_algorithms             | IllegalLength | 47
        protocol_name_list<2..2^16-1>     | 0010 0002 0000                          | alpn.protocol_name_list                    | IllegalLength | 47
        ProtocolName<1..2^8-1>            | 0010 0005 0003 01 61 00                 | alpn.protocol_name                         | IllegalLength | 51
        257 protocols                     | 0010 0204 0202 {01 61}*257              | alpn.protocol_name_list                    | TooMany       | 561
        a timestamp in a request          | 0012 0001 00                            | signed_certificate_timestamp               | Trailing      | 47
        encrypt_then_mac not empty        | 0016 0001 00                            | encrypt_then_mac                           | Trailing      | 47
        extended_master_secret not empty  | 0017 0001 00                            | extended_master_secret                     | Trailing      | 47
        algorithms<2..2^8-2>              | 001b 0001 00                            | compress_certificate.algorithms            | IllegalLength | 47
        record_size_limit below 64        | 001c 0002 003f                          | record_size_limit                          | IllegalValue  | 47
        record_size_limit cut             | 001c 0001 40                            | record_size_limit                          | Truncated     | 47
        delegated_credential empty        | 0022 0002 0000                          | supported_signature_algorithms             | IllegalLength | 47
        early_data not empty              | 002a 0004 00000000                      | early_data                                 | Trailing      | 47
        versions<2..254>                  | 002b 0001 00                            | supported_versions.versions                | IllegalLength | 47
        half a version                    | 002b 0004 03 0304 03                    | ProtocolVersion                            | Truncated     | 50
        supported_versions of a server    | 002b 0002 0304                          | supported_versions.versions                | Truncated     | 48
        cookie<1..2^16-1>                 | 002c 0002 0000                          | cookie                                     | IllegalLength | 47
        ke_modes<1..255>                  | 002d 0001 00                            | psk_key_exchange_modes.ke_modes            | IllegalLength | 47
        authorities<3..2^16-1>            | 002f 0002 0000                          | certificate_authorities                    | IllegalLength | 47
        DistinguishedName<1..2^16-1>      | 002f 0007 0005 0001 30 0000             | certificate_authorities.distinguished_name | IllegalLength | 52
        2049 authorities                  | 002f 1805 1803 {0001 30}*2049           | certificate_authorities                    | TooMany       | 6193
        post_handshake_auth not empty     | 0031 0001 00                            | post_handshake_auth                        | Trailing      | 47
        key_exchange<1..2^16-1>           | 0033 0006 0004 001d 0000                | KeyShareEntry.key_exchange                 | IllegalLength | 51
        key_share of HelloRetryRequest    | 0033 0002 001d                          | key_share.client_shares                    | Truncated     | 49
        two shares of a group             | 0033 000c 000a {001d 0001 00}*2         | key_share.client_shares                    | Duplicate     | 54
        renegotiation_info empty          | ff01 0000                               | renegotiation_info.renegotiated_connection | Truncated     | 47
        renegotiation_info too long       | ff01 0002 0000                          | renegotiation_info                         | Trailing      | 48
        ",
        with,
    );
}

#[test]
fn pre_shared_keys() {
    check::<ClientHello>(
        "
        identities<7..2^16-1>             |                           / 20 {bb}*32               | pre_shared_key.identities            | IllegalLength | 47
        identity<1..2^16-1>               | 0000 00000000 00          / 20 {bb}*32               | pre_shared_key.identity              | IllegalLength | 49
        an identity without its age       | 0005 6162636465           / 20 {bb}*32               | pre_shared_key.obfuscated_ticket_age | Truncated     | 56
        binders<33..2^16-1>               | 0001 61 00000000          / 1f {bb}*31               | pre_shared_key.binders               | IllegalLength | 56
        PskBinderEntry<32..255>           | 0001 61 00000000          / 1f {bb}*31 20 {bb}*32    | pre_shared_key.binder                | IllegalLength | 58
        a binder too many                 | 0001 61 00000000          / {20 bbbbbbbbbbbbbbbb bbbbbbbbbbbbbbbb bbbbbbbbbbbbbbbb bbbbbbbbbbbbbbbb}*2 | pre_shared_key.binders | IllegalValue | 56
        a binder too few                  | {0001 61 00000000}*2      / 20 {bb}*32               | pre_shared_key.binders               | IllegalValue  | 63
        257 identities                    | {0001 61 00000000}*257    / 20 {bb}*32               | pre_shared_key.identities            | TooMany       | 1841
        ",
        with_pre_shared_key,
    );
}

#[test]
fn an_address_or_an_unknown_type_of_name_is_no_name_and_no_error() {
    for extension in [
        "0000 000e 000c 00 0009 3132372e302e302e31",
        "0000 0008 0006 00 0003 3a3a31",
        "0000 0006 0004 01 0001 61",
    ] {
        let hello = ClientHello::from_bytes(&hex(&with(extension))).unwrap();
        assert_eq!(hello.extensions.server_name, None);
    }
    let upper = "0000 0007 0005 00 0002 4162";
    let hello = ClientHello::from_bytes(&hex(&with(upper))).unwrap();
    assert_eq!(hello.extensions.server_name.unwrap().as_str(), "ab");
}

#[test]
fn a_record_size_limit_above_the_protocols_is_for_newer_peers() {
    for (bytes, limit) in [("ffff", 0xffff), ("0040", 64)] {
        let hello = ClientHello::from_bytes(&hex(&with(&format!("001c 0002 {bytes}")))).unwrap();
        assert_eq!(hello.extensions.record_size_limit, Some(limit));
    }
}
