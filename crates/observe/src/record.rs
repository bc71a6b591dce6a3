//! The record of one handshake.

use serde::{Deserialize, Serialize};

/// One of the three that take part.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Party {
    /// Who connects.
    Client,
    /// Who answers, without a private key.
    Edge,
    /// Who has the private key.
    KeyServer,
}

/// A message that went from one party to another.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    /// Microseconds since the record began.
    pub at_us: u64,
    /// The sender.
    pub from: Party,
    /// The receiver.
    pub to: Party,
    /// What it was: the message's name in the RFC (`ClientHello`), or what is asked of a key server.
    pub what: String,
    /// Its length in bytes.
    pub bytes: usize,
}

impl Event {
    /// A message of `bytes` bytes, `at_us` microseconds after the record began.
    pub fn new(at_us: u64, from: Party, to: Party, what: impl Into<String>, bytes: usize) -> Self {
        Self {
            at_us,
            from,
            to,
            what: what.into(),
            bytes,
        }
    }
}

/// How long an answer took that the engine waited for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NeedTiming {
    /// Which answer: `certificate`, `session`, `key-operation`, `new-session`.
    pub kind: String,
    /// Microseconds since the record began, when the engine asked.
    #[serde(default)]
    pub at_us: u64,
    /// Microseconds until the answer.
    pub us: u64,
}

/// Which key server answered, and what it took to get the answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyServerAnswer {
    /// Its address, with the name that led to it.
    pub server: String,
    /// Whether a second one was asked as well, because the first was slow.
    pub hedged: bool,
    /// How often another one was asked, or one anew, because one failed or fell silent.
    pub retries: u32,
}

/// How it ended.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "result", content = "cause")]
pub enum Outcome {
    /// Still under way, or nobody said.
    #[default]
    Unknown,
    /// Both Finished messages were good.
    Completed,
    /// It failed; the text names the cause.
    Failed(String),
}

/// One handshake.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct HandshakeRecord {
    /// The number of the connection in its process.
    pub connection: u64,
    /// The client's address and port.
    #[serde(default)]
    pub peer: Option<String>,
    /// `TLS 1.3` or `TLS 1.2`.
    pub version: Option<String>,
    /// The suite's IANA name.
    pub cipher_suite: Option<String>,
    /// The key exchange group's IANA name; none with RSA key transport.
    pub group: Option<String>,
    /// The name that the client asked for.
    pub server_name: Option<String>,
    /// Whether an earlier session was taken up again.
    pub resumed: bool,
    /// The kind of certificate, such as `ECDSA P-256` or `RSA 2048`; none if resumed.
    pub certificate: Option<String>,
    /// How many private-key operations it took.
    pub key_operations: u32,
    /// Who performed them, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub key_servers: Vec<KeyServerAnswer>,
    /// Every message, in order.
    pub events: Vec<Event>,
    /// Every answer waited for, in order.
    pub needs: Vec<NeedTiming>,
    /// How it ended.
    pub outcome: Outcome,
}

impl HandshakeRecord {
    /// An empty record of a connection.
    pub fn new(connection: u64) -> Self {
        Self {
            connection,
            ..Self::default()
        }
    }

    /// Microseconds that private-key operations took, as the edge saw them: the way to the key
    /// server and back included.
    pub fn key_operation_us(&self) -> u64 {
        self.needs
            .iter()
            .filter(|need| need.kind == NeedTiming::KEY_OPERATION)
            .map(|need| need.us)
            .sum()
    }
}

impl NeedTiming {
    /// The `kind` of a private-key operation.
    pub const KEY_OPERATION: &'static str = "key-operation";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_round_trip() {
        let mut record = HandshakeRecord::new(7);
        record.version = Some("TLS 1.3".to_owned());
        record.events.push(Event::new(
            12,
            Party::Edge,
            Party::KeyServer,
            "Tls13ServerCertificateVerify",
            1800,
        ));
        record.needs.push(NeedTiming {
            kind: NeedTiming::KEY_OPERATION.to_owned(),
            at_us: 12,
            us: 300,
        });
        record.key_servers.push(KeyServerAnswer {
            server: "home.example:2410 (192.0.2.7:2410)".to_owned(),
            hedged: true,
            retries: 1,
        });
        record.outcome = Outcome::Failed("the key server is out of reach".to_owned());
        let json = serde_json::to_string(&record).unwrap();
        assert!(json.contains(r#""to":"key-server""#), "{json}");
        assert!(
            json.contains(
                r#""outcome":{"result":"failed","cause":"the key server is out of reach"}"#
            ),
            "{json}"
        );
        let back: HandshakeRecord = serde_json::from_str(&json).unwrap();
        assert_eq!(back, record);
        assert_eq!(back.key_operation_us(), 300);
    }
}
