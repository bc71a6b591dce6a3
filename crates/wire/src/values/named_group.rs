//! Groups for key exchange.

use super::{greased, registry};

registry! {
    /// `NamedGroup` (RFC 9846 §4.3.7, RFC 8422 §5.1.1, RFC 7919 §2, draft-ietf-tls-ecdhe-mlkem).
    NamedGroup(u16) {
        SECP256R1 = 23 => "secp256r1",
        SECP384R1 = 24 => "secp384r1",
        SECP521R1 = 25 => "secp521r1",
        X25519 = 29 => "x25519",
        X448 = 30 => "x448",
        FFDHE2048 = 256 => "ffdhe2048",
        FFDHE3072 = 257 => "ffdhe3072",
        FFDHE4096 = 258 => "ffdhe4096",
        FFDHE6144 = 259 => "ffdhe6144",
        FFDHE8192 = 260 => "ffdhe8192",
        MLKEM512 = 512 => "MLKEM512",
        MLKEM768 = 513 => "MLKEM768",
        MLKEM1024 = 514 => "MLKEM1024",
        SECP256R1MLKEM768 = 4587 => "SecP256r1MLKEM768",
        X25519MLKEM768 = 4588 => "X25519MLKEM768",
        SECP384R1MLKEM1024 = 4589 => "SecP384r1MLKEM1024",
    }
}

greased!(NamedGroup);
