//! Clients at a steady rate, each with a whole handshake, whether the ones before are done or not.

use std::sync::Arc;
use std::time::{Duration, Instant};

use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::net::TcpStream;
use tokio::task::JoinHandle;
use tokio::task::JoinSet;
use tokio::time::{MissedTickBehavior, interval, timeout};
use tokio_rustls::TlsConnector;
use tokio_util::sync::CancellationToken;

use crate::stand::SITE;

/// A client that waits longer has given up.
const PATIENCE: Duration = Duration::from_secs(15);

/// One handshake.
pub(crate) struct Sample {
    /// When it began, since the load did.
    pub(crate) at: Duration,
    /// From the first byte to the server's Finished.
    pub(crate) took: Duration,
    /// Why it failed, if it did.
    pub(crate) error: Option<String>,
}

/// Clients that come and come.
pub(crate) struct Load {
    began: Instant,
    stop: CancellationToken,
    task: JoinHandle<Vec<Sample>>,
}

impl Load {
    pub(crate) fn start(address: String, config: Arc<ClientConfig>, rate: f64) -> Self {
        let began = Instant::now();
        let stop = CancellationToken::new();
        let stopped = stop.clone();
        let task = tokio::spawn(async move {
            let connector = TlsConnector::from(config);
            let mut ticks = interval(Duration::from_secs_f64(1.0 / rate));
            // The rate is what is steady.
            ticks.set_missed_tick_behavior(MissedTickBehavior::Burst);
            let mut clients = JoinSet::new();
            let mut samples = Vec::new();
            loop {
                tokio::select! {
                    () = stopped.cancelled() => break,
                    _ = ticks.tick() => {
                        clients.spawn(handshake(began, address.clone(), connector.clone()));
                    }
                    Some(sample) = clients.join_next() => samples.extend(sample),
                }
            }
            while let Some(sample) = clients.join_next().await {
                samples.extend(sample);
            }
            samples.sort_by_key(|sample| sample.at);
            samples
        });
        Self { began, stop, task }
    }

    /// How long it has been going on.
    pub(crate) fn now(&self) -> Duration {
        self.began.elapsed()
    }

    /// No new clients; waits for the last.
    pub(crate) async fn stop(self) -> Vec<Sample> {
        self.stop.cancel();
        self.task.await.expect("the load runs to its end")
    }
}

async fn handshake(began: Instant, address: String, connector: TlsConnector) -> Sample {
    let start = Instant::now();
    let result = timeout(PATIENCE, async {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        let name = ServerName::try_from(SITE).map_err(std::io::Error::other)?;
        connector.connect(name, stream).await
    })
    .await;
    let took = start.elapsed();
    let error = match result {
        Ok(Ok(_)) => None,
        Ok(Err(error)) => Some(error.to_string()),
        Err(_) => Some(format!("no handshake within {PATIENCE:?}")),
    };
    Sample {
        at: start - began,
        took,
        error,
    }
}
