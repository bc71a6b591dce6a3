//! When to stop: SIGTERM, SIGINT, or the end of the process that started this one.

use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::failure::Failure;

/// SIGHUP, which asks for changed files to be read at once.
pub(crate) struct Hangup(Signal);

impl Hangup {
    pub(crate) fn catch() -> Result<Self, Failure> {
        signal(SignalKind::hangup())
            .map(Self)
            .map_err(|cause| Failure::run_time(format!("cannot catch signals: {cause}")))
    }

    pub(crate) async fn wait(&mut self) {
        if self.0.recv().await.is_none() {
            std::future::pending::<()>().await;
        }
    }
}

/// Both signals, caught from the moment that this is made.
pub(crate) struct StopSignals {
    terminate: Signal,
    interrupt: Signal,
}

impl StopSignals {
    pub(crate) fn catch() -> Result<Self, Failure> {
        let catch = |kind| {
            signal(kind)
                .map_err(|cause| Failure::run_time(format!("cannot catch signals: {cause}")))
        };
        Ok(Self {
            terminate: catch(SignalKind::terminate())?,
            interrupt: catch(SignalKind::interrupt())?,
        })
    }

    /// Waits for one of them; returns its name.
    pub(crate) async fn wait(&mut self) -> &'static str {
        tokio::select! {
            _ = self.terminate.recv() => "SIGTERM",
            _ = self.interrupt.recv() => "SIGINT",
        }
    }
}
