//! Kinds of work: operations of one kind take about the same time, those of two may differ a hundredfold.

use keyward_crypto::signature::KeyKind;

/// The kind of an operation's work, by its key.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) enum WorkKind {
    P256,
    /// P-384 and P-521.
    LargerEc,
    Ed25519,
    /// RSA of up to 2048 bits.
    Rsa2048,
    /// RSA of more.
    LargerRsa,
    MlDsa,
    /// No catalog tells the key's kind.
    #[default]
    Unknown,
}

impl WorkKind {
    /// How many kinds there are.
    pub(crate) const COUNT: usize = 7;

    pub(crate) const ALL: [Self; Self::COUNT] = [
        Self::P256,
        Self::LargerEc,
        Self::Ed25519,
        Self::Rsa2048,
        Self::LargerRsa,
        Self::MlDsa,
        Self::Unknown,
    ];

    pub(crate) fn of(key: KeyKind) -> Self {
        match key {
            KeyKind::EcP256 => Self::P256,
            KeyKind::EcP384 | KeyKind::EcP521 => Self::LargerEc,
            KeyKind::Ed25519 => Self::Ed25519,
            KeyKind::Rsa { bits } | KeyKind::RsaPss { bits, .. } if bits <= 2048 => Self::Rsa2048,
            KeyKind::Rsa { .. } | KeyKind::RsaPss { .. } => Self::LargerRsa,
            KeyKind::MlDsa44 | KeyKind::MlDsa65 | KeyKind::MlDsa87 => Self::MlDsa,
        }
    }

    /// Its place in a table by kind.
    pub(crate) const fn index(self) -> usize {
        self as usize
    }

    /// For people.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::P256 => "P-256",
            Self::LargerEc => "P-384 and P-521",
            Self::Ed25519 => "Ed25519",
            Self::Rsa2048 => "RSA up to 2048",
            Self::LargerRsa => "RSA above 2048",
            Self::MlDsa => "ML-DSA",
            Self::Unknown => "unknown",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_has_its_place() {
        for (place, kind) in WorkKind::ALL.into_iter().enumerate() {
            assert_eq!(kind.index(), place);
        }
    }
}
