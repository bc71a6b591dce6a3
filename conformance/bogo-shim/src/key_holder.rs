//! The key server, as far as the engine can tell: operations come as bytes, are checked, performed
//! with a local key, and their results go back as bytes.

use std::collections::HashMap;

use keyward_crypto::private_key::PrivateKey;
use keyward_keyop::{KeyId, KeyRules, Operation, OperationResult};
use keyward_wire::codec::{Decode as _, Encode as _};

use crate::failure::{Failure, unmet};

#[derive(Debug)]
pub(crate) struct KeyHolder {
    keys: HashMap<KeyId, PrivateKey>,
    is_client: bool,
}

impl KeyHolder {
    /// Keys of a client, or of a server.
    pub(crate) fn new(is_client: bool) -> Self {
        Self {
            keys: HashMap::new(),
            is_client,
        }
    }

    pub(crate) fn add(&mut self, key: PrivateKey) -> KeyId {
        let id = KeyId::of_public_key(key.public_key());
        self.keys.insert(id, key);
        id
    }

    /// What a key server that gets this operation answers with.
    ///
    /// # Errors
    /// A check that fails fails the test: whatever the client does, an edge that is in order sends
    /// only operations that pass.
    pub(crate) fn perform(&self, operation: &Operation) -> Result<OperationResult, Failure> {
        let request = operation.to_bytes();
        let operation = Operation::from_bytes(&request)
            .map_err(|error| unmet(format!("the operation does not decode: {error}")))?;
        let key = self
            .keys
            .get(&operation.key())
            .ok_or_else(|| unmet("an operation with another key"))?;
        let rules = KeyRules {
            // The runner has one RSA key for everything. Nobody but a test should do this.
            rsa_decryption: true,
            legacy: true,
            client: self.is_client,
            ..KeyRules::signing(key.public_key())
        };
        let checked = operation
            .check(&rules)
            .map_err(|error| unmet(format!("the key server refuses: {error:?}: {error}")))?;
        let result = checked
            .perform(key)
            .map_err(|error| unmet(format!("the key operation failed: {error}")))?;
        let reply = result.to_bytes();
        OperationResult::from_bytes(&reply)
            .map_err(|error| unmet(format!("the result does not decode: {error}")))
    }
}
