//! How a certificate message may be compressed.

use super::registry;

registry! {
    /// `CertificateCompressionAlgorithm` (RFC 8879 §3).
    CertificateCompressionAlgorithm(u16) {
        ZLIB = 1 => "zlib",
        BROTLI = 2 => "brotli",
        ZSTD = 3 => "zstd",
    }
}
