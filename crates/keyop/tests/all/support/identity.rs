//! Keys with certificates, made once for a test binary.

use std::sync::OnceLock;

use keyward_crypto::private_key::PrivateKey;
use keyward_keyop::KeyId;
use keyward_pki::{Authority, KeyAlgorithm};

pub(crate) struct Identity {
    pub(crate) key: PrivateKey,
    pub(crate) certificate: Vec<u8>,
}

/// Which key.
pub(crate) type WhichKey = fn() -> &'static Identity;

impl Identity {
    pub(crate) fn id(&self) -> KeyId {
        KeyId::of_public_key(self.key.public_key())
    }

    fn new(algorithm: KeyAlgorithm) -> Self {
        let authority = Authority::new("test").unwrap();
        let issued = authority
            .issue_server(&["shop.example"], algorithm)
            .unwrap();
        Self {
            key: PrivateKey::from_der(issued.key_der.secret_der()).unwrap(),
            certificate: issued.chain_der[0].to_vec(),
        }
    }
}

macro_rules! identities {
    ($($name:ident = $algorithm:ident;)*) => {
        $(
            pub(crate) fn $name() -> &'static Identity {
                static IDENTITY: OnceLock<Identity> = OnceLock::new();
                IDENTITY.get_or_init(|| Identity::new(KeyAlgorithm::$algorithm))
            }
        )*
    };
}

identities! {
    rsa = Rsa2048;
    rsa3072 = Rsa3072;
    p256 = P256;
    other_p256 = P256;
    p384 = P384;
    ed25519 = Ed25519;
}
