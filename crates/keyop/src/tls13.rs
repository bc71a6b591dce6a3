//! What TLS 1.3 signs, and the transcript that it signs over. The key server makes the bytes to be
//! signed with these functions and the engine checks the signature with the same ones.

use keyward_crypto::hash::{Digest, HashAlgorithm};
use keyward_wire::codec::DecodeError;
use keyward_wire::extensions::DelegatedCredential;
use keyward_wire::handshake::{self, ClientHello, HELLO_RETRY_REQUEST_RANDOM, HandshakeMessage};
use keyward_wire::values::{CipherSuite, HandshakeType};

use crate::checks::hello_retry;

/// RFC 9846 §4.5.2: "The context string for a server signature is
/// 'TLS 1.3, server CertificateVerify'."
const SERVER_CONTEXT: &[u8] = b"TLS 1.3, server CertificateVerify";

/// RFC 9846 §4.5.2: "The context string for a client signature is
/// 'TLS 1.3, client CertificateVerify'."
const CLIENT_CONTEXT: &[u8] = b"TLS 1.3, client CertificateVerify";

/// RFC 9345 §4: "The non-null terminated context string 'TLS, server delegated credentials' for server
/// authentication".
const SERVER_DELEGATION_CONTEXT: &[u8] = b"TLS, server delegated credentials";

/// The bytes that a server's CertificateVerify signs.
pub fn server_certificate_verify_message(transcript_hash: &[u8]) -> Vec<u8> {
    message(SERVER_CONTEXT, &[transcript_hash])
}

/// The bytes that a client's CertificateVerify signs.
pub fn client_certificate_verify_message(transcript_hash: &[u8]) -> Vec<u8> {
    message(CLIENT_CONTEXT, &[transcript_hash])
}

/// The transcript hash in the bytes that a CertificateVerify signs; `None` of bytes that are none.
pub(crate) fn signed_transcript_hash(message: &[u8]) -> Option<&[u8]> {
    let content = message.strip_prefix(&[0x20; 64])?;
    [SERVER_CONTEXT, CLIENT_CONTEXT]
        .iter()
        .find_map(|context| content.strip_prefix(*context)?.strip_prefix(&[0]))
}

/// The bytes that the key of a server's certificate signs to delegate to the credential's key
/// (RFC 9345 §4): "The DER-encoded X.509 end-entity certificate used to sign the DelegatedCredential",
/// "DelegatedCredential.cred", "DelegatedCredential.algorithm".
pub fn server_delegated_credential_message(
    certificate: &[u8],
    credential: &DelegatedCredential,
) -> Vec<u8> {
    message(
        SERVER_DELEGATION_CONTEXT,
        &[certificate, &credential.signed_part()],
    )
}

/// RFC 9846 §4.5.2: "A string that consists of octet 32 (0x20) repeated 64 times", "The context
/// string", "A single 0 byte which serves as the separator", "The content to be signed". RFC 9345 §4 has
/// the same.
fn message(context: &[u8], content: &[&[u8]]) -> Vec<u8> {
    let length = content.iter().map(|part| part.len()).sum::<usize>();
    let mut message = Vec::with_capacity(64 + context.len() + 1 + length);
    message.extend_from_slice(&[0x20; 64]);
    message.extend_from_slice(context);
    message.push(0);
    for part in content {
        message.extend_from_slice(part);
    }
    message
}

/// The hash of whole handshake messages in a row, from the first ClientHello on (RFC 9846 §4.1).
///
/// Where the second message is a HelloRetryRequest, the first ClientHello counts as its
/// [`message_hash`].
///
/// # Errors
/// Where the bytes are no handshake messages.
pub fn transcript_hash(messages: &[u8], algorithm: HashAlgorithm) -> Result<Digest, DecodeError> {
    let mut split = handshake::split(messages);
    let first = split.next().transpose()?;
    let second = split.next().transpose()?;

    let mut hash = algorithm.start();
    match (first, second) {
        (Some(first), Some(second)) if is_hello_retry_request(&second) => {
            hash.update(&message_hash(first.bytes, algorithm));
            hash.update(&messages[first.bytes.len()..]);
        }
        _ => hash.update(messages),
    }
    Ok(hash.finish())
}

/// By its random, the two bytes of legacy_version before it (RFC 9846 §4.2.3).
fn is_hello_retry_request(message: &HandshakeMessage<'_>) -> bool {
    message.message_type == HandshakeType::SERVER_HELLO
        && message.body.get(2..34) == Some(&HELLO_RETRY_REQUEST_RANDOM)
}

/// The synthetic message that stands for the first ClientHello once it was answered with a
/// HelloRetryRequest.
///
/// RFC 9846 §4.1: "when the server responds to a ClientHello with a HelloRetryRequest, the value
/// of ClientHello1 is replaced with a special synthetic handshake message of handshake type
/// 'message_hash' (254) containing Hash(ClientHello1)."
pub fn message_hash(client_hello: &[u8], algorithm: HashAlgorithm) -> Vec<u8> {
    handshake::frame(
        HandshakeType::MESSAGE_HASH,
        &algorithm.digest(client_hello)[..],
    )
}

/// The hash of a TLS 1.3 cipher suite (RFC 9846 §B.4), `None` for any other suite.
pub fn suite_hash(suite: CipherSuite) -> Option<HashAlgorithm> {
    match suite {
        CipherSuite::TLS_AES_128_GCM_SHA256 | CipherSuite::TLS_CHACHA20_POLY1305_SHA256 => {
            Some(HashAlgorithm::Sha256)
        }
        CipherSuite::TLS_AES_256_GCM_SHA384 => Some(HashAlgorithm::Sha384),
        _ => None,
    }
}

/// The field of a second ClientHello that differs from the first where a HelloRetryRequest does not let
/// it (RFC 9846 §4.2.2), if there is one: engine and key server refuse the same. The key shares and the
/// cookie depend on the HelloRetryRequest and are not looked at.
pub fn changed_after_retry(first: &ClientHello, second: &ClientHello) -> Option<&'static str> {
    hello_retry::changed_field(first, second)
}
