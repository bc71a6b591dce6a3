//! Other processes of this same binary, started, asked and stopped by this one.

use std::ffi::OsStr;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio::time::timeout;

use crate::args::LogArgs;
use crate::attached::{Asked, Told};
use crate::failure::Failure;

/// How long a process may take until it listens. Loading keys takes milliseconds; a machine under
/// load takes longer to start a process at all.
const START: Duration = Duration::from_secs(30);
const ANSWER: Duration = Duration::from_secs(5);
/// How long a process may take to stop before it is killed.
const STOP: Duration = Duration::from_secs(5);

/// A running child process that told its addresses.
pub(crate) struct Process {
    name: &'static str,
    child: Child,
    input: ChildStdin,
    lines: Lines<BufReader<ChildStdout>>,
    addresses: Vec<String>,
}

impl Process {
    /// Starts this binary with `arguments` (and `--attached`) and waits until it listens.
    ///
    /// If it exits instead, the failure has its exit code; its reason is on standard error already.
    pub(crate) async fn start<A: AsRef<OsStr>>(
        name: &'static str,
        arguments: &[A],
        log: &LogArgs,
    ) -> Result<Self, Failure> {
        let cannot = |cause| Failure::run_time(format!("cannot start the {name} process: {cause}"));
        let mut child = command()
            .args(arguments)
            .arg("--attached")
            .args(log.for_child())
            .spawn()
            .map_err(cannot)?;
        let (Some(input), Some(output)) = (child.stdin.take(), child.stdout.take()) else {
            return Err(Failure::run_time(format!(
                "the {name} process has no pipes"
            )));
        };
        let mut process = Self {
            name,
            child,
            input,
            lines: BufReader::new(output).lines(),
            addresses: Vec::new(),
        };
        match timeout(START, process.told()).await {
            Ok(Ok(Told::Ready(addresses))) => process.addresses = addresses,
            Ok(Ok(told)) => {
                return Err(Failure::run_time(format!(
                    "the {name} process said {told:?} before it listened"
                )));
            }
            Ok(Err(failure)) => return Err(failure),
            Err(_) => {
                return Err(Failure::run_time(format!(
                    "the {name} process does not listen after {} seconds",
                    START.as_secs()
                )));
            }
        }
        tracing::debug!(name, pid = process.child.id(), "process started");
        Ok(process)
    }

    /// Its first address.
    pub(crate) fn address(&self) -> Result<&str, Failure> {
        self.addresses
            .first()
            .map(String::as_str)
            .ok_or_else(|| Failure::run_time(format!("the {} process has no address", self.name)))
    }

    /// The system's number of it.
    pub(crate) fn id(&self) -> Option<u32> {
        self.child.id()
    }

    /// How many private-key operations a key server performed since its start.
    pub(crate) async fn operations(&mut self) -> Result<u64, Failure> {
        let name = self.name;
        let question = serde_json::to_string(&Asked::Operations).map_err(Failure::run_time)?;
        self.input
            .write_all(format!("{question}\n").as_bytes())
            .await
            .map_err(|cause| Failure::run_time(format!("the {name} process is gone: {cause}")))?;
        match timeout(ANSWER, self.told()).await {
            Ok(Ok(Told::Operations(count))) => Ok(count),
            Ok(Ok(told)) => Err(Failure::run_time(format!(
                "the {name} process answered {told:?}"
            ))),
            Ok(Err(failure)) => Err(failure),
            Err(_) => Err(Failure::run_time(format!(
                "the {name} process does not answer"
            ))),
        }
    }

    async fn told(&mut self) -> Result<Told, Failure> {
        let name = self.name;
        let line = self.lines.next_line().await.map_err(|cause| {
            Failure::run_time(format!("cannot hear the {name} process: {cause}"))
        })?;
        match line {
            Some(line) => serde_json::from_str(&line).map_err(|_| {
                Failure::run_time(format!("the {name} process said something unknown: {line}"))
            }),
            None => {
                let status = self.child.wait().await.map_err(Failure::run_time)?;
                Err(ended(name, "did not start", status))
            }
        }
    }

    /// Waits until the process ends by itself.
    pub(crate) async fn wait(&mut self) -> Failure {
        match self.child.wait().await {
            Ok(status) => ended(self.name, "stopped by itself", status),
            Err(cause) => Failure::run_time(format!("cannot wait for {}: {cause}", self.name)),
        }
    }

    /// Asks the process to stop, and kills it if it does not.
    pub(crate) async fn stop(mut self) {
        drop(self.input);
        if timeout(STOP, self.child.wait()).await.is_err() {
            tracing::warn!(name = self.name, "process does not stop; killing it");
            let _ = self.child.kill().await;
        }
    }
}

fn ended(name: &str, how: &str, status: ExitStatus) -> Failure {
    match status.code() {
        Some(code) => Failure::of_exit_code(code, format!("the {name} process {how}")),
        None => Failure::run_time(format!("the {name} process was killed: {status}")),
    }
}

fn command() -> Command {
    // The running file itself, also where an update has replaced it on disk meanwhile.
    let mut command = Command::new("/proc/self/exe");
    command
        .arg0("keyward")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::inherit())
        // A Ctrl-C at the terminal goes to the whole group, but the order in which the processes
        // stop is the parent's business.
        .process_group(0)
        .kill_on_drop(true);
    command
}
