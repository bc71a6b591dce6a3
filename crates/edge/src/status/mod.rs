//! What an edge shows on its admin address.

mod metrics;
mod page;

use std::fmt;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use keyward_keyclient::ConnectionState;
use keyward_observe::{Exposition, Page, Subject};

use crate::certificates;
use crate::edge::Shared;
use crate::sites::Site;

/// An edge, looked at.
pub(crate) struct Status(pub(crate) Arc<Shared>);

impl Subject for Status {
    fn metrics(&self, out: &mut Exposition<'_>) -> fmt::Result {
        metrics::write(&self.0, out)
    }

    fn not_ready(&self) -> Vec<String> {
        not_ready(&self.0)
    }

    fn page(&self) -> Page {
        page::page(&self.0)
    }
}

/// What makes handshakes fail, or wait, whatever their site. One site's trouble is no reason to send the clients of all others
/// elsewhere: it is in the metrics and on the page.
fn not_ready(shared: &Shared) -> Vec<String> {
    let mut reasons = Vec::new();
    if shared.drain.is_cancelled() {
        reasons.push("it stops: no new connections are accepted".to_owned());
    }
    if let Some(why) = no_key_server(shared) {
        reasons.push(why);
    }
    if shared
        .sites
        .iter()
        .all(|site| site.certificates().is_empty())
    {
        reasons.push("no site has a certificate: the key server has told none yet".to_owned());
    }
    let open = shared.counters.read().open_connections;
    if usize::try_from(open).is_ok_and(|open| open >= shared.connection_limit) {
        reasons.push(format!(
            "{} connections are open, which is the limit: new ones wait",
            shared.connection_limit
        ));
    }
    reasons
}

/// Why no key server can be asked now.
fn no_key_server(shared: &Shared) -> Option<String> {
    match shared.resolver.keys.state() {
        ConnectionState::Connected { .. } => None,
        ConnectionState::Failed(why) => Some(format!("no key server in reach: {why}")),
        _ => Some("no key server in reach: the first connection is being made".to_owned()),
    }
}

/// A certificate of a site.
struct Certificate {
    site: String,
    /// Its place among the site's certificates.
    number: usize,
    kind: String,
    names: Vec<String>,
    not_after: Option<i64>,
    /// Whether the key server lets this edge use its key; `None` as long as it has told nothing.
    usable: Option<bool>,
}

fn certificates_of(site: &Site) -> Vec<Certificate> {
    let credentials = site.certificates().into_iter().enumerate();
    credentials
        .map(|(number, credential)| {
            let leaf = &credential.chain()[0];
            let names = certificates::names(leaf);
            Certificate {
                site: site.title(),
                number,
                kind: credential.public_key().kind().to_string(),
                names: names.iter().map(ToString::to_string).collect(),
                not_after: certificates::not_after(leaf),
                usable: site.is_usable(&credential),
            }
        })
        .collect()
}

fn now() -> i64 {
    let since_1970 = SystemTime::now().duration_since(UNIX_EPOCH);
    since_1970.map_or(0, |since| {
        i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
    })
}
