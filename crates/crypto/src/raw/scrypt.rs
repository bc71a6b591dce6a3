//! scrypt (RFC 7914), which encrypts private keys.

use aws_lc_sys::EVP_PBE_scrypt;

use crate::CryptoError;

/// Fills `key`. `(cost, block_size, parallel)` are scrypt's N, r and p; the caller has bounded them.
pub(crate) fn scrypt(
    passphrase: &[u8],
    salt: &[u8],
    (cost, block_size, parallel): (u64, u64, u64),
    key: &mut [u8],
) -> Result<(), CryptoError> {
    // 0 is AWS-LC's own bound, 32 MiB; more than the caller lets through is as good as none.
    const NO_BOUND: usize = usize::MAX;
    // SAFETY: all three buffers are given with their true lengths, and the passphrase is read as bytes.
    let done = unsafe {
        EVP_PBE_scrypt(
            passphrase.as_ptr().cast(),
            passphrase.len(),
            salt.as_ptr(),
            salt.len(),
            cost,
            block_size,
            parallel,
            NO_BOUND,
            key.as_mut_ptr(),
            key.len(),
        )
    };
    match done {
        1 => Ok(()),
        _ => Err(CryptoError::new("scrypt")),
    }
}
