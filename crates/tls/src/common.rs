//! What a connection has whatever its role, version and state: buffers, record layer, the messages on
//! their way, and what has been said about closing.

use keyward_wire::alert::Alert;
use keyward_wire::codec::{Decode, Encode};
use keyward_wire::handshake::{self, HEADER_LEN, HELLO_RETRY_REQUEST_RANDOM, Message};
use keyward_wire::record::CHANGE_CIPHER_SPEC;
use keyward_wire::values::{
    AlertDescription, AlertLevel, ContentType, HandshakeType, ProtocolVersion,
};

use crate::config::Limits;
use crate::error::{Error, InvalidMessage, PeerMisbehaved};
use crate::exporter::Exporter;
use crate::handshake::{HandshakeMessage, Incoming, Joiner};
use crate::key_log::KeyLog;
use crate::needs::{Need, NeedError, NeedId, NeedKind, OpenNeeds};
use crate::negotiated::Negotiated;
use crate::record::{ChangeCipherSpecs, Input, Output, Protection, RecordReader, RecordWriter};
use crate::session::ClientSession;
use crate::trace::{Trace, TraceEvent, TraceItem};

pub(crate) struct Common {
    pub(crate) input: Input,
    pub(crate) output: Output,
    pub(crate) needs: OpenNeeds,
    pub(crate) trace: Trace,
    /// Set when ClientHello and ServerHello have fixed everything.
    pub(crate) negotiated: Option<Negotiated>,
    /// A session that a client has received, and its caller has yet to be given: before the next message is
    /// looked at.
    pub(crate) received_session: Option<Box<ClientSession>>,
    /// How many bytes of early data a client may still send now.
    pub(crate) early_data_to_send: usize,
    pub(crate) key_log: KeyLog,
    /// Set when the handshake secrets are there.
    pub(crate) exporter: Option<Exporter>,
    /// Set while there is, or may be, early data.
    pub(crate) early_exporter: Option<Box<Exporter>>,
    /// Early data that a server takes.
    early_data: EarlyData,
    reader: RecordReader,
    writer: RecordWriter,
    joiner: Joiner,
    /// Handshake messages that go into records together: messages of one flight share records.
    flight: Vec<u8>,
    records_per_key: Option<u64>,
    /// HelloRequests from the peer that came to nothing.
    hello_requests: u8,
    /// Warning alerts from the peer so far.
    warnings: u8,
    handshake: Handshake,
    /// Keys are in force whose handshake is not finished: data that a renegotiation (TLS 1.2) lets flow
    /// does not flow under them.
    data_held: bool,
    pub(crate) peer_closed: bool,
    pub(crate) closed: bool,
}

#[derive(Default)]
struct EarlyData {
    /// How much of it may still come, in bytes, while it may.
    left: Option<u32>,
    /// Whether the data that waits to be read is early data.
    waits: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Handshake {
    UnderWay,
    /// Not complete, but we may send data already.
    MaySend,
    /// Complete, which the caller has yet to be told.
    JustComplete,
    Complete,
}

/// What the record layer has for the rest.
pub(crate) enum Received {
    /// For the state of the handshake.
    Message(Incoming),
    /// Something was dealt with; look again.
    Progress,
    /// More bytes are needed.
    Nothing,
}

/// As many as BoringSSL takes.
const MAX_WARNINGS: u8 = 4;

/// About what a server's messages with a short Certificate have, in bytes.
const USUAL_FLIGHT: usize = 1024;

/// Servers that want a renegotiation ask once or twice, and then go on without or give up.
const MAX_HELLO_REQUESTS: u8 = 4;

impl Common {
    pub(crate) fn new(limits: &Limits, trace: bool, key_log: bool) -> Self {
        Self {
            input: Input::new(limits.received),
            output: Output::default(),
            needs: OpenNeeds::new(),
            trace: Trace::new(trace),
            key_log: KeyLog::new(key_log),
            exporter: None,
            early_exporter: None,
            early_data: EarlyData::default(),
            negotiated: None,
            received_session: None,
            early_data_to_send: 0,
            reader: RecordReader::new(),
            writer: RecordWriter::new(limits.sent_record),
            joiner: Joiner::new(limits.handshake_message),
            flight: Vec::new(),
            records_per_key: limits.records_per_key,
            hello_requests: 0,
            warnings: 0,
            handshake: Handshake::UnderWay,
            data_held: false,
            peer_closed: false,
            closed: false,
        }
    }

    // --- receiving ---

    /// Takes bytes from the peer, and says how many.
    pub(crate) fn receive(&mut self, bytes: &[u8]) -> usize {
        if self.is_handshake_complete() && self.joiner.is_empty() {
            self.reader.receive(bytes, &mut self.input)
        } else {
            self.input.receive(bytes)
        }
    }

    /// The next message from the peer. Application data is kept in the input, alerts are dealt with.
    pub(crate) fn receive_next(&mut self) -> Result<Received, Error> {
        if let Some(message) = self.joiner.next()? {
            return Ok(Received::Message(self.received(message)));
        }
        let takes_data =
            (self.is_handshake_complete() && !self.data_held) || self.early_data.left.is_some();
        let Some((content_type, content)) = self.reader.next(&mut self.input, takes_data)? else {
            return Ok(Received::Nothing);
        };
        // RFC 9846 §5.1: "if a handshake message is split over two or more records, there MUST NOT be
        // any other records between them".
        if content_type != ContentType::HANDSHAKE && !self.joiner.is_empty() {
            return Err(PeerMisbehaved::InterleavedHandshake.into());
        }
        match content_type {
            ContentType::HANDSHAKE => {
                self.joiner.push(self.input.slice(content));
                self.input.reset_if_empty();
                Ok(match self.joiner.next()? {
                    Some(message) => Received::Message(self.received(message)),
                    None => Received::Progress,
                })
            }
            ContentType::APPLICATION_DATA if takes_data => {
                self.count_early_data(content.len())?;
                self.trace
                    .received(TraceItem::ApplicationData, content.len());
                self.input.keep_plaintext(content);
                Ok(Received::Progress)
            }
            ContentType::ALERT => {
                let alert = Alert::from_bytes(self.input.slice(content))
                    .map_err(|_| InvalidMessage::Alert)?;
                self.input.reset_if_empty();
                self.receive_alert(alert)?;
                Ok(Received::Progress)
            }
            ContentType::CHANGE_CIPHER_SPEC => {
                let content = self.input.slice(content);
                let deliver = self.reader.delivers_change_cipher_spec(content)?;
                self.trace
                    .received(TraceItem::ChangeCipherSpec, content.len());
                self.input.reset_if_empty();
                Ok(if deliver {
                    Received::Message(Incoming::ChangeCipherSpec)
                } else {
                    Received::Progress
                })
            }
            other => Err(PeerMisbehaved::UnexpectedRecord(other).into()),
        }
    }

    /// RFC 9846 §4.7.1: "A server receiving more than max_early_data_size bytes of 0-RTT data SHOULD terminate
    /// the connection with an "unexpected_message" alert."
    fn count_early_data(&mut self, length: usize) -> Result<(), Error> {
        let EarlyData { left, waits } = &mut self.early_data;
        *waits = left.is_some();
        if let Some(left) = left {
            *left = u32::try_from(length)
                .ok()
                .and_then(|length| left.checked_sub(length))
                .ok_or(PeerMisbehaved::TooMuchEarlyData)?;
        }
        Ok(())
    }

    /// Takes at most `limit` bytes of data, before the handshake is complete.
    pub(crate) fn take_early_data(&mut self, limit: u32) {
        self.early_data.left = Some(limit);
    }

    /// No more early data comes.
    pub(crate) fn end_early_data(&mut self) {
        self.early_data.left = None;
    }

    /// Whether the data that can be read is early data.
    pub(crate) fn is_early(&self) -> bool {
        self.early_data.waits && !self.input.plaintext().is_empty()
    }

    fn received(&mut self, message: HandshakeMessage) -> Incoming {
        let what = if is_hello_retry_request(&message) {
            TraceItem::HelloRetryRequest
        } else {
            TraceItem::Handshake(message.typ)
        };
        self.trace.received(what, message.bytes.len());
        Incoming::Handshake(message)
    }

    fn receive_alert(&mut self, alert: Alert) -> Result<(), Error> {
        let Alert { level, description } = alert;
        self.trace.received(TraceItem::Alert(description), 2);
        match description {
            AlertDescription::CLOSE_NOTIFY if self.is_handshake_complete() => {
                // RFC 9846 §6.1: "Any data received after a closure alert has been received MUST be
                // ignored."
                self.peer_closed = true;
                self.input.discard_unopened();
                return Ok(());
            }
            AlertDescription::CLOSE_NOTIFY => return Err(Error::AlertReceived(description)),
            // RFC 9846 §6: "All the alerts listed in [§6.2] MUST be sent with AlertLevel=fatal and
            // MUST be treated as error alerts when received regardless of the AlertLevel in the
            // message."
            AlertDescription::USER_CANCELED => {}
            _ if level == AlertLevel::WARNING && !self.is_tls13() => {}
            // RFC 9846 §6: "Unknown Alert types MUST be treated as error alerts."
            _ => return Err(Error::AlertReceived(description)),
        }
        self.warnings += 1;
        if self.warnings > MAX_WARNINGS {
            return Err(PeerMisbehaved::TooManyWarnings.into());
        }
        Ok(())
    }

    /// A TLS 1.2 server asks for a handshake that there will not be.
    pub(crate) fn count_hello_request(&mut self) -> Result<(), Error> {
        self.hello_requests += 1;
        if self.hello_requests > MAX_HELLO_REQUESTS {
            return Err(PeerMisbehaved::Renegotiation.into());
        }
        Ok(())
    }

    fn is_tls13(&self) -> bool {
        self.negotiated
            .as_ref()
            .is_some_and(|negotiated| negotiated.version == ProtocolVersion::TLS13)
    }

    /// Refuses bytes behind a message that the peer must wait for an answer to, before anything is sent.
    ///
    /// RFC 9846 §5.1: "Implementations MUST verify that all messages immediately preceding a key change align
    /// with a record boundary; if not, then they MUST terminate the connection with an
    /// "unexpected_message" alert."
    pub(crate) fn expect_no_more_handshake(&self) -> Result<(), Error> {
        if self.joiner.is_empty() {
            Ok(())
        } else {
            Err(PeerMisbehaved::HandshakeAcrossKeyChange.into())
        }
    }

    /// Changes the keys for what the peer sends.
    ///
    /// RFC 9846 §5.1: "Handshake messages MUST NOT span key changes."
    pub(crate) fn set_read_protection(&mut self, mut protection: Protection) -> Result<(), Error> {
        self.expect_no_more_handshake()?;
        protection.limit_records(self.records_per_key);
        self.reader.set_protection(protection);
        Ok(())
    }

    /// The connection is over: nothing is sent or received any more.
    ///
    /// RFC 9846 §6: "Servers and clients MUST forget the secret values and keys established in failed
    /// connections".
    pub(crate) fn forget_keys(&mut self) {
        self.exporter = None;
        self.early_exporter = None;
        self.reader.clear_protection();
        self.writer.clear_protection();
    }

    /// How change_cipher_spec records are taken from here on.
    pub(crate) fn set_change_cipher_specs(&mut self, change_cipher_specs: ChangeCipherSpecs) {
        self.reader.set_change_cipher_specs(change_cipher_specs);
    }

    /// The record layer's receiving half, for what is done to it in one place only.
    pub(crate) fn reader(&mut self) -> &mut RecordReader {
        &mut self.reader
    }

    // --- sending ---

    /// Sends a whole handshake message, in records with those that follow it. It leaves with
    /// [`flush`](Self::flush), which every step ends with, or when the keys change.
    pub(crate) fn send_handshake(&mut self, message: &[u8]) {
        let what =
            TraceItem::Handshake(HandshakeType(message.first().copied().unwrap_or_default()));
        self.send_handshake_as(message, what);
    }

    /// [`send_handshake`](Self::send_handshake), for a message that is more than its type says.
    pub(crate) fn send_handshake_as(&mut self, message: &[u8], what: TraceItem) {
        self.trace.sent(what, message.len());
        self.reserve_flight(message.len());
        self.flight.extend_from_slice(message);
    }

    fn reserve_flight(&mut self, length: usize) {
        if self.flight.capacity() == 0 {
            self.flight.reserve(length.max(USUAL_FLIGHT));
        }
    }

    /// [`send_handshake`](Self::send_handshake) for a message that is not yet encoded; returns it as it is sent.
    pub(crate) fn send_message<M: Message>(&mut self, body: &M) -> &[u8] {
        self.send_message_of(M::TYPE, body)
    }

    /// [`send_message`](Self::send_message), its type and its body given apart.
    pub(crate) fn send_message_of(
        &mut self,
        message_type: HandshakeType,
        body: impl Encode,
    ) -> &[u8] {
        self.reserve_flight(0);
        let begin = self.flight.len();
        handshake::append(message_type, body, &mut self.flight);
        let message = &self.flight[begin..];
        self.trace
            .sent(TraceItem::Handshake(message_type), message.len());
        message
    }

    /// Puts the handshake messages so far into records.
    pub(crate) fn flush(&mut self) -> Result<(), Error> {
        if !self.flight.is_empty() {
            self.writer
                .write(ContentType::HANDSHAKE, &self.flight, &mut self.output)?;
            self.flight.clear();
        }
        // Handshakes are short and connections are long.
        if self.is_handshake_complete() && self.needs.is_empty() {
            self.needs.shrink();
            self.flight.shrink_to_fit();
        }
        Ok(())
    }

    pub(crate) fn send_change_cipher_spec(&mut self) -> Result<(), Error> {
        self.flush()?;
        self.trace
            .sent(TraceItem::ChangeCipherSpec, CHANGE_CIPHER_SPEC.len());
        self.writer.write(
            ContentType::CHANGE_CIPHER_SPEC,
            &CHANGE_CIPHER_SPEC,
            &mut self.output,
        )
    }

    /// Changes the keys for what we send.
    pub(crate) fn set_write_protection(&mut self, mut protection: Protection) -> Result<(), Error> {
        self.flush()?;
        protection.limit_records(self.records_per_key);
        self.writer.set_protection(protection);
        Ok(())
    }

    /// Sends an alert, behind what was sent before it.
    pub(crate) fn send_alert(&mut self, alert: Alert) -> Result<(), Error> {
        self.flush()?;
        self.trace.sent(TraceItem::Alert(alert.description), 2);
        self.writer
            .write(ContentType::ALERT, &alert.to_bytes(), &mut self.output)
    }

    /// Sends application data, as much as may wait in the output.
    pub(crate) fn send_data(&mut self, plaintext: &[u8], limit: usize) -> Result<usize, Error> {
        let mut sent = 0;
        while sent < plaintext.len()
            && self.output.pending().len() < limit
            && !self.writer.is_exhausted()
        {
            let rest = &plaintext[sent..];
            let fragment = &rest[..rest.len().min(self.writer.max_fragment())];
            self.writer
                .write(ContentType::APPLICATION_DATA, fragment, &mut self.output)?;
            sent += fragment.len();
        }
        if sent > 0 {
            self.trace.sent(TraceItem::ApplicationData, sent);
        }
        Ok(sent)
    }

    /// The record layer's sending half, for what is done to it in one place only.
    pub(crate) fn writer(&mut self) -> &mut RecordWriter {
        &mut self.writer
    }

    // --- needs ---

    /// Asks, and stops the processing of input until the answer is there.
    pub(crate) fn ask(&mut self, need: impl FnOnce(NeedId) -> Need) -> NeedId {
        self.raise(need, true)
    }

    /// Asks, and goes on.
    pub(crate) fn ask_aside(&mut self, need: impl FnOnce(NeedId) -> Need) -> NeedId {
        self.raise(need, false)
    }

    fn raise(&mut self, need: impl FnOnce(NeedId) -> Need, blocking: bool) -> NeedId {
        let id = self.needs.next_id();
        let need = need(id);
        self.trace.push(TraceEvent::NeedRaised(need.kind()));
        self.needs.raise(need, blocking);
        id
    }

    /// The answer to a need that the handshake can do without: an error is traced, and is `None`.
    pub(crate) fn do_without<T>(
        &mut self,
        kind: NeedKind,
        answer: Result<Option<T>, NeedError>,
    ) -> Option<T> {
        answer.unwrap_or_else(|error| {
            self.trace.push(TraceEvent::NeedFailed(kind, error));
            None
        })
    }

    // --- the handshake as a whole ---

    /// What was negotiated, from the ServerHello on.
    pub(crate) fn negotiated(&mut self) -> Result<&mut Negotiated, Error> {
        self.negotiated.as_mut().ok_or(Error::Internal(
            "nothing is negotiated before a ServerHello",
        ))
    }

    /// The handshake is done: data may flow.
    pub(crate) fn complete_handshake(&mut self) {
        self.handshake = Handshake::JustComplete;
        self.data_held = false;
        // RFC 9846 §F.1.4: exporter secrets "SHOULD be erased as soon as possible", and there is no early
        // data any more.
        self.early_exporter = None;
    }

    /// TLS 1.2: one side's change_cipher_spec has been. No data flows until the Finished of both have.
    pub(crate) fn hold_data(&mut self) {
        self.data_held = true;
    }

    pub(crate) fn is_handshake_complete(&self) -> bool {
        matches!(
            self.handshake,
            Handshake::JustComplete | Handshake::Complete
        )
    }

    /// Data may be sent before the handshake is complete.
    pub(crate) fn allow_sending(&mut self) {
        self.handshake = Handshake::MaySend;
    }

    pub(crate) fn may_send(&self) -> bool {
        self.handshake != Handshake::UnderWay && !self.data_held
    }

    /// Whether the caller has yet to be told that the handshake is complete; once.
    pub(crate) fn take_just_complete(&mut self) -> bool {
        let just = self.handshake == Handshake::JustComplete;
        if just {
            self.handshake = Handshake::Complete;
        }
        just
    }

    /// Gives memory back that is not in use.
    pub(crate) fn shrink(&mut self) {
        self.input.shrink();
        self.output.shrink();
        self.flight.shrink_to_fit();
        self.needs.shrink();
    }
}

/// By its random, behind the header and two bytes of legacy_version (RFC 9846 §4.2.3).
fn is_hello_retry_request(message: &HandshakeMessage) -> bool {
    let random = HEADER_LEN + 2..HEADER_LEN + 2 + HELLO_RETRY_REQUEST_RANDOM.len();
    message.typ == HandshakeType::SERVER_HELLO
        && message.bytes.get(random) == Some(&HELLO_RETRY_REQUEST_RANDOM)
}
