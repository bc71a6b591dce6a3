//! The TLS 1.2 pseudorandom function (RFC 5246 §5).

use crate::hash::HashAlgorithm;
use crate::raw;

/// `PRF(secret, label, seed)` into the whole of `out`; the parts of `seed` count as one string.
///
/// `algorithm` is the cipher suite's: SHA-256 or SHA-384.
///
/// # Panics
///
/// If `algorithm` is SHA-1, which no cipher suite has for its PRF, or `secret` is empty, which no premaster or master
/// secret is.
pub fn tls12(
    algorithm: HashAlgorithm,
    secret: &[u8],
    label: &[u8],
    seed: &[&[u8]],
    out: &mut [u8],
) {
    assert!(
        algorithm != HashAlgorithm::Sha1,
        "no cipher suite of TLS 1.2 has a PRF with SHA-1"
    );
    assert!(
        !secret.is_empty(),
        "a premaster or master secret is not empty"
    );
    let derived = match seed {
        [] => raw::tls12_prf(algorithm, secret, label, [b"", b""], out),
        [seed] => raw::tls12_prf(algorithm, secret, label, [seed, b""], out),
        [first, second] => raw::tls12_prf(algorithm, secret, label, [first, second], out),
        parts => raw::tls12_prf(algorithm, secret, label, [&parts.concat(), b""], out),
    };
    assert!(derived, "AWS-LC's PRF has no other inputs to refuse");
}
