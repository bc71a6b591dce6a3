//! Blocks of extensions refuse what belongs elsewhere.

use keyward_wire::*;

use super::{check, hex};

/// A block: its length, and `extensions` from byte 2.
fn block(extensions: &str) -> String {
    format!("{:04x} {extensions}", hex(extensions).len())
}

#[test]
fn encrypted_extensions() {
    check::<EncryptedExtensions>(
        "
        key_share of HelloRetryRequest  | 0033 0002 001d      | key_share              | Forbidden          | 2
        supported_versions              | 002b 0002 0304      | supported_versions     | Forbidden          | 2
        renegotiation_info              | ff01 0001 00        | renegotiation_info     | Forbidden          | 2
        extended_master_secret          | 0017 0000           | extended_master_secret | Forbidden          | 2
        server_name twice               | 0000 0000 0000 0000 | server_name            | DuplicateExtension | 6
        max_early_data_size             | 002a 0004 00000000  | early_data             | Trailing           | 6
        ",
        block,
    );
}

#[test]
fn certificate_entry() {
    check::<CertificateEntryExtensions>(
        "
        alpn                            | 0010 0005 0003 02 6832   | application_layer_protocol_negotiation | Forbidden     | 2
        an empty credential             | 0022 0000                | delegated_credential                   | Truncated     | 6
        a status that is not OCSP       | 0005 0005 02 000001 30   | status_request.status_type             | IllegalValue  | 6
        OCSPResponse<1..2^24-1>         | 0005 0004 01 000000      | OCSPResponse                           | IllegalLength | 7
        ",
        block,
    );
}

#[test]
fn new_session_ticket() {
    check::<NewSessionTicketExtensions>(
        "
        pre_shared_key                  | 0029 0002 0000      | pre_shared_key                 | Forbidden | 2
        early_data without a size       | 002a 0000           | early_data.max_early_data_size | Truncated | 6
        ",
        block,
    );
}

#[test]
fn certificate_request() {
    check::<CertificateRequestExtensions>(
        "
        server_name                         | 0000 0000                   | server_name                           | Forbidden     | 2
        certificate_extension_oid<1..2^8-1> | 0030 0005 0003 00 0000      | oid_filters.certificate_extension_oid | IllegalLength | 8
        ",
        block,
    );
}
