//! The TLS presentation language: every handshake message and extension as a type.
//!
//! This crate turns bytes into values and back, in both directions, for TLS 1.2 (RFC 5246) and TLS 1.3 (RFC 9846). It
//! knows what each structure looks like and what the RFCs forbid about a structure taken alone; what depends on the
//! state of a handshake (was this extension offered, does this suite fit this version) is the engine's to check.
//!
//! | module | what lives there |
//! |---|---|
//! | [`codec`] | [`Reader`], [`Put`], [`Encode`], [`Decode`], [`DecodeError`] |
//! | [`values`] | the IANA code points as open newtypes: [`CipherSuite`], [`NamedGroup`], … |
//! | [`handshake`] | every handshake message, one file each, and the 4-byte framing |
//! | [`extensions`] | every extension, one file each, and which of them each message may carry |
//! | [`record`] | the record header and its limits |
//! | [`alert`] | alerts, and which alert answers a [`DecodeError`] |
//!
//! Decoding takes the whole input or fails with what and where. It never panics, and never allocates from a length
//! that the peer claims: memory stays proportional to the bytes that are really there.
//!
//! ```
//! use keyward_wire::{Decode, Encode, KeyUpdate, KeyUpdateRequest, handshake};
//!
//! let message = handshake::to_message(&KeyUpdate { request_update: KeyUpdateRequest::UPDATE_REQUESTED });
//! assert_eq!(message, [24, 0, 0, 1, 1]);
//!
//! let parsed = handshake::split(&message).next().unwrap().unwrap();
//! assert_eq!(KeyUpdate::from_bytes(parsed.body).unwrap().to_bytes(), [1]);
//!
//! let error = KeyUpdate::from_bytes(&[2]).unwrap_err();
//! assert_eq!(error.to_string(), "KeyUpdate.request_update: illegal value at byte 0");
//! ```

pub mod alert;
pub mod codec;
pub mod extensions;
pub mod handshake;
pub mod record;
pub mod values;

pub use alert::Alert;
pub use codec::{Decode, DecodeError, DecodeErrorKind, Encode, Put, Reader};
pub use extensions::{
    CertificateEntryExtensions, CertificateRequestExtensions, ClientHelloExtensions,
    DelegatedCredential, EncryptedExtensions, InvalidServerName, KeyShareEntry, MaxFragmentLength,
    NewSessionTicketExtensions, OidFilter, PreSharedKeys, PskIdentity, ServerHelloExtensions,
    ServerKeyShare, ServerName,
};
pub use handshake::{
    CertificateEntry, CertificateRequestTls12, CertificateRequestTls13, CertificateStatus,
    CertificateTls12, CertificateTls13, CertificateVerify, ClientHello, CompressedCertificate,
    DhClientKeyExchange, EcdhClientKeyExchange, EndOfEarlyData, Finished, HandshakeMessage,
    HelloRequest, KeyUpdate, Message, NewSessionTicketTls12, NewSessionTicketTls13,
    RsaClientKeyExchange, ServerDhParams, ServerEcdhParams, ServerHello, ServerHelloDone,
    ServerKeyExchange,
};
pub use record::RecordHeader;
pub use values::{
    AlertDescription, AlertLevel, CertificateCompressionAlgorithm, CipherSuite,
    ClientCertificateType, CompressionMethod, ContentType, EcPointFormat, ExtensionType,
    HandshakeType, KeyUpdateRequest, NamedGroup, ProtocolVersion, PskKeyExchangeMode,
    SignatureScheme,
};
