//! What a handshake can be made of: versions, suites, groups, kinds of certificates, ways that a handshake goes.

use std::fmt;

use keyward_pki::KeyAlgorithm;

/// A protocol version.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Version {
    /// RFC 9846.
    Tls13,
    /// RFC 5246.
    Tls12,
}

impl Version {
    /// Both, the newer one first.
    pub const ALL: [Self; 2] = [Self::Tls13, Self::Tls12];

    /// `1.3` or `1.2`.
    pub fn number(self) -> &'static str {
        match self {
            Self::Tls13 => "1.3",
            Self::Tls12 => "1.2",
        }
    }

    /// The ways that a handshake may go in the version.
    pub fn flows(self) -> &'static [Flow] {
        match self {
            Self::Tls13 => &[Flow::Full, Flow::HelloRetry, Flow::Ticket, Flow::EarlyData],
            Self::Tls12 => &[Flow::Full, Flow::Ticket, Flow::SessionId],
        }
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TLS {}", self.number())
    }
}

/// What a suite asks of the certificate and of the key exchange.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyExchange {
    /// TLS 1.3 leaves both open.
    Tls13,
    /// An elliptic curve's share, signed with ECDSA or EdDSA.
    EcdheEcdsa,
    /// An elliptic curve's share, signed with RSA.
    EcdheRsa,
    /// A finite field's share, signed with RSA.
    DheRsa,
    /// The premaster secret, encrypted with RSA.
    Rsa,
}

/// A cipher suite.
#[derive(Debug, PartialEq, Eq)]
pub struct Suite {
    /// The code point.
    pub code: u16,
    /// The IANA name.
    pub name: &'static str,
    /// OpenSSL's name.
    pub openssl: &'static str,
    /// Its key exchange.
    pub key_exchange: KeyExchange,
}

impl Suite {
    /// The suite that IANA or OpenSSL calls so.
    pub fn named(name: &str) -> Option<&'static Self> {
        SUITES
            .iter()
            .find(|suite| suite.name == name || suite.openssl == name)
    }

    /// The suite of this code point.
    pub fn of(code: u16) -> Option<&'static Self> {
        SUITES.iter().find(|suite| suite.code == code)
    }

    /// The version that it belongs to.
    pub fn version(&self) -> Version {
        match self.key_exchange {
            KeyExchange::Tls13 => Version::Tls13,
            _ => Version::Tls12,
        }
    }

    /// The kinds of groups that it can be used with; empty where there is none in it.
    pub fn group_kinds(&self) -> &'static [GroupKind] {
        use GroupKind::{Curve, FiniteField, Hybrid};
        match self.key_exchange {
            KeyExchange::Tls13 => &[Curve, Hybrid, FiniteField],
            KeyExchange::EcdheEcdsa | KeyExchange::EcdheRsa => &[Curve],
            KeyExchange::DheRsa => &[FiniteField],
            KeyExchange::Rsa => &[],
        }
    }

    /// Whether a server with such a certificate can use it.
    pub fn fits(&self, certificate: Certificate) -> bool {
        match self.key_exchange {
            KeyExchange::Tls13 => true,
            KeyExchange::EcdheEcdsa => !certificate.is_rsa() && !certificate.is_ml_dsa(),
            KeyExchange::EcdheRsa | KeyExchange::DheRsa => certificate.is_rsa(),
            KeyExchange::Rsa => certificate == Certificate::Rsa,
        }
    }
}

const fn suite(
    code: u16,
    name: &'static str,
    openssl: &'static str,
    key_exchange: KeyExchange,
) -> Suite {
    Suite {
        code,
        name,
        openssl,
        key_exchange,
    }
}

/// Every suite that Keyward is to speak.
#[rustfmt::skip]
pub static SUITES: [Suite; 30] = {
    use KeyExchange::{DheRsa, EcdheEcdsa, EcdheRsa, Rsa, Tls13};
    [
        suite(0x1301, "TLS_AES_128_GCM_SHA256", "TLS_AES_128_GCM_SHA256", Tls13),
        suite(0x1302, "TLS_AES_256_GCM_SHA384", "TLS_AES_256_GCM_SHA384", Tls13),
        suite(0x1303, "TLS_CHACHA20_POLY1305_SHA256", "TLS_CHACHA20_POLY1305_SHA256", Tls13),
        suite(0xc02b, "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256", "ECDHE-ECDSA-AES128-GCM-SHA256", EcdheEcdsa),
        suite(0xc02c, "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384", "ECDHE-ECDSA-AES256-GCM-SHA384", EcdheEcdsa),
        suite(0xcca9, "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256", "ECDHE-ECDSA-CHACHA20-POLY1305", EcdheEcdsa),
        suite(0xc009, "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA", "ECDHE-ECDSA-AES128-SHA", EcdheEcdsa),
        suite(0xc00a, "TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA", "ECDHE-ECDSA-AES256-SHA", EcdheEcdsa),
        suite(0xc023, "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA256", "ECDHE-ECDSA-AES128-SHA256", EcdheEcdsa),
        suite(0xc024, "TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA384", "ECDHE-ECDSA-AES256-SHA384", EcdheEcdsa),
        suite(0xc02f, "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256", "ECDHE-RSA-AES128-GCM-SHA256", EcdheRsa),
        suite(0xc030, "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384", "ECDHE-RSA-AES256-GCM-SHA384", EcdheRsa),
        suite(0xcca8, "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256", "ECDHE-RSA-CHACHA20-POLY1305", EcdheRsa),
        suite(0xc013, "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA", "ECDHE-RSA-AES128-SHA", EcdheRsa),
        suite(0xc014, "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA", "ECDHE-RSA-AES256-SHA", EcdheRsa),
        suite(0xc027, "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA256", "ECDHE-RSA-AES128-SHA256", EcdheRsa),
        suite(0xc028, "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA384", "ECDHE-RSA-AES256-SHA384", EcdheRsa),
        suite(0x009e, "TLS_DHE_RSA_WITH_AES_128_GCM_SHA256", "DHE-RSA-AES128-GCM-SHA256", DheRsa),
        suite(0x009f, "TLS_DHE_RSA_WITH_AES_256_GCM_SHA384", "DHE-RSA-AES256-GCM-SHA384", DheRsa),
        suite(0xccaa, "TLS_DHE_RSA_WITH_CHACHA20_POLY1305_SHA256", "DHE-RSA-CHACHA20-POLY1305", DheRsa),
        suite(0x0033, "TLS_DHE_RSA_WITH_AES_128_CBC_SHA", "DHE-RSA-AES128-SHA", DheRsa),
        suite(0x0039, "TLS_DHE_RSA_WITH_AES_256_CBC_SHA", "DHE-RSA-AES256-SHA", DheRsa),
        suite(0x0067, "TLS_DHE_RSA_WITH_AES_128_CBC_SHA256", "DHE-RSA-AES128-SHA256", DheRsa),
        suite(0x006b, "TLS_DHE_RSA_WITH_AES_256_CBC_SHA256", "DHE-RSA-AES256-SHA256", DheRsa),
        suite(0x009c, "TLS_RSA_WITH_AES_128_GCM_SHA256", "AES128-GCM-SHA256", Rsa),
        suite(0x009d, "TLS_RSA_WITH_AES_256_GCM_SHA384", "AES256-GCM-SHA384", Rsa),
        suite(0x002f, "TLS_RSA_WITH_AES_128_CBC_SHA", "AES128-SHA", Rsa),
        suite(0x0035, "TLS_RSA_WITH_AES_256_CBC_SHA", "AES256-SHA", Rsa),
        suite(0x003c, "TLS_RSA_WITH_AES_128_CBC_SHA256", "AES128-SHA256", Rsa),
        suite(0x003d, "TLS_RSA_WITH_AES_256_CBC_SHA256", "AES256-SHA256", Rsa),
    ]
};

/// The kind of a group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GroupKind {
    /// An elliptic curve.
    Curve,
    /// An elliptic curve and ML-KEM.
    Hybrid,
    /// A finite field (RFC 7919).
    FiniteField,
}

/// A group for the key exchange.
#[derive(Debug, PartialEq, Eq)]
pub struct Group {
    /// The code point.
    pub code: u16,
    /// The IANA name.
    pub name: &'static str,
    /// What OpenSSL calls it in options and in its output.
    pub openssl: &'static str,
    /// Its kind.
    pub kind: GroupKind,
}

impl Group {
    /// The group that IANA or OpenSSL calls so.
    pub fn named(name: &str) -> Option<&'static Self> {
        GROUPS
            .iter()
            .find(|group| group.name.eq_ignore_ascii_case(name) || group.openssl == name)
    }

    /// Its bits, by which elliptic curves are compared.
    pub fn bits(&self) -> u16 {
        match self.name {
            "secp384r1" => 384,
            "secp521r1" => 521,
            "x25519" | "secp256r1" | "X25519MLKEM768" => 256,
            finite_field => finite_field
                .trim_start_matches(|letter: char| letter.is_ascii_alphabetic())
                .parse()
                .unwrap_or_default(),
        }
    }

    /// The group of this code point.
    pub fn of(code: u16) -> Option<&'static Self> {
        GROUPS.iter().find(|group| group.code == code)
    }
}

const fn group(code: u16, name: &'static str, openssl: &'static str, kind: GroupKind) -> Group {
    Group {
        code,
        name,
        openssl,
        kind,
    }
}

/// Every group that Keyward is to speak.
pub static GROUPS: [Group; 10] = {
    use GroupKind::{Curve, FiniteField, Hybrid};
    [
        group(0x11ec, "X25519MLKEM768", "X25519MLKEM768", Hybrid),
        group(0x001d, "x25519", "X25519", Curve),
        group(0x0017, "secp256r1", "prime256v1", Curve),
        group(0x0018, "secp384r1", "secp384r1", Curve),
        group(0x0019, "secp521r1", "secp521r1", Curve),
        group(0x0100, "ffdhe2048", "ffdhe2048", FiniteField),
        group(0x0101, "ffdhe3072", "ffdhe3072", FiniteField),
        group(0x0102, "ffdhe4096", "ffdhe4096", FiniteField),
        group(0x0103, "ffdhe6144", "ffdhe6144", FiniteField),
        group(0x0104, "ffdhe8192", "ffdhe8192", FiniteField),
    ]
};

/// The key in a certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Certificate {
    /// RSA, 2048 bits.
    Rsa,
    /// RSA, 2048 bits, for RSASSA-PSS alone (the `rsa_pss_pss` schemes).
    RsaPss,
    /// ECDSA on P-256.
    P256,
    /// ECDSA on P-384.
    P384,
    /// ECDSA on P-521.
    P521,
    /// Ed25519.
    Ed25519,
    /// ML-DSA-44, in TLS 1.3 alone.
    MlDsa44,
    /// ML-DSA-65, in TLS 1.3 alone.
    MlDsa65,
    /// ML-DSA-87, in TLS 1.3 alone.
    MlDsa87,
}

impl Certificate {
    /// All of them.
    pub const ALL: [Self; 9] = [
        Self::Rsa,
        Self::RsaPss,
        Self::P256,
        Self::P384,
        Self::P521,
        Self::Ed25519,
        Self::MlDsa44,
        Self::MlDsa65,
        Self::MlDsa87,
    ];

    /// Those of a version.
    pub fn of(version: Version) -> impl Iterator<Item = Self> {
        let all = Self::ALL.into_iter();
        all.filter(move |kind| version == Version::Tls13 || !kind.is_ml_dsa())
    }

    /// Whether its key is of RSA.
    pub fn is_rsa(self) -> bool {
        matches!(self, Self::Rsa | Self::RsaPss)
    }

    /// Whether its key is of ML-DSA.
    pub fn is_ml_dsa(self) -> bool {
        matches!(self, Self::MlDsa44 | Self::MlDsa65 | Self::MlDsa87)
    }

    /// A word for file names, host names and the peers' programs.
    pub fn word(self) -> &'static str {
        self.algorithm().map_or("rsapss", KeyAlgorithm::name)
    }

    /// Its kind of key, if `crates/pki` makes such.
    pub fn algorithm(self) -> Option<KeyAlgorithm> {
        Some(match self {
            Self::RsaPss => return None,
            Self::Rsa => KeyAlgorithm::Rsa2048,
            Self::P256 => KeyAlgorithm::P256,
            Self::P384 => KeyAlgorithm::P384,
            Self::P521 => KeyAlgorithm::P521,
            Self::Ed25519 => KeyAlgorithm::Ed25519,
            Self::MlDsa44 => KeyAlgorithm::MlDsa44,
            Self::MlDsa65 => KeyAlgorithm::MlDsa65,
            Self::MlDsa87 => KeyAlgorithm::MlDsa87,
        })
    }

    /// The curve of an ECDSA key.
    pub fn curve(self) -> Option<&'static Group> {
        match self {
            Self::P256 => Group::named("secp256r1"),
            Self::P384 => Group::named("secp384r1"),
            Self::P521 => Group::named("secp521r1"),
            _ => None,
        }
    }

    /// The one that [`word`](Self::word) says.
    pub fn named(word: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|certificate| certificate.word() == word)
    }
}

impl fmt::Display for Certificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Rsa => "RSA-2048",
            Self::RsaPss => "RSASSA-PSS",
            Self::P256 => "ECDSA P-256",
            Self::P384 => "ECDSA P-384",
            Self::P521 => "ECDSA P-521",
            Self::Ed25519 => "Ed25519",
            Self::MlDsa44 => "ML-DSA-44",
            Self::MlDsa65 => "ML-DSA-65",
            Self::MlDsa87 => "ML-DSA-87",
        })
    }
}

/// How a handshake goes, or two of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Flow {
    /// A full handshake, and a key share that the server takes.
    Full,
    /// A full handshake, begun with a share of a group that the server does not take (TLS 1.3).
    HelloRetry,
    /// A second connection resumes the session of the first by a ticket: a PSK of TLS 1.3, or RFC 5077.
    Ticket,
    /// The same, and the second connection begins with early data (TLS 1.3).
    EarlyData,
    /// A second connection resumes the session of the first by a session id of TLS 1.2.
    SessionId,
}

impl Flow {
    /// How many connections it takes.
    pub fn connections(self) -> usize {
        match self {
            Self::Full | Self::HelloRetry => 1,
            Self::Ticket | Self::EarlyData | Self::SessionId => 2,
        }
    }
}

impl fmt::Display for Flow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Full => "full",
            Self::HelloRetry => "HelloRetryRequest",
            Self::Ticket => "ticket",
            Self::EarlyData => "early data",
            Self::SessionId => "session id",
        })
    }
}

/// Who is the client.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Direction {
    /// The peer connects to Keyward.
    KeywardServes,
    /// Keyward connects to the peer.
    KeywardConnects,
}

impl Direction {
    /// Both.
    pub const ALL: [Self; 2] = [Self::KeywardServes, Self::KeywardConnects];
}
