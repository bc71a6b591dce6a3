//! A program of ours in a peer's language, which runs many cases: it reads a job as a line, and answers in lines.
//!
//! A job is `key=value` pairs between tabs. An answer is any number of lines, each a word and its values between tabs,
//! up to `done` or `failed`, which gives a reason.

use std::{
    io::{BufRead, BufReader, Read, Write},
    process::{Child, ChildStdin, Command, Stdio},
    sync::{
        Arc, Mutex, PoisonError,
        mpsc::{Receiver, RecvTimeoutError, channel},
    },
    thread,
    time::{Duration, Instant},
};

/// A program that runs.
pub(super) struct Program {
    child: Child,
    stdin: ChildStdin,
    lines: Receiver<String>,
    complaints: Arc<Mutex<String>>,
}

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(30);

impl Program {
    /// Starts it.
    pub(super) fn start(mut command: Command) -> Result<Self, String> {
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(|error| format!("{command:?}: {error}"))?;
        let (Some(stdin), Some(stdout), Some(mut stderr)) =
            (child.stdin.take(), child.stdout.take(), child.stderr.take())
        else {
            return Err("a program without its pipes".to_owned());
        };
        let (sender, lines) = channel();
        thread::spawn(move || {
            for line in BufReader::new(stdout).lines().map_while(Result::ok) {
                if sender.send(line).is_err() {
                    break;
                }
            }
        });
        let complaints = Arc::new(Mutex::new(String::new()));
        let heard = complaints.clone();
        thread::spawn(move || {
            let mut buffer = [0; 4096];
            while let Ok(n @ 1..) = stderr.read(&mut buffer) {
                heard
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .push_str(&String::from_utf8_lossy(&buffer[..n]));
            }
        });
        Ok(Self {
            child,
            stdin,
            lines,
            complaints,
        })
    }

    /// Gives it a job.
    pub(super) fn tell(&mut self, job: &str) -> Result<(), String> {
        writeln!(self.stdin, "{job}")
            .and_then(|()| self.stdin.flush())
            .map_err(|error| format!("the program takes no job: {error}\n{}", self.complaints()))
    }

    /// The next line of its answer, split at its tabs.
    pub(super) fn line(&mut self) -> Result<Vec<String>, String> {
        let line = self.lines.recv_timeout(PATIENCE).map_err(|error| {
            let what = match error {
                RecvTimeoutError::Timeout => "says nothing",
                RecvTimeoutError::Disconnected => "has ended",
            };
            format!("the program {what}\n{}", self.complaints())
        })?;
        let words: Vec<String> = line.split('\t').map(str::to_owned).collect();
        match words[0].as_str() {
            "failed" => Err(words[1..].join(" ")),
            _ => Ok(words),
        }
    }

    /// The lines of an answer up to its end.
    pub(super) fn answer(&mut self) -> Result<Vec<Vec<String>>, String> {
        let mut lines = Vec::new();
        loop {
            let line = self.line()?;
            if line[0] == "done" {
                return Ok(lines);
            }
            lines.push(line);
        }
    }

    /// What it says of a failure that it has noticed by now.
    pub(super) fn complaint(&mut self) -> Option<String> {
        let deadline = Instant::now() + Duration::from_millis(500);
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            let line = self.lines.recv_timeout(left).ok()?;
            if let Some(reason) = line.strip_prefix("failed\t") {
                return Some(reason.to_owned());
            }
        }
    }

    fn complaints(&self) -> String {
        self.complaints
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
