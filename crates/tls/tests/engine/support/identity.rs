use std::collections::HashMap;
use std::sync::{Arc, LazyLock};

use keyward_crypto::private_key::PrivateKey;
use keyward_pki::{Authority, KeyAlgorithm};
use keyward_tls::Credential;
use rustls::RootCertStore;

/// A certificate for shop.example and blog.example, and its private key.
pub(crate) struct Identity {
    pub(crate) certificate: Arc<Credential>,
    pub(crate) private_key: Arc<PrivateKey>,
}

struct Fixtures {
    roots: Arc<RootCertStore>,
    identities: HashMap<&'static str, Arc<Identity>>,
}

static FIXTURES: LazyLock<Fixtures> = LazyLock::new(|| {
    let authority = Authority::new("test CA").unwrap();
    let mut roots = RootCertStore::empty();
    roots.add(authority.ca_der().clone()).unwrap();
    let algorithms = [
        KeyAlgorithm::Rsa2048,
        KeyAlgorithm::P256,
        KeyAlgorithm::P384,
        KeyAlgorithm::Ed25519,
    ];
    let identities = algorithms.map(|algorithm| {
        let issued = authority
            .issue_server(&["shop.example", "blog.example"], algorithm)
            .unwrap();
        let identity = Identity {
            certificate: Arc::new(Credential::new(issued.chain_der).unwrap()),
            private_key: Arc::new(PrivateKey::from_der(issued.key_der.secret_der()).unwrap()),
        };
        (algorithm.name(), Arc::new(identity))
    });
    Fixtures {
        roots: Arc::new(roots),
        identities: HashMap::from(identities),
    }
});

/// The one identity of this kind; keys are made once.
pub(crate) fn identity(algorithm: KeyAlgorithm) -> Arc<Identity> {
    FIXTURES.identities[algorithm.name()].clone()
}

pub(crate) fn roots() -> Arc<RootCertStore> {
    FIXTURES.roots.clone()
}
