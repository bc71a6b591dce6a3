//! `keyward serve`: TLS for one service on one machine, the keys in a process of their own.
//!
//! This process faces the network and never opens a key file. It tells a child, which is a key
//! server, where they are, and reaches it over a Unix socket in a folder that only this user can
//! enter, with certificates that exist as long as the two do.

mod chains;
mod files;
mod supervisor;
pub(crate) mod target;

use std::time::Duration;

use keyward_edge::Edge;

use crate::args::{LogArgs, ServeArgs};
use crate::commands::edge::{addresses, await_keys};
use crate::demo::private_dir;
use crate::failure::Failure;
use crate::stop::StopSignals;
use chains::Chains;
use supervisor::Supervisor;

/// The key server's process listens by then; it has only to answer.
const KEYS: Duration = Duration::from_secs(10);

pub(crate) fn run(args: &ServeArgs, log: &LogArgs) -> Result<(), Failure> {
    crate::block_on(serve(args, log))
}

async fn serve(args: &ServeArgs, log: &LogArgs) -> Result<(), Failure> {
    let mut signals = StopSignals::catch()?;
    let chains = Chains::read(&args.certificates, &args.keys)?;
    let dir = private_dir("keyward-")?;
    let files = files::write(dir.path(), args, &chains)?;

    let config = keyward_edge::Config::load(&files.edge).map_err(Failure::configuration)?;
    let mut key_server = Supervisor::start(files, log).await?;
    let (client, keys) = tokio::select! {
        keys = await_keys(&config.key_server, KEYS) => keys?,
        _ = signals.wait() => return Ok(()),
    };
    chains.check_keys(&keys)?;
    let edge = Edge::start_with(config, client)
        .await
        .map_err(Failure::run_time)?;
    tokio::select! {
        () = edge.keys_known() => {}
        _ = signals.wait() => return Ok(()),
    }
    tracing::info!(
        listen = addresses(&edge).join(", "),
        to = %args.to,
        policy = args.policy.name(),
        "serving; the private keys are in a process of their own"
    );

    tokio::select! {
        signal = signals.wait() => {
            tracing::info!(signal, grace = args.grace, "stopping when open connections end");
        }
        () = key_server.keep_running() => {}
    }
    tokio::select! {
        _cut = edge.shutdown(Duration::from_secs(args.grace)) => {}
        // Handshakes that began before may need it still.
        () = key_server.keep_running() => {}
        _ = signals.wait() => tracing::info!("stopping at once"),
    }
    key_server.stop().await;
    dir.close()
        .map_err(|cause| Failure::run_time(format!("cannot remove temporary files: {cause}")))
}
