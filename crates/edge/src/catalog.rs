//! What the key server says that this edge may use, brought to the sites.

use std::collections::HashMap;
use std::sync::Arc;

use keyward_keyclient::{Catalog, KeyClient};
use keyward_keyop::{KeyId, OperationKind};
use keyward_tls::Credential;
use rustls_pki_types::CertificateDer;
use tokio::sync::watch;
use tracing::{debug, info, warn};

use crate::sites::Sites;

/// Follows the catalog for as long as the edge runs; `known` becomes true with the first one.
pub(crate) async fn follow(keys: KeyClient, sites: Arc<Sites>, known: watch::Sender<bool>) {
    let mut catalogs = keys.catalog();
    loop {
        let catalog = catalogs.borrow_and_update().clone();
        if let Some(catalog) = catalog {
            apply(&catalog, &sites);
            known.send_replace(true);
        }
        if catalogs.changed().await.is_err() {
            return;
        }
    }
}

/// Which operations the key server does with each key.
pub(crate) type Operations = HashMap<KeyId, Vec<OperationKind>>;

fn apply(catalog: &Catalog, sites: &Sites) {
    let mut operations = Operations::new();
    let mut chains = Vec::new();
    for entry in &catalog.entries {
        operations
            .entry(entry.key)
            .or_insert_with(|| entry.operations.clone());
        if entry.chain.is_empty() {
            continue;
        }
        let chain = entry.chain.iter().cloned().map(CertificateDer::from);
        match Credential::new(chain.collect()) {
            Ok(certificate) => chains.push(Arc::new(certificate)),
            Err(cause) => {
                warn!(key = %entry.key, label = entry.label, %cause,
                    "a chain in the key server's catalog cannot be used");
            }
        }
    }
    let operations = Arc::new(operations);
    debug!(
        keys = operations.len(),
        chains = chains.len(),
        "the key server's catalog has come"
    );
    for site in sites.iter() {
        site.take_catalog(&chains, &operations);
        let names = site.title();
        if site.certificates().is_empty() {
            warn!(
                site = names,
                "the key server has no certificate chain for this site"
            );
        }
        for certificate in site.certificates() {
            let allowed = operations.get(&certificate.key());
            let delegates = |some: &Vec<_>| some.contains(&OperationKind::DelegatedCredential);
            if site.delegated.is_some() && !allowed.is_some_and(delegates) {
                warn!(site = names, key = %certificate.key(),
                    "no delegated credential: the key server's rules do not have the operation                      delegated-credential for this edge and key");
            }
            if allowed.is_some() {
                info!(site = names, key = %certificate.key(), "serving with this key");
            } else {
                warn!(site = names, key = %certificate.key(),
                    "the key server does not let this edge use the key of the site's certificate");
            }
        }
    }
}
