use std::collections::HashMap;
use std::sync::{Arc, LazyLock};

use keyward_crypto::private_key::PrivateKey;
use keyward_keyop::KeyId;
use keyward_pki::{Authority, Issued, KeyAlgorithm, Request, Usage};
use keyward_tls::Credential;
use rustls::RootCertStore;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};

/// A certificate for shop.example and blog.example, and its private key.
pub(crate) struct Identity {
    pub(crate) certificate: Arc<Credential>,
    pub(crate) private_key: Arc<PrivateKey>,
    pub(crate) pkcs8: Vec<u8>,
}

impl Identity {
    pub(crate) fn new(issued: &Issued) -> Self {
        Self {
            certificate: Arc::new(Credential::new(issued.chain_der.clone()).unwrap()),
            private_key: Arc::new(PrivateKey::from_der(issued.key_der.secret_der()).unwrap()),
            pkcs8: issued.key_der.secret_der().to_vec(),
        }
    }

    /// The same key with another credential.
    pub(crate) fn with(&self, credential: Credential) -> Self {
        Self {
            certificate: Arc::new(credential),
            private_key: self.private_key.clone(),
            pkcs8: self.pkcs8.clone(),
        }
    }

    /// The private key as rustls takes it.
    pub(crate) fn key_der(&self) -> PrivateKeyDer<'static> {
        PrivatePkcs8KeyDer::from(self.pkcs8.clone()).into()
    }

    /// Names the private key; it is the certificate's, or one that the certificate delegates to.
    pub(crate) fn private_key_id(&self) -> KeyId {
        KeyId::of_public_key(self.private_key.public_key())
    }
}

struct Fixtures {
    roots: Arc<RootCertStore>,
    identities: HashMap<&'static str, Arc<Identity>>,
    clients: HashMap<&'static str, Arc<Identity>>,
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
        (algorithm.name(), Arc::new(Identity::new(&issued)))
    });
    let clients = algorithms.map(|algorithm| {
        let request = Request::new(&["edge.example"], algorithm, Usage::Client);
        let issued = authority.issue(&request).unwrap();
        (algorithm.name(), Arc::new(Identity::new(&issued)))
    });
    Fixtures {
        roots: Arc::new(roots),
        identities: HashMap::from(identities),
        clients: HashMap::from(clients),
    }
});

/// The one identity of this kind; keys are made once.
pub(crate) fn identity(algorithm: KeyAlgorithm) -> Arc<Identity> {
    FIXTURES.identities[algorithm.name()].clone()
}

/// The one client of this kind of key.
pub(crate) fn client_identity(algorithm: KeyAlgorithm) -> Arc<Identity> {
    FIXTURES.clients[algorithm.name()].clone()
}

pub(crate) fn roots() -> Arc<RootCertStore> {
    FIXTURES.roots.clone()
}

/// A certificate whose Key Usage is no BIT STRING: nobody can say what its key may do.
pub(crate) fn with_unreadable_key_usage(certificate: &[u8]) -> Vec<u8> {
    let mut certificate = certificate.to_vec();
    // id-ce-keyUsage, critical, and the OCTET STRING around it.
    let before = [0x55, 0x1d, 0x0f, 1, 1, 0xff, 4, 4];
    let at = certificate.windows(8).position(|bytes| bytes == before);
    let tag = &mut certificate[at.expect("it has a Key Usage") + before.len()];
    assert_eq!(*tag, 3, "BIT STRING");
    *tag = 4;
    certificate
}
