//! What an operation yields.

use core::fmt;

use keyward_crypto::hkdf::Secret;
use keyward_wire::codec::{Decode, DecodeError, DecodeErrorKind, Encode, Put, Reader};

use crate::tls12::MASTER_SECRET_LEN;

/// What the key server sends back.
pub enum OperationResult {
    /// A signature, as it goes into the handshake message: ECDSA in DER, RSA as long as the modulus.
    Signature(Vec<u8>),
    /// The master secret of a TLS 1.2 connection whose key exchange is RSA, 48 bytes. Never the
    /// premaster secret, which would serve for other handshakes.
    MasterSecret(Secret),
}

/// The longest signature that there may be: ML-DSA-87 has 4627 bytes.
const MAX_SIGNATURE_LEN: usize = 8192;

const SIGNATURE: u8 = 1;
const MASTER_SECRET: u8 = 2;

impl fmt::Debug for OperationResult {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Signature(signature) => write!(f, "Signature({} bytes)", signature.len()),
            Self::MasterSecret(_) => f.write_str("MasterSecret(secret)"),
        }
    }
}

/// `uint8 kind; select (kind) { case 1: opaque signature<1..8192>; case 2: opaque secret[48]; }`
impl Encode for OperationResult {
    fn encode(&self, out: &mut Vec<u8>) {
        match self {
            Self::Signature(signature) => {
                out.push(SIGNATURE);
                out.put_opaque_u16(signature);
            }
            Self::MasterSecret(secret) => {
                out.push(MASTER_SECRET);
                out.extend_from_slice(secret.as_bytes());
            }
        }
    }
}

impl<'a> Decode<'a> for OperationResult {
    fn decode(reader: &mut Reader<'a>) -> Result<Self, DecodeError> {
        match reader.u8("OperationResult kind")? {
            SIGNATURE => Ok(Self::Signature(
                reader
                    .opaque_u16("signature", 1..=MAX_SIGNATURE_LEN)?
                    .to_vec(),
            )),
            MASTER_SECRET => {
                let secret = reader.take("master secret", MASTER_SECRET_LEN)?;
                Ok(Self::MasterSecret(Secret::from_slice(secret)))
            }
            _ => Err(reader.error("OperationResult kind", DecodeErrorKind::IllegalValue)),
        }
    }
}
