//! From names to addresses, and again when DNS says that they may have changed.

use std::fmt;
use std::net::SocketAddr;
use std::sync::Weak;
use std::time::Duration;

use hickory_resolver::TokioResolver;
use hickory_resolver::config::{
    ConnectionConfig, LookupIpStrategy, NameServerConfig, ResolverConfig,
};
use hickory_resolver::lookup::Lookup;
use hickory_resolver::net::NetError;
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use hickory_resolver::proto::rr::RData;
use keyward_protocol::Address;
use rustls_pki_types::ServerName;
use tokio::time::sleep;
use tracing::{info, warn};

use crate::backoff;
use crate::config::Dns;
use crate::fleet::Fleet;
use crate::server::Endpoint;
use crate::target::Target;

/// More addresses than this of one name are a mistake.
const MAX_ENDPOINTS: usize = 32;

/// For one question and its answer.
const QUESTION_TIMEOUT: Duration = Duration::from_secs(2);

/// The pauses after failures.
const RETRY_MIN: Duration = Duration::from_millis(200);
const RETRY_MAX: Duration = Duration::from_secs(10);

/// A name in a configuration, kept resolved.
pub(crate) struct Resolving {
    pub(crate) target: Target,
    /// The name that the certificates must have.
    pub(crate) name: ServerName<'static>,
    pub(crate) dns: Dns,
}

impl Resolving {
    /// Keeps a group of the fleet up to date until the fleet is gone.
    pub(crate) async fn keep(self, fleet: Weak<Fleet>, group: usize) {
        let mut failures = 0;
        let mut known: Vec<Endpoint> = Vec::new();
        loop {
            let resolved = self.resolve().await;
            let Some(fleet) = fleet.upgrade() else { return };
            let pause = match resolved {
                Ok(found) => {
                    failures = 0;
                    if found.endpoints != known {
                        let labels: Vec<_> =
                            found.endpoints.iter().map(|at| at.label.as_str()).collect();
                        info!(name = %self.target, servers = labels.join(", "), "name resolved");
                        known.clone_from(&found.endpoints);
                        fleet.replace(group, found.endpoints);
                    }
                    found.ttl.clamp(self.dns.min_ttl, self.dns.max_ttl)
                }
                // What it led to before is not wrong for it.
                Err(error) => {
                    failures += 1;
                    // Once in a while is enough for a log while it lasts.
                    if failures < 3 || failures % 16 == 0 {
                        warn!(name = %self.target, cause = %error, "name does not resolve");
                    }
                    fleet.fails(group, error.to_string());
                    let fraction = fleet.common.dice.fraction();
                    backoff::pause(failures, RETRY_MIN, RETRY_MAX, fraction)
                }
            };
            drop(fleet);
            sleep(pause).await;
        }
    }

    async fn resolve(&self) -> Result<Found, ResolveError> {
        // Anew each time: the system's configuration may have changed, and it is a rare thing.
        let resolver = resolver(&self.dns)?;
        let mut found = Found {
            endpoints: Vec::new(),
            ttl: Duration::MAX,
        };
        match &self.target {
            Target::Address(Address::Tcp { host, port }) => {
                self.host(&resolver, host, *port, 0, &mut found).await?;
            }
            Target::Address(address @ Address::Unix(_)) => found.endpoints.push(Endpoint {
                address: address.clone(),
                name: self.name.clone(),
                label: address.to_string(),
                priority: 0,
            }),
            Target::Srv(name) => {
                let lookup = resolver.srv_lookup(name.as_str()).await?;
                found.lasts(&lookup);
                let mut failed = None;
                for record in lookup.answers() {
                    let RData::SRV(srv) = &record.data else {
                        continue;
                    };
                    // RFC 2782: "A Target of "." means that the service is decidedly not available at this domain."
                    if srv.target.is_root() {
                        continue;
                    }
                    let host = srv.target.to_utf8();
                    let one = self
                        .host(&resolver, &host, srv.port, srv.priority, &mut found)
                        .await;
                    failed = one.err().or(failed);
                }
                if let (true, Some(error)) = (found.endpoints.is_empty(), failed) {
                    return Err(error);
                }
            }
        }
        // The order in which a name server puts them means nothing.
        found
            .endpoints
            .sort_by(|one, other| (one.priority, &one.label).cmp(&(other.priority, &other.label)));
        found.endpoints.dedup();
        found.endpoints.truncate(MAX_ENDPOINTS);
        Ok(found)
    }

    /// The addresses of a host.
    async fn host(
        &self,
        resolver: &TokioResolver,
        host: &str,
        port: u16,
        priority: u16,
        found: &mut Found,
    ) -> Result<(), ResolveError> {
        let lookup = resolver.lookup_ip(host).await?;
        found.lasts(lookup.as_lookup());
        for ip in lookup.iter() {
            found.endpoints.push(Endpoint {
                address: Address::Tcp {
                    host: ip.to_string(),
                    port,
                },
                name: self.name.clone(),
                label: format!(
                    "{} ({})",
                    host.trim_end_matches('.'),
                    SocketAddr::new(ip, port)
                ),
                priority,
            });
        }
        Ok(())
    }
}

/// What a name leads to.
struct Found {
    endpoints: Vec<Endpoint>,
    /// How long that is true.
    ttl: Duration,
}

impl Found {
    fn lasts(&mut self, lookup: &Lookup) {
        let shortest = lookup.answers().iter().map(|record| record.ttl).min();
        if let Some(seconds) = shortest {
            self.ttl = self.ttl.min(Duration::from_secs(seconds.into()));
        }
    }
}

fn resolver(dns: &Dns) -> Result<TokioResolver, ResolveError> {
    let mut builder = if dns.name_servers.is_empty() {
        TokioResolver::builder_tokio()?
    } else {
        let servers = dns.name_servers.iter().map(|address| {
            let connections = [ConnectionConfig::udp(), ConnectionConfig::tcp()];
            let connections = connections.map(|mut connection| {
                connection.port = address.port();
                connection
            });
            NameServerConfig::new(address.ip(), true, connections.to_vec())
        });
        let config = ResolverConfig::from_name_servers(servers.collect());
        TokioResolver::builder_with_config(config, TokioRuntimeProvider::default())
    };
    let options = builder.options_mut();
    options.ip_strategy = LookupIpStrategy::Ipv4AndIpv6;
    options.timeout = QUESTION_TIMEOUT;
    Ok(builder.build()?)
}

/// Why a name leads nowhere.
#[derive(Debug)]
pub(crate) struct ResolveError(NetError);

impl From<NetError> for ResolveError {
    fn from(error: NetError) -> Self {
        Self(error)
    }
}

impl fmt::Display for ResolveError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_nx_domain() {
            return f.write_str("DNS does not know this name");
        }
        if self.0.is_no_records_found() {
            return f.write_str("DNS knows no address of this name");
        }
        // A name server has a part in the text: no control characters in the log.
        write!(f, "DNS: {}", self.0.to_string().escape_debug())
    }
}
