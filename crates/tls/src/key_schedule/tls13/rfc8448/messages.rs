//! A message of a trace, decoded and encoded again.

use keyward_wire::codec::Decode;
use keyward_wire::handshake::{
    self, CertificateRequestTls13, CertificateTls13, CertificateVerify, ClientHello,
    EncryptedExtensions, EndOfEarlyData, Finished, Message, NewSessionTicketTls13, ServerHello,
};
use keyward_wire::values::HandshakeType;

/// The same bytes come out as went in, but that each block of extensions has our order.
///
/// RFC 9846 §4.3: "When multiple extensions of different types are present, the extensions MAY appear in any
/// order, with the exception of "pre_shared_key"".
pub(super) fn assert_same_encoded(message: &[u8]) {
    let again = match HandshakeType(message[0]) {
        HandshakeType::CLIENT_HELLO => again::<ClientHello>(message),
        HandshakeType::SERVER_HELLO => again::<ServerHello>(message),
        HandshakeType::NEW_SESSION_TICKET => again::<NewSessionTicketTls13>(message),
        HandshakeType::END_OF_EARLY_DATA => again::<EndOfEarlyData>(message),
        HandshakeType::ENCRYPTED_EXTENSIONS => again::<EncryptedExtensions>(message),
        HandshakeType::CERTIFICATE => again::<CertificateTls13>(message),
        HandshakeType::CERTIFICATE_REQUEST => again::<CertificateRequestTls13>(message),
        HandshakeType::CERTIFICATE_VERIFY => again::<CertificateVerify>(message),
        HandshakeType::FINISHED => again::<Finished>(message),
        other => panic!("{other}"),
    };
    match extensions_at(message) {
        Some(at) => {
            assert_eq!(again[..at], message[..at]);
            assert_eq!(sorted(&again[at..]), sorted(&message[at..]));
        }
        None => assert_eq!(again, message),
    }
}

fn again<M: Message + for<'a> Decode<'a>>(message: &[u8]) -> Vec<u8> {
    let whole = handshake::split_first(message).unwrap();
    assert_eq!(whole.0.message_type, M::TYPE);
    assert!(whole.1.is_empty());
    handshake::to_message(&M::from_bytes(whole.0.body).unwrap())
}

/// Where in a message its block of several extensions begins, with its length.
fn extensions_at(message: &[u8]) -> Option<usize> {
    // legacy_version and random, and legacy_session_id behind them.
    let session_id = 4 + 2 + 32;
    let after = |at: usize| at + 1 + usize::from(message[at]);
    Some(match HandshakeType(message[0]) {
        HandshakeType::CLIENT_HELLO => {
            let suites = after(session_id);
            let length = u16::from_be_bytes([message[suites], message[suites + 1]]);
            after(suites + 2 + usize::from(length))
        }
        HandshakeType::SERVER_HELLO => after(session_id) + 3,
        HandshakeType::ENCRYPTED_EXTENSIONS => 4,
        _ => return None,
    })
}

/// The extensions by type. None of them may stand twice, so that nothing is lost.
fn sorted(block: &[u8]) -> Vec<&[u8]> {
    let (length, mut rest) = block.split_at(2);
    assert_eq!(
        rest.len(),
        usize::from(u16::from_be_bytes([length[0], length[1]]))
    );
    let mut extensions = Vec::new();
    while !rest.is_empty() {
        let length = 4 + usize::from(u16::from_be_bytes([rest[2], rest[3]]));
        let (extension, more) = rest.split_at(length);
        extensions.push(extension);
        rest = more;
    }
    extensions.sort_unstable();
    extensions
}
