//! Kinds of client certificate that a TLS 1.2 server asks for.

use super::registry;

registry! {
    /// `ClientCertificateType` (RFC 5246 §7.4.4, RFC 8422 §5.5).
    ClientCertificateType(u8) {
        RSA_SIGN = 1 => "rsa_sign",
        DSS_SIGN = 2 => "dss_sign",
        RSA_FIXED_DH = 3 => "rsa_fixed_dh",
        DSS_FIXED_DH = 4 => "dss_fixed_dh",
        ECDSA_SIGN = 64 => "ecdsa_sign",
    }
}
