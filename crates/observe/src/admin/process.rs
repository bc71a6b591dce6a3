//! What the kernel says about this process, as Prometheus's own clients name it.

use std::fmt;
use std::time::{SystemTime, UNIX_EPOCH};

use crate::metrics::Exposition;

/// What cannot be read, such as where the process may not look into `/proc`, is left out.
pub(super) fn metrics(out: &mut Exposition<'_>, started: SystemTime) -> fmt::Result {
    let started = started.duration_since(UNIX_EPOCH).unwrap_or_default();
    out.gauge(
        "process_start_time_seconds",
        "When the process began to serve, in seconds since 1970",
        started.as_secs_f64(),
    )?;
    if let Some(bytes) = resident() {
        out.gauge(
            "process_resident_memory_bytes",
            "Memory of the process that is in RAM",
            bytes,
        )?;
    }
    if let Some(open) = std::fs::read_dir("/proc/self/fd")
        .ok()
        .and_then(|files| i64::try_from(files.count()).ok())
    {
        out.gauge("process_open_fds", "File descriptors that are open", open)?;
    }
    Ok(())
}

fn resident() -> Option<i64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kib: i64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kib * 1024)
}
