//! EncryptedExtensions (RFC 9846 §4.4.1).

use super::Message;
pub use crate::extensions::EncryptedExtensions;
use crate::values::HandshakeType;

impl Message for EncryptedExtensions {
    const TYPE: HandshakeType = HandshakeType::ENCRYPTED_EXTENSIONS;
}
