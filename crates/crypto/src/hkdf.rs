//! HKDF as TLS 1.3 uses it (RFC 5869, RFC 9846 §7.1).

use std::fmt;

use zeroize::ZeroizeOnDrop;

use crate::hash::HashAlgorithm;
use crate::raw::{self, HmacContext, Wiped};

/// A secret of up to 64 bytes: a stage of the key schedule, a traffic secret, a PSK. Wiped when dropped.
///
/// The bytes are on the heap: a secret moves from one state of a handshake to the next, and a move copies what is within
/// a value, and leaves the old copy behind.
///
/// `Clone` is there because a key schedule forks: one secret is the input of several derivations that outlive one
/// another, and a session's secret stays while tickets are made of it. Each copy wipes itself.
#[derive(Clone)]
pub struct Secret(Box<[u8]>);

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
        Self(secret.into())
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
}

impl Drop for Secret {
    fn drop(&mut self) {
        raw::wipe(&mut self.0);
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
        let info = HkdfLabel::new(label, context, out.len());
        if out.len() <= self.algorithm.output_len() {
            let mut block = Wiped::zeros();
            self.context.tag(info.first_block(), &mut block);
            out.copy_from_slice(&block[..out.len()]);
        } else {
            let info = info.parts().concat();
            let expanded = raw::hkdf_expand(self.algorithm, self.secret.as_bytes(), &info, out);
            assert!(expanded, "at most 255 digests are asked for");
        }
    }

    /// [`label`](Self::label) with the digest's length as output: how a stage of the key schedule follows from another.
    pub fn secret(&mut self, label: &[u8], context: &[u8]) -> Secret {
        let info = HkdfLabel::new(label, context, self.algorithm.output_len());
        self.context.derive(info.first_block())
    }
}

/// `HkdfLabel` of RFC 9846 §7.1, with the lengths as they are encoded:
///
/// ```text
/// struct {
///     uint16 length = Length;
///     opaque label<7..255> = "tls13 " + Label;
///     opaque context<0..255> = Context;
/// } HkdfLabel;
/// ```
struct HkdfLabel<'a> {
    length: [u8; 2],
    label_len: [u8; 1],
    label: &'a [u8],
    context_len: [u8; 1],
    context: &'a [u8],
}

impl<'a> HkdfLabel<'a> {
    const PREFIX: &'static [u8] = b"tls13 ";

    fn new(label: &'a [u8], context: &'a [u8], length: usize) -> Self {
        let label_len = Self::PREFIX.len() + label.len();
        Self {
            length: u16::try_from(length)
                .expect("key schedule outputs are short")
                .to_be_bytes(),
            label_len: [u8::try_from(label_len).expect("key schedule labels are short")],
            label,
            context_len: [u8::try_from(context.len()).expect("a context is a digest or shorter")],
            context,
        }
    }

    fn parts(&self) -> [&[u8]; 6] {
        [
            &self.length,
            &self.label_len,
            Self::PREFIX,
            self.label,
            &self.context_len,
            self.context,
        ]
    }

    /// What the HMAC is of whose tag is all of the output, or its beginning. RFC 5869 §2.3: "T(1) = HMAC-Hash(PRK, T(0) |
    /// info | 0x01)", T(0) the empty string.
    fn first_block(&self) -> impl Iterator<Item = &[u8]> {
        self.parts().into_iter().chain([&[1][..]])
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
