//! Looking for a secret in the test's own memory, freed memory among it.

use std::fs::{self, File};
use std::os::unix::fs::FileExt;

/// Whether the complement of `masked` is anywhere in the writable memory of this process. Who asks
/// keeps the complement, so that asking is no find.
///
/// The allocator writes to the first bytes of what is freed: ask for the rear of a secret.
pub(crate) fn holds_complement_of(masked: &[u8]) -> bool {
    let memory = File::open("/proc/self/mem").unwrap();
    let maps = fs::read_to_string("/proc/self/maps").unwrap();
    let writable = maps.lines().filter(|line| line.contains(" rw"));
    writable.into_iter().any(|line| {
        let (start, end) = line.split_once(' ').unwrap().0.split_once('-').unwrap();
        let start = u64::from_str_radix(start, 16).unwrap();
        let end = u64::from_str_radix(end, 16).unwrap();
        searched(&memory, start, end, masked)
    })
}

fn searched(memory: &File, start: u64, end: u64, masked: &[u8]) -> bool {
    const CHUNK: usize = 1 << 20;
    let mut buffer = vec![0; CHUNK];
    let mut at = start;
    while at < end {
        let want = CHUNK.min(usize::try_from(end - at).unwrap());
        // What another thread has unmapped meanwhile cannot be read.
        let Ok(got) = memory.read_at(&mut buffer[..want], at) else {
            return false;
        };
        let matches = |window: &[u8]| window.iter().zip(masked).all(|(a, b)| *a == !*b);
        if buffer[..got].windows(masked.len()).any(matches) {
            return true;
        }
        if got <= masked.len() {
            return false;
        }
        // The next chunk begins within this one, so that nothing is cut in two.
        at += (got - masked.len()) as u64;
    }
    false
}
