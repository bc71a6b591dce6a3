//! Key derivation functions that write into the caller's buffer.

use aws_lc_sys::{CRYPTO_tls1_prf, HKDF_expand};

use super::digest::evp_md;
use crate::hash::HashAlgorithm;

/// The PRF of TLS 1.2 (RFC 5246 §5), over `seed` in two parts. `false` if AWS-LC has no memory.
pub(crate) fn tls12_prf(
    algorithm: HashAlgorithm,
    secret: &[u8],
    label: &[u8],
    seed: [&[u8]; 2],
    out: &mut [u8],
) -> bool {
    // SAFETY: all buffers are given with their true lengths.
    let result = unsafe {
        CRYPTO_tls1_prf(
            evp_md(algorithm),
            out.as_mut_ptr(),
            out.len(),
            secret.as_ptr(),
            secret.len(),
            label.as_ptr().cast(),
            label.len(),
            seed[0].as_ptr(),
            seed[0].len(),
            seed[1].as_ptr(),
            seed[1].len(),
        )
    };
    result == 1
}

/// HKDF-Expand (RFC 5869 §2.3). `false` if more than 255 digests are asked for.
pub(crate) fn hkdf_expand(
    algorithm: HashAlgorithm,
    prk: &[u8],
    info: &[u8],
    out: &mut [u8],
) -> bool {
    // SAFETY: all buffers are given with their true lengths.
    let result = unsafe {
        HKDF_expand(
            out.as_mut_ptr(),
            out.len(),
            evp_md(algorithm),
            prk.as_ptr(),
            prk.len(),
            info.as_ptr(),
            info.len(),
        )
    };
    result == 1
}
