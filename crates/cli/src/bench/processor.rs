//! Processors, and the time on them as the kernel counts it: whoever else wants one meanwhile.

use std::fs;
use std::path::Path;
use std::time::Duration;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};
use rustix::time::{ClockId, clock_gettime};

use crate::failure::Failure;

/// Which processors are whose.
#[derive(Clone, Copy)]
pub(crate) struct Split {
    server: CpuSet,
    clients: CpuSet,
    /// The key server's.
    pub(crate) core: usize,
    /// Whether the clients have one of their own.
    pub(crate) apart: bool,
}

impl Split {
    /// One for the key server, the last that this process may use unless told, and the others for its clients.
    pub(crate) fn new(core: Option<usize>) -> Result<Self, Failure> {
        let all = sched_getaffinity(None).map_err(Failure::run_time)?;
        let usable: Vec<usize> = (0..CpuSet::MAX_CPU)
            .filter(|cpu| all.is_set(*cpu))
            .collect();
        let core = core.or(usable.last().copied()).unwrap_or_default();
        if !usable.contains(&core) {
            let usable: Vec<String> = usable.iter().map(ToString::to_string).collect();
            return Err(Failure::usage(format!(
                "--core {core}: there are the processors {}",
                usable.join(", ")
            )));
        }
        let mut server = CpuSet::new();
        server.set(core);
        let apart = usable.len() > 1;
        let mut clients = all;
        if apart {
            clients.unset(core);
        }
        Ok(Self {
            server,
            clients,
            core,
            apart,
        })
    }

    /// From here on the calling thread, and what it starts, is on the key server's.
    pub(crate) fn to_server(self) -> Result<(), Failure> {
        sched_setaffinity(None, &self.server).map_err(Failure::run_time)
    }

    /// On the clients'.
    pub(crate) fn to_clients(self) -> Result<(), Failure> {
        sched_setaffinity(None, &self.clients).map_err(Failure::run_time)
    }
}

/// As many files open as may be: each connection is one, on either side.
pub(crate) fn open_many_files() -> Result<(), Failure> {
    let limit = getrlimit(Resource::Nofile);
    let most = Rlimit {
        current: limit.maximum,
        maximum: limit.maximum,
    };
    setrlimit(Resource::Nofile, most).map_err(Failure::run_time)
}

/// What the calling thread has spent, user and system.
pub(crate) fn of_this_thread() -> Duration {
    let spent = clock_gettime(ClockId::ThreadCPUTime);
    let seconds = u64::try_from(spent.tv_sec).unwrap_or_default();
    let nanoseconds = u32::try_from(spent.tv_nsec).unwrap_or_default();
    Duration::new(seconds, nanoseconds)
}

/// What all threads of a process have spent.
pub(crate) fn of_process(id: u32) -> Result<Duration, Failure> {
    let threads = fs::read_dir(format!("/proc/{id}/task")).map_err(Failure::run_time)?;
    threads
        .map(|thread| {
            let thread = thread.map_err(Failure::run_time)?;
            of_thread(&thread.path().join("schedstat"))
        })
        .sum()
}

fn of_thread(schedstat: &Path) -> Result<Duration, Failure> {
    // "time spent on the cpu (in nanoseconds)" comes first (Documentation/scheduler/sched-stats.rst).
    let text = fs::read_to_string(schedstat).map_err(Failure::run_time)?;
    let nanoseconds = text.split(' ').next().unwrap_or_default().parse();
    nanoseconds
        .map(Duration::from_nanos)
        .map_err(|_| Failure::run_time("the kernel keeps no scheduler statistics"))
}

/// Bytes of memory that a process has in use.
pub(crate) fn memory_of(id: u32) -> Result<u64, Failure> {
    let status = fs::read_to_string(format!("/proc/{id}/status")).map_err(Failure::run_time)?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kib = line.and_then(|line| line.trim().trim_end_matches(" kB").parse::<u64>().ok());
    kib.map(|kib| kib * 1024)
        .ok_or_else(|| Failure::run_time("the kernel does not say how much memory a process has"))
}
