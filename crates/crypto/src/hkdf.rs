//! HKDF as TLS 1.3 uses it (RFC 5869, RFC 9846 §7.1).

use std::fmt;

use zeroize::{ZeroizeOnDrop, Zeroizing};

use crate::hash::{Digest, HashAlgorithm};
use crate::raw::{self, HmacContext};

/// A secret of up to 64 bytes: a stage of the key schedule, a traffic secret, a PSK. Wiped when dropped.
///
/// The bytes are on the heap: a secret moves from one state of a handshake to the next, and a move copies what is within
/// a value, and leaves the old copy behind.
///
/// `Clone` is there because a key schedule forks: one secret is the input of several derivations that outlive one
/// another, and a session's secret stays while tickets are made of it. Each copy wipes itself.
#[derive(Clone)]
pub struct Secret(Zeroizing<Box<[u8]>>);

impl Secret {
    /// The longest secret in bytes: a SHA-512 output, or the X25519MLKEM768 shared secret.
    pub const MAX_LEN: usize = 64;

    /// Takes a copy of `secret`; the caller wipes the original.
    ///
    /// # Panics
    ///
    /// If `secret` is longer than [`Secret::MAX_LEN`]. Where the length comes from outside, check it first.
    pub fn from_slice(secret: &[u8]) -> Self {
        assert!(
            secret.len() <= Self::MAX_LEN,
            "a Secret holds at most {} bytes",
            Self::MAX_LEN
        );
        Self(Zeroizing::new(secret.into()))
    }

    /// The bytes themselves.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// How many bytes it has.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether it has no bytes at all.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn zeros(len: usize) -> Self {
        Self(Zeroizing::new(vec![0; len].into()))
    }
}

impl ZeroizeOnDrop for Secret {}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Secret({} bytes)", self.len())
    }
}

/// HKDF-Extract (RFC 5869 §2.2): `PRK = HMAC-Hash(salt, IKM)`. An empty `salt` is one of zeros.
pub fn extract(algorithm: HashAlgorithm, salt: &[u8], ikm: &[u8]) -> Secret {
    HmacContext::with(algorithm, salt, |context| context.derive([ikm]))
}

/// Lends `f` a secret that is ready to be expanded: what several outputs of one secret have in common is done once.
pub fn expand<T>(
    algorithm: HashAlgorithm,
    secret: &Secret,
    f: impl FnOnce(&mut Expander<'_>) -> T,
) -> T {
    HmacContext::with(algorithm, secret.as_bytes(), |context| {
        f(&mut Expander {
            algorithm,
            secret,
            context,
        })
    })
}

/// A secret whose outputs differ by label and context.
pub struct Expander<'a> {
    algorithm: HashAlgorithm,
    secret: &'a Secret,
    /// HMAC with the secret as its key.
    context: &'a mut HmacContext,
}

impl Expander<'_> {
    /// HKDF-Expand-Label (RFC 9846 §7.1) into the whole of `out`. `label` comes without its prefix `tls13 `.
    ///
    /// # Panics
    ///
    /// If the label with its prefix or `context` is longer than 255 bytes, or `out` longer than 255 digests: all three are
    /// the protocol's constants and never a peer's choice.
    pub fn label(&mut self, label: &[u8], context: &[u8], out: &mut [u8]) {
        // struct {
        //     uint16 length = Length;
        //     opaque label<7..255> = "tls13 " + Label;
        //     opaque context<0..255> = Context;
        // } HkdfLabel;
        const PREFIX: &[u8] = b"tls13 ";
        let length = u16::try_from(out.len())
            .expect("key schedule outputs are short")
            .to_be_bytes();
        let label_len =
            [u8::try_from(PREFIX.len() + label.len()).expect("key schedule labels are short")];
        let context_len = [u8::try_from(context.len()).expect("a context is a digest or shorter")];
        let info = [
            &length[..],
            &label_len,
            PREFIX,
            label,
            &context_len,
            context,
        ];
        if out.len() <= self.algorithm.output_len() {
            // RFC 5869 §2.3: "T(1) = HMAC-Hash(PRK, T(0) | info | 0x01)", T(0) the empty string, is all of the output.
            let mut block = Zeroizing::new([0; Digest::MAX_LEN]);
            let parts = info.into_iter().chain([&[1][..]]);
            self.context.tag(parts, &mut block);
            out.copy_from_slice(&block[..out.len()]);
        } else {
            let info = info.concat();
            let expanded = raw::hkdf_expand(self.algorithm, self.secret.as_bytes(), &info, out);
            assert!(expanded, "at most 255 digests are asked for");
        }
    }

    /// [`label`](Self::label) with the digest's length as output: how a stage of the key schedule follows from another.
    pub fn secret(&mut self, label: &[u8], context: &[u8]) -> Secret {
        let mut out = Secret::zeros(self.algorithm.output_len());
        self.label(label, context, &mut out.0);
        out
    }
}

impl fmt::Debug for Expander<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Expander(secret)")
    }
}

/// One output of a secret: [`Expander::label`].
pub fn expand_label(
    algorithm: HashAlgorithm,
    secret: &Secret,
    label: &[u8],
    context: &[u8],
    out: &mut [u8],
) {
    expand(algorithm, secret, |expander| {
        expander.label(label, context, out);
    });
}

/// One secret of a secret: [`Expander::secret`].
pub fn expand_label_secret(
    algorithm: HashAlgorithm,
    secret: &Secret,
    label: &[u8],
    context: &[u8],
) -> Secret {
    expand(algorithm, secret, |expander| {
        expander.secret(label, context)
    })
}
