//! One decompressor for each algorithm, none of which makes more of a message than it announces.

use std::cell::Cell;
use std::io::Read;

use brotli::{Allocator, BrotliDecompressStream, BrotliResult, BrotliState, HeapAlloc};
use ruzstd::decoding::{BlockDecodingStrategy, FrameDecoder};

use crate::DecompressError;

type Result = core::result::Result<Vec<u8>, DecompressError>;

/// One byte more than announced is enough to see that it is too much.
const TOO_MUCH: usize = 1;

/// Zlib's window is 32 KiB, and what leaves it is handed over at once.
pub(crate) fn zlib(compressed: &[u8], length: usize) -> Result {
    let mut out = Vec::new();
    flate2::bufread::ZlibDecoder::new(compressed)
        .take((length + TOO_MUCH) as u64)
        .read_to_end(&mut out)
        .map_err(|_| DecompressError::Corrupt)?;
    Ok(out)
}

/// The stream is one of RFC 7932, whose windows end at 16 MiB: "large window" Brotli, with up to
/// 1 GiB, is no part of it.
///
/// The decompressor hands over what it has when its window is full, which for 16 MiB is late. But it
/// makes the window only as large as all metablocks up to the present one need, by the lengths in
/// their headers. So one that needs more than `length` allows says that it is too long before
/// any of it is decompressed, and gets no window.
pub(crate) fn brotli(compressed: &[u8], length: usize) -> Result {
    let refused = Cell::new(false);
    let window = Window {
        limit: length.max(SMALLEST_WINDOW).next_power_of_two() + WINDOW_SLACK,
        refused: &refused,
        heap: HeapAlloc::default(),
    };
    let mut state = BrotliState::new_strict(window, HeapAlloc::default(), HeapAlloc::default());
    let mut out = vec![0; length + TOO_MUCH];
    let (mut left, mut read) = (compressed.len(), 0);
    let (mut room, mut written, mut total) = (out.len(), 0, 0);
    let result = BrotliDecompressStream(
        &mut left,
        &mut read,
        compressed,
        &mut room,
        &mut written,
        &mut out,
        &mut total,
        &mut state,
    );
    match result {
        BrotliResult::ResultSuccess => {
            out.truncate(written);
            Ok(out)
        }
        BrotliResult::NeedsMoreOutput => Err(DecompressError::WrongLength),
        _ if refused.get() => Err(DecompressError::WrongLength),
        BrotliResult::ResultFailure | BrotliResult::NeedsMoreInput => Err(DecompressError::Corrupt),
    }
}

/// However short the stream, the decompressor's other buffers of bytes have to find room: the largest
/// is a context map of 256 block types with 64 contexts each (RFC 7932 §7.3).
const SMALLEST_WINDOW: usize = 256 * 64;

/// What the decompressor adds to the window, rounded up: the longest word of a dictionary.
const WINDOW_SLACK: usize = 1024;

/// Makes Brotli's window, up to a limit.
struct Window<'a> {
    limit: usize,
    refused: &'a Cell<bool>,
    heap: HeapAlloc<u8>,
}

impl Allocator<u8> for Window<'_> {
    type AllocatedMemory = <HeapAlloc<u8> as Allocator<u8>>::AllocatedMemory;

    /// Nothing, if it is too much: the decompressor then fails.
    fn alloc_cell(&mut self, len: usize) -> Self::AllocatedMemory {
        if len > self.limit {
            self.refused.set(true);
            return Self::AllocatedMemory::default();
        }
        self.heap.alloc_cell(len)
    }

    fn free_cell(&mut self, data: Self::AllocatedMemory) {
        self.heap.free_cell(data);
    }
}

/// The decompressor keeps a window's worth before it hands anything over. So it is to stop after the
/// block with which it has too much: that is at most 128 KiB, or 1 MiB if it breaks the rules.
pub(crate) fn zstd(mut compressed: &[u8], length: usize) -> Result {
    let mut decoder = FrameDecoder::new();
    // In a single segment, the window is all of the content.
    decoder.set_max_window_size(ZSTD_WINDOW.max(length as u64));
    decoder
        .init(&mut compressed)
        .map_err(|_| DecompressError::Corrupt)?;
    // A frame need not say how long its content is: 0.
    let announced = decoder.content_size();
    if announced != 0 && usize::try_from(announced) != Ok(length) {
        return Err(DecompressError::WrongLength);
    }
    let enough = BlockDecodingStrategy::UptoBytes(length + TOO_MUCH);
    let finished = decoder
        .decode_blocks(&mut compressed, enough)
        .map_err(|_| DecompressError::Corrupt)?;
    // Unfinished, it has more than `length` already. Finished, it may have, with the last block.
    if !finished || decoder.can_collect() > length {
        return Err(DecompressError::WrongLength);
    }
    Ok(decoder.collect().unwrap_or_default())
}

/// RFC 8878 §3.1.1.1.2: "For improved interoperability, it's recommended for decoders to support
/// values of Window_Size up to 8 MB".
const ZSTD_WINDOW: u64 = 8 << 20;
