//! The signature of a certificate's key over a delegated credential (RFC 9345).

use keyward_crypto::certificate::CertificateInfo;
use keyward_crypto::signature::{KeyKind, PublicKey};
use keyward_wire::codec::{Decode, DecodeError, DecodeErrorKind, Encode, Put, Reader};
use keyward_wire::extensions;
use keyward_wire::values::SignatureScheme;

use crate::checked::{CheckedOperation, Names, Task};
use crate::checks::certificate::check_leaf;
use crate::checks::names::check_names;
use crate::checks::scheme::{Version, check_key_scheme, fitting};
use crate::error::CheckError;
use crate::key_id::KeyId;
use crate::rules::KeyRules;
use crate::tls13;

/// The longest time in seconds from now for which a credential is signed: a day. RFC 9345 lets clients accept seven;
/// nobody can take one back.
pub const MAX_CREDENTIAL_SECONDS: u64 = 24 * 60 * 60;

/// Asks for the signature over a credential: a key of the edge's that serves in the place of the certificate's until it
/// expires, for every name of the certificate, and without asking the key server.
#[derive(Debug)]
pub struct DelegatedCredential {
    /// The certificate's key.
    pub key: KeyId,
    /// How to sign.
    pub scheme: SignatureScheme,
    /// The leaf certificate, DER.
    pub certificate: Vec<u8>,
    /// How long the credential is valid, in seconds from the certificate's notBefore.
    pub valid_time: u32,
    /// How the credential's key will sign.
    pub credential_scheme: SignatureScheme,
    /// The credential's key, a SubjectPublicKeyInfo in DER.
    pub public_key: Vec<u8>,
}

impl DelegatedCredential {
    /// The credential, with the signature that the operation has yielded.
    pub fn into_credential(self, signature: Vec<u8>) -> extensions::DelegatedCredential {
        extensions::DelegatedCredential {
            valid_time: self.valid_time,
            dc_cert_verify_algorithm: self.credential_scheme,
            subject_public_key_info: self.public_key,
            algorithm: self.scheme,
            signature,
        }
    }

    pub(crate) fn payload_len(&self) -> usize {
        self.certificate.len() + self.public_key.len()
    }

    pub(crate) fn check<'a>(
        &'a self,
        rules: &KeyRules<'a>,
    ) -> Result<CheckedOperation<'a>, CheckError> {
        check_leaf(Some(&self.certificate), rules)?;
        let certificate = CertificateInfo::parse(&self.certificate).ok_or(DecodeError {
            what: "leaf certificate",
            kind: DecodeErrorKind::IllegalValue,
            offset: 0,
        })?;
        if !certificate.may_delegate() {
            return Err(CheckError::DelegationNotAllowed);
        }
        // One padding oracle away from a credential of the attacker's.
        if rules.rsa_decryption || rules.raw_rsa_decryption {
            return Err(CheckError::DelegationByDecryptionKey);
        }
        self.check_validity(&certificate, rules.now)?;
        self.check_credential_key()?;
        let names = certificate.dns_names().ok_or(CheckError::NameNotDns)?;
        let names = check_names(names, usize::MAX)?;

        let algorithm = check_key_scheme(self.scheme, Version::Tls13, rules)?;
        let unsigned = extensions::DelegatedCredential {
            valid_time: self.valid_time,
            dc_cert_verify_algorithm: self.credential_scheme,
            subject_public_key_info: self.public_key.clone(),
            algorithm: self.scheme,
            signature: Vec::new(),
        };
        Ok(CheckedOperation {
            public_key: rules.public_key,
            names: Names::Each(names),
            task: Task::Sign {
                algorithm,
                message: tls13::server_delegated_credential_message(&self.certificate, &unsigned),
            },
        })
    }

    /// It ends after now, within a day, and not after its certificate.
    fn check_validity(
        &self,
        certificate: &CertificateInfo<'_>,
        now: u64,
    ) -> Result<(), CheckError> {
        let expires = certificate.not_before() + u64::from(self.valid_time);
        let seconds = expires
            .checked_sub(now)
            .filter(|seconds| *seconds > 0)
            .ok_or(CheckError::CredentialExpired)?;
        if seconds > MAX_CREDENTIAL_SECONDS {
            return Err(CheckError::CredentialTooLong { seconds });
        }
        if expires > certificate.not_after() {
            return Err(CheckError::CredentialOutlivesCertificate);
        }
        Ok(())
    }

    /// A key that Keyward knows, with a scheme of TLS 1.3 that is its own. RFC 9345 §4 has no place for keys with the OID
    /// rsaEncryption, and so for the rsa_pss_rsae schemes.
    fn check_credential_key(&self) -> Result<(), CheckError> {
        let key =
            PublicKey::from_spki_der(&self.public_key).map_err(|_| CheckError::CredentialKey)?;
        // The spelling is signed and hashed by others: one key, one spelling.
        if matches!(key.kind(), KeyKind::Rsa { .. }) || key.spki_der() != self.public_key {
            return Err(CheckError::CredentialKey);
        }
        fitting(self.credential_scheme, Version::Tls13, key.kind()).map(|_| ())
    }
}

/// `opaque key[32]; SignatureScheme scheme; opaque certificate<1..2^24-1>; uint32 valid_time;
/// SignatureScheme credential_scheme; opaque public_key<1..2^16-1>`
impl Encode for DelegatedCredential {
    fn encode(&self, out: &mut Vec<u8>) {
        self.key.encode(out);
        self.scheme.encode(out);
        crate::fields::encode_certificate(&self.certificate, out);
        out.put_u32(self.valid_time);
        self.credential_scheme.encode(out);
        crate::fields::encode_public_key(&self.public_key, out);
    }
}

impl<'a> Decode<'a> for DelegatedCredential {
    fn decode(reader: &mut Reader<'a>) -> Result<Self, DecodeError> {
        Ok(Self {
            key: Decode::decode(reader)?,
            scheme: Decode::decode(reader)?,
            certificate: crate::fields::decode_certificate(reader)?,
            valid_time: reader.u32("valid_time")?,
            credential_scheme: Decode::decode(reader)?,
            public_key: crate::fields::decode_public_key(reader)?,
        })
    }
}
