//! `docs/protocol.md` shows the bytes of each frame. They are what this crate writes and reads.

use std::collections::BTreeMap;

use keyward_protocol::Decoder;

use crate::examples;

const SPECIFICATION: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/protocol.md");

/// The specification's dumps by name: blocks of "```hex NAME", where what follows a `;` is for people.
fn dumps() -> BTreeMap<String, Vec<u8>> {
    let text = std::fs::read_to_string(SPECIFICATION).unwrap();
    let mut dumps = BTreeMap::new();
    for block in text.split("```hex ").skip(1) {
        let (name, rest) = block.split_once('\n').unwrap();
        let (body, _) = rest.split_once("```").unwrap();
        let digits: String = body
            .lines()
            .flat_map(|line| line.split(';').next())
            .flat_map(str::chars)
            .filter(|c| !c.is_whitespace())
            .collect();
        let bytes = digits
            .as_bytes()
            .chunks(2)
            .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap())
            .collect();
        assert!(
            dumps.insert(name.trim().to_owned(), bytes).is_none(),
            "{name} twice"
        );
    }
    dumps
}

#[test]
fn every_frame_is_written_as_specified() {
    let mut dumps = dumps();
    for (name, frame) in examples::all() {
        let written = frame.encode().unwrap();
        let specified = dumps.remove(name).unwrap_or_default();
        assert_eq!(*written, specified, "{name}: {}", hex(&written));
    }
    assert!(dumps.is_empty(), "no such examples: {:?}", dumps.keys());
}

#[test]
fn every_specified_frame_reads_back() {
    for (name, bytes) in dumps() {
        let mut decoder = Decoder::new();
        assert_eq!(decoder.receive(&bytes), bytes.len());
        let frame = decoder.next_frame().unwrap().unwrap();
        assert_eq!(*frame.encode().unwrap(), bytes, "{name}");
        assert_eq!(decoder.buffered(), 0);
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect::<Vec<_>>()
        .join(" ")
}
