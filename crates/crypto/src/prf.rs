//! The TLS 1.2 pseudorandom function (RFC 5246 §5).

use crate::hash::HashAlgorithm;
use crate::hmac::HmacKey;

/// `PRF(secret, label, seed)` into the whole of `out`; the parts of `seed` count as one string.
///
/// `algorithm` is the cipher suite's: SHA-256 or SHA-384.
pub fn tls12(
    algorithm: HashAlgorithm,
    secret: &[u8],
    label: &[u8],
    seed: &[&[u8]],
    out: &mut [u8],
) {
    // PRF(secret, label, seed) = P_<hash>(secret, label + seed)
    let key = HmacKey::new(algorithm, secret);
    let mut parts = Vec::with_capacity(2 + seed.len());
    parts.extend([&[], label]);
    parts.extend(seed);

    // P_hash(secret, seed) = HMAC_hash(secret, A(1) + seed) +
    //                        HMAC_hash(secret, A(2) + seed) + ...
    // A(0) = seed
    // A(i) = HMAC_hash(secret, A(i-1))
    let mut a = key.derive(&parts[1..]);
    for chunk in out.chunks_mut(algorithm.output_len()) {
        let mut with_a = parts.clone();
        with_a[0] = a.as_bytes();
        let block = key.derive(&with_a);
        chunk.copy_from_slice(&block.as_bytes()[..chunk.len()]);
        a = key.derive(&[a.as_bytes()]);
    }
}
