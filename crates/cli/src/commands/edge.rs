//! `keyward edge`: the process that faces clients and has no private key.

use std::collections::HashSet;
use std::time::Duration;

use keyward_edge::{Config, Edge, Reloaded, RunningEdge};
use keyward_keyclient::{ConnectionState, KeyClient, KeyClientConfig};
use keyward_keyop::KeyId;
use tokio::time::timeout;

use crate::args::EdgeArgs;
use crate::attached::Parent;
use crate::failure::Failure;
use crate::stop::{Hangup, StopSignals};

pub(crate) fn run(args: &EdgeArgs) -> Result<(), Failure> {
    let config = Config::load(&args.config)?;
    crate::block_on(serve(config, args))
}

async fn serve(config: Config, args: &EdgeArgs) -> Result<(), Failure> {
    let mut signals = StopSignals::catch()?;
    let mut hangup = Hangup::catch()?;
    let mut parent = Parent::watch(args.attached);
    // Without a key server the first client would find an edge that can do nothing for it. Better
    // that whoever starts this process hears why.
    let (client, _) = tokio::select! {
        keys = await_keys(&config.key_server, Duration::from_secs(args.wait)) => keys?,
        _ = signals.wait() => return Ok(()),
        _ = parent.asked() => return Ok(()),
    };
    let edge = Edge::start_with(config, client)
        .await
        .map_err(Failure::run_time)?;
    tokio::select! {
        () = edge.keys_known() => {}
        _ = signals.wait() => return Ok(()),
    }
    let admin = edge.admin_address().map(|address| address.to_string());
    tracing::info!(
        listen = addresses(&edge).join(", "),
        admin = admin.as_deref(),
        "the edge is ready"
    );
    parent.ready(addresses(&edge))?;

    let reason = loop {
        tokio::select! {
            signal = signals.wait() => break signal,
            _ = parent.asked() => break "the process that started this one is gone",
            () = hangup.wait() => {
                let Reloaded { changed, failed, .. } = edge.reload().await;
                tracing::info!(changed, failed, "SIGHUP: looked at the sites' files again");
            }
        }
    };
    tracing::info!(
        reason,
        grace = args.grace,
        "stopping when open connections end"
    );
    tokio::select! {
        _cut = edge.shutdown(Duration::from_secs(args.grace)) => {}
        _ = signals.wait() => tracing::info!("stopping at once"),
    }
    Ok(())
}

/// Connects to the key servers, and waits until one of them tells which keys this edge may use.
pub(crate) async fn await_keys(
    config: &KeyClientConfig,
    limit: Duration,
) -> Result<(KeyClient, HashSet<KeyId>), Failure> {
    let client = KeyClient::start(config.clone()).map_err(Failure::configuration)?;
    let mut catalog = client.catalog();
    if let Ok(Ok(catalog)) = timeout(limit, catalog.wait_for(Option::is_some)).await {
        let entries = catalog.iter().flat_map(|catalog| &catalog.entries);
        let keys = entries.map(|entry| entry.key).collect();
        return Ok((client.clone(), keys));
    }
    let why = match client.state() {
        ConnectionState::Failed(error) => error.to_string(),
        _ => "it does not answer".to_owned(),
    };
    let targets: Vec<String> = config
        .servers
        .iter()
        .map(|server| server.target.to_string())
        .collect();
    let who = match targets.as_slice() {
        [one] => format!("the key server at {one} gives no keys"),
        several => format!(
            "none of the key servers at {} gives keys",
            several.join(", ")
        ),
    };
    Err(Failure::key_server(format!(
        "{who} within {} seconds: {why}",
        limit.as_secs()
    )))
}

/// Where the edge listens.
pub(crate) fn addresses(edge: &RunningEdge) -> Vec<String> {
    edge.addresses().iter().map(ToString::to_string).collect()
}
