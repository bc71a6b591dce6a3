//! Handshake messages (RFC 9846 §4, RFC 5246 §7.4): one file each, and their framing.
//!
//! A message on the wire is one byte of [`HandshakeType`], three of length, and the body. The types here are bodies;
//! [`to_message`] and [`frame`] put the four bytes in front, [`split`] and [`split_first`] take a run of messages apart.

mod certificate;
mod certificate_request;
mod certificate_status;
mod certificate_verify;
mod client_hello;
mod client_key_exchange;
mod compressed_certificate;
mod encrypted_extensions;
mod end_of_early_data;
mod finished;
mod hello_request;
mod key_update;
mod new_session_ticket;
mod server_hello;
mod server_hello_done;
mod server_key_exchange;

pub use certificate::{CertificateEntry, CertificateTls12, CertificateTls13};
pub use certificate_request::{CertificateRequestTls12, CertificateRequestTls13};
pub use certificate_status::CertificateStatus;
pub use certificate_verify::CertificateVerify;
pub use client_hello::ClientHello;
pub use client_key_exchange::{DhClientKeyExchange, EcdhClientKeyExchange, RsaClientKeyExchange};
pub use compressed_certificate::CompressedCertificate;
pub use encrypted_extensions::EncryptedExtensions;
pub use end_of_early_data::EndOfEarlyData;
pub use finished::Finished;
pub use hello_request::HelloRequest;
pub use key_update::KeyUpdate;
pub use new_session_ticket::{NewSessionTicketTls12, NewSessionTicketTls13};
pub use server_hello::{HELLO_RETRY_REQUEST_RANDOM, ServerHello};
pub use server_hello_done::ServerHelloDone;
pub use server_key_exchange::{ServerDhParams, ServerEcdhParams, ServerKeyExchange};

use crate::codec::{DecodeError, Encode, Put, Reader};
use crate::values::HandshakeType;

/// Bytes in front of a message's body.
pub const HEADER_LEN: usize = 4;

/// A body that knows which message it is of.
pub trait Message: Encode {
    /// The type that the message has on the wire.
    const TYPE: HandshakeType;
}

/// A whole message: the header and the body.
pub fn to_message<M: Message>(body: &M) -> Vec<u8> {
    frame(M::TYPE, body)
}

/// A whole message of a type and a body given apart. The body can be bytes: `frame(typ, &bytes[..])`.
pub fn frame(message_type: HandshakeType, body: impl Encode) -> Vec<u8> {
    // Most messages are shorter, and a longer one does not grow from nothing.
    let mut out = Vec::with_capacity(256);
    append(message_type, body, &mut out);
    out
}

/// [`frame`], behind what `out` has already: messages of one flight go out together.
pub fn append(message_type: HandshakeType, body: impl Encode, out: &mut Vec<u8>) {
    message_type.encode(out);
    out.put_vector_u24(|out| body.encode(out));
}

/// A message in a run of messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HandshakeMessage<'a> {
    /// Which message it says it is.
    pub message_type: HandshakeType,
    /// What follows the header.
    pub body: &'a [u8],
    /// Header and body: what goes into the transcript.
    pub bytes: &'a [u8],
}

/// The first message of `bytes` and what follows it; `None` when it is not all there yet.
///
/// A caller that collects bytes until a message is complete decides by [`claimed_len`] whether it wants to wait.
pub fn split_first(bytes: &[u8]) -> Option<(HandshakeMessage<'_>, &[u8])> {
    let (whole, rest) = bytes.split_at_checked(claimed_len(bytes)?)?;
    let (header, body) = whole.split_first_chunk::<HEADER_LEN>()?;
    let message = HandshakeMessage {
        message_type: HandshakeType(header[0]),
        body,
        bytes: whole,
    };
    Some((message, rest))
}

/// How long the first message of `bytes` says that it is, header included; `None` before its header is there.
pub fn claimed_len(bytes: &[u8]) -> Option<usize> {
    let [_, a, b, c, ..] = *bytes else {
        return None;
    };
    Some(HEADER_LEN + (usize::from(a) << 16 | usize::from(b) << 8 | usize::from(c)))
}

/// The messages that `bytes` are, end to end. After an error (the last message is cut) the iterator ends.
///
/// ```
/// use keyward_wire::{HandshakeType, handshake};
///
/// let run = [14, 0, 0, 0, 20, 0, 0, 1, 7];
/// let messages: Vec<_> = handshake::split(&run).collect::<Result<_, _>>().unwrap();
/// assert_eq!(messages[0].message_type, HandshakeType::SERVER_HELLO_DONE);
/// assert_eq!(messages[1].body, [7]);
/// assert_eq!(messages[1].bytes, [20, 0, 0, 1, 7]);
/// ```
pub fn split(bytes: &[u8]) -> Messages<'_> {
    Messages {
        bytes,
        reader: Reader::new(bytes),
    }
}

/// The iterator of [`split`].
#[derive(Clone, Debug)]
pub struct Messages<'a> {
    bytes: &'a [u8],
    reader: Reader<'a>,
}

impl<'a> Messages<'a> {
    fn message(&mut self) -> Result<HandshakeMessage<'a>, DecodeError> {
        let start = self.reader.offset();
        let message_type = HandshakeType(self.reader.u8("Handshake.msg_type")?);
        let body = self.reader.opaque_u24("Handshake.length", 0..=0xff_ffff)?;
        Ok(HandshakeMessage {
            message_type,
            body,
            bytes: &self.bytes[start..self.reader.offset()],
        })
    }
}

impl<'a> Iterator for Messages<'a> {
    type Item = Result<HandshakeMessage<'a>, DecodeError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.reader.is_empty() {
            return None;
        }
        let message = self.message();
        if message.is_err() {
            self.reader.take_rest();
        }
        Some(message)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::DecodeErrorKind;

    #[test]
    fn frames_have_a_type_and_three_bytes_of_length() {
        assert_eq!(to_message(&ServerHelloDone), [14, 0, 0, 0]);
        let long = frame(HandshakeType::FINISHED, &[9; 0x1_0203][..]);
        assert_eq!(long[..5], [20, 1, 2, 3, 9]);
        assert_eq!(long.len(), HEADER_LEN + 0x1_0203);
        assert_eq!(claimed_len(&long), Some(long.len()));
    }

    #[test]
    fn a_run_is_split_into_its_messages_and_nothing_else() {
        let run = [14, 0, 0, 0, 20, 0, 0, 2, 7, 8];
        let messages: Vec<_> = split(&run).map(Result::unwrap).collect();
        assert_eq!(
            messages,
            [
                HandshakeMessage {
                    message_type: HandshakeType::SERVER_HELLO_DONE,
                    body: &[],
                    bytes: &run[..4],
                },
                HandshakeMessage {
                    message_type: HandshakeType::FINISHED,
                    body: &[7, 8],
                    bytes: &run[4..],
                },
            ]
        );
        assert_eq!(split_first(&run), Some((messages[0], &run[4..])));
        assert_eq!(split(&[]).count(), 0);
    }

    #[test]
    fn a_message_that_is_cut_is_one_error_and_the_end() {
        let run = [14, 0, 0, 0, 20, 0, 0, 2, 7, 8];
        for len in 5..run.len() {
            let mut messages = split(&run[..len]);
            assert!(messages.next().unwrap().is_ok());
            let error = messages.next().unwrap().unwrap_err();
            assert_eq!(error.kind, DecodeErrorKind::Truncated);
            assert_eq!(error.offset, if len < 8 { 5 } else { 8 });
            assert!(messages.next().is_none());
            assert_eq!(split_first(&run[4..len]), None);
        }
        assert_eq!(claimed_len(&run[4..7]), None);
        assert_eq!(claimed_len(&run[4..8]), Some(6));
        assert_eq!(claimed_len(&[1, 0xff, 0xff, 0xff]), Some(0x100_0003));
        assert_eq!(split_first(&[1, 0xff, 0xff, 0xff]), None);
    }
}
