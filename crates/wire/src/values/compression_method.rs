//! Compression of records, which there is none of any more.

use super::registry;

registry! {
    /// `CompressionMethod` (RFC 9846 §4.2.2, RFC 3749 §2).
    CompressionMethod(u8) {
        NULL = 0 => "NULL",
        DEFLATE = 1 => "DEFLATE",
    }
}
