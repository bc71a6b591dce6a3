//! ServerHello and HelloRetryRequest.

use keyward_wire::*;

use super::{check, hex, plain};

const RETRY: &str = "CF21AD74E59A6111BE1D8C021E65B891C2A211167ABB8C5E079E09E2C8A8339C";

/// A ServerHello's body: 38 bytes, the length of the extensions, and `extensions` from byte 40.
fn with(random: &str, extensions: &str) -> String {
    let length = hex(extensions).len();
    format!("0303 {random} 00 1301 00 {length:04x} {extensions}")
}

#[test]
fn fields() {
    check::<ServerHello>(
        "
        session_id<0..32>          | 0303 {00}*32 21 {ee}*33 1301 00   | ServerHello.session_id         | IllegalLength | 34
        no compression_method      | 0303 {00}*32 00 1301              | ServerHello.compression_method | Truncated     | 37
        bytes after the extensions | 0303 {00}*32 00 1301 00 0000 00   | ServerHello                    | Trailing      | 40
        ",
        plain,
    );
}

#[test]
fn server_hello_extensions() {
    let zeros = "00".repeat(32);
    check::<ServerHello>(
        "
        a list of versions                       | 002b 0003 02 0304          | supported_versions                    | Trailing           | 46
        selected_identity cut                    | 0029 0001 00               | pre_shared_key.selected_identity      | Truncated          | 44
        a name in the answer                     | 0000 0001 00               | server_name                           | Trailing           | 44
        two protocols                            | 0010 0006 0004 01 61 01 62 | alpn.protocol_name_list               | TooMany            | 48
        no protocol                              | 0010 0002 0000             | alpn.protocol_name_list               | IllegalLength      | 44
        an empty protocol                        | 0010 0004 0002 00 00       | alpn.protocol_name                    | IllegalLength      | 46
        no timestamp                             | 0012 0002 0000             | signed_certificate_timestamp.sct_list | IllegalLength      | 44
        a ticket in the extension                | 0023 0001 00               | session_ticket                        | Trailing           | 44
        an extension of ClientHello              | 000d 0004 0002 0403        | signature_algorithms                  | Forbidden          | 40
        an extension of EncryptedExtensions      | 002a 0000                  | early_data                            | Forbidden          | 40
        an extension twice                       | 0017 0000 0017 0000        | extended_master_secret                | DuplicateExtension | 44
        a cookie outside of a HelloRetryRequest  | 002c 0003 0001 00          | cookie                                | Forbidden          | 38
        key_share of a HelloRetryRequest         | 0033 0002 001d             | key_share                             | IllegalLength      | 38
        ",
        |extensions| with(&zeros, extensions),
    );
}

#[test]
fn hello_retry_request_extensions() {
    check::<ServerHello>(
        "
        key_share of a ServerHello               | 0033 0005 001d 0001 00     | key_share                             | IllegalLength      | 38
        server_name                              | 0000 0000                  | server_name                           | Forbidden          | 38
        pre_shared_key                           | 0029 0002 0000             | pre_shared_key                        | Forbidden          | 38
        ",
        |extensions| with(RETRY, extensions),
    );
}
