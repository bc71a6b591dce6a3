//! What went over the wire, in the words of BoringSSL's message callback: a line each.

use keyward_tls::{TraceEvent, TraceItem};
use keyward_wire::values::{AlertDescription, HandshakeType};

#[derive(Debug, Default)]
pub(crate) struct Messages {
    text: String,
    last_received: Option<HandshakeType>,
}

impl Messages {
    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    /// Whether this was the last handshake message that came.
    pub(crate) fn last_received_is(&self, typ: HandshakeType) -> bool {
        self.last_received == Some(typ)
    }

    pub(crate) fn add(&mut self, events: Vec<TraceEvent>) {
        for event in events {
            match event {
                TraceEvent::Received { what, .. } => {
                    if let TraceItem::Handshake(typ) = what {
                        self.last_received = Some(typ);
                    }
                    self.line("read", what);
                }
                TraceEvent::Sent { what, .. } => self.line("write", what),
                // Nothing that goes over the wire.
                _ => {}
            }
        }
    }

    fn line(&mut self, direction: &str, what: TraceItem) {
        let what = match what {
            TraceItem::Handshake(typ) => format!("hs {}", typ.0),
            TraceItem::HelloRetryRequest => format!("hs {}", HandshakeType::SERVER_HELLO.0),
            TraceItem::ChangeCipherSpec => "ccs".to_owned(),
            TraceItem::Alert(description) => {
                format!("alert {} {}", level(description), description.0)
            }
            // Data has no line.
            _ => return,
        };
        self.text.push_str(&format!("{direction} {what}\n"));
    }
}

/// Of two levels: what does not end the connection is a warning.
fn level(description: AlertDescription) -> u8 {
    match description {
        AlertDescription::CLOSE_NOTIFY | AlertDescription::NO_RENEGOTIATION => 1,
        _ => 2,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_goes_over_the_wire_has_a_line_each() {
        let mut messages = Messages::default();
        let handshake = TraceItem::Handshake;
        messages.add(vec![
            TraceEvent::Received {
                what: handshake(HandshakeType::CLIENT_HELLO),
                len: 200,
            },
            TraceEvent::Sent {
                what: TraceItem::HelloRetryRequest,
                len: 90,
            },
            TraceEvent::Sent {
                what: TraceItem::ApplicationData,
                len: 5,
            },
            TraceEvent::Received {
                what: TraceItem::Alert(AlertDescription::CLOSE_NOTIFY),
                len: 2,
            },
        ]);
        assert_eq!(messages.text(), "read hs 1\nwrite hs 2\nread alert 1 0\n");
        assert!(messages.last_received_is(HandshakeType::CLIENT_HELLO));
    }
}
