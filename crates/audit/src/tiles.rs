//! Tiles: the tree's hashes, 256 to a file (C2SP tlog-tiles).

use crate::hash::Hash;

/// "Full tiles MUST be exactly 256 hashes wide".
pub(crate) const WIDTH: u64 = 256;
/// [`WIDTH`] is two to this power.
pub(crate) const HEIGHT: u32 = 8;

/// How many hashes of this level a tree of `size` records has.
pub(crate) fn hashes_at(level: u32, size: u64) -> u64 {
    size.checked_shr(HEIGHT * level).unwrap_or(0)
}

/// Which tile: level, index in it, and how many hashes it has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Tile {
    pub(crate) level: u32,
    pub(crate) index: u64,
    pub(crate) width: u64,
}

impl Tile {
    pub(crate) fn full(level: u32, index: u64) -> Self {
        Self {
            level,
            index,
            width: WIDTH,
        }
    }

    /// The tiles at the right edge of a tree of this size that are not full, from level 0 up.
    pub(crate) fn partial(size: u64) -> impl Iterator<Item = Self> {
        (0..u64::BITS / HEIGHT).filter_map(move |level| {
            // "The partial tile at level l for a tree of size s has floor(s / 256**l) mod 256 entries. Empty tiles MUST NOT
            // be served."
            let hashes = hashes_at(level, size);
            let width = hashes % WIDTH;
            (width > 0).then_some(Self {
                level,
                index: hashes / WIDTH,
                width,
            })
        })
    }

    /// Where it is in the log's folder.
    pub(crate) fn path(&self) -> String {
        format!("tile/{}/{}", self.level, self.name())
    }

    /// Where the records are whose hashes are in this tile of level 0.
    pub(crate) fn bundle_path(&self) -> String {
        format!("tile/entries/{}", self.name())
    }

    fn name(&self) -> String {
        let index = index_path(self.index);
        if self.width == WIDTH {
            index
        } else {
            format!("{index}.p/{}", self.width)
        }
    }
}

/// "zero-padded 3-digit path elements. All but the last path element MUST begin with an x."
fn index_path(index: u64) -> String {
    let mut path = format!("{:03}", index % 1000);
    let mut rest = index / 1000;
    while rest > 0 {
        path = format!("x{:03}/{path}", rest % 1000);
        rest /= 1000;
    }
    path
}

/// The hashes of a tile; `None` if it has another length.
pub(crate) fn decode(bytes: &[u8], width: u64) -> Option<Vec<Hash>> {
    let hashes: Vec<Hash> = bytes
        .chunks(Hash::LEN)
        .filter_map(Hash::from_bytes)
        .collect();
    let whole = bytes.len() == hashes.len() * Hash::LEN && u64::try_from(hashes.len()) == Ok(width);
    whole.then_some(hashes)
}

/// A tile's bytes.
pub(crate) fn encode(hashes: &[Hash]) -> Vec<u8> {
    hashes.iter().flat_map(Hash::as_bytes).copied().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_the_specifications() {
        assert_eq!(Tile::full(0, 1_234_067).path(), "tile/0/x001/x234/067");
        assert_eq!(Tile::full(0, 67).bundle_path(), "tile/entries/067");
        // "a tree of size 70,000 will be represented by 273 full level 0 tiles, one partial level 0 tile of width 112, one full
        // level 1 tile, one partial level 1 tile of width 17, and one partial level 2 tile of width 1."
        let partial: Vec<String> = Tile::partial(70_000).map(|tile| tile.path()).collect();
        let expected = ["tile/0/273.p/112", "tile/1/001.p/17", "tile/2/000.p/1"];
        assert_eq!(partial, expected);
        // "a tree of size 256 will be represented by a full level 0 tile and a partial level 1 tile of width 1."
        let partial: Vec<String> = Tile::partial(256).map(|tile| tile.path()).collect();
        assert_eq!(partial, ["tile/1/000.p/1"]);
    }
}
