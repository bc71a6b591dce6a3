//! An edge that asks for the same operation again and again.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use keyward_bench::Result;
use keyward_bench::rounds::median;
use keyward_keyclient::{Address, KeyClient, KeyClientConfig, Performed};
use keyward_keyop::Operation;
use keyward_wire::codec::Decode;
use tokio::runtime::Runtime;
use tokio::task::JoinSet;

/// Operations in flight at a time: a busy edge's.
const IN_FLIGHT: usize = 64;

const DEADLINE: Duration = Duration::from_secs(5);

pub(crate) struct Load {
    runtime: Runtime,
    client: KeyClient,
}

/// One operation with nothing else going on.
pub(crate) struct Alone {
    /// From the call to the answer.
    pub(crate) round_trip: Duration,
    /// Of it, the worker's: the operation's checks and the signature.
    pub(crate) work: Duration,
}

impl Load {
    pub(crate) fn connect(address: &Address, directory: &Path) -> Result<Self> {
        let runtime = Runtime::new()?;
        let config = KeyClientConfig::from_files(
            address.clone(),
            "keyserver",
            &directory.join("ca.pem"),
            &directory.join("edge.pem"),
            &directory.join("edge.key"),
        )?;
        let client = runtime.block_on(async { KeyClient::start(config) })?;
        Ok(Self { runtime, client })
    }

    /// How many operations are performed in `time` with [`IN_FLIGHT`] of them in flight.
    pub(crate) fn run(&self, operation: &[u8], time: Duration) -> Result<u32> {
        let performed = Arc::new(AtomicU32::new(0));
        let until = Instant::now() + time;
        self.runtime.block_on(async {
            let mut tasks = JoinSet::new();
            for _ in 0..IN_FLIGHT {
                let (client, operation, performed) =
                    (self.client.clone(), operation.to_vec(), performed.clone());
                tasks.spawn(async move {
                    while Instant::now() < until {
                        perform(&client, &operation)
                            .await
                            .map_err(|error| error.to_string())?;
                        performed.fetch_add(1, Ordering::Relaxed);
                    }
                    Ok::<(), String>(())
                });
            }
            while let Some(finished) = tasks.join_next().await {
                finished??;
            }
            Ok(performed.load(Ordering::Relaxed))
        })
    }

    /// The medians of operations one after the other.
    pub(crate) fn alone(&self, operation: &[u8]) -> Result<Alone> {
        self.runtime.block_on(async {
            let (mut round_trips, mut works) = (Vec::new(), Vec::new());
            for _ in 0..1000 {
                let performed = perform(&self.client, operation).await?;
                round_trips.push(performed.round_trip.as_secs_f64());
                works.push(f64::from(performed.work_us) / 1e6);
            }
            Ok(Alone {
                round_trip: Duration::from_secs_f64(median(round_trips)),
                work: Duration::from_secs_f64(median(works)),
            })
        })
    }
}

async fn perform(client: &KeyClient, operation: &[u8]) -> Result<Performed> {
    let operation = Operation::from_bytes(operation)?;
    Ok(client.perform(operation, DEADLINE).await?)
}
