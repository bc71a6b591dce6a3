//! Looking for a secret in the test's own memory, freed memory among it.

use std::fs::{self, File};
use std::hint::black_box;
use std::os::unix::fs::FileExt;
use std::sync::{Mutex, PoisonError};

/// One search at a time: what another has read of the memory is a copy of what it looks for.
static SEARCH: Mutex<()> = Mutex::new(());

/// Whether the complement of `masked` is anywhere in the writable memory of this process. Who asks
/// keeps the complement, so that asking is no find.
///
/// The allocator writes to the first bytes of what is freed: ask for the rear of a secret.
pub(crate) fn holds_complement_of(masked: &[u8]) -> bool {
    let _alone = SEARCH.lock().unwrap_or_else(PoisonError::into_inner);
    let mut buffer = vec![0; CHUNK];
    let memory = File::open("/proc/self/mem").unwrap();
    let maps = fs::read_to_string("/proc/self/maps").unwrap();
    let writable = maps.lines().filter(|line| line.contains(" rw"));
    let found = writable.into_iter().any(|line| {
        let (start, end) = line.split_once(' ').unwrap().0.split_once('-').unwrap();
        let start = u64::from_str_radix(start, 16).unwrap();
        let end = u64::from_str_radix(end, 16).unwrap();
        searched(&memory, start, end, masked, &mut buffer)
    });
    // It may hold secrets that other tests will look for, and stays in memory when it is freed.
    black_box(&mut buffer).fill(0);
    black_box(&buffer);
    found
}

const CHUNK: usize = 1 << 20;

fn searched(memory: &File, start: u64, end: u64, masked: &[u8], buffer: &mut [u8]) -> bool {
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
