//! The signature of a TLS 1.3 server, over a transcript that only the edge has seen.

use keyward_crypto::hash::HashAlgorithm;
use keyward_wire::codec::{Decode, DecodeError, Encode, Put, Reader};
use keyward_wire::values::SignatureScheme;

use crate::checked::{CheckedOperation, Names, Task};
use crate::checks::scheme::{Version, check_key_scheme};
use crate::error::CheckError;
use crate::key_id::KeyId;
use crate::rules::KeyRules;
use crate::tls13;

/// Asks for the signature in the server's CertificateVerify (RFC 9846 §4.5.2) with the transcript's hash instead of the
/// messages: a hundred bytes instead of thousands, for thin links.
///
/// The price is that the key server sees nothing. It cannot tell which name the client asks for, whether there is a client,
/// or whether the certificate in the transcript is this key's. What is left is what the bytes to be signed have in front:
/// it is a TLS 1.3 server's signature, and can be taken for nothing else. So this is for keys whose owner says so, and for
/// edges that may use them for every name.
///
/// There is no nonce in it. It could only be compared with the random of a ServerHello, which is not here, and a signature
/// over a recorded TLS 1.3 handshake is worth nothing to anybody: it decrypts nothing, and a new connection has a new
/// transcript.
#[derive(Debug)]
pub struct Tls13TranscriptHash {
    /// The key.
    pub key: KeyId,
    /// How to sign.
    pub scheme: SignatureScheme,
    /// The hash of the messages from ClientHello to Certificate, by the hash of the cipher suite: 32 or 48 bytes.
    pub transcript_hash: Vec<u8>,
}

impl Tls13TranscriptHash {
    pub(crate) fn payload_len(&self) -> usize {
        self.transcript_hash.len()
    }

    pub(crate) fn check<'a>(
        &'a self,
        rules: &KeyRules<'a>,
    ) -> Result<CheckedOperation<'a>, CheckError> {
        if !rules.transcript_hash {
            return Err(CheckError::TranscriptHashDisabled);
        }
        let found = self.transcript_hash.len();
        let known = [HashAlgorithm::Sha256, HashAlgorithm::Sha384];
        if !known.iter().any(|hash| hash.output_len() == found) {
            return Err(CheckError::TranscriptHashLength { found });
        }
        let algorithm = check_key_scheme(self.scheme, Version::Tls13, rules)?;
        Ok(CheckedOperation {
            public_key: rules.public_key,
            names: Names::Any,
            task: Task::Sign {
                algorithm,
                message: tls13::server_certificate_verify_message(&self.transcript_hash),
            },
        })
    }
}

/// `opaque key[32]; SignatureScheme scheme; opaque transcript_hash<0..255>`
impl Encode for Tls13TranscriptHash {
    fn encode(&self, out: &mut Vec<u8>) {
        self.key.encode(out);
        self.scheme.encode(out);
        out.put_opaque_u8(&self.transcript_hash);
    }
}

impl<'a> Decode<'a> for Tls13TranscriptHash {
    fn decode(reader: &mut Reader<'a>) -> Result<Self, DecodeError> {
        Ok(Self {
            key: Decode::decode(reader)?,
            scheme: Decode::decode(reader)?,
            transcript_hash: reader.opaque_u8("transcript_hash", 0..=0xff)?.to_vec(),
        })
    }
}
