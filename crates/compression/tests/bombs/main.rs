//! Few bytes that decompress to very many, and how much memory they get.

mod brotli;
mod zstd;

use std::alloc::System;
use std::io::{Read, Write};

use keyward_compression::DecompressError::{self, Corrupt, WrongLength};
use keyward_compression::decompress;
use keyward_wire::handshake::CompressedCertificate;
use keyward_wire::values::CertificateCompressionAlgorithm as Algorithm;
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};

use brotli::Window;

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// What the messages announce.
const LENGTH: u32 = 10_000;

const MIB: usize = 1 << 20;

/// What becomes of a message that announces [`LENGTH`], and how many bytes that allocates: all of
/// them, also those that are freed meanwhile. So it is no less than the peak.
fn decompressed(
    algorithm: Algorithm,
    compressed: Vec<u8>,
) -> (Result<Vec<u8>, DecompressError>, usize) {
    let message = CompressedCertificate {
        algorithm,
        uncompressed_length: LENGTH,
        compressed_certificate_message: compressed,
    };
    let region = Region::new(ALLOCATOR);
    let result = decompress(&message, 1 << 16);
    (result, region.change().bytes_allocated)
}

#[track_caller]
fn assert_refused(algorithm: Algorithm, compressed: Vec<u8>, error: DecompressError, most: usize) {
    assert!(compressed.len() < 1 << 16, "{}", compressed.len());
    let (result, allocated) = decompressed(algorithm, compressed);
    assert_eq!(result, Err(error));
    assert!(allocated < most, "{allocated} bytes");
}

/// The bombs are what they are meant to be: short ones decompress.
fn what_is_made_by_hand_decompresses() {
    let zeros = vec![0; 10_000];
    for (algorithm, compressed) in [
        (
            Algorithm::BROTLI,
            brotli::zeros(Window::Largest16MiB, 2, 5_000),
        ),
        (Algorithm::ZSTD, zstd::frame(23, &zstd::zeros(2, 5_000))),
        (
            Algorithm::ZSTD,
            zstd::frame_of(10_000, &zstd::zeros(2, 5_000)),
        ),
    ] {
        let (result, allocated) = decompressed(algorithm, compressed);
        assert!(result == Ok(zeros.clone()), "{algorithm}");
        assert!(allocated < MIB, "{algorithm}: {allocated} bytes");
    }
    // We refuse a large window, but not because the stream is wrong.
    let compressed = brotli::zeros(Window::Large1GiB, 2, 5_000);
    let mut out = Vec::new();
    ::brotli::Decompressor::new(compressed.as_slice(), 4096)
        .read_to_end(&mut out)
        .unwrap();
    assert!(out == zeros);
}

fn brotli() {
    // A metablock's header says that it is too long: before it, after others, or together with them.
    for (metablocks, length) in [(64, 1 << 24), (1, 1 << 24), (1000, 5_000), (3, 10_001)] {
        let bomb = brotli::zeros(Window::Largest16MiB, metablocks, length);
        assert_refused(Algorithm::BROTLI, bomb, WrongLength, MIB);
    }
    // One byte more than announced: it fits into the window.
    let bomb = brotli::zeros(Window::Largest16MiB, 1, LENGTH + 1);
    assert_refused(Algorithm::BROTLI, bomb, WrongLength, MIB);
    // 1 GiB, all of which a window of that size would hold.
    let bomb = brotli::zeros(Window::Large1GiB, 64, 1 << 24);
    assert_refused(Algorithm::BROTLI, bomb, Corrupt, MIB);
}

fn zstd() {
    // 1.25 GiB.
    let blocks = zstd::zeros(10_000, zstd::BLOCK_LEN);
    assert_refused(Algorithm::ZSTD, zstd::frame(23, &blocks), WrongLength, MIB);
    // A window that is too large, a content that is.
    assert_refused(Algorithm::ZSTD, zstd::frame(27, &blocks), Corrupt, MIB);
    for (size, error) in [
        (u64::MAX, Corrupt),
        (1 << 27, Corrupt),
        (1 << 22, WrongLength),
        (10_001, WrongLength),
        (9_999, WrongLength),
    ] {
        assert_refused(Algorithm::ZSTD, zstd::frame_of(size, &blocks), error, MIB);
    }
    // The right content, by its own account.
    let bomb = zstd::frame_of(u64::from(LENGTH), &zstd::zeros(5_000, 10_000));
    assert_refused(Algorithm::ZSTD, bomb, WrongLength, MIB);
    // One byte more than announced.
    let bomb = zstd::frame(23, &zstd::zeros(1, LENGTH + 1));
    assert_refused(Algorithm::ZSTD, bomb, WrongLength, MIB);
    // A block that is longer than the rules allow.
    let bomb = zstd::frame(23, &zstd::oversize_block());
    assert_refused(Algorithm::ZSTD, bomb, WrongLength, 4 * MIB);
}

fn zlib() {
    let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::best());
    for _ in 0..40 {
        encoder.write_all(&vec![0; MIB]).unwrap();
    }
    let bomb = encoder.finish().unwrap();
    assert_refused(Algorithm::ZLIB, bomb, WrongLength, MIB);
}

/// One test, so that nothing else allocates meanwhile.
#[test]
fn a_bomb_gets_no_memory() {
    what_is_made_by_hand_decompresses();
    brotli();
    zstd();
    zlib();
}
