//! Small changes to an input, always the same ones, for the pass over the corpus that has no fuzzer.

/// A generator of numbers that are the same on every run (SplitMix64).
#[derive(Clone, Debug)]
pub struct Numbers(pub u64);

impl Numbers {
    /// The next one.
    pub fn number(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// One below `end`, which is not 0.
    pub fn below(&mut self, end: usize) -> usize {
        let end = u64::try_from(end).unwrap_or(u64::MAX);
        usize::try_from(self.number() % end).unwrap_or(0)
    }
}

/// Changes, removes, doubles or inserts a few bytes.
pub fn mutate(input: &mut Vec<u8>, numbers: &mut Numbers) {
    for _ in 0..=numbers.below(3) {
        if input.is_empty() {
            input.push(0);
        }
        let at = numbers.below(input.len());
        let byte = numbers.number().to_be_bytes()[0];
        match numbers.below(5) {
            0 => input[at] = byte,
            1 => input[at] ^= 1 << (byte % 8),
            2 => input.truncate(at),
            3 => input.insert(at, byte),
            _ => {
                let end = (at + 1 + numbers.below(16)).min(input.len());
                let piece = input[at..end].to_vec();
                input.splice(at..at, piece);
            }
        }
    }
}
