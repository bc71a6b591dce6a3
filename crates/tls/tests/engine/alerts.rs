//! Which alert the peer gets for what, as a table to read beside the RFCs. That each error is raised
//! where it should be is in the other files.

use keyward_tls::{
    Error, InvalidMessage, KeyOperationFault, NeedError, NeedKind, PeerIncompatible, PeerMisbehaved,
};
use keyward_wire::values::{AlertDescription as Alert, ContentType, HandshakeType};

#[test]
fn every_error_has_the_alert_of_its_rfc() {
    use InvalidMessage as I;
    use PeerIncompatible as P;
    use PeerMisbehaved as M;
    let rows: [(Error, Option<Alert>); 54] = [
        // RFC 9846 §5, §5.1, §6.2: out of order, out of place, interrupted, empty.
        (
            M::UnexpectedHandshake(HandshakeType::FINISHED).into(),
            Some(Alert::UNEXPECTED_MESSAGE),
        ),
        (
            M::UnexpectedRecord(ContentType::CHANGE_CIPHER_SPEC).into(),
            Some(Alert::UNEXPECTED_MESSAGE),
        ),
        (M::PlaintextRecord.into(), Some(Alert::UNEXPECTED_MESSAGE)),
        (
            M::InterleavedHandshake.into(),
            Some(Alert::UNEXPECTED_MESSAGE),
        ),
        (
            M::HandshakeAcrossKeyChange.into(),
            Some(Alert::UNEXPECTED_MESSAGE),
        ),
        (M::EmptyRecord.into(), Some(Alert::UNEXPECTED_MESSAGE)),
        (
            M::TooManyEmptyRecords.into(),
            Some(Alert::UNEXPECTED_MESSAGE),
        ),
        (M::TooManyWarnings.into(), Some(Alert::UNEXPECTED_MESSAGE)),
        (M::TooManyKeyUpdates.into(), Some(Alert::UNEXPECTED_MESSAGE)),
        (M::Renegotiation.into(), Some(Alert::UNEXPECTED_MESSAGE)),
        // RFC 9846 §4.7.1: "SHOULD terminate the connection with an "unexpected_message" alert".
        (M::TooMuchEarlyData.into(), Some(Alert::UNEXPECTED_MESSAGE)),
        // RFC 9846 §4.2.2, §4.3.8, §4.3.10: values that a field must not have.
        (M::Compression.into(), Some(Alert::ILLEGAL_PARAMETER)),
        (
            M::KeyShareWithoutGroup.into(),
            Some(Alert::ILLEGAL_PARAMETER),
        ),
        (M::BadKeyShare.into(), Some(Alert::ILLEGAL_PARAMETER)),
        (
            M::SecondClientHelloDiffers.into(),
            Some(Alert::ILLEGAL_PARAMETER),
        ),
        (
            M::SecondClientHelloKeyShare.into(),
            Some(Alert::ILLEGAL_PARAMETER),
        ),
        (
            M::EarlyDataAfterRetry.into(),
            Some(Alert::ILLEGAL_PARAMETER),
        ),
        // RFC 9846 §6.2: "unable to correctly verify a signature or validate a Finished message or a
        // PSK binder".
        (M::BadBinder.into(), Some(Alert::DECRYPT_ERROR)),
        (M::BadFinished.into(), Some(Alert::DECRYPT_ERROR)),
        // RFC 9846 §9.2, §4.3.3, §4.3.9
        (M::PskWithoutModes.into(), Some(Alert::MISSING_EXTENSION)),
        (
            P::MissingSignatureAlgorithms.into(),
            Some(Alert::MISSING_EXTENSION),
        ),
        (
            P::MissingSupportedGroups.into(),
            Some(Alert::MISSING_EXTENSION),
        ),
        (P::MissingKeyShare.into(), Some(Alert::MISSING_EXTENSION)),
        // RFC 7627 §5.3, RFC 5746 §3.6, RFC 7507 §3, RFC 5246 §7.4.7
        (
            M::ResumedWithoutExtendedMasterSecret.into(),
            Some(Alert::HANDSHAKE_FAILURE),
        ),
        (
            M::BadRenegotiationInfo.into(),
            Some(Alert::HANDSHAKE_FAILURE),
        ),
        (
            M::InappropriateFallback.into(),
            Some(Alert::INAPPROPRIATE_FALLBACK),
        ),
        (M::BadClientKeyExchange.into(), Some(Alert::DECODE_ERROR)),
        // RFC 9846 §4.2.1, §4.3.1; RFC 7301 §3.2; RFC 8422 §5.1.2
        (P::NoVersion.into(), Some(Alert::PROTOCOL_VERSION)),
        (P::NoCipherSuite.into(), Some(Alert::HANDSHAKE_FAILURE)),
        (P::NoGroup.into(), Some(Alert::HANDSHAKE_FAILURE)),
        (P::NoSignatureScheme.into(), Some(Alert::HANDSHAKE_FAILURE)),
        (
            P::NoApplicationProtocol.into(),
            Some(Alert::NO_APPLICATION_PROTOCOL),
        ),
        (
            P::NoUncompressedPoints.into(),
            Some(Alert::ILLEGAL_PARAMETER),
        ),
        // RFC 9846 §5.1, §5.2, §5.4, §6.2
        (I::NotTls.into(), Some(Alert::PROTOCOL_VERSION)),
        (I::RecordTooLarge.into(), Some(Alert::RECORD_OVERFLOW)),
        (I::PlaintextTooLarge.into(), Some(Alert::RECORD_OVERFLOW)),
        (I::NoContentType.into(), Some(Alert::UNEXPECTED_MESSAGE)),
        (
            I::HandshakeMessageTooLarge(HandshakeType::CLIENT_HELLO).into(),
            Some(Alert::ILLEGAL_PARAMETER),
        ),
        (I::Alert.into(), Some(Alert::DECODE_ERROR)),
        (I::ChangeCipherSpec.into(), Some(Alert::UNEXPECTED_MESSAGE)),
        (Error::DecryptError, Some(Alert::BAD_RECORD_MAC)),
        // Nobody is told who has told us, or who is gone.
        (Error::AlertReceived(Alert::UNKNOWN_CA), None),
        (Error::PeerTruncated, None),
        (
            Error::Aborted(Alert::USER_CANCELED),
            Some(Alert::USER_CANCELED),
        ),
        // RFC 6066 §3; RFC 9846 §6.2: what is our trouble is an internal_error.
        (
            Error::Need(NeedKind::Certificate, NeedError::UnrecognizedName),
            Some(Alert::UNRECOGNIZED_NAME),
        ),
        (
            Error::Need(NeedKind::KeyOperation, NeedError::Refused),
            Some(Alert::ACCESS_DENIED),
        ),
        (
            Error::Need(NeedKind::KeyOperation, NeedError::Unavailable),
            Some(Alert::INTERNAL_ERROR),
        ),
        (
            Error::Need(NeedKind::KeyOperation, NeedError::Overloaded),
            Some(Alert::INTERNAL_ERROR),
        ),
        (
            Error::Need(NeedKind::KeyOperation, NeedError::Expired),
            Some(Alert::INTERNAL_ERROR),
        ),
        (
            Error::Need(NeedKind::KeyOperation, NeedError::Internal),
            Some(Alert::INTERNAL_ERROR),
        ),
        (
            Error::KeyOperation(KeyOperationFault::WrongSignature),
            Some(Alert::INTERNAL_ERROR),
        ),
        (
            Error::KeyOperation(KeyOperationFault::WrongResult),
            Some(Alert::INTERNAL_ERROR),
        ),
        (Error::KeyExhausted, Some(Alert::INTERNAL_ERROR)),
        (Error::Internal("test"), Some(Alert::INTERNAL_ERROR)),
    ];
    let mut texts = Vec::new();
    for (error, alert) in rows {
        assert_eq!(error.alert(), alert, "{error:?}");
        let text = error.to_string();
        assert!(!texts.contains(&text), "two errors say {text:?}");
        texts.push(text);
    }
}
