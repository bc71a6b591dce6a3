//! The traces of RFC 8448, "Example Handshake Traces for TLS 1.3", as tests read them (`tests/data/rfc8448`).
//!
//! What is done with them stands beside what it proves: key schedule, records and messages in
//! `key_schedule/tls13/rfc8448.rs`, the handshakes themselves in `client/tls13/rfc8448.rs` and
//! `server/tls13/rfc8448.rs`.

use keyward_wire::values::ContentType;

use crate::connection::{Connection, Step as Stepped};
pub(crate) use crate::key_schedule::tls12::Side;
use crate::role::Role;
use crate::session::ClientSession;
use crate::time::UnixTime;

/// When the traces are played.
pub(crate) const NOW: UnixTime = UnixTime::from_secs(1_540_000_000);

/// One handshake, in the order of the RFC.
pub(crate) struct Trace {
    pub(crate) steps: Vec<Step>,
}

/// One thing that a side does.
pub(crate) struct Step {
    pub(crate) who: Side,
    /// As the RFC has it, without what it says of who does the same.
    pub(crate) what: String,
    /// The values shown; where the RFC says that they are those of another step, of that one.
    fields: Vec<(String, Vec<u8>)>,
}

impl Step {
    /// A value that the step shows.
    #[track_caller]
    pub(crate) fn field(&self, name: &str) -> &[u8] {
        self.get(name)
            .unwrap_or_else(|| panic!("{:?} {} has no {name}", self.who, self.what))
    }

    pub(crate) fn get(&self, name: &str) -> Option<&[u8]> {
        let field = self.fields.iter().find(|(known, _)| known == name);
        field.map(|(_, value)| value.as_slice())
    }

    /// If it sends a record: of which type.
    pub(crate) fn record_type(&self) -> Option<ContentType> {
        Some(match self.what.as_str() {
            "send handshake record" => ContentType::HANDSHAKE,
            "send application_data record" => ContentType::APPLICATION_DATA,
            "send alert record" => ContentType::ALERT,
            "send change_cipher_spec record" => ContentType::CHANGE_CIPHER_SPEC,
            _ => return None,
        })
    }

    /// If it makes a handshake message: the message's name, and the message.
    pub(crate) fn message(&self) -> Option<(&str, &[u8])> {
        let name = self.what.strip_prefix("construct a")?;
        let name = name.strip_prefix('n').unwrap_or(name);
        let name = name.trim_start().strip_suffix(" handshake message")?;
        Some((name, self.field(name)))
    }
}

impl Trace {
    /// §3.
    pub(crate) fn simple() -> Self {
        Self::parse(include_str!("../tests/data/rfc8448/simple-1-rtt.txt"))
    }

    /// §4.
    pub(crate) fn resumed() -> Self {
        Self::parse(include_str!("../tests/data/rfc8448/resumed-0-rtt.txt"))
    }

    /// §5.
    pub(crate) fn hello_retry_request() -> Self {
        Self::parse(include_str!(
            "../tests/data/rfc8448/hello-retry-request.txt"
        ))
    }

    /// §6.
    pub(crate) fn client_authentication() -> Self {
        Self::parse(include_str!(
            "../tests/data/rfc8448/client-authentication.txt"
        ))
    }

    /// §7.
    pub(crate) fn compatibility_mode() -> Self {
        Self::parse(include_str!("../tests/data/rfc8448/compatibility-mode.txt"))
    }

    fn parse(text: &str) -> Self {
        let mut steps: Vec<Step> = Vec::new();
        for line in text.lines().filter(|line| !line.starts_with('#')) {
            if let Some(digits) = line.strip_prefix("  ") {
                let fields = &mut steps.last_mut().expect("a step").fields;
                let (_, value) = fields.last_mut().expect("a field");
                value.extend(unhex(digits));
            } else if let Some(name) = line.strip_suffix(':') {
                let fields = &mut steps.last_mut().expect("a step").fields;
                fields.push((name.to_owned(), Vec::new()));
            } else if let Some((who, what)) = line.split_once(": ") {
                let step = Self::step(who, what, &steps);
                steps.push(step);
            }
        }
        Self { steps }
    }

    fn step(who: &str, what: &str, before: &[Step]) -> Step {
        let who = match who {
            "client" => Side::Client,
            "server" => Side::Server,
            other => panic!("{other}"),
        };
        let (what, same) = match what.split_once(" (same as") {
            Some((what, _)) => (what, true),
            None => (what, false),
        };
        // What one writes with is what the other reads with.
        let mirrored = if what.starts_with("derive read ") {
            what.replacen("read", "write", 1)
        } else {
            what.replacen("derive write ", "derive read ", 1)
        };
        let original = before
            .iter()
            .rev()
            .find(|step| step.who != who && step.what == mirrored);
        let fields = match original {
            Some(step) if same => step.fields.clone(),
            None if same => panic!("{what} is the same as nothing"),
            _ => Vec::new(),
        };
        Step {
            who,
            what: what.to_owned(),
            fields,
        }
    }

    /// The value that a secret has in the trace.
    #[track_caller]
    pub(crate) fn secret(&self, what: &str) -> &[u8] {
        let step = self.steps.iter().find(|step| step.what == what);
        let step = step.unwrap_or_else(|| panic!("nobody does: {what}"));
        step.get("expanded").unwrap_or_else(|| step.field("secret"))
    }

    /// The private half of this side's last key pair.
    pub(crate) fn private_key(&self, who: Side) -> &[u8] {
        let mut steps = self.steps.iter().rev();
        let made = steps.find(|step| step.who == who && step.what.contains("ephemeral"));
        made.expect("it has a key pair").field("private key")
    }

    /// The handshake messages that this side sends, in order, whole.
    pub(crate) fn messages(&self, who: Side) -> Vec<&[u8]> {
        let records = self.records(who, &[ContentType::HANDSHAKE]);
        let payloads = records.iter().map(|record| record.field("payload"));
        payloads
            .flat_map(keyward_wire::handshake::split)
            .map(|message| message.unwrap().bytes)
            .collect()
    }

    /// Every record once the client's Finished is sent.
    fn after_handshake(&self) -> impl Iterator<Item = &Step> {
        let client = |step: &Step| {
            step.who == Side::Client && step.record_type() == Some(ContentType::HANDSHAKE)
        };
        let finished = self.steps.iter().rposition(client).unwrap();
        let rest = self.steps[finished + 1..].iter();
        rest.filter(|step| step.record_type().is_some())
    }

    /// The records of these types that this side sends, in order.
    pub(crate) fn records(&self, who: Side, types: &[ContentType]) -> Vec<&Step> {
        let sent = |step: &&Step| {
            step.who == who && step.record_type().is_some_and(|typ| types.contains(&typ))
        };
        self.steps.iter().filter(sent).collect()
    }
}

/// The bytes of a hexadecimal string.
pub(crate) fn unhex(digits: &str) -> Vec<u8> {
    let pairs = digits.as_bytes().chunks(2);
    let byte = |pair| u8::from_str_radix(str::from_utf8(pair).unwrap(), 16).unwrap();
    pairs.map(byte).collect()
}

/// What waits to be sent.
pub(crate) fn take_output<R: Role>(connection: &mut Connection<R>) -> Vec<u8> {
    let output = connection.output().to_vec();
    connection.consume_output(output.len());
    output
}

/// After the handshake: has one side's engine say what the side says in the trace, and hear what it hears. Gives the
/// session that it is given.
pub(crate) fn talk<R: Role>(
    connection: &mut Connection<R>,
    who: Side,
    trace: &Trace,
) -> Option<ClientSession> {
    let mut session = None;
    for step in trace.after_handshake() {
        let content_type = step.record_type().unwrap();
        let (payload, record) = (step.field("payload"), step.field("complete record"));
        if step.who == who {
            match content_type {
                ContentType::APPLICATION_DATA => {
                    assert_eq!(connection.send(payload).unwrap(), payload.len());
                }
                ContentType::ALERT => connection.close(),
                // A ticket, where the engine's own would be another.
                _ => {
                    connection.common.send_handshake(payload);
                    connection.common.flush().unwrap();
                }
            }
            assert_eq!(take_output(connection), record, "{}", step.what);
            continue;
        }
        assert_eq!(connection.receive(record), record.len());
        match (content_type, connection.step(NOW).unwrap()) {
            (ContentType::APPLICATION_DATA, Stepped::Data) => {
                assert_eq!(connection.peek(), payload);
                connection.consume_readable(payload.len());
            }
            (ContentType::ALERT, Stepped::PeerClosed) => {}
            (ContentType::HANDSHAKE, Stepped::SessionReceived(received)) => {
                session = Some(*received);
            }
            other => panic!("{other:?}"),
        }
    }
    assert!(matches!(connection.step(NOW), Ok(Stepped::Closed)));
    session
}

#[test]
fn the_data_is_whole() {
    let count = |trace: Trace| {
        let records = trace
            .steps
            .iter()
            .filter(|step| step.record_type().is_some());
        (trace.steps.len(), records.count())
    };
    assert_eq!(count(Trace::simple()), (55, 9));
    assert_eq!(count(Trace::resumed()), (60, 10));
    assert_eq!(count(Trace::hello_retry_request()), (54, 8));
    assert_eq!(count(Trace::client_authentication()), (52, 6));
    assert_eq!(count(Trace::compatibility_mode()), (51, 8));
}
