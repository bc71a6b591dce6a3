//! Running a peer: found by name, fed from the test, never longer than its time limit.

use std::{
    env,
    io::{Read, Write},
    path::{Path, PathBuf},
    process::{Child, ChildStdin, Command, Stdio},
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

/// How long a peer may take, start to end. Generous: two busy cores run a browser beside a test suite.
pub const TIME_LIMIT: Duration = Duration::from_secs(60);

/// The path of a peer's program, or an early `return` from the test, which says so, where it is not installed.
///
/// Where `CI=true` the test panics instead: a run that proves nothing must not pass.
#[macro_export]
macro_rules! peer_or_skip {
    ($program:literal) => {
        match $crate::process::find($program) {
            Some(path) => path,
            None => return,
        }
    };
}

/// Looks for `program` in `PATH`. See [`peer_or_skip!`] for what happens without it.
pub fn find(program: &str) -> Option<PathBuf> {
    let found = env::var_os("PATH").and_then(|path| {
        env::split_paths(&path)
            .map(|directory| directory.join(program))
            .find(|candidate| candidate.is_file())
    });
    if found.is_none() {
        missing(program);
    }
    found
}

/// Says that something is not installed; panics where `CI=true`.
pub fn missing(what: &str) {
    assert!(
        env::var_os("CI").is_none_or(|ci| ci != "true"),
        "{what} is not installed, and CI=true: .ci/run has to install it"
    );
    eprintln!("skipped: {what} is not installed");
}

/// What a peer left behind.
#[derive(Debug)]
pub struct Finished {
    /// The exit code; none if a signal ended it.
    pub code: Option<i32>,
    /// Standard output.
    pub stdout: Vec<u8>,
    /// Standard error.
    pub stderr: Vec<u8>,
    /// The command line, then standard output and standard error as a terminal would show them.
    pub text: String,
}

impl Finished {
    /// Panics with everything that the peer printed unless it ended with exit code 0.
    #[track_caller]
    pub fn succeeded(self) -> Self {
        assert_eq!(self.code, Some(0), "the peer failed:\n{}", self.text);
        self
    }

    /// The rest of the first line of its output that has `label`, trimmed.
    pub fn after(&self, label: &str) -> Option<&str> {
        self.text
            .lines()
            .skip(1)
            .find_map(|line| line.split_once(label))
            .map(|(_, rest)| rest.trim())
    }
}

/// Runs a peer that needs no conversation: `input` on its standard input, then end of file.
#[track_caller]
pub fn run(command: Command, input: &[u8]) -> Finished {
    let mut running = Running::start(command);
    running.send(input);
    running.finish()
}

/// A peer at work.
pub struct Running {
    child: Child,
    stdin: Option<ChildStdin>,
    output: Arc<Output>,
    readers: Vec<JoinHandle<()>>,
    /// Up to here [`Self::expect`] has looked.
    seen: usize,
    deadline: Instant,
    command: String,
}

impl Running {
    /// Starts `command` with pipes for its standard streams.
    #[track_caller]
    pub fn start(mut command: Command) -> Self {
        let shown = shown(&command);
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("{shown}: {error}"));
        let output = Arc::new(Output::default());
        let mut readers = Vec::new();
        if let Some(stdout) = child.stdout.take() {
            readers.push(collect(stdout, Arc::clone(&output), |all| &mut all.stdout));
        }
        if let Some(stderr) = child.stderr.take() {
            readers.push(collect(stderr, Arc::clone(&output), |all| &mut all.stderr));
        }
        Self {
            stdin: child.stdin.take(),
            child,
            output,
            readers,
            seen: 0,
            deadline: Instant::now() + TIME_LIMIT,
            command: shown,
        }
    }

    /// What it has printed so far, both streams.
    pub fn text(&self) -> String {
        self.output.lock().text()
    }

    /// Writes to the peer's standard input. A peer that has left already is not an error here: its output tells why.
    pub fn send(&mut self, bytes: &[u8]) {
        if let Some(stdin) = &mut self.stdin {
            let _ = stdin.write_all(bytes).and_then(|()| stdin.flush());
        }
    }

    /// Waits until the peer has printed `text`, after what the last call found.
    #[track_caller]
    pub fn expect(&mut self, text: &str) {
        let mut collected = self.output.lock();
        loop {
            let new = &collected.all[self.seen..];
            if let Some(at) = find_bytes(new, text.as_bytes()) {
                self.seen += at + text.len();
                return;
            }
            let left = self.deadline.saturating_duration_since(Instant::now());
            let over = left.is_zero() || collected.open == 0;
            assert!(
                !over,
                "{}\nnever printed {text:?}, but:\n{}",
                self.command,
                collected.text()
            );
            collected = self
                .output
                .changed
                .wait_timeout(collected, left)
                .unwrap_or_else(PoisonError::into_inner)
                .0;
        }
    }

    /// Closes the peer's standard input and waits for its end.
    #[track_caller]
    pub fn finish(mut self) -> Finished {
        self.stdin = None;
        self.wait()
    }

    /// Waits for the peer's end, which the edge brings about, with its standard input open.
    #[track_caller]
    pub fn wait(mut self) -> Finished {
        let code = loop {
            match self.child.try_wait() {
                Ok(Some(status)) => break status.code(),
                Ok(None) if Instant::now() < self.deadline => {
                    thread::sleep(Duration::from_millis(5));
                }
                Ok(None) => {
                    self.end();
                    panic!(
                        "{}\nis still running after {TIME_LIMIT:?}:\n{}",
                        self.command,
                        self.output.lock().text()
                    );
                }
                Err(error) => panic!("{}: {error}", self.command),
            }
        };
        for reader in self.readers.drain(..) {
            let _ = reader.join();
        }
        let collected = self.output.lock();
        Finished {
            code,
            stdout: collected.stdout.clone(),
            stderr: collected.stderr.clone(),
            text: format!("$ {}\n{}", self.command, collected.text()),
        }
    }

    fn end(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.end();
    }
}

#[derive(Default)]
struct Output {
    collected: Mutex<Collected>,
    changed: Condvar,
}

impl Output {
    fn lock(&self) -> MutexGuard<'_, Collected> {
        self.collected
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

#[derive(Default)]
struct Collected {
    all: Vec<u8>,
    stdout: Vec<u8>,
    stderr: Vec<u8>,
    /// How many of the peer's two streams have not ended.
    open: usize,
}

impl Collected {
    fn text(&self) -> String {
        String::from_utf8_lossy(&self.all).into_owned()
    }
}

fn collect(
    mut stream: impl Read + Send + 'static,
    output: Arc<Output>,
    stream_of: fn(&mut Collected) -> &mut Vec<u8>,
) -> JoinHandle<()> {
    output.lock().open += 1;
    thread::spawn(move || {
        let mut buffer = vec![0; 64 * 1024];
        while let Ok(length @ 1..) = stream.read(&mut buffer) {
            let mut collected = output.lock();
            collected.all.extend_from_slice(&buffer[..length]);
            stream_of(&mut collected).extend_from_slice(&buffer[..length]);
            output.changed.notify_all();
        }
        output.lock().open -= 1;
        output.changed.notify_all();
    })
}

fn find_bytes(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    haystack
        .windows(needle.len())
        .position(|window| window == needle)
}

fn shown(command: &Command) -> String {
    let program = Path::new(command.get_program()).display().to_string();
    command.get_args().fold(program, |mut line, argument| {
        line.push(' ');
        line.push_str(&argument.to_string_lossy());
        line
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str) -> Command {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        command
    }

    #[test]
    fn converses_with_a_program() {
        let mut running = Running::start(shell(
            "read a; echo got $a; read b; echo got $b >&2; exit 3",
        ));
        running.send(b"one\n");
        running.expect("got one");
        running.send(b"two\n");
        running.expect("got two");
        let finished = running.finish();
        assert_eq!(finished.code, Some(3));
        assert_eq!(finished.stdout, b"got one\n");
        assert_eq!(finished.after("got two"), Some(""));
    }

    #[test]
    #[should_panic(expected = "never printed \"absent\"")]
    fn tells_what_was_printed_instead() {
        let mut running = Running::start(shell("echo present"));
        running.expect("absent");
    }
}
