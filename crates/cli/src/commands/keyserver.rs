//! `keyward keyserver`: the process that has the private keys.

use keyward_keyserver::{Config, KeyServer, RunningKeyServer, StartError};
use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::args::DaemonArgs;
use crate::attached::{Asked, Parent, Told};
use crate::failure::Failure;
use crate::stop::StopSignals;

pub(crate) fn run(args: &DaemonArgs) -> Result<(), Failure> {
    let config = Config::load(&args.config)?;
    crate::block_on(serve(config, args.attached))
}

async fn serve(config: Config, attached: bool) -> Result<(), Failure> {
    let mut signals = StopSignals::catch()?;
    let mut hangup = signal(SignalKind::hangup())
        .map_err(|cause| Failure::run_time(format!("cannot catch signals: {cause}")))?;
    let mut parent = Parent::watch(attached);
    let running = KeyServer::start(config).await.map_err(start_failure)?;
    let addresses: Vec<String> = running
        .addresses()
        .iter()
        .map(ToString::to_string)
        .collect();
    let admin = running.admin_address().map(|address| address.to_string());
    tracing::info!(
        listen = addresses.join(", "),
        admin = admin.as_deref(),
        "the key server is ready"
    );
    parent.ready(addresses)?;

    let reason = until_stopped(&running, &mut signals, &mut hangup, &mut parent).await?;
    tracing::info!(reason, "stopping");
    tokio::select! {
        () = running.shutdown() => {}
        _ = signals.wait() => tracing::info!("stopping at once"),
    }
    Ok(())
}

async fn until_stopped(
    running: &RunningKeyServer,
    signals: &mut StopSignals,
    hangup: &mut Signal,
    parent: &mut Parent,
) -> Result<&'static str, Failure> {
    loop {
        tokio::select! {
            signal = signals.wait() => return Ok(signal),
            Some(()) = hangup.recv() => running.reload(),
            asked = parent.asked() => match asked {
                None => return Ok("the process that started this one is gone"),
                Some(Asked::Operations) => {
                    parent.tell(&Told::Operations(running.metrics().performed_total()))?;
                }
            },
        }
    }
}

fn start_failure(error: StartError) -> Failure {
    match error {
        StartError::Config(error) => error.into(),
        _ => Failure::run_time(error),
    }
}
