//! The real binary, started, heard and stopped; and what tests need around it.

pub(crate) mod memory;
pub(crate) mod requests;
pub(crate) mod site;
pub(crate) mod stand;

use std::ffi::OsStr;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Output, Stdio};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use tempfile::TempDir;

/// `keyward` with these arguments, not started yet.
pub(crate) fn keyward<A: AsRef<OsStr>>(arguments: &[A]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_keyward"));
    command
        .args(arguments)
        .env_remove("KEYWARD_LOG")
        .env_remove("KEYWARD_LOG_LEVEL")
        .stdin(Stdio::null());
    command
}

/// Runs it to its end.
pub(crate) fn run<A: AsRef<OsStr>>(arguments: &[A]) -> Output {
    keyward(arguments).output().unwrap()
}

/// Runs it to its end and checks the exit code; returns standard output and standard error.
pub(crate) fn expect_exit<A: AsRef<OsStr>>(code: i32, arguments: &[A]) -> (String, String) {
    let output = run(arguments);
    let stdout = String::from_utf8_lossy(&output.stdout).into_owned();
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(
        output.status.code(),
        Some(code),
        "standard output: {stdout}\nstandard error: {stderr}"
    );
    (stdout, stderr)
}

/// A process in the background, with what it says on standard error kept. Killed when dropped.
pub(crate) struct Daemon {
    child: Child,
    stdin: Option<ChildStdin>,
    stdout: BufReader<ChildStdout>,
    stderr: Arc<Mutex<String>>,
    reader: Option<JoinHandle<()>>,
    /// Where it has its temporary files: gone with this, also where it was killed.
    _temporary: TempDir,
}

impl Daemon {
    pub(crate) fn start<A: AsRef<OsStr>>(arguments: &[A]) -> Self {
        let temporary = tempfile::tempdir().unwrap();
        let mut child = keyward(arguments)
            .env("TMPDIR", temporary.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap());
        let stderr = Arc::new(Mutex::new(String::new()));
        let kept = Arc::clone(&stderr);
        let reader = std::thread::spawn(move || {
            let mut line = String::new();
            while lines.read_line(&mut line).is_ok_and(|read| read > 0) {
                kept.lock().unwrap().push_str(&line);
                line.clear();
            }
        });
        Self {
            stdin: child.stdin.take(),
            stdout: BufReader::new(child.stdout.take().unwrap()),
            stderr,
            reader: Some(reader),
            _temporary: temporary,
            child,
        }
    }

    /// Starts `keyward COMMAND --config FILE --attached` and waits until it listens; returns its
    /// first address.
    pub(crate) fn attached(command: &str, config: &Path) -> (Self, String) {
        let mut daemon = Self::start(&[
            OsStr::new(command),
            OsStr::new("--config"),
            config.as_os_str(),
            OsStr::new("--attached"),
        ]);
        let line = daemon.line();
        let told: serde_json::Value = serde_json::from_str(&line)
            .unwrap_or_else(|_| panic!("{command} said {line:?}: {}", daemon.stop().1));
        let address = told["ready"][0].as_str().unwrap().to_owned();
        (daemon, address)
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// The next line on standard output; empty at its end.
    pub(crate) fn line(&mut self) -> String {
        let mut line = String::new();
        self.stdout.read_line(&mut line).unwrap();
        line
    }

    /// What it said on standard error so far.
    pub(crate) fn stderr(&self) -> String {
        self.stderr.lock().unwrap().clone()
    }

    /// Waits for a JSON log line that has this field; returns the field. `None` if the process ends.
    pub(crate) fn logged(&mut self, field: &str) -> Option<String> {
        let mut value = None;
        eventually(field, || {
            value = self.stderr().lines().find_map(|line| {
                let line: serde_json::Value = serde_json::from_str(line).ok()?;
                Some(line.get(field)?.as_str()?.to_owned())
            });
            value.is_some() || !self.is_running()
        });
        value
    }

    /// Sends a signal, by name: `TERM`, `INT`, `KILL`.
    pub(crate) fn signal(&self, name: &str) {
        signal(self.pid(), name);
    }

    /// Closes its standard input.
    pub(crate) fn leave(&mut self) {
        self.stdin = None;
    }

    pub(crate) fn is_running(&mut self) -> bool {
        self.child.try_wait().unwrap().is_none()
    }

    /// Waits for its end, at most 20 seconds; returns its exit code and standard error.
    pub(crate) fn wait(&mut self) -> (Option<i32>, String) {
        let deadline = Instant::now() + Duration::from_secs(20);
        let status = loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                break status;
            }
            assert!(Instant::now() < deadline, "the process does not end");
            std::thread::sleep(Duration::from_millis(10));
        };
        if let Some(reader) = self.reader.take() {
            reader.join().unwrap();
        }
        (status.code(), self.stderr())
    }

    /// Ends it with SIGTERM.
    pub(crate) fn stop(&mut self) -> (Option<i32>, String) {
        if self.is_running() {
            self.signal("TERM");
        }
        self.wait()
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

pub(crate) fn signal(pid: u32, name: &str) {
    let status = Command::new("kill")
        .args([format!("-{name}"), pid.to_string()])
        .status()
        .unwrap();
    assert!(status.success());
}

/// The children of a process, by `/proc`.
pub(crate) fn children(pid: u32) -> Vec<u32> {
    let mut children = Vec::new();
    for task in std::fs::read_dir(format!("/proc/{pid}/task")).unwrap() {
        let path = task.unwrap().path().join("children");
        let text = std::fs::read_to_string(path).unwrap_or_default();
        children.extend(
            text.split_whitespace()
                .map(|pid| pid.parse::<u32>().unwrap()),
        );
    }
    children
}

pub(crate) fn exists(pid: u32) -> bool {
    // A zombie is gone as far as anybody but its parent is concerned.
    std::fs::read_to_string(format!("/proc/{pid}/stat"))
        .is_ok_and(|stat| !stat.rsplit(')').next().unwrap_or("").starts_with(" Z"))
}

/// Tries until it is true, at most 20 seconds.
pub(crate) fn eventually(what: &str, mut is_so: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(20);
    while !is_so() {
        assert!(Instant::now() < deadline, "never so: {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}
