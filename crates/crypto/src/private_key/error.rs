use std::fmt;

/// Why a private key cannot be used, and what to do about it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum KeyError {
    /// The file is not PEM, or a section in it is broken.
    Pem(
        /// What is wrong with it.
        String,
    ),
    /// There is no private key in the file.
    NoPrivateKey {
        /// The labels of what is there, as `CERTIFICATE`.
        found: Vec<String>,
    },
    /// There are several, and none can be told to be the right one.
    SeveralPrivateKeys {
        /// How many.
        count: usize,
    },
    /// The key is encrypted, and there is no passphrase for it.
    Encrypted,
    /// The passphrase is not that of the key.
    Passphrase,
    /// The key is encrypted in a way that is not supported.
    Encryption {
        /// Which.
        scheme: String,
    },
    /// To make a key of the passphrase takes more work than is done for a file.
    TooCostly(
        /// What it would take.
        String,
    ),
    /// An RSA key whose public exponent nobody should use.
    Exponent,
    /// The key is in OpenSSH's own format.
    OpenSsh,
    /// An RSA key too short to be safe.
    TooWeak {
        /// The modulus' length in bits.
        bits: usize,
    },
    /// An RSA key too long to be useful.
    TooLong {
        /// The modulus' length in bits.
        bits: usize,
    },
    /// A key for something that TLS or Keyward does not have.
    UnsupportedAlgorithm {
        /// The algorithm's name, or its OID in dotted form.
        algorithm: String,
    },
    /// A certificate where a key was expected, in DER.
    Certificate,
    /// Neither PKCS#8 nor PKCS#1 nor SEC1, or the numbers in it do not belong together.
    Malformed,
}

impl fmt::Display for KeyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Pem(cause) => write!(f, "not a valid PEM file: {cause}; write the key again, e.g. with `openssl pkey`"),
            Self::NoPrivateKey { found } if found.is_empty() => f.write_str(
                "no PEM section in it; name the file that starts with `-----BEGIN PRIVATE KEY-----`, \
                 or convert DER with `openssl pkey -inform DER`",
            ),
            Self::NoPrivateKey { found } => write!(
                f,
                "no private key in it, only {}; name the file that holds the key",
                found.join(", ")
            ),
            Self::SeveralPrivateKeys { count } => {
                write!(f, "{count} private keys in it; put each into a file of its own")
            }
            Self::Encrypted => f.write_str(
                "the key is encrypted, and there is no passphrase for it; name one, or decrypt it with \
                 `openssl pkey -in FILE -out FILE` and protect the file by its permissions",
            ),
            Self::Passphrase => f.write_str(
                "the passphrase is not that of this key; check it with `openssl pkey -in FILE -noout`",
            ),
            Self::Encryption { scheme } => write!(
                f,
                "the key is encrypted by {scheme}, which is not supported; encrypt it with AES by \
                 `openssl pkcs8 -topk8 -v2 aes-256-cbc -in FILE -out FILE`"
            ),
            Self::TooCostly(what) => write!(
                f,
                "to open the encrypted key would take {what}: more work than is done for a file; encrypt it anew with \
                 `openssl pkcs8 -topk8 -v2 aes-256-cbc -iter 600000 -in FILE -out FILE`"
            ),
            Self::Exponent => f.write_str(
                "an RSA key with a public exponent below 65537; make a new key with `openssl genpkey -algorithm RSA`",
            ),
            Self::OpenSsh => {
                f.write_str("an OpenSSH key; convert it with `ssh-keygen -p -m PKCS8 -f FILE`, or make a key for TLS")
            }
            Self::TooWeak { bits } => {
                write!(f, "RSA {bits} is too weak; make a key of at least 2048 bits, or better ECDSA P-256")
            }
            Self::TooLong { bits } => write!(
                f,
                "RSA {bits} is longer than the supported 4096 bits; make a key of 2048 to 4096 bits, or better ECDSA P-256"
            ),
            Self::UnsupportedAlgorithm { algorithm } => write!(
                f,
                "a key for {algorithm} is not supported; use RSA, ECDSA on P-256, P-384 or P-521, or Ed25519"
            ),
            Self::Certificate => f.write_str("a certificate, not a private key; name the file that holds the key"),
            Self::Malformed => f.write_str(
                "not a valid PKCS#8, PKCS#1 or SEC1 private key, or its numbers do not belong together; \
                 check it with `openssl pkey -check`",
            ),
        }
    }
}

impl std::error::Error for KeyError {}
