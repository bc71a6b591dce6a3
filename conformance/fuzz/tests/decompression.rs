//! What decompressing takes of the heap, over the corpus and small changes of it: it is bounded by what the peer may send,
//! not by what the compressed bytes ask for.

use std::fs;
use std::path::Path;

use allocation_counter::measure;
use keyward_fuzz::mutate::{Numbers, mutate};

/// Tables, and a window for the 4096 bytes at most that `conformance/fuzz/src/certificates.rs` allows.
const MOST: u64 = 256 << 10;

#[test]
fn it_is_bounded_whatever_the_bytes_ask_for() {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus/certificates");
    let mut peak = 0;
    for file in fs::read_dir(corpus).unwrap() {
        let file = file.unwrap().path();
        let input = fs::read(&file).unwrap();
        // What a peer has compressed, and nothing else.
        if input.first().is_none_or(|choice| choice & 3 != 0) {
            continue;
        }
        for change in 0..64 {
            let mut changed = input[1..].to_vec();
            mutate(&mut changed, &mut Numbers(change));
            let changed = [&input[..1], &changed].concat();
            let info = measure(|| keyward_fuzz::certificates::run(&changed));
            assert!(info.bytes_max <= MOST, "{}: {info:?}", file.display());
            peak = peak.max(info.bytes_max);
        }
    }
    assert!(peak > MOST / 8, "the bound says nothing: {peak}");
}
