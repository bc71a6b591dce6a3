//! What an edge sends to a key server: decoded, checked, and performed if it passes.

use std::sync::LazyLock;

use keyward_crypto::private_key::PrivateKey;
use keyward_keyop::{KeyId, KeyRules, Operation, OperationResult};
use keyward_wire::codec::{Decode, Encode};

/// The key server's keys: small ones of each kind that operations treat differently.
pub static KEYS: LazyLock<[PrivateKey; 3]> = LazyLock::new(|| {
    [
        &include_bytes!("../../../crates/crypto/tests/data/p256.pkcs8.pem")[..],
        include_bytes!("../../../crates/crypto/tests/data/rsa2048.pkcs8.pem"),
        include_bytes!("../../../crates/crypto/tests/data/ed25519.pkcs8.pem"),
    ]
    .map(|pem| PrivateKey::from_pem(pem).expect("the tests' key is one"))
});

/// One input: a byte of rules, then the operation.
pub fn run(data: &[u8]) {
    let Some((rules, bytes)) = data.split_first() else {
        return;
    };
    let Ok(operation) = Operation::from_bytes(bytes) else {
        return;
    };
    assert_eq!(operation.to_bytes(), bytes, "an operation has one encoding");
    for key in KEYS.iter() {
        let rules = KeyRules {
            rsa_decryption: rules & 1 != 0,
            rsa_signing: rules & 2 != 0,
            legacy: rules & 4 != 0,
            client: rules & 8 != 0,
            ..KeyRules::signing(key.public_key())
        };
        let Ok(checked) = operation.check(&rules) else {
            continue;
        };
        assert_eq!(
            operation.key(),
            KeyId::of_public_key(key.public_key()),
            "an operation is for the key that it names"
        );
        for other in KEYS
            .iter()
            .filter(|other| other.public_key() != key.public_key())
        {
            assert!(
                checked.perform(other).is_err(),
                "performed with another key"
            );
        }
        let result = checked
            .perform(key)
            .expect("what passes the checks can be performed");
        let is_secret = matches!(result, OperationResult::MasterSecret(_));
        let decrypts = operation.kind() == keyward_keyop::OperationKind::Tls12RsaMasterSecret;
        assert_eq!(
            is_secret, decrypts,
            "signatures for signing, secrets for decrypting"
        );
        assert!(!decrypts || rules.rsa_decryption);
    }
}
