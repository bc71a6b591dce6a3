//! Processor time as the kernel counts it: what a thread ran, whoever else wanted the core meanwhile.

use std::fs;
use std::path::Path;
use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

use crate::Result;

/// What the calling thread has spent, user and system.
pub fn of_this_thread() -> Duration {
    let spent = clock_gettime(ClockId::ThreadCPUTime);
    let seconds = u64::try_from(spent.tv_sec).expect("no thread runs for a negative time");
    let nanoseconds = u32::try_from(spent.tv_nsec).expect("nanoseconds are below a second");
    Duration::new(seconds, nanoseconds)
}

/// What one look at the clock takes itself, and so what every short time between two looks has too much.
pub fn of_a_reading() -> Duration {
    const READINGS: u32 = 1000;
    let start = of_this_thread();
    for _ in 1..READINGS {
        of_this_thread();
    }
    (of_this_thread() - start) / READINGS
}

/// What all running threads of a process have spent.
///
/// # Errors
///
/// There is no `/proc`, the kernel does not keep these statistics, or the process is gone.
pub fn of_process(id: u32) -> Result<Duration> {
    fs::read_dir(format!("/proc/{id}/task"))?
        .map(|thread| read(&thread?.path().join("schedstat")))
        .sum()
}

fn read(schedstat: &Path) -> Result<Duration> {
    // "time spent on the cpu (in nanoseconds)" comes first (Documentation/scheduler/sched-stats.rst).
    let text = fs::read_to_string(schedstat)?;
    let nanoseconds = text.split(' ').next().unwrap_or_default().parse()?;
    Ok(Duration::from_nanos(nanoseconds))
}
