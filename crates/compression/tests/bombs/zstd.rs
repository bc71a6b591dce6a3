//! Zstandard frames that no encoder makes (RFC 8878).

/// The frame's magic number.
const MAGIC: [u8; 4] = 0xfd2f_b528_u32.to_le_bytes();

/// The largest block.
pub(crate) const BLOCK_LEN: u32 = 128 * 1024;

/// A frame with a window of 2 to the power of `window_log`, and no content size.
pub(crate) fn frame(window_log: u8, blocks: &[u8]) -> Vec<u8> {
    [MAGIC.as_slice(), &[0, (window_log - 10) << 3], blocks].concat()
}

/// A frame that says that its content, in a single segment, has so many bytes.
pub(crate) fn frame_of(content_size: u64, blocks: &[u8]) -> Vec<u8> {
    [
        MAGIC.as_slice(),
        &[0b1110_0000],
        content_size.to_le_bytes().as_slice(),
        blocks,
    ]
    .concat()
}

/// As many blocks of `length` zero bytes each.
pub(crate) fn zeros(blocks: usize, length: u32) -> Vec<u8> {
    (1..=blocks)
        .flat_map(|block| {
            let header = header(block == blocks, 1, length);
            [header[0], header[1], header[2], 0]
        })
        .collect()
}

/// A compressed block of literals alone, 2^20 - 1 zero bytes: eight times what a block may have.
pub(crate) fn oversize_block() -> Vec<u8> {
    // §3.1.1.3.1.1: RLE_Literals_Block, a size of 20 bits; the byte; no sequences.
    let literals = (0x000f_ffff_u32 << 4 | 0b11 << 2 | 1).to_le_bytes();
    let block = [&literals[..3], &[0, 0]].concat();
    let size = u32::try_from(block.len()).unwrap();
    [header(true, 2, size).as_slice(), &block].concat()
}

/// §3.1.1.2: Last_Block, Block_Type, Block_Size.
fn header(last: bool, block_type: u32, size: u32) -> [u8; 3] {
    let [a, b, c, _] = (u32::from(last) | block_type << 1 | size << 3).to_le_bytes();
    [a, b, c]
}
