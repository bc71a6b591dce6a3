//! What holds for all bytes and all frames.

use keyward_protocol::{
    Catalog, CatalogCollector, CatalogEntry, Decoder, Frame, FrameError, FrameKind, MAX_FRAME_LEN,
};
use proptest::prelude::*;

use crate::examples;

/// All frames of a stream that comes in pieces of these lengths, as bytes, up to the first final error.
fn decode(stream: &[u8], pieces: &[usize]) -> Vec<Result<Vec<u8>, FrameError>> {
    let mut decoder = Decoder::new();
    let mut frames = Vec::new();
    let mut rest = stream;
    let mut pieces = pieces.iter().copied().cycle();
    loop {
        loop {
            match decoder.next_frame() {
                Ok(Some(frame)) => frames.push(Ok(frame.encode().unwrap().to_vec())),
                Ok(None) => break,
                Err(error) => {
                    let last = matches!(
                        error,
                        FrameError::TooShort { .. } | FrameError::TooLong { .. }
                    );
                    frames.push(Err(error));
                    if last {
                        return frames;
                    }
                }
            }
        }
        if rest.is_empty() {
            return frames;
        }
        let piece = pieces.next().unwrap_or(1).clamp(1, rest.len());
        let taken = decoder.receive(&rest[..piece]);
        assert!(taken > 0, "no room though no frame is whole");
        rest = &rest[taken..];
    }
}

/// A frame's bytes with `extra` at the end of the body, as a later version would send them.
fn lengthened(frame: &[u8], extra: &[u8]) -> Vec<u8> {
    let mut bytes = [frame, extra].concat();
    let length = u32::try_from(bytes.len() - 3).unwrap().to_be_bytes();
    bytes[..3].copy_from_slice(&length[1..]);
    bytes
}

#[test]
fn what_a_later_version_adds_behind_a_body_is_ignored() {
    for (name, frame) in examples::all() {
        let bytes = frame.encode().unwrap().to_vec();
        let longer = lengthened(&bytes, &[0xee; 9]);
        assert_eq!(decode(&longer, &[1]), [Ok(bytes)], "{name}");
    }
}

#[test]
fn what_a_later_version_adds_behind_a_catalog_entry_is_ignored() {
    let (_, frame) = examples::all()
        .into_iter()
        .find(|(name, _)| *name == "catalog")
        .unwrap();
    let bytes = frame.encode().unwrap().to_vec();
    // Header 8, flags 1, length of the list 3, length of the entry 3.
    let mut longer = lengthened(&bytes, &[0xee; 5]);
    longer[11] += 5;
    longer[14] += 5;
    assert_eq!(decode(&longer, &[1]), [Ok(bytes)]);
}

#[test]
fn a_key_of_an_unknown_kind_is_left_out_of_the_catalog() {
    let (_, frame) = examples::all()
        .into_iter()
        .find(|(name, _)| *name == "catalog")
        .unwrap();
    let mut bytes = frame.encode().unwrap().to_vec();
    // Behind the key's id and the label `shop`.
    let kind = 8 + 1 + 3 + 3 + 32 + 5;
    assert_eq!(bytes[kind], 2);
    bytes[kind] = 99;
    let mut decoder = Decoder::new();
    decoder.receive(&bytes);
    assert!(
        matches!(decoder.next_frame(), Ok(Some(Frame::Catalog { part, .. })) if part.entries.is_empty())
    );
}

#[test]
fn a_body_cut_at_any_byte_is_an_error_and_the_next_frame_is_found() {
    let ping = Frame::Ping { id: 3 }.encode().unwrap().to_vec();
    for (name, frame) in examples::all() {
        let bytes = frame.encode().unwrap().to_vec();
        for len in 8..bytes.len() {
            let cut = lengthened(&bytes[..len], &ping);
            // The length covers the cut body alone.
            let mut cut = cut;
            cut[..3].copy_from_slice(&u32::try_from(len - 3).unwrap().to_be_bytes()[1..]);
            let frames = decode(&cut, &[5]);
            assert_eq!(frames.len(), 2, "{name} cut at {len}");
            assert!(
                matches!(&frames[0], Err(FrameError::Body { .. })),
                "{name} cut at {len}: {frames:?}"
            );
            assert_eq!(frames[1].as_ref(), Ok(&ping));
        }
    }
}

#[test]
fn an_operation_of_a_later_version_is_told_from_one_that_is_broken() {
    let request = |kind: u8, rest: &[u8]| {
        let body = [[0, 0, 0, 9, kind].as_slice(), rest].concat();
        lengthened(&[0, 0, 0, FrameKind::Request.code(), 0, 0, 0, 5], &body)
    };
    assert_eq!(
        decode(&request(200, &[1, 2, 3]), &[1]),
        [Err(FrameError::UnsupportedOperation { id: 5, code: 200 })]
    );
    let broken = decode(&request(1, &[1, 2, 3]), &[1]);
    assert!(
        matches!(
            broken[..],
            [Err(FrameError::Body {
                kind: FrameKind::Request,
                id: 5,
                ..
            })]
        ),
        "{broken:?}"
    );
}

#[test]
fn the_largest_frame_passes_and_a_larger_one_is_not_made() {
    let entry = |len| CatalogEntry {
        chain: vec![vec![0; len]],
        ..catalog_entry(1)
    };
    let part = |len| Frame::Catalog {
        id: 1,
        part: keyward_protocol::CatalogPart {
            more: false,
            entries: vec![entry(len)],
        },
    };
    let overhead = part(0).encode().unwrap().len() - 3;
    let largest = part(MAX_FRAME_LEN - overhead).encode().unwrap();
    assert_eq!(largest.len(), 3 + MAX_FRAME_LEN);
    assert_eq!(decode(&largest, &[4096]), [Ok(largest.to_vec())]);
    assert_eq!(
        part(MAX_FRAME_LEN - overhead + 1)
            .encode()
            .unwrap_err()
            .length,
        MAX_FRAME_LEN + 1
    );

    let catalog = Catalog {
        entries: vec![entry(MAX_FRAME_LEN)],
    };
    assert_eq!(
        catalog.to_frames(0).unwrap_err().key,
        Some(catalog_entry(1).key)
    );
}

fn catalog_entry(n: u8) -> CatalogEntry {
    CatalogEntry {
        key: keyward_keyop::KeyId::from_bytes([n; 32]),
        label: format!("key-{n}"),
        kind: keyward_crypto::signature::KeyKind::Rsa { bits: 3072 },
        operations: vec![keyward_keyop::OperationKind::Tls12RsaMasterSecret],
        names: vec!["*.example".to_owned(), "*".to_owned()],
        allow_no_sni: n > 4,
        chain: Vec::new(),
    }
}

proptest! {
    #[test]
    fn no_bytes_panic(stream in proptest::collection::vec(any::<u8>(), 0..2000), pieces in proptest::collection::vec(1usize..500, 1..5)) {
        decode(&stream, &pieces);
    }

    #[test]
    fn no_body_of_a_known_kind_panics(kind in 0u8..12, id: u32, body in proptest::collection::vec(any::<u8>(), 0..300)) {
        let header = [[0, 0, 0, kind].as_slice(), &id.to_be_bytes()].concat();
        prop_assert_eq!(decode(&lengthened(&header, &body), &[64]).len(), 1);
    }

    #[test]
    fn pieces_do_not_matter(order in proptest::collection::vec(0usize..14, 1..20), pieces in proptest::collection::vec(1usize..300, 1..8)) {
        let examples = examples::all();
        let frames: Vec<Vec<u8>> = order.iter().map(|i| examples[*i].1.encode().unwrap().to_vec()).collect();
        let decoded: Result<Vec<Vec<u8>>, FrameError> = decode(&frames.concat(), &pieces).into_iter().collect();
        prop_assert_eq!(decoded, Ok(frames));
    }

    #[test]
    fn any_catalog_survives_its_parts(lens in proptest::collection::vec(0usize..100_000, 0..12)) {
        let catalog = Catalog {
            entries: lens
                .iter()
                .zip(0u8..)
                .map(|(len, n)| CatalogEntry { chain: vec![vec![n; *len]], ..catalog_entry(n) })
                .collect(),
        };
        let mut collector = CatalogCollector::default();
        let mut complete = None;
        for frame in catalog.to_frames(4).unwrap() {
            prop_assert!(complete.is_none());
            let Frame::Catalog { id, part } = frame else { panic!("not a catalog") };
            for entry in &part.entries {
                let len = Frame::Catalog { id, part: keyward_protocol::CatalogPart { more: false, entries: vec![entry.clone()] } }
                    .encode().unwrap().len();
                prop_assert_eq!(entry.encoded_len() + 8 + 1 + 3, len);
            }
            complete = collector.push(id, part).unwrap();
        }
        prop_assert_eq!(complete, Some(catalog));
    }
}
