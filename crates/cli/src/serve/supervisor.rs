//! Keeps the key server's process running.

use std::ffi::OsString;
use std::time::{Duration, Instant};

use tokio::time::sleep;

use super::files::Files;
use crate::args::LogArgs;
use crate::failure::Failure;
use crate::process::Process;

const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(10);
/// Who ran for so long did not fail at its start.
const SETTLED: Duration = Duration::from_secs(60);

/// The key server's process, and how to start it again.
pub(crate) struct Supervisor<'a> {
    log: &'a LogArgs,
    files: Files,
    process: Option<Process>,
}

impl<'a> Supervisor<'a> {
    /// Starts it; a failure at the first start is the command's own, since the keys are wrong then.
    pub(crate) async fn start(files: Files, log: &'a LogArgs) -> Result<Self, Failure> {
        let process = start(&files, log).await?;
        Ok(Self {
            log,
            files,
            process: Some(process),
        })
    }

    /// Starts it again whenever it ends. Never returns; drop the future to stop watching.
    pub(crate) async fn keep_running(&mut self) {
        let mut pause = FIRST_PAUSE;
        let mut started = Instant::now();
        loop {
            if let Some(process) = &mut self.process {
                let failure = process.wait().await;
                self.process = None;
                tracing::error!("{failure}; starting it again");
            }
            if started.elapsed() > SETTLED {
                pause = FIRST_PAUSE;
            }
            sleep(pause).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
            started = Instant::now();
            match start(&self.files, self.log).await {
                Ok(process) => {
                    tracing::info!("the key server's process runs again");
                    self.process = Some(process);
                }
                Err(failure) => tracing::error!("{failure}"),
            }
        }
    }

    pub(crate) async fn stop(self) {
        if let Some(process) = self.process {
            process.stop().await;
        }
    }
}

async fn start(files: &Files, log: &LogArgs) -> Result<Process, Failure> {
    // A process that was killed leaves its socket behind. The folder is ours alone.
    match std::fs::remove_file(&files.socket) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            tracing::warn!("cannot remove {}: {error}", files.socket.display());
        }
        _ => {}
    }
    let arguments: [OsString; 3] = [
        "keyserver".into(),
        "--config".into(),
        files.key_server.clone().into(),
    ];
    Process::start("key server", &arguments, log).await
}
