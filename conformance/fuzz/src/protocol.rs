//! The frames between edge and key server, in pieces of any size.

use keyward_protocol::{Decoder, Frame, FrameError, MAX_FRAME_LEN};

/// One input: a byte that says how the rest is cut.
pub fn run(data: &[u8]) {
    let Some((piece, stream)) = data.split_first() else {
        return;
    };
    let pieces = frames(stream, usize::from(*piece) + 1);
    let whole = frames(stream, usize::MAX);
    assert_eq!(pieces, whole, "how bytes are cut makes a difference");
}

/// What a stream is, frame by frame, to its end or its first final error.
fn frames(mut stream: &[u8], piece: usize) -> Vec<String> {
    let mut decoder = Decoder::new();
    let mut seen = Vec::new();
    loop {
        let taken = decoder.receive(&stream[..stream.len().min(piece)]);
        stream = &stream[taken..];
        assert!(decoder.buffered() <= MAX_FRAME_LEN + 3);
        loop {
            match decoder.next_frame() {
                Ok(None) => break,
                Ok(Some(frame)) => {
                    again(&frame);
                    seen.push(format!("{frame:?}"));
                }
                Err(error) => {
                    let is_final = matches!(
                        error,
                        FrameError::TooShort { .. } | FrameError::TooLong { .. }
                    );
                    seen.push(error.to_string());
                    if is_final {
                        assert_eq!(decoder.next_frame().err(), Some(error));
                        return seen;
                    }
                }
            }
        }
        if stream.is_empty() {
            return seen;
        }
    }
}

/// A frame that came can be sent, and comes as itself.
fn again(frame: &Frame) {
    if matches!(frame, Frame::Unknown { .. }) {
        return;
    }
    let bytes = frame.encode().expect("what came in a frame fits into one");
    let mut decoder = Decoder::new();
    assert_eq!(decoder.receive(&bytes), bytes.len());
    let second = decoder
        .next_frame()
        .expect("our own encoding")
        .expect("a whole frame");
    assert_eq!(
        second.encode().expect("it fits")[..],
        bytes[..],
        "a frame changes on its way"
    );
}
