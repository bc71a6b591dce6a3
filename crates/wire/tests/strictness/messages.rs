//! The other messages.

use keyward_wire::*;

use super::{check, plain};

#[test]
fn certificate_tls12() {
    check::<CertificateTls12>(
        "
        ASN.1Cert<1..2^24-1>              | 000003 000000           | Certificate.cert_data        | IllegalLength | 3
        a chain longer than the message   | ffffff 00               | Certificate.certificate_list | Truncated     | 3
        257 certificates                  | 000404 {000001 30}*257  | Certificate.certificate_list | TooMany       | 1027
        bytes after the chain             | 000000 00               | Certificate                  | Trailing      | 3
        ",
        plain,
    );
}

#[test]
fn certificate_tls13() {
    check::<CertificateTls13>(
        "
        cert_data<1..2^24-1>              | 00 000005 000000 0000            | Certificate.cert_data        | IllegalLength | 4
        no extensions                     | 00 000004 000001 30              | CertificateEntry.extensions  | Truncated     | 8
        257 certificates                  | 00 000606 {000001 30 0000}*257   | Certificate.certificate_list | TooMany       | 1540
        bytes after the chain             | 00 000000 00                     | Certificate                  | Trailing      | 4
        ",
        plain,
    );
}

#[test]
fn certificate_request() {
    check::<CertificateRequestTls13>(
        "
        signature_algorithms is mandatory          | 00 0000                   | signature_algorithms                              | Missing       | 1
        ",
        plain,
    );
    check::<CertificateRequestTls12>(
        "
        certificate_types<1..2^8-1>                | 00 0002 0401 0000         | CertificateRequest.certificate_types              | IllegalLength | 0
        supported_signature_algorithms<2..2^16-2>  | 01 01 0000 0000           | CertificateRequest.supported_signature_algorithms | IllegalLength | 2
        DistinguishedName<1..2^16-1>               | 01 01 0002 0401 0002 0000 | certificate_authorities.distinguished_name        | IllegalLength | 8
        ",
        plain,
    );
}

#[test]
fn certificate_status_and_compressed_certificate() {
    check::<CertificateStatus>(
        "a status that is not OCSP | 00 000001 30 | status_request.status_type | IllegalValue | 0",
        plain,
    );
    check::<CompressedCertificate>(
        "
        compressed_certificate_message<1..2^24-1>  | 0001 000001 000000 | CompressedCertificate.compressed_certificate_message | IllegalLength | 5
        ",
        plain,
    );
}

#[test]
fn key_exchanges() {
    check::<ServerKeyExchange>(
        "
        a curve spelled out   | 01 0017 01 04 0403 0000     | ServerECDHParams.curve_type  | IllegalValue  | 0
        ECPoint<1..2^8-1>     | 03 0017 00 0403 0000        | ServerECDHParams.public      | IllegalLength | 3
        not signed            | 03 0017 01 04               | ServerKeyExchange.algorithm  | Truncated     | 5
        bytes after           | 03 0017 01 04 0403 0000 00  | ServerKeyExchange            | Trailing      | 9
        ",
        plain,
    );
    check::<EcdhClientKeyExchange>(
        "
        ECPoint<1..2^8-1>     | 00                          | ClientKeyExchange.ecdh_Yc    | IllegalLength | 0
        bytes after           | 01 04 00                    | ClientKeyExchange            | Trailing      | 2
        ",
        plain,
    );
    check::<ServerKeyExchange<ServerDhParams>>(
        "
        dh_p<1..2^16-1>       | 0000 0001 02 0001 03 0804 0000     | ServerDHParams.dh_p       | IllegalLength | 0
        dh_g<1..2^16-1>       | 0001 17 0000 0001 03 0804 0000     | ServerDHParams.dh_g       | IllegalLength | 3
        dh_Ys<1..2^16-1>      | 0001 17 0001 02 0000 0804 0000     | ServerDHParams.dh_Ys      | IllegalLength | 6
        cut                   | 0001 17 0001 02 0002 03            | ServerDHParams.dh_Ys      | Truncated     | 8
        bytes after           | 0001 17 0001 02 0001 03 0804 0000 00 | ServerKeyExchange       | Trailing      | 13
        ",
        plain,
    );
    check::<DhClientKeyExchange>(
        "
        dh_Yc<1..2^16-1>      | 0000        | ClientKeyExchange.dh_Yc | IllegalLength | 0
        cut                   | 0002 00     | ClientKeyExchange.dh_Yc | Truncated     | 2
        bytes after           | 0001 00 00  | ClientKeyExchange       | Trailing      | 3
        ",
        plain,
    );
    check::<RsaClientKeyExchange>(
        "
        cut                   | 0002 00     | ClientKeyExchange.encrypted_pre_master_secret | Truncated     | 2
        bytes after           | 0001 00 00  | ClientKeyExchange                             | Trailing      | 3
        ",
        plain,
    );
}

#[test]
fn new_session_ticket() {
    check::<NewSessionTicketTls13>(
        "
        ticket<1..2^16-1>     | 00000000 00000000 00 0000 0000   | NewSessionTicket.ticket     | IllegalLength | 9
        no extensions         | 00000000 00000000 00 0001 00     | NewSessionTicket.extensions | Truncated     | 12
        ",
        plain,
    );
    check::<NewSessionTicketTls12>(
        "bytes after          | 00000000 0000 00                 | NewSessionTicket            | Trailing      | 6",
        plain,
    );
}

#[test]
fn small_messages() {
    check::<CertificateVerify>(
        "
        cut           | 0804 0001     | CertificateVerify.signature | Truncated     | 4
        bytes after   | 0804 0000 00  | CertificateVerify           | Trailing      | 4
        ",
        plain,
    );
    check::<Finished>(
        "
        11 bytes      | {00}*11       | Finished.verify_data        | IllegalLength | 0
        65 bytes      | {00}*65       | Finished.verify_data        | IllegalLength | 0
        ",
        plain,
    );
    check::<KeyUpdate>(
        "
        2             | 02            | KeyUpdate.request_update    | IllegalValue  | 0
        empty         |               | KeyUpdate.request_update    | Truncated     | 0
        bytes after   | 0000          | KeyUpdate                   | Trailing      | 1
        ",
        plain,
    );
    check::<ServerHelloDone>("not empty | 00 | ServerHelloDone | Trailing | 0", plain);
    check::<EndOfEarlyData>("not empty | 00 | EndOfEarlyData | Trailing | 0", plain);
    check::<HelloRequest>("not empty | 00 | HelloRequest | Trailing | 0", plain);
    check::<RecordHeader>("cut | 16030300 | record header | Truncated | 0", plain);
}
