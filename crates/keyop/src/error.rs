//! Why an operation is refused, and why an accepted one can still fail.

use core::fmt;

use keyward_compression::DecompressError;
use keyward_crypto::CryptoError;
use keyward_wire::codec::DecodeError;
use keyward_wire::values::{
    CertificateCompressionAlgorithm, CipherSuite, HandshakeType, NamedGroup, SignatureScheme,
};

use crate::delegated_credential::InvalidDelegation;

/// The rule that an operation breaks. Each variant is one rule of the check.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CheckError {
    /// The handshake messages together exceed [`MAX_MESSAGES_LEN`](crate::MAX_MESSAGES_LEN).
    TooLong {
        /// Their length in bytes.
        len: usize,
    },
    /// A handshake message cannot be parsed.
    Malformed(DecodeError),
    /// Another message than the handshake has at this place.
    UnexpectedMessage {
        /// The message in its place, or none if the messages end there.
        found: Option<HandshakeType>,
        /// What the handshake has there.
        expected: &'static str,
    },
    /// The operation names another key than the one that it is checked for.
    WrongKey,
    /// The leaf certificate holds another public key.
    CertificateOfAnotherKey,
    /// The Certificate message has no certificate.
    NoCertificate,
    /// The client does not offer this compression of certificates.
    CompressionNotOffered(CertificateCompressionAlgorithm),
    /// The CompressedCertificate cannot be decompressed.
    CompressedCertificate(DecompressError),
    /// The delegated credential beside the leaf is not valid.
    DelegatedCredential(InvalidDelegation),
    /// The Certificate message of a server has a request context.
    CertificateContext,
    /// The key is not enabled for signatures.
    SigningDisabled,
    /// The key is not enabled for RSA key transport.
    DecryptionDisabled,
    /// A client's key shall do what servers do.
    ClientKey,
    /// A key that is no client's shall do what clients do.
    NotAClientKey,
    /// The client's Certificate has another context than the CertificateRequest.
    ContextNotEchoed,
    /// The connection has no extended master secret.
    NoExtendedMasterSecret,
    /// The key is not enabled for transcript hashes.
    TranscriptHashDisabled,
    /// No hash of TLS 1.3 is this long.
    TranscriptHashLength {
        /// Its length in bytes.
        found: usize,
    },
    /// The key is not enabled for raw digests.
    RawDigestDisabled,
    /// The key is not enabled for raw RSA decryption.
    RawRsaDecryptionDisabled,
    /// The key is of a kind that does not do this.
    AlgorithmKeyMismatch,
    /// The digest has another length than its hash makes.
    RawDigestLength {
        /// Its length in bytes.
        found: usize,
        /// What the hash makes.
        expected: usize,
    },
    /// The certificate does not let its key delegate.
    DelegationNotAllowed,
    /// A key that decrypts premaster secrets delegates nothing.
    DelegationByDecryptionKey,
    /// The credential's key is one that no credential may have.
    CredentialKey,
    /// The credential is not valid any more.
    CredentialExpired,
    /// The credential is valid for longer than credentials are issued for.
    CredentialTooLong {
        /// For how many seconds from now.
        seconds: u64,
    },
    /// The credential would be valid for longer than its certificate.
    CredentialOutlivesCertificate,
    /// A name that is not a DNS name, or a wildcard for one label of one, in lower case.
    NameNotDns,
    /// No names, or more than a certificate is asked for.
    NumberOfNames {
        /// How many.
        found: usize,
    },
    /// The client does not offer the version that the operation is for.
    VersionNotOffered,
    /// The ServerHello chooses another version than the operation is for.
    WrongVersion,
    /// The ServerHello resumes a session: no private key is needed.
    Resumption,
    /// The random of the ServerHello does not derive from the nonce.
    RandomNotDerived,
    /// The ServerHello does not echo the session ID.
    SessionIdNotEchoed,
    /// The ServerHello chooses a compression method.
    Compression,
    /// The ServerHello chooses a cipher suite that the client does not offer.
    SuiteNotOffered(CipherSuite),
    /// The ServerHello chooses a cipher suite that is not for this operation.
    SuiteNotAllowed(CipherSuite),
    /// The cipher suite wants another kind of key.
    SuiteKeyMismatch(CipherSuite),
    /// HelloRetryRequest and ServerHello choose different cipher suites.
    SuiteChangedAfterRetry,
    /// The HelloRetryRequest asks for nothing, or for what the first ClientHello has already.
    RetryWithoutCause,
    /// The second ClientHello changes what it must not.
    SecondClientHelloDiffers {
        /// The field or extension.
        field: &'static str,
    },
    /// The ServerHello answers no key share of the client's.
    KeyShareNotOffered,
    /// The ServerHello has an extension that the client did not ask for.
    UnsolicitedExtension,
    /// The client does not offer the signature scheme.
    SchemeNotOffered(SignatureScheme),
    /// The signature scheme is not allowed in this version of TLS.
    SchemeNotAllowed(SignatureScheme),
    /// The signature scheme is for another kind of key.
    SchemeKeyMismatch(SignatureScheme),
    /// The elliptic curve is spelled out instead of named.
    CurveNotNamed {
        /// The ECCurveType.
        curve_type: u8,
    },
    /// The client does not offer the named group.
    GroupNotOffered(NamedGroup),
    /// The named group is not for TLS 1.2 or not known.
    GroupNotAllowed(NamedGroup),
    /// The prime or the generator is not of a named group.
    FieldNotNamed,
    /// The public value of the server is not one of the group.
    InvalidPublicValue,
    /// The encrypted premaster secret is not as long as the modulus.
    CiphertextLength {
        /// Its length in bytes.
        found: usize,
        /// The length of the modulus in bytes.
        modulus: usize,
    },
}

impl fmt::Display for CheckError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLong { len } => {
                write!(f, "the handshake messages have {len} bytes, more than {}", crate::MAX_MESSAGES_LEN)
            }
            Self::Malformed(error) => write!(f, "a handshake message cannot be parsed: {error}"),
            Self::UnexpectedMessage { found: Some(found), expected } => {
                write!(f, "{found} where the handshake has {expected} (RFC 9846 §4, RFC 5246 §7.3)")
            }
            Self::UnexpectedMessage { found: None, expected } => {
                write!(f, "the messages end where the handshake has {expected} (RFC 9846 §4, RFC 5246 §7.3)")
            }
            Self::WrongKey => f.write_str("the operation names another key"),
            Self::CertificateOfAnotherKey => f.write_str("the leaf certificate is not of this key"),
            Self::NoCertificate => f.write_str("the Certificate message is empty (RFC 9846 §4.5.1)"),
            Self::CompressionNotOffered(algorithm) => {
                write!(f, "the client does not offer to decompress {algorithm} (RFC 8879 §4)")
            }
            Self::CompressedCertificate(error) => error.fmt(f),
            Self::DelegatedCredential(error) => error.fmt(f),
            Self::CertificateContext => {
                f.write_str("a server's Certificate has an empty certificate_request_context (RFC 9846 §4.5.1)")
            }
            Self::SigningDisabled => f.write_str("the key is not enabled for signatures"),
            Self::DecryptionDisabled => f.write_str("the key is not enabled for RSA key transport"),
            Self::ClientKey => f.write_str("the key is a client's and does nothing for servers"),
            Self::NotAClientKey => f.write_str("the key is not a client's"),
            Self::ContextNotEchoed => f.write_str(
                "the client's Certificate has not the certificate_request_context of the CertificateRequest \
                 (RFC 9846 §4.5.1)",
            ),
            Self::NoExtendedMasterSecret => {
                f.write_str("a client signs in TLS 1.2 only with extended master secret (RFC 7627 §5.4)")
            }
            Self::TranscriptHashDisabled => f.write_str("the key is not enabled for transcript hashes"),
            Self::TranscriptHashLength { found } => {
                write!(f, "no hash of TLS 1.3 has {found} bytes (RFC 9846 §B.4)")
            }
            Self::RawDigestDisabled => f.write_str("the key is not enabled for raw digests"),
            Self::RawRsaDecryptionDisabled => {
                f.write_str("the key is not enabled for raw RSA decryption")
            }
            Self::AlgorithmKeyMismatch => f.write_str("the key is of a kind that does not do this"),
            Self::RawDigestLength { found, expected } => {
                write!(f, "a digest of {found} bytes where the algorithm has {expected}")
            }
            Self::DelegationNotAllowed => f.write_str(
                "the certificate has not the DelegationUsage extension and the digitalSignature usage (RFC 9345 §4.2)",
            ),
            Self::DelegationByDecryptionKey => {
                f.write_str("the key is enabled for RSA key transport and must not delegate")
            }
            Self::CredentialKey => {
                f.write_str("the credential's key is not one that a credential may have (RFC 9345 §4)")
            }
            Self::CredentialExpired => f.write_str("the credential is not valid any more (RFC 9345 §4.1.3)"),
            Self::CredentialTooLong { seconds } => write!(
                f,
                "the credential is valid for {seconds} s from now, more than {}",
                crate::MAX_CREDENTIAL_SECONDS
            ),
            Self::CredentialOutlivesCertificate => {
                f.write_str("the credential is valid for longer than its certificate (RFC 9345 §4.1.3)")
            }
            Self::NameNotDns => {
                f.write_str("a name is not a DNS name, or a wildcard for one label of one, in lower case")
            }
            Self::NumberOfNames { found } => {
                write!(f, "{found} names, and a certificate is asked for with 1 to {}", crate::MAX_CERTIFICATE_NAMES)
            }
            Self::VersionNotOffered => {
                f.write_str("the client does not offer the version of the operation (RFC 9846 §4.3.1)")
            }
            Self::WrongVersion => {
                f.write_str("the ServerHello chooses another version than the operation's (RFC 9846 §4.2.3)")
            }
            Self::Resumption => f.write_str("a resumed handshake needs no private key (RFC 9846 §2.2, RFC 5246 §7.3)"),
            Self::RandomNotDerived => {
                f.write_str("the ServerHello random does not derive from the nonce of the operation")
            }
            Self::SessionIdNotEchoed => {
                f.write_str("legacy_session_id_echo is not the ClientHello's legacy_session_id (RFC 9846 §4.2.3)")
            }
            Self::Compression => f.write_str("compression is not null (RFC 9846 §4.2.2, RFC 9325 §3.3)"),
            Self::SuiteNotOffered(suite) => {
                write!(f, "the client does not offer {suite} (RFC 9846 §4.2.3, RFC 5246 §7.4.1.3)")
            }
            Self::SuiteNotAllowed(suite) => write!(f, "{suite} is not a cipher suite of this operation"),
            Self::SuiteKeyMismatch(suite) => {
                write!(f, "{suite} wants another kind of key (RFC 5246 §7.4.2, RFC 8422 §2)")
            }
            Self::SuiteChangedAfterRetry => {
                f.write_str("the ServerHello has not the cipher suite of the HelloRetryRequest (RFC 9846 §4.2.4)")
            }
            Self::RetryWithoutCause => {
                f.write_str("the HelloRetryRequest would not change the ClientHello (RFC 9846 §4.2.4, §4.3.8)")
            }
            Self::SecondClientHelloDiffers { field } => {
                write!(f, "the second ClientHello has another {field} (RFC 9846 §4.2.2)")
            }
            Self::KeyShareNotOffered => {
                f.write_str("the ServerHello answers no key share of the ClientHello (RFC 9846 §4.3.8)")
            }
            Self::UnsolicitedExtension => {
                f.write_str("the ServerHello has an extension without request (RFC 5246 §7.4.1.4)")
            }
            Self::SchemeNotOffered(scheme) => {
                write!(f, "the peer does not offer {scheme} (RFC 9846 §4.5.2, RFC 5246 §7.4.3)")
            }
            Self::SchemeNotAllowed(scheme) => {
                write!(f, "{scheme} is not allowed in this version of TLS (RFC 9846 §4.3.3, RFC 9155)")
            }
            Self::SchemeKeyMismatch(scheme) => {
                write!(f, "{scheme} is for another kind of key (RFC 9846 §4.3.3, RFC 5246 §7.4.3)")
            }
            Self::CurveNotNamed { curve_type } => {
                write!(f, "the curve type is {curve_type} and not named_curve (RFC 8422 §5.4)")
            }
            Self::GroupNotOffered(group) => write!(f, "the client does not offer {group} (RFC 8422 §5.1, RFC 7919 §4)"),
            Self::GroupNotAllowed(group) => write!(f, "{group} is no group for this in TLS 1.2 (RFC 8422 §5.1.1)"),
            Self::FieldNotNamed => {
                f.write_str("the prime and the generator are not those of a named group (RFC 7919 Appendix A)")
            }
            Self::InvalidPublicValue => {
                f.write_str("the server's public value is not valid in its group (RFC 8422 §5.4.1, §5.11; RFC 7919 §5.1)")
            }
            Self::CiphertextLength { found, modulus } => write!(
                f,
                "the encrypted premaster secret has {found} bytes and the modulus {modulus} (RFC 5246 §7.4.7.1)"
            ),
        }
    }
}

impl core::error::Error for CheckError {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match self {
            Self::Malformed(error) => Some(error),
            Self::CompressedCertificate(error) => Some(error),
            Self::DelegatedCredential(error) => Some(error),
            _ => None,
        }
    }
}

impl From<DecodeError> for CheckError {
    fn from(error: DecodeError) -> Self {
        Self::Malformed(error)
    }
}

/// A checked operation that could not be performed.
#[derive(Debug)]
pub enum PerformError {
    /// The private key is not the one that the operation was checked for.
    WrongKey,
    /// The cryptographic library failed to sign.
    Crypto(CryptoError),
    /// What a key elsewhere has answered is not what its private key yields: it does not fit the public key.
    Answer,
}

impl fmt::Display for PerformError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::WrongKey => {
                f.write_str("the private key is not the one that the operation was checked for")
            }
            Self::Crypto(_) => f.write_str("signing failed"),
            Self::Answer => f.write_str(
                "what the store of the key has answered does not fit the public key; nothing was handed out",
            ),
        }
    }
}

impl core::error::Error for PerformError {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match self {
            Self::WrongKey | Self::Answer => None,
            Self::Crypto(error) => Some(error),
        }
    }
}

impl From<CryptoError> for PerformError {
    fn from(error: CryptoError) -> Self {
        Self::Crypto(error)
    }
}
