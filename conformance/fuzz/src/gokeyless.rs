//! The messages of the older protocol, in pieces of any size.

use keyward_protocol::gokeyless::{Decoder, MAX_BODY_LEN, Message, Opcode};

/// One input: a byte that says how the rest is cut.
pub fn run(data: &[u8]) {
    let Some((piece, stream)) = data.split_first() else {
        return;
    };
    let pieces = messages(stream, usize::from(*piece) + 1);
    let whole = messages(stream, usize::MAX);
    assert_eq!(pieces, whole, "how bytes are cut makes a difference");
}

/// What a stream is, message by message, to its end or its first error.
fn messages(mut stream: &[u8], piece: usize) -> Vec<String> {
    let mut decoder = Decoder::new();
    let mut seen = Vec::new();
    loop {
        let taken = decoder.receive(&stream[..stream.len().min(piece)]);
        stream = &stream[taken..];
        assert!(decoder.buffered() <= MAX_BODY_LEN + 8);
        match decoder.next_message() {
            Ok(Some(message)) => seen.push(again(message)),
            Ok(None) => {}
            Err(error) => {
                assert_eq!(decoder.next_message().err(), Some(error));
                seen.push(format!("{error:?}"));
                return seen;
            }
        }
        if stream.is_empty() {
            return seen;
        }
    }
}

/// What came as a request can be sent as one, and comes as itself; as a reply too.
fn again(message: Message) -> String {
    let id = message.id();
    let shown = format!("{message:?}");
    let request = message.into_request();
    let _ = Opcode::from_number(request.opcode).map(Opcode::algorithm);
    // Items that are skipped make room, but a message of nothing else than items with a meaning may be full.
    if let Ok(bytes) = request.encode(id) {
        let second = decode(&bytes);
        assert_eq!(second.id(), id);
        assert_eq!(
            second.into_request(),
            request,
            "a request changes on its way"
        );
        if let Some(reply) = decode(&bytes).into_reply() {
            let sent = reply
                .encode(id)
                .expect("what came in a message fits into one");
            let same = decode(&sent).into_reply().expect("a reply is one again");
            assert_eq!(format!("{same:?}"), format!("{reply:?}"));
        }
    }
    shown
}

fn decode(bytes: &[u8]) -> Message {
    let mut decoder = Decoder::new();
    assert_eq!(decoder.receive(bytes), bytes.len());
    let message = decoder.next_message().expect("our own encoding");
    message.expect("a whole message")
}
