//! The tree itself: its root as records come, and the root of a row of hashes.

use crate::hash::Hash;

/// The roots of the perfect subtrees that a tree consists of, the largest first: all that is needed to append to it and to
/// know its root.
#[derive(Clone, Debug, Default)]
pub(crate) struct Frontier {
    size: u64,
    subtrees: Vec<Hash>,
}

impl Frontier {
    /// A tree of so many records whose perfect subtrees are known, the largest first. `None` if their number is another.
    pub(crate) fn new(size: u64, subtrees: Vec<Hash>) -> Option<Self> {
        (usize::try_from(size.count_ones()) == Ok(subtrees.len()))
            .then_some(Self { size, subtrees })
    }

    pub(crate) fn size(&self) -> u64 {
        self.size
    }

    pub(crate) fn push(&mut self, leaf: Hash) {
        let mut hash = leaf;
        // Each bit that is set from the lowest on is a subtree of the same size, which the new one completes.
        for _ in 0..self.size.trailing_ones() {
            if let Some(left) = self.subtrees.pop() {
                hash = Hash::of_node(&left, &hash);
            }
        }
        self.subtrees.push(hash);
        self.size += 1;
    }

    pub(crate) fn root(&self) -> Hash {
        fold(&self.subtrees)
    }
}

/// RFC 9162 §2.1.1 splits a tree at "the largest power of two smaller than n": the subtrees join from the right.
fn fold(subtrees: &[Hash]) -> Hash {
    subtrees
        .iter()
        .rev()
        .copied()
        .reduce(|right, left| Hash::of_node(&left, &right))
        .unwrap_or_else(Hash::of_nothing)
}

/// The root of the tree over these hashes.
pub(crate) fn root(hashes: &[Hash]) -> Hash {
    let mut frontier = Frontier::default();
    for hash in hashes {
        frontier.push(*hash);
    }
    frontier.root()
}

/// The perfect subtrees within a row of hashes, the largest first.
pub(crate) fn subtrees(hashes: &[Hash]) -> Vec<Hash> {
    let mut frontier = Frontier::default();
    for hash in hashes {
        frontier.push(*hash);
    }
    frontier.subtrees
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The definition, word for word: recursive.
    fn mth(records: &[Vec<u8>]) -> Hash {
        match records {
            [] => Hash::of_nothing(),
            [one] => Hash::of_leaf(one),
            _ => {
                let k = records.len().next_power_of_two() / 2;
                Hash::of_node(&mth(&records[..k]), &mth(&records[k..]))
            }
        }
    }

    #[test]
    fn the_root_is_the_definitions() {
        let records: Vec<Vec<u8>> = (0..200_u8).map(|i| vec![i; usize::from(i)]).collect();
        let mut frontier = Frontier::default();
        for n in 0..=records.len() {
            assert_eq!(frontier.root(), mth(&records[..n]), "{n}");
            if let Some(record) = records.get(n) {
                frontier.push(Hash::of_leaf(record));
            }
        }
    }

    #[test]
    fn a_tree_goes_on_from_its_subtrees() {
        let leaves: Vec<Hash> = (0..77_u8).map(|i| Hash::of_leaf(&[i])).collect();
        let mut frontier = Frontier::new(50, subtrees(&leaves[..50])).unwrap();
        for leaf in &leaves[50..] {
            frontier.push(*leaf);
        }
        assert_eq!(frontier.root(), root(&leaves));
        assert!(Frontier::new(50, subtrees(&leaves[..51])).is_none());
    }
}
