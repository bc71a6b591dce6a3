//! Key operations, performed as a key server would: they come as bytes, are checked, and go back as bytes.

use keyward_crypto::private_key::PrivateKey;
use keyward_keyop::{KeyId, KeyRules, Operation};
use keyward_tls::{Answer, KeyOperationNeed};
use keyward_wire::codec::{Decode as _, Encode as _};

/// The answer of a key server that has this key, of a client or of a server, and allows it everything that such a key does.
pub(super) fn perform(
    need: KeyOperationNeed,
    key: &PrivateKey,
    client: bool,
) -> Result<Answer, String> {
    let (id, operation) = need.into_parts();
    let operation = Operation::from_bytes(&operation.to_bytes())
        .map_err(|error| format!("the operation does not decode: {error}"))?;
    if operation.key() != KeyId::of_public_key(key.public_key()) {
        return Err("the operation is for another key".to_owned());
    }
    let rules = KeyRules {
        // One RSA key for every case: nobody but a test should do this.
        rsa_decryption: true,
        legacy: true,
        client,
        ..KeyRules::signing(key.public_key())
    };
    let result = operation
        .check(&rules)
        .map_err(|error| format!("the key server refuses: {error}"))?
        .perform(key)
        .map_err(|error| format!("the key operation failed: {error}"))?;
    Ok(Answer::key_operation(id, Ok(result)))
}
