//! Checkpoints: a signed root (C2SP tlog-checkpoint).

use crate::hash::Hash;
use crate::note::{Signer, Verifier};

/// What a log was at some time: so many records, and the root over them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    /// How many records.
    pub size: u64,
    /// The root of the tree over them.
    pub root: Hash,
}

impl Checkpoint {
    /// The signed note. `None` if the key fails to sign.
    pub(crate) fn sign(&self, signer: &Signer) -> Option<String> {
        let (origin, size, root) = (signer.verifier().name(), self.size, self.root);
        signer.sign(&format!("{origin}\n{size}\n{root}\n"))
    }

    /// Reads a signed note. `None` if it is not this log's, or not signed by its key.
    pub fn open(note: &[u8], verifier: &Verifier) -> Option<Self> {
        let mut lines = verifier.open(note)?.lines();
        let (origin, size, root) = (lines.next()?, lines.next()?, lines.next()?);
        // "the ASCII decimal representation of the number of leaves in the tree, with no leading zeroes"
        let canonical = size == "0" || !size.starts_with(['0', '+']);
        let size = size.parse().ok().filter(|_| canonical)?;
        let root = Hash::from_base64(root)?;
        (origin == verifier.name()).then_some(Self { size, root })
    }
}
