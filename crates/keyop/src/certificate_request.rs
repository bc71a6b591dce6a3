//! The signature of a request for a certificate (PKCS#10).

use keyward_wire::codec::{Decode, DecodeError, Encode, Reader};
use keyward_wire::values::SignatureScheme;

use crate::checked::{CheckedOperation, Names, Task};
use crate::checks::names::check_names;
use crate::checks::scheme::{Version, check_key_scheme};
use crate::error::CheckError;
use crate::key_id::KeyId;
use crate::pkcs10;
use crate::rules::KeyRules;

/// The most names that one certificate is asked for: as many as certification authorities take.
pub const MAX_CERTIFICATE_NAMES: usize = 100;

/// Asks for the signature of a request for a certificate with these names, which proves to a certification authority
/// that who asks has the key.
///
/// It carries names, and the key server makes the request: [`pkcs10::request_info`] of the same names gives the same
/// bytes. What PKCS#10 signs has no context string in front, so who may choose its bytes can have it say what a TLS 1.2
/// server says; DNS names cannot.
#[derive(Debug)]
pub struct CertificateRequest {
    /// The key.
    pub key: KeyId,
    /// How to sign: PKCS#1 v1.5, ECDSA or Ed25519.
    pub scheme: SignatureScheme,
    /// DNS names, in lower case, or `*.` and a DNS name: 1 to [`MAX_CERTIFICATE_NAMES`].
    pub names: Vec<String>,
}

impl CertificateRequest {
    pub(crate) fn payload_len(&self) -> usize {
        self.names.iter().map(String::len).sum()
    }

    pub(crate) fn check<'a>(
        &'a self,
        rules: &KeyRules<'a>,
    ) -> Result<CheckedOperation<'a>, CheckError> {
        let names = check_names(self.names.iter().map(String::as_str), MAX_CERTIFICATE_NAMES)?;
        if pkcs10::algorithm_identifier(self.scheme).is_none() {
            return Err(CheckError::SchemeNotAllowed(self.scheme));
        }
        // X.509 binds no curve to a hash, as TLS 1.2 does not.
        let algorithm = check_key_scheme(self.scheme, Version::Tls12, rules)?;
        let message = pkcs10::request_info(rules.public_key, &names);
        Ok(CheckedOperation {
            public_key: rules.public_key,
            names: Names::Each(names),
            task: Task::Sign { algorithm, message },
        })
    }
}

/// `opaque key[32]; SignatureScheme scheme; Name names<0..2^16-1>`, `opaque Name<1..255>`
impl Encode for CertificateRequest {
    fn encode(&self, out: &mut Vec<u8>) {
        self.key.encode(out);
        self.scheme.encode(out);
        crate::fields::encode_names(&self.names, out);
    }
}

impl<'a> Decode<'a> for CertificateRequest {
    fn decode(reader: &mut Reader<'a>) -> Result<Self, DecodeError> {
        Ok(Self {
            key: Decode::decode(reader)?,
            scheme: Decode::decode(reader)?,
            names: crate::fields::decode_names(reader)?,
        })
    }
}
