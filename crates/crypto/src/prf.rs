//! The TLS 1.2 pseudorandom function (RFC 5246 §5).

use aws_lc_rs::tls_prf::{self, P_SHA256, P_SHA384, P_SHA512};

use crate::hash::HashAlgorithm;

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
    if out.is_empty() {
        return;
    }
    let algorithm = match algorithm {
        HashAlgorithm::Sha256 => &P_SHA256,
        HashAlgorithm::Sha384 => &P_SHA384,
        HashAlgorithm::Sha512 => &P_SHA512,
        HashAlgorithm::Sha1 => panic!("no cipher suite of TLS 1.2 has a PRF with SHA-1"),
    };
    let secret =
        tls_prf::Secret::new(algorithm, secret).expect("a premaster or master secret is not empty");
    let derived = match seed {
        [seed] => secret.derive(label, seed, out.len()),
        [first, second] => secret.derive_with_seed_concatination(label, first, second, out.len()),
        parts => secret.derive(label, &parts.concat(), out.len()),
    };
    // Both secrets wipe themselves.
    out.copy_from_slice(
        derived
            .expect("AWS-LC's PRF has no other inputs to refuse")
            .as_ref(),
    );
}
