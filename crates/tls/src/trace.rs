//! What happened on a connection, in order and without time: whoever drives the engine knows the time.

use keyward_wire::values::{AlertDescription, HandshakeType};

use crate::needs::NeedKind;

/// One thing that happened.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TraceEvent {
    /// The peer sent `what`, of `len` bytes (a handshake message with its header, a record's content).
    Received {
        /// What came.
        what: TraceItem,
        /// Its size in bytes, before record protection.
        len: usize,
    },
    /// We sent `what`, of `len` bytes.
    Sent {
        /// What went.
        what: TraceItem,
        /// Its size in bytes, before record protection.
        len: usize,
    },
    /// The engine asked.
    NeedRaised(NeedKind),
    /// The answer was used.
    NeedAnswered(NeedKind),
    /// The answer was an error that the handshake goes on without: no resumption, no ticket.
    NeedFailed(NeedKind, crate::needs::NeedError),
}

/// What went over the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TraceItem {
    /// A handshake message.
    Handshake(HandshakeType),
    /// A ServerHello whose random says that it is a HelloRetryRequest (RFC 9846 §4.2.3).
    HelloRetryRequest,
    /// A change_cipher_spec record.
    ChangeCipherSpec,
    /// An alert.
    Alert(AlertDescription),
    /// Application data; only the first in each direction is traced.
    ApplicationData,
}

/// Events kept between two calls of `take_trace`. A handshake has some twenty; what comes beyond this
/// is dropped, so that a connection whose trace nobody takes stays small.
const MAX_EVENTS: usize = 64;

/// As many as a full handshake has.
const USUAL_EVENTS: usize = 24;

#[derive(Default)]
pub(crate) struct Trace {
    events: Vec<TraceEvent>,
    enabled: bool,
    received_data: bool,
    sent_data: bool,
}

impl Trace {
    pub(crate) fn new(enabled: bool) -> Self {
        Self {
            enabled,
            ..Self::default()
        }
    }

    pub(crate) fn received(&mut self, what: TraceItem, len: usize) {
        if what == TraceItem::ApplicationData && std::mem::replace(&mut self.received_data, true) {
            return;
        }
        self.push(TraceEvent::Received { what, len });
    }

    pub(crate) fn sent(&mut self, what: TraceItem, len: usize) {
        if what == TraceItem::ApplicationData && std::mem::replace(&mut self.sent_data, true) {
            return;
        }
        self.push(TraceEvent::Sent { what, len });
    }

    pub(crate) fn push(&mut self, event: TraceEvent) {
        if self.enabled && self.events.len() < MAX_EVENTS {
            if self.events.capacity() == 0 {
                self.events.reserve(USUAL_EVENTS);
            }
            self.events.push(event);
        }
    }

    pub(crate) fn take(&mut self) -> Vec<TraceEvent> {
        std::mem::take(&mut self.events)
    }
}
