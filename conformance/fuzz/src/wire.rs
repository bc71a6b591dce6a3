//! Every parser of `wire`: the first byte chooses one, the others are for it.

use std::fmt::Debug;

use keyward_wire::codec::{Decode, Encode};
use keyward_wire::handshake::{self, ClientHello};
use keyward_wire::*;

/// A decoder takes the bytes or leaves them; what it takes comes back from its own encoding.
fn round_trip<T>(bytes: &[u8])
where
    T: Encode + for<'a> Decode<'a> + PartialEq + Debug,
{
    match T::from_bytes(bytes) {
        Ok(value) => {
            let again = value.to_bytes();
            assert!(
                again.len() <= bytes.len(),
                "encoding makes {} bytes of {}",
                again.len(),
                bytes.len()
            );
            assert_eq!(T::from_bytes(&again), Ok(value));
        }
        Err(error) => assert!(error.offset <= bytes.len(), "{error}"),
    }
}

macro_rules! parsers {
    ($($type:ty,)*) => {
        /// The parsers, in the order of the corpus: add at the end.
        pub const PARSERS: &[(&str, fn(&[u8]))] = &[
            ("messages", messages),
            ("server name", server_name),
            ("binders", binders),
            $((stringify!($type), round_trip::<$type>),)*
        ];
    };
}

parsers! {
    ClientHello,
    ServerHello,
    EncryptedExtensions,
    CertificateTls13,
    CertificateTls12,
    CertificateRequestTls13,
    CertificateRequestTls12,
    CertificateStatus,
    CertificateVerify,
    CompressedCertificate,
    ServerKeyExchange,
    ServerEcdhParams,
    EcdhClientKeyExchange,
    RsaClientKeyExchange,
    NewSessionTicketTls13,
    NewSessionTicketTls12,
    Finished,
    KeyUpdate,
    ServerHelloDone,
    EndOfEarlyData,
    HelloRequest,
    ClientHelloExtensions,
    ServerHelloExtensions,
    CertificateEntryExtensions,
    CertificateRequestExtensions,
    NewSessionTicketExtensions,
    KeyShareEntry,
    RecordHeader,
    Alert,
    DelegatedCredential,
    ServerDhParams,
    ServerKeyExchange<ServerDhParams>,
    DhClientKeyExchange,
}

/// One input.
pub fn run(data: &[u8]) {
    if let Some((choice, bytes)) = data.split_first()
        && let Some((_, parser)) = PARSERS.get(usize::from(*choice))
    {
        parser(bytes);
    }
}

/// An input for the parser of this name.
pub fn seed(parser: &str, bytes: &[u8]) -> Option<Vec<u8>> {
    let at = PARSERS.iter().position(|(name, _)| *name == parser)?;
    let mut seed = vec![u8::try_from(at).ok()?];
    seed.extend_from_slice(bytes);
    Some(seed)
}

/// A run of messages ends, and is made of its parts.
fn messages(bytes: &[u8]) {
    let first = handshake::split_first(bytes).map(|(message, rest)| (message, rest.len()));
    let mut length = 0;
    for (index, message) in handshake::split(bytes).enumerate() {
        let Ok(message) = message else {
            assert!(index > 0 || first.is_none());
            return;
        };
        if index == 0 {
            assert_eq!(first, Some((message, bytes.len() - message.bytes.len())));
        }
        assert_eq!(message.bytes, &bytes[length..length + message.bytes.len()]);
        assert_eq!(
            handshake::claimed_len(message.bytes),
            Some(message.bytes.len())
        );
        length += message.bytes.len();
    }
    assert_eq!(length, bytes.len());
}

fn server_name(bytes: &[u8]) {
    if let Ok(text) = std::str::from_utf8(bytes)
        && let Ok(name) = text.parse::<ServerName>()
    {
        assert_eq!(name.as_str().parse::<ServerName>(), Ok(name.clone()));
        assert!(name.as_str().is_ascii() && name.as_str().len() <= 255);
    }
}

/// What a PSK binder covers is the message up to the binders, or nothing.
fn binders(bytes: &[u8]) {
    let Some((message, [])) = handshake::split_first(bytes) else {
        return;
    };
    let Ok(hello) = ClientHello::from_bytes(message.body) else {
        return;
    };
    if let Some(without) = hello.without_binders(bytes) {
        assert_eq!(without.len() + hello.binders_len(), bytes.len());
    }
}
