//! What an edge is told of the keys that it may use.

use keyward_protocol::{Catalog, CatalogEntry};

use crate::policy::{EdgeGrant, Policy};
use crate::store::KeySet;

/// The keys and chains of an edge. A key whose every allowed operation is switched off is left out.
pub(crate) fn catalog(grant: &EdgeGrant, policy: &Policy, keys: &KeySet) -> Catalog {
    let mut entries = Vec::new();
    for key in keys.keys() {
        let Some(granted) = grant.describe(key.id()) else {
            continue;
        };
        let mut operations = policy.key_operations(key);
        // Edges cannot ask for raw ones.
        operations
            .retain(|operation| operation.is_typed() && granted.operations.contains(operation));
        if operations.is_empty() {
            continue;
        }
        let entry = CatalogEntry {
            key: key.id(),
            label: key.label().to_owned(),
            kind: key.public_key().kind(),
            operations,
            names: granted.names,
            allow_no_sni: granted.allow_no_sni,
            chain: Vec::new(),
        };
        if key.chains().is_empty() {
            entries.push(entry);
        } else {
            entries.extend(key.chains().iter().map(|chain| CatalogEntry {
                chain: chain.certificates.clone(),
                ..entry.clone()
            }));
        }
    }
    Catalog { entries }
}
