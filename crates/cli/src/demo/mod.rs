//! `keyward demo`: real handshakes between a client, an edge and a key server on this machine.

mod client;
mod expectations;
mod measure;
mod recorder;
mod report;
mod scenario;
pub(crate) mod site;
mod stage;

use measure::{Measurement, Played};
use scenario::SCENARIOS;
use stage::Stage;

use crate::args::{DemoArgs, LogArgs};
use crate::failure::Failure;
use crate::output;
use crate::stop::StopSignals;

pub(crate) use stage::private_dir;

pub(crate) fn run(args: &DemoArgs, log: &LogArgs) -> Result<(), Failure> {
    crate::block_on(demo(args, log))
}

async fn demo(args: &DemoArgs, log: &LogArgs) -> Result<(), Failure> {
    let mut signals = StopSignals::catch()?;
    // Dropping the stage, as a signal does here, kills its processes and removes its files.
    let mut stage = tokio::select! {
        stage = Stage::set_up(log) => stage?,
        _ = signals.wait() => return Ok(()),
    };
    let shown = tokio::select! {
        shown = show(&mut stage, args) => shown,
        _ = signals.wait() => Ok(()),
    };
    if shown.is_ok() && !args.check && !args.json {
        stay(&mut stage, &mut signals).await?;
    }
    let torn_down = stage.tear_down().await;
    shown.and(torn_down)
}

async fn show(stage: &mut Stage, args: &DemoArgs) -> Result<(), Failure> {
    let mut played: Vec<Played> = Vec::new();
    for scenario in SCENARIOS {
        let one = measure::play(stage, scenario, &played).await?;
        if !args.json {
            output::line(&report::handshake(&one))?;
        }
        played.push(one);
    }
    if args.json {
        let measurements: Vec<&Measurement> = played.iter().map(|one| &one.measurement).collect();
        let json = serde_json::to_string_pretty(&measurements).map_err(Failure::run_time)?;
        output::line(&json)?;
    } else {
        output::print(&report::summary(&played))?;
    }
    if args.check {
        check(&played, args.json)?;
    }
    Ok(())
}

fn check(played: &[Played], json: bool) -> Result<(), Failure> {
    let broken = expectations::broken(played);
    if !broken.is_empty() {
        return Err(Failure::run_time(format!(
            "not as it should be:\n  {}",
            broken.join("\n  ")
        )));
    }
    if json {
        return Ok(());
    }
    output::line(&format!(
        "\nAll {} expectations hold.",
        expectations::count(played)
    ))
}

async fn stay(stage: &mut Stage, signals: &mut StopSignals) -> Result<(), Failure> {
    let name = scenario::Site::Both.name();
    let address = stage.edge.address()?;
    let (ip, port) = address
        .rsplit_once(':')
        .ok_or_else(|| Failure::run_time(format!("{address} has no port")))?;
    output::line(&format!(
        "\nThe edge stays up for you to try, until Ctrl-C:\n\n  \
         curl --cacert {} --resolve {name}:{port}:{ip} https://{name}:{port}/\n",
        stage.ca_file().display(),
    ))?;
    tokio::select! {
        _ = signals.wait() => Ok(()),
        failure = stage.edge.wait() => Err(failure),
        failure = stage.key_server.wait() => Err(failure),
        failure = stage.site.wait() => Err(failure),
    }
}
