//! Processor time as the kernel counts it: what a thread ran, whoever else wanted the core meanwhile.

use std::fs;
use std::path::Path;
use std::time::Duration;

use crate::Result;

/// What the calling thread has spent, user and system; the kernel brings it up to date at each tick.
///
/// # Errors
///
/// There is no `/proc`, or the kernel does not keep these statistics.
pub fn of_this_thread() -> Result<Duration> {
    read(Path::new("/proc/thread-self/schedstat"))
}

/// What all running threads of a process have spent.
///
/// # Errors
///
/// As [`of_this_thread`], or the process is gone.
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
