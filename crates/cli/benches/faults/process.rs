//! A process of the real binary.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

const PATIENCE: Duration = Duration::from_secs(30);

/// What of its log is kept for when something is wrong, in bytes.
const LOG: usize = 16 * 1024;

/// A daemon that ends with this value.
pub(crate) struct Process {
    child: Child,
    /// Its end tells the process that nobody needs it any more.
    _stdin: Option<ChildStdin>,
    address: String,
}

/// What processes said on standard error.
#[derive(Clone, Default)]
pub(crate) struct Log(Arc<Mutex<String>>);

impl Log {
    pub(crate) fn text(&self) -> String {
        let text = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        text.clone()
    }

    fn add(&self, line: &str) {
        let mut text = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        text.push_str(line);
        text.push('\n');
        if text.len() > 2 * LOG {
            let from = text.len() - LOG;
            let from = text[from..].find('\n').map_or(0, |at| from + at);
            text.drain(..from);
        }
    }
}

impl Process {
    /// Starts `keyward COMMAND --config FILE` and waits until it listens.
    pub(crate) fn start(command: &str, config: &Path, log: &Log) -> Self {
        // A limit on its files ends a process, unless it ignores the signal.
        let mut child = Command::new("bash")
            .args(["-c", "trap '' XFSZ; exec \"$@\"", "bash"])
            .arg(env!("CARGO_BIN_EXE_keyward"))
            .args([command, "--attached", "--config"])
            .arg(config)
            .env_remove("KEYWARD_LOG")
            .env_remove("KEYWARD_LOG_LEVEL")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("keyward starts");
        let stderr = BufReader::new(child.stderr.take().expect("piped"));
        let log = log.clone();
        let stdin = child.stdin.take();
        std::thread::spawn(move || {
            for line in stderr.lines().map_while(Result::ok) {
                log.add(&line);
            }
        });
        let mut told = String::new();
        let mut stdout = BufReader::new(child.stdout.take().expect("piped"));
        stdout.read_line(&mut told).expect("it tells its address");
        let told: serde_json::Value = serde_json::from_str(&told).expect("it listens");
        let address = told["ready"][0].as_str().expect("an address").to_owned();
        Self {
            child,
            _stdin: stdin,
            address,
        }
    }

    /// Where it listens.
    pub(crate) fn address(&self) -> &str {
        &self.address
    }

    /// Sends a signal, by name.
    pub(crate) fn signal(&self, name: &str) {
        self.tool(Command::new("kill").arg(format!("-{name}")).arg(self.pid()));
    }

    /// Limits the size of its files from now on, as a full disk does.
    pub(crate) fn limit_files(&self, bytes: &str) {
        let limit = format!("--fsize={bytes}:");
        self.tool(Command::new("prlimit").args([&limit, "--pid", &self.pid()]));
    }

    /// Waits for its end.
    pub(crate) fn wait(&mut self) {
        let began = Instant::now();
        while self.child.try_wait().expect("a child").is_none() {
            assert!(began.elapsed() < PATIENCE, "a process does not end");
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    fn pid(&self) -> String {
        self.child.id().to_string()
    }

    fn tool(&self, command: &mut Command) {
        assert!(command.status().expect("a tool").success(), "{command:?}");
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
